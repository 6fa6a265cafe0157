"""From the score on the predictable items to the score on all: a monotone smoothing spline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.errors import InputError
from predictor.fitting.law import Array

#: Smoothing is lowered until the curve is as near to the ladder's points as this.
CLOSE_ENOUGH = 0.005
_SMOOTHING = np.geomspace(1e1, 1e-8, 19)
_FIXED, _SAME = 1e-10, 1e-4
#: An anchor farther from what the ladder says than this does not belong to it.
COMPATIBLE = 0.05


@dataclass(frozen=True)
class Mapping:
    """A rising curve from (0, chance) to (1, 1).

    Parameters
    ----------
    x, y : array, (knots,)
        Knots, both rising.
    rmse : float
        Distance to the points it was fitted to.
    anchored : bool
        Whether an anchor was used.
    """

    x: Array
    y: Array
    rmse: float
    anchored: bool = False

    def __call__(self, score: Array) -> Array:
        """Return the score on all items for scores on the subset; any shape."""
        from scipy.interpolate import PchipInterpolator

        curve = PchipInterpolator(self.x, self.y)
        return np.clip(curve(np.clip(score, 0.0, 1.0)), 0.0, 1.0)


def fit_mapping(
    subset: Array, all_items: Array, chance: float = 0.0, anchor: tuple[float, float] | None = None
) -> Mapping:
    """Fit the curve from the subset's score to the benchmark's.

    A cubic smoothing spline through (0, chance) and (1, 1), smoothing lowered until its root mean
    square distance is under 0.005, made monotone: isotonic at the points, and between them the
    monotone cubic of Fritsch and Carlson.

    Parameters
    ----------
    subset, all_items : array, (rungs,)
        Scores of the ladder's models on the subset and on all items.
    chance : float
        Score on all items where that on the subset is 0.
    anchor : (float, float), optional
        The same two scores of an outside, stronger model. Used only if the ladder's own curve comes
        within 0.05 of it.

    Returns
    -------
    Mapping

    References
    ----------
    Xu et al., arXiv 2502.17262v4, section 3.4; Reinsch, Smoothing by spline functions, Numerische
    Mathematik 10, 1967; Fritsch and Carlson, Monotone piecewise cubic interpolation, SIAM Journal
    on Numerical Analysis 17, 1980.

    Examples
    --------
    >>> x = np.array([0.1, 0.3, 0.5])
    >>> float(fit_mapping(x, x)(np.array(0.8)).round(3))
    0.8
    """
    own = _fit(subset, all_items, chance)
    if anchor is None:
        return own
    if not all(0 <= value <= 1 for value in anchor):
        raise InputError(f"the anchor's scores must lie in [0, 1], not {anchor}")
    if abs(float(own(np.array(anchor[0]))) - anchor[1]) > COMPATIBLE:
        return own
    again = _fit(np.append(subset, anchor[0]), np.append(all_items, anchor[1]), chance)
    return Mapping(again.x, again.y, again.rmse, anchored=True)


def _fit(x: Array, y: Array, chance: float) -> Mapping:
    order = np.argsort(x, kind="stable")
    x, y, count = _merged(np.clip(x[order], 0, 1), y[order])
    inside = (x > _SAME) & (x < 1 - _SAME)
    knots = np.concatenate([[0.0], x[inside], [1.0]])
    values = np.concatenate([[chance], y[inside], [1.0]])
    weights = np.concatenate([[np.inf], count[inside], [np.inf]])
    smooth, rmse = values, 0.0
    for smoothing in _SMOOTHING:
        smooth = np.clip(_isotonic(_smoothed(knots, values, weights, smoothing), weights), 0, 1)
        rmse = float(np.sqrt(np.mean((smooth - values) ** 2)))
        if rmse < CLOSE_ENOUGH:
            break
    smooth[0], smooth[-1] = chance, 1.0
    return Mapping(knots, np.maximum.accumulate(smooth), rmse)


def _merged(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Average points at the same place."""
    group = np.concatenate([[0], np.cumsum(np.diff(x) > _SAME)])
    count = np.bincount(group).astype(float)
    return np.bincount(group, x) / count, np.bincount(group, y) / count, count


def _smoothed(x: Array, y: Array, weights: Array, smoothing: float) -> Array:
    """Return the natural cubic smoothing spline at its knots."""
    low, high = np.minimum(x[:, None], x), np.maximum(x[:, None], x)
    bend = low**2 * (3 * high - low) / 6
    noise = np.where(np.isfinite(weights), smoothing / weights, _FIXED)
    line = np.stack([np.ones_like(x), x], axis=1)
    system = np.block([[bend + np.diag(noise), line], [line.T, np.zeros((2, 2))]])
    solved = np.linalg.lstsq(system, np.concatenate([y, [0.0, 0.0]]), rcond=None)[0]
    return bend @ solved[:-2] + line @ solved[-2:]


def _isotonic(y: Array, weights: Array) -> Array:
    """Return the nearest rising values, ends held: pool adjacent violators."""
    finite = np.where(np.isfinite(weights), weights, 1e9)
    pools: list[list[float]] = []
    for value, weight in zip(y, finite, strict=True):
        pools.append([value, weight, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            v, w, n = pools.pop()
            u, t, m = pools.pop()
            pools.append([(u * t + v * w) / (t + w), t + w, m + n])
    return np.concatenate([np.full(int(n), value) for value, _, n in pools])
