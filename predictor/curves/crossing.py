"""From where on one method is better than another: where their learning curves cross.

Each method's curve is fitted as ``c + a m^-b``, and the crossing solves ``e1(m) = e2(m)``; the
bootstrap over shared repeats says how sure it is, and whether there is one at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.curves.batch import binned
from predictor.curves.metric import MetricKind, kind_of
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.bootstrap import blocks, exponential_weights, multinomial_weights
from predictor.fitting.law import Array
from predictor.fitting.laws import POWER, free_floor
from predictor.fitting.solver import solve

#: How many times beyond the largest size a crossing is looked for.
BEYOND = 10.0
_SUPPORT = 0.5
_GRID = 400
#: Fewer repeats than this are drawn with smooth weights: whole ones would often leave too few.
_MANY_REPEATS = 20
_BLOCKS = 24
_FEWEST_POINTS = 4


@dataclass(frozen=True)
class Crossing:
    """Where two learning curves cross.

    Parameters
    ----------
    first, second : str
        Names of the two.
    value, lower, upper : float or None
        Median place of the crossing (the last one where there are several) and interval. None:
        less than half of the draws have one; an end that is None is not bounded by what was
        looked at.
    level : float
        Level of the interval.
    none, one, several : float
        Share of the bootstrap draws with no, one or several crossings within the data.
    support : float
        Share of the draws with a crossing within the data or up to ten times beyond them.
    extrapolated : bool
        Whether the crossing lies beyond the data.
    better_before, better_after : str
        Which of the two is better before and after it; where there is no crossing, both name the
        one that is better at the end of the data.
    repeats : int
        Number of shared repeats that were drawn from.
    findings : tuple of Finding
        What was noticed.
    """

    first: str
    second: str
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    none: float
    one: float
    several: float
    support: float
    extrapolated: bool
    better_before: str
    better_after: str
    repeats: int
    findings: tuple[Finding, ...] = ()

    @classmethod
    def unknown(cls, first: str, second: str, level: float, why: str) -> Crossing:
        """Return what is said of two curves whose crossing cannot be looked for."""
        finding = Finding("PRED135", f"{first} and {second}: no crossing can be looked for: {why}")
        return cls(
            first, second, None, None, None, level, 1.0, 0.0, 0.0, 0.0, False, "", "", 0, (finding,)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the crossing as plain values."""
        names = (
            "first", "second", "value", "lower", "upper", "level", "none", "one", "several",
            "support", "extrapolated", "better_before", "better_after", "repeats",
        )  # fmt: skip
        row = {name: getattr(self, name) for name in names}
        return {**row, "warnings": [f.code for f in self.findings]}


def find_crossing(
    x: Array,
    first: Array,
    second: Array,
    *,
    second_x: Array | None = None,
    metric: str = "error",
    names: tuple[str, str] = ("first", "second"),
    level: float = 0.9,
    draws: int = 500,
    seed: int = 0,
) -> Crossing:
    """Find where two learning curves cross.

    Parameters
    ----------
    x : array, (points,)
        Positive places, such as sizes of the training set, shared by both curves unless
        ``second_x`` is given.
    first, second : array, (points,) or (repeats, points)
        Values of the metric; NaN where a repeat has none. Equally many repeats are taken to be
        shared (the same seeds and splits, in the same order) and drawn together; other numbers of
        repeats are drawn apart. A single repeat is resampled in blocks of neighbouring points.
    second_x : array, (points,), optional
        Places of the second curve, where they differ.
    metric : str
        Name of the metric; it tells direction and range.
    names : (str, str)
        Names of the two.
    level : float
        Level of the interval, in (0, 1).
    draws : int
        Number of bootstrap draws.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    Crossing

    Raises
    ------
    InputError
        If shapes do not fit, a place is not positive, or fewer than four places have values.

    References
    ----------
    'Revisiting Discriminative vs. Generative Classifiers', arXiv 2302.02334, 2023, for the two
    regimes; the estimator is our own.

    Examples
    --------
    >>> m = np.geomspace(10, 10000, 12)
    >>> cross = find_crossing(m, 0.1 + 0.5 / m, 0.05 + 1.0 * m**-0.5)
    >>> round(cross.value), cross.better_before, cross.better_after
    (380, 'first', 'second')
    """
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, such as 0.9, not {level:g}")
    kind = kind_of(metric, _known(first, second))
    one = _curve(x, first, kind, names[0])
    two = _curve(x if second_x is None else second_x, second, kind, names[1])
    low, high = max(one.x[0], two.x[0]), max(one.x[-1], two.x[-1])
    if low >= min(one.x[-1], two.x[-1]):
        raise InputError(f"'{names[0]}' and '{names[1]}' have no range of places in common")
    seeds = np.random.SeedSequence(seed).spawn(2)
    shared = len(one.y) == len(two.y) > 1
    ahead = np.concatenate(
        [np.geomspace(low, high, _GRID), np.geomspace(high, BEYOND * high, _GRID)[1:]]
    )
    apart = _refits(one, ahead, kind, draws, seeds[0]) - _refits(
        two, ahead, kind, draws, seeds[0 if shared else 1]
    )
    return _judged(apart, ahead, names, level, min(len(one.y), len(two.y)))


@dataclass(frozen=True)
class _Curve:
    """Places, and falling values of every repeat there."""

    x: Array
    y: Array


def _known(*values: Array) -> Array:
    """Return the finite values, places in order, repeats one after the other at each."""
    flat = np.concatenate([np.atleast_2d(np.asarray(v, dtype=float)).T.ravel() for v in values])
    return flat[np.isfinite(flat)]


