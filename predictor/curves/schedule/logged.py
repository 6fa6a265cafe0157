"""The schedules that a log tells: what it shows of each run, and what lies ahead of its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from predictor.curves.schedule.plan import Schedule, with_jumps
from predictor.findings import Finding
from predictor.fitting.law import Array
from predictor.logs.tables import RunLog

#: A log that starts this many of its own intervals late has left out the warm-up.
_LATE = 3.0
#: Two rates agree when they differ by no more than this share of the peak.
_AGREE = 0.01
#: A cosine or a line that is guessed from the part seen must fit it this well.
_SAME_SHAPE = 1e-3
_FEWEST_RATES = 4
#: Places that are tried for the start of a fall.
_STARTS = 200
#: Columns of ``RunLog.runs`` with the last step of the plan, and with the rate's shape and ends.
_LAST_STEP = ("max_steps", "total_steps", "num_train_steps", "train_iters", "max_iters")
_SHAPE = ("lr_scheduler_type", "lr_scheduler", "lr_schedule", "lr_decay_style", "scheduler")
_END = ("min_lr", "end_lr", "final_lr", "lr_end")


@dataclass(frozen=True, eq=False)
class LoggedSchedule:
    """What is known of one run's learning rate.

    Parameters
    ----------
    seen : Schedule
        The rate as far as it was logged.
    ahead : Schedule, optional
        The whole schedule, where it is known beyond that.
    source : str
        In words, where ``ahead`` comes from.
    findings : tuple of Finding
        What had to be assumed.
    assumed_warmup : float
        Steps of the linear warm-up that the log leaves out; 0 where it leaves none out.
    """

    seen: Schedule
    ahead: Schedule | None = None
    source: str = ""
    findings: tuple[Finding, ...] = ()
    assumed_warmup: float = 0.0


def logged_schedules(log: RunLog, warmup: float | None = None) -> dict[str, LoggedSchedule]:
    """Return what a log tells of the learning rates of its runs, by run.

    Parameters
    ----------
    log : RunLog
        The log; runs without steps or rates are left out.
    warmup : float, optional
        Steps of a linear warm-up from 0, where the log does not show it. Where not given, a log
        whose first step comes late is taken to have left it out.
    """
    rates = _rates(log)
    late = [step[0] for step, _ in rates.values() if starts_late(step)]
    logged = {}
    for run, (step, lr) in rates.items():
        findings: tuple[Finding, ...] = ()
        before = warmup
        if before is None and starts_late(step):
            before = float(min(late))
            message = (
                f"the log starts at step {step[0]:g}: a linear warm-up over {before:g} steps is "
                "assumed; --warmup says otherwise"
            )
            findings = (Finding("PRED121", message, run),)
        before = before or 0.0
        seen = headed(step, lr, before, run)
        logged[run] = LoggedSchedule(seen, findings=findings, assumed_warmup=before)
    return {run: _with_plan(log, run, logged) for run in logged}


def headed(step: Array, lr: Array, warmup: float, name: str) -> Schedule:
    """Return the schedule of a log that may have left out its linear warm-up.

    Examples
    --------
    >>> headed(np.array([100.0, 200.0]), np.array([1e-3, 1e-3]), 80, "a").step.tolist()
    [0.0, 80.0, 100.0, 200.0]
    """
    step, lr = with_jumps(step, lr)
    if warmup <= 0 or step[0] == 0:
        return Schedule(step, lr, name)
    shown = step > warmup
    at_peak = float(np.interp(warmup, step, lr))
    if step[0] < warmup:  # the log shows part of it
        return Schedule(np.r_[0.0, step], np.r_[0.0, lr], name)
    return Schedule(np.r_[0.0, warmup, step[shown]], np.r_[0.0, at_peak, lr[shown]], name)


def agrees(schedule: Schedule, seen: Schedule) -> bool:
    """Whether a schedule is, as far as a run was seen, the run's own."""
    if schedule.steps < seen.steps:
        return False
    at = seen.step[seen.lr >= 0.98 * seen.peak]
    at = seen.step[seen.step >= at[0]]
    off = np.abs(schedule.rate(at) - seen.rate(at))
    # A sudden change may lie a step earlier or later.
    return bool(np.quantile(off, 0.95) <= _AGREE * max(schedule.peak, seen.peak))


