"""Learning traces: one curve fitted again and again as it grows, until it has told its end.

Every prefix of a curve gives a trend, the power law with asymptote ``c + a x^-b`` fitted to it. The
sequence of trends is the trace, the sequence of their asymptotes its backbone. Once the backbone
moves little (the working level) and its asymptote is possible (the prediction level), what a trend
still has to fall, ``a x^-b`` at its own last point, bounds what is left to gain: the layer of
convergence. Where the layer comes under a tolerance, training can stop (the convergence level).

All trends of a trace are one batched fit. Curves are written falling, as everywhere here: a loss as
it stands, an accuracy by its distance to the ceiling.

References
----------
Vilares Ferro, Darriba Bilbao, Ribadas Pena, Modeling of learning curves with applications to POS
tagging, Computer Speech & Language 41, 2017, arXiv 2402.02515; absolute convergence (anchor at the
ceiling): arXiv 2402.02522.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predictor.errors import InputError
from predictor.fitting.law import Array, Coefficient, Law, Shape
from predictor.fitting.solver import solve

Anchoring = Literal["none", "canonical", "fixed"]
ANCHORINGS: tuple[Anchoring, ...] = ("none", "canonical", "fixed")
#: Observations of the first trend: as many as it has parameters.
FIRST_LEVEL = 3
#: The source's grid, on which its verticality has a meaning: some 20 points of accuracy are gained
#: over a curve that is observed every 5,000 examples.
_SOURCE_STEP, _SOURCE_RANGE = 5_000.0, 20.0
#: Sweeps until asymptotes that are anchored at one another stand still.
_SWEEPS = 50

_TREND = Law(
    name="trend",
    title="Power law with asymptote and an observation at infinity",
    formula="c + a x^-b",
    source="Vilares Ferro et al. 2017, arXiv 2402.02515",
    coefficients=(Coefficient("c"), Coefficient("a", 0.0)),
    shapes=(Shape("b", 0.01, 6.0, tuple(np.geomspace(0.03, 4.0, 8))),),
    basis=lambda x, finite, b: (1.0, finite * np.exp(-b * np.log(x))),
    axes=("x", "finite"),
)


@dataclass(frozen=True)
class Trace:
    """Trends of every prefix of a curve, and the levels at which something is reached.

    Parameters
    ----------
    levels : DataFrame
        One row a trend: ``level`` (observations it saw), ``x`` (the last of them), ``c, a, b``
        (its parameters, falling), ``layer`` (``a x^-b``), ``feasible`` (whether the asymptote is a
        value the metric can have).
    working, prediction, convergence : int or None
        Levels, None where not reached.
    robustness : float
        Share of steps from the working level on at which the asymptote grows less hopeful, in
        [0, 1]; NaN with no such step. At 1 the layer is a bound on what is left to gain.
    """

    levels: pd.DataFrame
    working: int | None
    prediction: int | None
    convergence: int | None
    robustness: float

    @property
    def direction(self) -> str:
        """Which way the asymptote mostly moves: "less hopeful", "more hopeful" or "unknown"."""
        if not np.isfinite(self.robustness):
            return "unknown"
        return "less hopeful" if self.robustness >= 0.5 else "more hopeful"

    def row(self, level: int | None = None) -> pd.Series:
        """Return the trend at a level; at the convergence level, else the last, if None."""
        wanted = level or self.convergence or int(self.levels["level"].iloc[-1])
        return self.levels[self.levels["level"] == wanted].iloc[0]

    def value(self, x: Array, level: int | None = None) -> Array:
        """Return what the trend at a level says of these places, falling."""
        trend = self.row(level)
        return np.asarray(trend["c"] + trend["a"] * np.asarray(x, dtype=float) ** -trend["b"])


def trace_curve(
    x: Array,
    z: Array,
    *,
    floor: float = -inf,
    verticality: float = 4e-5,
    slowdown: float = 1.0,
    look_ahead: int = 5,
    anchoring: Anchoring = "none",
    tolerance: float | None = None,
) -> Trace:
    """Fit the trace of a falling curve.

    Parameters
    ----------
    x, z : array, (points,)
        Ascending positive places, and falling values.
    floor : float
        Least value that an asymptote can have.
    verticality : float
        How steeply the backbone may move at the working level: on the source's grid (20 points
        gained, observed every 5,000 examples) points an example. Elsewhere it means the same share
        of the range of ``z`` a level: by default 1 %.
    slowdown : float
        Root that is taken of the verticality.
    look_ahead : int
        For how many further levels the backbone must move so little.
    anchoring : {"none", "canonical", "fixed"}
        What a trend sees at infinity from the prediction level on: nothing, the asymptote of the
        trend before, or the floor.
    tolerance : float, optional
        Layer under which to stop, in units of ``z``.

    Returns
    -------
    Trace

    Raises
    ------
    InputError
        If there are fewer than three points, or a setting is out of its range.

    Examples
    --------
    >>> x = np.arange(1.0, 41.0)
    >>> trace = trace_curve(x, 2 + 3 * x**-0.5, tolerance=0.5)
    >>> trace.working, trace.convergence
    (3, 36)
    >>> float(trace.row().layer.round(3)), float(trace.row().c.round(3))
    (0.5, 2.0)
    """
    _check(len(x), verticality, slowdown, look_ahead, anchoring, floor)
    params = _trends(x, z, np.full(len(x) - FIRST_LEVEL + 1, np.nan))
    working = _working_level(x, z, params[:, 0], verticality, slowdown, look_ahead)
    prediction = _first(params[:, 0] >= floor, working)
    if anchoring != "none" and prediction is not None:
        params = _anchored(x, z, params, prediction, floor if anchoring == "fixed" else None)
    levels = _as_frame(x, params, floor)
    converged = levels["layer"] <= (tolerance if tolerance is not None else -1.0)
    convergence = _first(converged.to_numpy(), prediction)
    return Trace(
        levels, working, prediction, convergence, _robustness(levels, working, convergence)
    )


def _check(
    points: int,
    verticality: float,
    slowdown: float,
    look_ahead: int,
    anchoring: str,
    floor: float,
) -> None:
    if points < FIRST_LEVEL:
        raise InputError(f"a learning trace needs {FIRST_LEVEL} points, not {points}")
    if not 0 < verticality < 1:
        raise InputError(f"verticality must lie between 0 and 1, not {verticality:g}")
    if slowdown <= 0 or look_ahead < 1:
        raise InputError("slowdown and look_ahead must be positive")
    if anchoring not in ANCHORINGS:
        raise InputError(f"anchoring must be one of {', '.join(ANCHORINGS)}, not '{anchoring}'")
    if anchoring == "fixed" and not np.isfinite(floor):
        raise InputError("anchoring='fixed' needs a ceiling (or floor), which this metric has not")


def _trends(x: Array, z: Array, anchors: Array) -> Array:
    """Fit every prefix in one batch; return (levels, 3): c, a, b. A NaN anchor is none."""
    count = len(anchors)
    seen = np.arange(len(x)) < np.arange(FIRST_LEVEL, FIRST_LEVEL + count)[:, None]
    anchored = np.isfinite(anchors)
    unit = float(np.exp(np.log(x).mean()))
    target = np.column_stack([np.tile(z, (count, 1)), np.where(anchored, anchors, 0.0)])
    finite = np.append(np.ones(len(x)), 0.0)[None]
    found = solve(
        _TREND,
        [np.append(x / unit, 1.0)[None], finite],
        target,
        np.column_stack([seen, anchored]).astype(float),
        residual="linear",
        max_iterations=200,
    ).params.copy()
    found[:, 1] *= unit ** found[:, 2]
    return found


def _anchored(x: Array, z: Array, params: Array, prediction: int, fixed: float | None) -> Array:
    """Fit again with an observation at infinity after the prediction level."""
    later = np.arange(FIRST_LEVEL, FIRST_LEVEL + len(params)) > prediction
    for _ in range(_SWEEPS if fixed is None else 1):
        before = np.append(np.nan, params[:-1, 0]) if fixed is None else np.full(len(later), fixed)
        moved = np.where(later[:, None], _trends(x, z, np.where(later, before, np.nan)), params)
        still = np.abs(moved[:, 0] - params[:, 0]).max() <= 1e-9 * np.ptp(z)
        params = moved
        if still:
            break
    return params


def _working_level(
    x: Array, z: Array, backbone: Array, verticality: float, slowdown: float, look_ahead: int
) -> int | None:
    """Return the first level from which the backbone is calm for ``look_ahead`` further levels."""
    if len(backbone) < look_ahead + 2:
        return None
    steps = np.diff(x)[FIRST_LEVEL - 1 :]
    share = verticality ** (1 / slowdown) / (1 - verticality) * _SOURCE_STEP / _SOURCE_RANGE
    calm = np.abs(np.diff(backbone)) <= share * np.ptp(z) * steps / np.diff(x).mean()
    windows = np.lib.stride_tricks.sliding_window_view(calm, look_ahead + 1)
    return _first(np.asarray(windows.all(axis=1)), FIRST_LEVEL)


def _first(holds: NDArray[np.bool_], start: int | None) -> int | None:
    """Return the first level from ``start`` on at which this holds."""
    if start is None:
        return None
    where = np.flatnonzero(holds[start - FIRST_LEVEL :])
    return start + int(where[0]) if len(where) else None


def _as_frame(x: Array, params: Array, floor: float) -> pd.DataFrame:
    last = x[FIRST_LEVEL - 1 :]
    frame = pd.DataFrame(params, columns=["c", "a", "b"])
    frame.insert(0, "x", last)
    frame.insert(0, "level", np.arange(FIRST_LEVEL, FIRST_LEVEL + len(params)))
    frame["layer"] = frame["a"] * last ** -frame["b"]
    frame["feasible"] = frame["c"] >= floor
    return frame


def _robustness(levels: pd.DataFrame, working: int | None, convergence: int | None) -> float:
    if working is None:
        return float("nan")
    end = convergence or int(levels["level"].iloc[-1])
    backbone = levels["c"].to_numpy()[working - FIRST_LEVEL : end - FIRST_LEVEL + 1]
    steps = np.diff(backbone)
    return float(np.mean(steps >= -1e-9 * np.ptp(backbone))) if len(steps) else float("nan")
