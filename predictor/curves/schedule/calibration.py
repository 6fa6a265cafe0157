"""How far a schedule law's forecast may be off, judged by what it misses on runs that are hidden.

The scale of an error is made of the noise, of how well the parameters are known, and of what the
law itself misses, which no fit shows and which grows with the distance ``d`` beyond the data, the
logarithm of the area under the rate over the largest that was fitted (0 within it)::

    scale^2 = noise^2 + spread^2 + LAW_ERROR^2 (1 + d^2)

Where runs of the log itself, hidden whole or from half-way on, are missed by more than that, the
scale is widened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from predictor.curves.predictive import LEVELS
from predictor.curves.schedule.fitting import ScheduleFit, fit_folds
from predictor.curves.schedule.observed import FEWEST_POINTS, ObservedRun
from predictor.curves.schedule.plan import Schedule
from predictor.fitting.law import Array

#: What the laws miss by beyond noise and spread, on the log scale: from leaving out published runs
#: (``benchmarks/schedule_laws.py`` prints the coverage that comes of it).
LAW_ERROR = 3e-3
#: So many backtests of one's own weigh as much as what is known from published runs.
_REFERENCE_WORTH = 3.0
_CALIBRATED = 0.9
_HALF = 0.5


@dataclass(frozen=True)
class Backtests:
    """What a law missed by on hidden parts of the log's own runs.

    Parameters
    ----------
    scores : array, (folds,)
        For each fold the error, in half widths of the 90 % interval, that nine tenths of its hidden
        points stay below.
    error : float
        Median over folds of the mean absolute error on the log scale; NaN without folds.
    """

    scores: Array
    error: float

    @property
    def widening(self) -> float:
        """What to multiply the scale by, 1 or more; with more folds they have more say."""
        if not len(self.scores):
            return 1.0
        share = len(self.scores) / (len(self.scores) + _REFERENCE_WORTH)
        return float(max(1.0, self.scores.max()) ** share)


def error_scale(fit: ScheduleFit, schedule: Schedule, step: Array) -> Array:
    """Return the scale of the forecast's error at each step, on the log scale, (points,)."""
    beyond = np.maximum(np.log(schedule.area(step) / fit.reach), 0.0)
    missed = LAW_ERROR**2 * (1 + beyond**2)
    return np.sqrt(fit.noise**2 + fit.spread(schedule, step) ** 2 + missed)


def half_widths(scale: Array, widening: float = 1.0) -> Array:
    """Return half widths at :data:`~predictor.curves.predictive.LEVELS`, (levels, points)."""
    normal = np.array([normal_width(level) for level in LEVELS])
    return widening * normal[:, None] * scale


def normal_width(level: float) -> float:
    """Return how many standard deviations an interval spans on each side."""
    return NormalDist().inv_cdf((1 + level) / 2)


def backtest(runs: Sequence[ObservedRun], law: str, fit: ScheduleFit) -> Backtests:
    """Hide each run whole, then the second half of each, and see what a fit to the rest misses by.

    Parameters
    ----------
    runs : sequence of ObservedRun
        The runs.
    law : str
        Name of the law.
    fit : ScheduleFit
        Its fit to all of them.
    """
    label = np.repeat(np.arange(len(runs)), [len(run.step) for run in runs])
    hidden = [label == k for k in range(len(runs)) if len(runs) > 1]
    for k, run in enumerate(runs):
        later = run.step > _HALF * run.step[-1]
        if FEWEST_POINTS <= later.sum() <= len(later) - FEWEST_POINTS:
            whole = np.zeros(len(label), dtype=bool)
            whole[label == k] = later
            hidden.append(whole)
    if not hidden:
        return Backtests(np.empty(0), np.nan)
    fits = fit_folds(runs, [(~h).astype(float) for h in hidden], law, fit)
    scores, errors = [], []
    for part, found in zip(hidden, fits, strict=True):
        k = int(label[part][0])
        run, shown = runs[k], part[label == k]
        step = run.step[shown]
        off = np.abs(np.log(found.value(run.schedule, step) / run.value[shown]))
        half = normal_width(_CALIBRATED) * error_scale(found, run.schedule, step)
        scores.append(np.quantile(off / half, _CALIBRATED))
        errors.append(off.mean())
    return Backtests(np.array(scores), float(np.median(errors)))
