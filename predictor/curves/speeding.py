"""How many times faster one run is than another at equal quality, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.curves.batch import binned
from predictor.curves.contenders import Contender
from predictor.curves.pareto import cost_at, speed_up
from predictor.curves.standings import SpeedUp
from predictor.fitting.law import Array

_DRAWS = 400
#: Qualities looked at over the range that both reach.
_QUALITIES = 15
#: Points on each side over which noise is averaged.
_AROUND = 10
#: Share of the draws that reach the quality at which runs are compared.
_SURELY = 0.95
#: Neighbours on each side through which a curve is smoothed.
_NEAR = 3
#: A single run of fewer points does not tell its noise.
_FEWEST = 8


@dataclass(frozen=True)
class _Course:
    """A smoothed curve over its cost, and curves that noise like its own would have made of it.

    Values fall: those of a metric that is to be high are turned round.
    """

    cost: Array
    value: Array
    draws: Array

    @property
    def reached(self) -> float:
        """The best value that it reaches, and all but few of the draws."""
        ends = self.draws.min(axis=1) if len(self.draws) else self.value.min()
        return max(float(np.quantile(ends, _SURELY)), float(self.value.min()))

    def costs(self, value: float) -> Array:
        """Return what it costs each draw to reach a value; infinite where it does not."""
        best = np.minimum.accumulate(self.draws, axis=1)
        return np.array([self._cost(one, value) for one in best])

    def _cost(self, best: Array, value: float) -> float:
        if best[-1] > value:
            return np.inf
        return cost_at(self.cost, best, min(value, float(best[0]))) or float(self.cost[0])


def speed_of(
    one: Contender, two: Contender, axis: str, *, level: float = 0.9, seed: int = 0
) -> SpeedUp | None:
    """Say how many times less a run needs than another to the best quality that both reach.

    Curves are averaged in bins first, as for forecasts, and smoothed by straight lines through
    neighbours. The interval is that of curves drawn about the smoothed one, by the scatter of
    repeats where there are several, else by what is left of the run about its neighbours, which
    knows nothing of other seeds.

    Parameters
    ----------
    one, two : Contender
        The run, or method, and the one it is held against.
    axis : str
        What places count.
    level : float
        Level of the interval, in (0, 1).
    seed : int
        Seed of the draws.

    Returns
    -------
    SpeedUp or None
        None where not both reach a quality whose cost is known.
    """
    units = [each.cost(1.0) or (1.0, axis) for each in (two, one)]
    (slower, of), (faster, _) = units if units[0][1] == units[1][1] else [(1.0, axis)] * 2
    seeds = np.random.SeedSequence(seed).spawn(2)
    first, second = _course(two, slower, seeds[0]), _course(one, faster, seeds[1])
    best = max(first.reached, second.reached)
    ratio = _ratio(first, second, best)
    if ratio is None:
        return None
    lower, upper = _interval(first, second, best, ratio, level)
    worst = min(float(first.value[0]), float(second.value[0]))
    range_ = np.linspace(worst, best, _QUALITIES + 1)[1:]
    along = [known for value in range_ if (known := _ratio(first, second, value)) is not None]
    return SpeedUp(
        one.name,
        two.name,
        ratio,
        _sign(one) * best,
        of,
        lower,
        upper,
        level,
        min(along),
        max(along),
    )


def _sign(one: Contender) -> float:
    return 1.0 if one.better == "lower" else -1.0


def _ratio(first: _Course, second: _Course, value: float) -> float | None:
    """Return the ratio of costs; None where one is better from its first point on."""
    found = speed_up((first.cost, first.value), (second.cost, second.value), at=value)
    return None if found is None else found[0]


def _interval(
    first: _Course, second: _Course, value: float, ratio: float, level: float
) -> tuple[float | None, float | None]:
    """Return the interval; an end is None where draws that never get there reach so far."""
    if not (len(first.draws) and len(second.draws)):
        return None, None
    over, under = first.costs(value), second.costs(value)
    with np.errstate(invalid="ignore"):
        drawn = np.where(np.isfinite(under), over / under, 0.0)
    ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    lower, upper = min(float(ends[0]), ratio), max(float(ends[1]), ratio)
    return lower or None, upper if np.isfinite(upper) else None


def _course(one: Contender, cost: float, seed: np.random.SeedSequence) -> _Course:
    rng = np.random.default_rng(seed)
    x, y = binned(one.x, _sign(one) * one.mean)
    smoother = _smoother(len(x))
    value = smoother @ y
    if len(one.y) == 1 and len(x) < _FEWEST:
        return _Course(cost * x, value, np.empty((0, len(x))))
    apart = _repeats_apart(one) if len(one.y) > 1 else _noise(y, smoother)
    turns = rng.normal(size=(_DRAWS, len(apart)))
    if len(one.y) > 1:
        # As in Student's t: of few repeats the spread is not known well.
        turns /= np.sqrt(rng.chisquare(len(apart) - 1, _DRAWS) / (len(apart) - 1))[:, None]
    return _Course(cost * x, value, (value + turns @ apart) @ smoother.T)


def _repeats_apart(one: Contender) -> Array:
    """Return how far each repeat lies off the mean, to the scale of the mean's own error."""
    count = len(one.y)
    apart = np.nan_to_num(one.y - one.mean) / np.sqrt(count * (count - 1))
    return np.array([binned(one.x, row)[1] for row in apart])


def _noise(y: Array, smoother: Array) -> Array:
    """Return the noise of a run's points, a row a point: what is left about the neighbours.

    Averaged over points around, as few residuals tell a spread badly.
    """
    rest = np.eye(len(y)) - smoother
    left = (rest @ y) ** 2 / (rest**2).sum(axis=1)
    places = np.arange(len(y))
    around = np.abs(places[:, None] - places) <= _AROUND
    return np.diag(np.sqrt(around @ left / around.sum(axis=1)))


def _smoother(points: int) -> Array:
    """Return the matrix that lays a straight line through each point and its neighbours."""
    found = np.zeros((points, points))
    for k in range(points):
        near = np.arange(max(0, k - _NEAR), min(points, k + _NEAR + 1))
        design = np.stack([np.ones(len(near)), near - k], axis=1)
        found[k, near] = np.linalg.pinv(design)[0]
    return found
