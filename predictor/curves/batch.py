"""Many curves as one padded array, so that thousands are fitted in a few calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from predictor.fitting.law import Array
from predictor.fitting.problem import Residual

#: Points are averaged in this many bins, equally wide in log x; enough for any law here.
BINS = 48
#: Points further back than this share of the last x have no say in where the curve goes.
REACH = 1 / 300


@dataclass(frozen=True)
class CurveBatch:
    """Falling curves, padded to one length.

    Parameters
    ----------
    x : array, (curves, points)
        Positive places, ascending within a curve; padding repeats the last point.
    z : array, (curves, points)
        What falls: a loss, or the distance to a ceiling. Positive where ``residual`` is "log".
    used : array, (curves, points)
        1 for a point, 0 for padding and for points that are hidden.
    residual : {"log", "linear"}
        How misfit is measured.
    """

    x: Array
    z: Array
    used: Array
    residual: Residual = "log"

    @classmethod
    def from_curves(
        cls, curves: Sequence[tuple[Array, Array]], residual: Residual = "log"
    ) -> CurveBatch:
        """Pad curves, given as pairs of x and z with at least one point each, to one length."""
        size = max(len(x) for x, _ in curves)
        x, z, used = (np.zeros((len(curves), size)) for _ in range(3))
        for row, (place, value) in enumerate(curves):
            count = len(place)
            x[row, :count], x[row, count:] = place, place[-1]
            z[row, :count], z[row, count:] = value, value[-1]
            used[row, :count] = 1.0
        return cls(x, z, used, residual)

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """Number of points of each curve."""
        counts: NDArray[np.intp] = self.used.sum(axis=1).astype(np.intp)
        return counts

    @cached_property
    def last_x(self) -> Array:
        """Place of each curve's last point."""
        return self.x[np.arange(len(self.x)), self.counts - 1]

    @cached_property
    def last_z(self) -> Array:
        """Value of each curve's last point."""
        return self.z[np.arange(len(self.z)), self.counts - 1]

    def take(self, rows: NDArray[np.intp]) -> CurveBatch:
        """Return the curves in these rows."""
        return CurveBatch(self.x[rows], self.z[rows], self.used[rows], self.residual)

    def in_units(self, unit: Array) -> CurveBatch:
        """Return the curves with z measured in other units, (curves, 1)."""
        return replace(self, z=self.z / unit)

    def hidden_after(self, counts: NDArray[np.intp]) -> CurveBatch:
        """Hide all but the first so many points of each curve."""
        seen = np.arange(self.x.shape[1]) < counts[:, None]
        return replace(self, used=self.used * seen)


def binned(x: Array, z: Array, bins: int = BINS, reach: float = REACH) -> tuple[Array, Array]:
    """Average a long curve in bins that are equally wide in log x.

    Parameters
    ----------
    x, z : array, (points,)
        Ascending positive places and their values.
    bins : int
        Number of bins; a curve of at most so many points is returned as it is.
    reach : float
        Points before ``reach * x[-1]`` are left out where the curve is longer than ``bins``.

    Returns
    -------
    x, z : array, (up to bins,)
        Geometric mean place and mean value of the points of each bin that has any.

    Examples
    --------
    >>> x, z = binned(np.arange(1.0, 1001.0), np.ones(1000), bins=10)
    >>> len(x), float(z.mean())
    (10, 1.0)
    """
    if len(x) <= bins:
        return x, z
    near = x >= reach * x[-1]
    x, z = x[near], z[near]
    edges = np.geomspace(x[0], x[-1], bins + 1)[1:-1]
    bin_of = np.searchsorted(edges, x, side="right")
    count = np.bincount(bin_of, minlength=bins)
    some = count > 0
    place = np.exp(np.bincount(bin_of, np.log(x), minlength=bins)[some] / count[some])
    return place, np.bincount(bin_of, z, minlength=bins)[some] / count[some]