def _rates(log: RunLog) -> dict[str, tuple[Array, Array]]:
    """Return steps and learning rates of the runs that log both, whatever metric stands there."""
    points = log.points
    points = points[points["step"].notna() & points["lr"].notna() & (points["step"] >= 0)]
    points = points.drop_duplicates(["run", "step"], keep="last").sort_values("step", kind="stable")
    found = {}
    for run, part in points.groupby("run", sort=False, observed=True):
        step, lr = part["step"].to_numpy(), part["lr"].to_numpy()
        if len(lr) >= _FEWEST_RATES and np.isfinite(lr).all() and (lr >= 0).all() and lr.any():
            found[str(run)] = (step, lr)
    return {run: found[run] for run in log.run_names if run in found}


def starts_late(step: Array) -> bool:
    """Whether the first of these steps comes later than the others are apart."""
    return bool(step[0] > _LATE * np.median(np.diff(step)))


def _with_plan(log: RunLog, run: str, found: Mapping[str, LoggedSchedule]) -> LoggedSchedule:
    """Add what lies ahead: from the plan in the log, else from a run under the same schedule."""
    own = found[run]
    plan = _planned(log, run, own.seen)
    if plan is not None:
        return replace(own, ahead=plan, source=f"the plan in the log ({plan.name})")
    longer = [
        other.seen
        for name, other in found.items()
        if name != run and other.seen.steps > own.seen.steps and agrees(other.seen, own.seen)
    ]
    # Runs that agree so far and part later tell nothing of this one.
    longest = max(longer, key=lambda schedule: schedule.steps, default=None)
    if longest is None or not all(agrees(longest, other) for other in longer):
        return own
    return replace(own, ahead=longest, source=f"run '{longest.name}', alike so far")


def _planned(log: RunLog, run: str, seen: Schedule) -> Schedule | None:
    """Return the schedule that the run's settings and the part seen fix, or None."""
    settings = log.runs[log.runs["run"] == run].iloc[0]
    last = _number(settings, _LAST_STEP)
    if last is None or last <= seen.steps:
        return None
    shape = str(next((settings[n] for n in _SHAPE if n in settings), "")).lower()
    warm = seen.step[np.argmax(seen.lr >= 0.98 * seen.peak)]
    if shape.startswith("constant") and np.ptp(seen.lr[seen.step >= warm]) == 0:
        return Schedule(np.r_[seen.step, last], np.r_[seen.lr, seen.lr[-1]], "constant")
    wanted = [s for s in ("cosine", "linear") if s in shape] or ["cosine", "linear"]
    for name in wanted:
        plan = _continued(name, seen, last, _number(settings, _END))
        if plan is not None:
            return plan
    return None


def _continued(shape: str, seen: Schedule, last: float, end: float | None) -> Schedule | None:
    """Continue a cosine or a line to the last step, if one goes through all that was seen."""
    top = int(len(seen.lr) - 1 - np.argmax(seen.lr[::-1]))
    step, lr, peak = seen.step[top:], seen.lr[top:], seen.peak
    if len(step) <= _FEWEST_RATES or lr[-1] > 0.98 * peak:
        return None
    # Where the fall began is seldom logged: the best of all places up to the highest rate.
    starts = np.unique(np.r_[np.linspace(0, step[0], _STARTS), seen.step[: top + 1]])
    starts = starts if shape == "cosine" else starts[:1]
    ahead = np.linspace(seen.steps, last, 257)[1:]
    found = []
    for start in starts:
        basis, rest = (_shape_of(shape, (s - start) / (last - start)) for s in (step[1:], ahead))
        coefficients = np.linalg.lstsq(basis, lr[1:], rcond=None)[0]
        off = float(np.abs(basis @ coefficients - lr[1:]).max())
        found.append((off, rest @ coefficients))
    off, rest = min(found, key=lambda pair: pair[0])
    agreed = end is None or abs(rest[-1] - end) <= _AGREE * peak
    if off > _SAME_SHAPE * peak or rest.min() < -_SAME_SHAPE * peak or not agreed:
        return None
    return Schedule(np.r_[seen.step, ahead], np.r_[seen.lr, np.maximum(rest, 0.0)], shape)


def _shape_of(shape: str, share: Array) -> Array:
    """Return what the rate is linear in, at shares of the way from the fall's start to its end."""
    height = np.cos(np.pi * share) if shape == "cosine" else share
    return np.stack([np.ones_like(share), height], axis=1)


def _number(settings: object, names: tuple[str, ...]) -> float | None:
    for name in names:
        try:
            value = float(settings[name])  # type: ignore[index]
        except (KeyError, TypeError, ValueError):
            continue
        if np.isfinite(value):
            return value
    return None
