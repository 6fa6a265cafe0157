"""From a measure or a difference to a verdict."""

from __future__ import annotations

from math import inf, isfinite

from predictor.findings import KINDS, Severity
from predictor.fitting.forecast import Forecast
from predictor.gates.checks import Check
from predictor.gates.comparing import Difference, allowed
from predictor.gates.measures import Measure
from predictor.gates.verdict import Status, Verdict

_ENDS = {
    "upper": "upper end of the interval",
    "lower": "lower end of the interval",
    "value": "forecast",
}


def judge_threshold(check: Check, measure: Measure) -> Verdict:
    """Judge a measure against the number that a check names."""
    end = next(name for name in _ENDS if getattr(check, name) is not None)
    limit = float(getattr(check, end))
    sign = 1.0 if measure.better == "lower" else -1.0
    word = "at most" if sign > 0 else "at least"
    requirement = f"{_ENDS[end]} {word} {limit:g}"
    what = _what(measure.forecast)
    if measure.value is None or measure.lower is None or measure.upper is None:
        reasons = _reasons(measure.forecast)
        return _verdict(
            check, Status.UNDECIDED, f"{what} cannot be forecast: {reasons}", measure.forecast,
            requirement,
        )  # fmt: skip
    margin = sign * (
        limit - {"upper": measure.upper, "lower": measure.lower, "value": measure.value}[end]
    )
    below = measure.probability_below(limit)
    probability = None if below is None else (below if sign > 0 else 1 - below)
    best = measure.lower if sign > 0 else measure.upper
    if margin >= 0:
        status = Status.PASS
    elif end == "value" or sign * (limit - best) < 0:
        status = Status.FAIL
    else:
        status = Status.UNDECIDED
    message = (
        f"{what} is {_number(measure)}; {requirement}: {_outcome(status, margin, probability)}"
    )
    return _verdict(
        check, status, message, measure.forecast, requirement,
        margin if isfinite(margin) else None, probability,
    )  # fmt: skip


def judge_difference(
    check: Check, forecast: Forecast, difference: Difference | None, others: str
) -> Verdict:
    """Judge how much worse a run is than a baseline or a rival."""
    what = _what(forecast)
    if difference is None:
        message = f"{what} cannot be compared with {others}: {_reasons(forecast)}"
        return _verdict(check, Status.UNDECIDED, message, forecast, f"no worse than {others}")
    limit = allowed(check, difference)
    by = f" by more than {difference.in_metric(limit):.3g}" if limit > 0 else ""
    requirement = f"not worse than {others} ({difference.reference:.5g}){by}"
    worse = difference.probability_worse(limit)
    status = Status.FAIL if worse >= check.level_of_failure else Status.PASS
    sees = difference.detectable(limit, check.level_of_failure)
    change = difference.in_metric(difference.worse)
    word = "worse" if change > 0 else "better"
    message = (
        f"{what} is {_shown(forecast.value)}, {abs(change):.3g} {word} than {others} "
        f"({difference.reference:.5g}); probability {worse:.1%} that it is truly worse{by}; "
        f"a worsening by {sees:.3g} or more would have failed"
    )
    margin = difference.in_metric(limit) - change
    return _verdict(check, status, message, forecast, requirement, margin, 1 - worse)


def in_error(check: Check, message: str) -> Verdict:
    """Return the verdict of a check that could not be carried out."""
    return Verdict(check.name, Status.ERROR, message)


def _verdict(
    check: Check,
    status: Status,
    message: str,
    forecast: Forecast,
    requirement: str,
    margin: float | None = None,
    probability: float | None = None,
) -> Verdict:
    if status is Status.UNDECIDED and check.undecided is not None:
        status = Status(check.undecided)
        message += f" (undecided counts as '{check.undecided}')"
    if status is Status.FAIL and check.severity == "warning":
        status = Status.WARN
    return Verdict(
        check.name, status, message, forecast.run, forecast, requirement, margin, probability,
        {code: reason for code, reason in check.muted.items() if code in forecast.warnings},
    )  # fmt: skip


def _what(forecast: Forecast) -> str:
    place = ", ".join(f"{axis}={value:g}" for axis, value in forecast.at.items())
    return f"{forecast.run}: {forecast.metric}{f' at {place}' if place else ''}"


def _number(measure: Measure) -> str:
    level = f"{100 * measure.forecast.level:g} % interval"
    return f"{_shown(measure.value)} ({level} {_shown(measure.lower)} to {_shown(measure.upper)})"


def _shown(value: float | None) -> str:
    if value is None:
        return "not known"
    return "never" if value == inf else f"{value:.5g}"


def _outcome(status: Status, margin: float, probability: float | None) -> str:
    word = {
        Status.PASS: "holds",
        Status.FAIL: "does not hold",
        Status.UNDECIDED: "cannot be decided, the interval straddles it",
    }[status]
    by = f", margin {margin:.3g}" if isfinite(margin) else ""
    sure = "" if probability is None else f", probability {probability:.1%} that the value keeps it"
    return f"{word}{by}{sure}"


def _reasons(forecast: Forecast) -> str:
    blocking = [c for c in forecast.warnings if KINDS[c].severity is Severity.BLOCKING]
    return "; ".join(KINDS[code].title for code in blocking or forecast.warnings) or "no number"