def _curve(x: Array, values: Array, kind: MetricKind, name: str) -> _Curve:
    place, y = np.asarray(x, dtype=float), np.atleast_2d(np.asarray(values, dtype=float))
    if place.ndim != 1 or y.shape[1] != len(place):
        raise InputError(f"'{name}': {y.shape[1]} values a repeat, but {place.size} places")
    some = np.isfinite(place) & np.isfinite(y).any(axis=0)
    if (place[some] <= 0).any():
        raise InputError(f"'{name}': places must be positive")
    order = np.argsort(place[some], kind="stable")
    place, y = place[some][order], kind.to_fall(y[:, some][:, order])
    if len(np.unique(place)) < _FEWEST_POINTS:
        raise InputError(f"'{name}': {len(place)} places have values; {_FEWEST_POINTS} are needed")
    rows = [binned(place, row) for row in y]
    return _Curve(rows[0][0], np.array([row for _, row in rows]))


def _refits(
    curve: _Curve, ahead: Array, kind: MetricKind, draws: int, seed: np.random.SeedSequence
) -> Array:
    """Return what the law fitted to each bootstrap draw says at each place, (draws, places)."""
    rng = np.random.default_rng(seed)
    y, weights = _one_run(curve, draws, rng) if len(curve.y) == 1 else _means(curve, draws, rng)
    law = POWER
    if kind.residual == "log":
        y = np.maximum(y, y[y > 0].min() / 2 if (y > 0).any() else 1e-6)
    else:
        law = free_floor(POWER)
    fits = solve(law, curve.x[None], y, weights, residual=kind.residual, n_starts=2)
    return law.value(ahead[None], fits.params)


def _one_run(curve: _Curve, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    points = len(curve.x)
    return curve.y, exponential_weights(blocks(points, 1 + points // _BLOCKS), draws, rng)


def _means(curve: _Curve, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    repeats, there = len(curve.y), np.isfinite(curve.y)
    draw = multinomial_weights if repeats >= _MANY_REPEATS else exponential_weights
    weights = draw(np.arange(repeats), draws, rng)
    total, value = weights @ there, weights @ np.where(there, curve.y, 0.0)
    # A place that no drawn repeat has seen says nothing in this draw.
    return value / np.maximum(total, 1e-300), (total > 0).astype(float)


def _judged(
    apart: Array, ahead: Array, names: tuple[str, str], level: float, repeats: int
) -> Crossing:
    """Sum up draws of the first curve minus the second, (draws, places)."""
    second_better = apart > 0
    turns = np.diff(second_better.astype(np.int8), axis=1) != 0
    within = turns[:, : _GRID - 1].sum(axis=1)
    none, one, several = (float(np.mean(m)) for m in (within == 0, within == 1, within > 1))
    support = float(turns.any(axis=1).mean())
    place, after = _places(apart, ahead, turns, within)
    found = support >= _SUPPORT
    extrapolated = found and none > 1 - _SUPPORT
    value, lower, upper = _quantiles(place, after, level) if found else (None, None, None)
    end = after[np.isfinite(place)] if found else second_better[:, _GRID - 1]
    wins = bool(end.mean() >= 0.5)
    better_after = names[int(wins)]
    before = names[1 - int(wins)] if found else better_after
    crossing = Crossing(
        *names, value, lower, upper, level, none, one, several, support, extrapolated, before,
        better_after, repeats,
    )  # fmt: skip
    return replace(crossing, findings=_findings(crossing))


def _places(
    apart: Array, ahead: Array, turns: NDArray[np.bool_], within: NDArray[np.intp]
) -> tuple[Array, NDArray[np.bool_]]:
    """Return the crossing of each draw, infinite where it has none, and who wins after it.

    The last crossing within the data; the first beyond them where there is none within.
    """
    rows = np.arange(len(turns))
    last_within = _GRID - 2 - turns[:, _GRID - 2 :: -1].argmax(axis=1)
    k = np.where(within > 0, last_within, turns.argmax(axis=1))
    here, there = apart[rows, k], apart[rows, k + 1]
    # Rows without a crossing are replaced below; they must only not divide by zero.
    turned = turns.any(axis=1)
    share = np.where(turned, here / np.where(turned, here - there, 1.0), 0.0)
    place = ahead[k] * (ahead[k + 1] / ahead[k]) ** share
    return np.where(turned, place, np.inf), there > 0


def _quantiles(place: Array, after: NDArray[np.bool_], level: float) -> list[float | None]:
    """Return median and interval; a draw without a crossing lies before or after all places.

    Before, where the one that usually wins after the crossing wins all along.
    """
    some = np.isfinite(place)
    usual = after[some].mean() >= 0.5
    place = np.where(~some & (after == usual), -np.inf, place)
    ends = np.quantile(place, [0.5, (1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return [float(end) if np.isfinite(end) else None for end in ends]


def _findings(crossing: Crossing) -> tuple[Finding, ...]:
    found = []
    pair = f"{crossing.first} and {crossing.second}"
    if crossing.value is None or crossing.extrapolated:
        share = f"{100 * crossing.none:.0f} % of the draws have none"
        found.append(Finding("PRED135", f"{pair}: no crossing within the data ({share})"))
    if crossing.extrapolated:
        found.append(Finding("PRED136", f"{pair}: the crossing lies beyond the data"))
    if crossing.repeats == 1:
        found.append(
            Finding("PRED138", f"{pair}: one repeat each; noise is judged from neighbouring points")
        )
    return tuple(found)
