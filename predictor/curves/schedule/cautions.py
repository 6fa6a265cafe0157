"""What to beware of in a forecast by a schedule law."""

from __future__ import annotations

import numpy as np

from predictor.curves.schedule.model import ScheduleLaw
from predictor.curves.schedule.plan import Schedule
from predictor.findings import Finding
from predictor.fitting.conformal import fewest_backtests

#: The rate falls, or a run shows it fall, when it goes below this share of its peak.
_FALLEN = 0.98
_FAR, _OTHER_PEAK = 10.0, 1.5
#: Runs lie apart from one law when one is off by this much, and by so many times the noise.
_APART, _TIMES_NOISE = 0.01, 3.0


def beware(
    model: ScheduleLaw, schedule: Schedule, last: float, run: str, level: float
) -> list[Finding]:
    """Return what to beware of in a forecast up to the last step asked for."""
    found = []
    lowest = min(float(r.schedule.rate(r.step).min() / r.schedule.peak) for r in model.runs_)
    if lowest > _FALLEN and falls_before(schedule, last):
        message = "no fitted run shows what a falling rate brings; published runs stand in for it"
        found.append(Finding("PRED122", message, run))
    peaks = np.array([r.schedule.peak for r in model.runs_]) / schedule.peak
    if peaks.min() > _OTHER_PEAK or peaks.max() < 1 / _OTHER_PEAK:
        message = f"its peak rate {schedule.peak:g} is not near that of any fitted run"
        found.append(Finding("PRED123", message, run))
    longest = max(float(r.step[-1]) for r in model.runs_)
    if last > _FAR * longest:
        message = f"it is more than {_FAR:g} times as long as the fitted runs"
        found.append(Finding("PRED123", message, run))
    own, needed = len(model.backtests_.scores), fewest_backtests(level)
    if own < needed:
        message = (
            f"backtests on hidden parts of these runs: {own}; {needed} are needed to calibrate on "
            "this log, so the interval is as wide as published runs ask for, or wider"
        )
        found.append(Finding("PRED106", message, run))
    return found


def apart(model: ScheduleLaw) -> list[Finding]:
    """Say where one law cannot go through all runs."""
    if len(model.runs_) < 2:
        return []
    off = [np.log(model.predict(r.schedule, r.step) / r.value) for r in model.runs_]
    middle = np.array([np.median(one) for one in off])
    within = float(np.median([np.median(np.abs(one - np.median(one))) for one in off]))
    worst = int(np.abs(middle).argmax())
    if abs(middle[worst]) < max(_APART, _TIMES_NOISE * within):
        return []
    name, share = model.runs_[worst].run, 100 * abs(middle[worst])
    message = f"run '{name}' lies {share:.1f} % off the law fitted to all {len(off)} runs"
    return [Finding("PRED124", message, name)]


def falls_before(schedule: Schedule, last: float) -> bool:
    """Whether the rate falls before a step."""
    part = schedule.until(last)
    top = int(part.lr.argmax())
    return bool(part.lr[top:].min() < _FALLEN * part.lr[top])
