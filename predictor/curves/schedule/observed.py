"""What a log shows of runs under known schedules: where, what, and how much each point counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.curves.schedule.plan import Schedule
from predictor.errors import InputError
from predictor.fitting.law import Array
from predictor.logs.tables import RunLog

#: Points of one run beyond this number are averaged.
_MOST_POINTS = 256
#: The rate counts as warmed up from this share of its peak.
_WARM = 0.98
FEWEST_POINTS = 8


@dataclass(frozen=True, eq=False)
class ObservedRun:
    """The part of a run that was seen after its warm-up.

    Parameters
    ----------
    run : str
        Name.
    schedule : Schedule
        The learning rate, at least as far as the last point.
    step, value : array, (points,)
        Steps, ascending, and what falls there (a loss), positive.
    points : int
        Number of logged points behind them, some of which may have been averaged.
    """

    run: str
    schedule: Schedule
    step: Array
    value: Array
    points: int

    @property
    def area(self) -> Array:
        """Sum of the rate up to each point."""
        return self.schedule.area(self.step)

    @property
    def weight(self) -> Array:
        """Weight of each point, mean 1: points count alike where they are even in sqrt(area).

        Between even in steps, where the long tail drowns the start that tells the exponent, and
        even in log steps, where the tail that is to be continued hardly counts.
        """
        weight = np.sqrt(np.gradient(np.log(self.area)))
        return weight / weight.mean()

    def until(self, step: float) -> ObservedRun:
        """Return the run as it was seen up to a step."""
        seen = self.step <= step
        return ObservedRun(
            self.run, self.schedule, self.step[seen], self.value[seen], int(seen.sum())
        )


def observe(run: str, schedule: Schedule, step: Array, value: Array) -> ObservedRun:
    """Take the points after the warm-up, average them where they are very many.

    Parameters
    ----------
    run : str
        Name.
    schedule : Schedule
        The learning rate.
    step, value : array, (points,)
        Logged steps and values, in any order.

    Raises
    ------
    InputError
        If a value is not positive, or fewer than eight points lie after the warm-up.

    Examples
    --------
    >>> plan = Schedule.constant(1e-3, 1000, warmup=100)
    >>> steps = np.arange(10.0, 1001, 10)
    >>> observe("a", plan, steps, 2 + 1 / steps).step[:3].tolist()
    [100.0, 110.0, 120.0]
    """
    step, value = np.asarray(step, dtype=float), np.asarray(value, dtype=float)
    if step.shape != value.shape or step.ndim != 1:
        raise InputError(f"{run}: one value a step, not {value.shape} for {step.shape}")
    used = np.isfinite(step) & np.isfinite(value) & (step >= _warm_from(schedule)) & (step > 0)
    order = np.argsort(step[used], kind="stable")
    step, value = step[used][order], value[used][order]
    if len(step) < FEWEST_POINTS:
        raise InputError(
            f"{run}: {len(step)} points after the warm-up, {FEWEST_POINTS} are needed to fit a "
            "schedule law"
        )
    if (value <= 0).any():
        raise InputError(f"{run}: a schedule law describes a positive loss; a value is 0 or less")
    return ObservedRun(run, schedule, *_averaged(schedule, step, value), len(step))


def observed_runs(log: RunLog, metric: str, warmup: float | None = None) -> list[ObservedRun]:
    """Return the runs of a log whose steps, learning rates and losses can be used.

    Parameters
    ----------
    log : RunLog
        The log.
    metric : str
        Name of the loss.
    warmup : float, optional
        As in :func:`~predictor.curves.schedule.logged.logged_schedules`.

    Raises
    ------
    InputError
        If none can be used; the reason for the first is given.
    """
    from predictor.curves.schedule.logged import logged_schedules

    found, reasons = [], []
    for run, known in logged_schedules(log, warmup).items():
        curve = log.curve(run, metric)
        seen = (curve["step"] <= known.seen.steps).to_numpy()
        step, value = (curve[name].to_numpy()[seen] for name in ("step", "value"))
        try:
            found.append(observe(run, known.seen, step, value))
        except InputError as error:
            reasons.append(error)
    if reasons and not found:
        raise reasons[0]
    return found


def _warm_from(schedule: Schedule) -> float:
    """Return the step from which the rate has warmed up."""
    return float(schedule.step[np.argmax(schedule.lr >= _WARM * schedule.peak)])


def _averaged(schedule: Schedule, step: Array, value: Array) -> tuple[Array, Array]:
    """Average neighbours in bins even in sqrt(step), never across a sudden change of the rate."""
    if len(step) <= _MOST_POINTS and (np.diff(step) > 0).all():
        return step, value
    root = np.sqrt(step)
    bins = np.floor((root - root[0]) / (root[-1] - root[0] + 1e-9) * _MOST_POINTS)
    sudden = schedule.step[1:][(np.diff(schedule.step) <= 1) & (np.diff(schedule.lr) != 0)]
    stretch = np.searchsorted(sudden, step, side="right") if len(sudden) < _MOST_POINTS else 0
    _, label = np.unique(bins + (_MOST_POINTS + 1.0) * stretch, return_inverse=True)
    count = np.bincount(label)
    return np.bincount(label, step) / count, np.bincount(label, value) / count
