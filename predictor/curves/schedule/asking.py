"""From a question about a log to forecasts by a law that knows the schedule, where one is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from predictor.curves.forecasting import CurveForecast
from predictor.curves.metric import MetricKind, kind_of
from predictor.curves.predictive import LEVELS, Predictive
from predictor.curves.prepared import PreparedCurve, prepare
from predictor.curves.regimes import Regime
from predictor.curves.schedule.cautions import apart, beware, falls_before
from predictor.curves.schedule.laws import SCHEDULE_LAWS
from predictor.curves.schedule.logged import LoggedSchedule, agrees, logged_schedules
from predictor.curves.schedule.model import AUTO, ScheduleLaw
from predictor.curves.schedule.named import schedule_from_text
from predictor.curves.schedule.observed import ObservedRun, observe
from predictor.curves.schedule.plan import HELD, Schedule
from predictor.curves.schedule.together import Together
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.tables import RunLog

AXIS = "step"
_FAR = 10.0
#: Where more runs are asked about at once, "auto" leaves them all to the laws that are batched.
_MOST_ASKED = 40


@dataclass(frozen=True, eq=False)
class ScheduleQuestion:
    """What a question knows of learning rates.

    Parameters
    ----------
    known : mapping of str to LoggedSchedule
        What the log tells of each run, also of what ``--until`` hides of it.
    given : Schedule, optional
        A schedule that was asked about.
    target : str
        Name of the run under it: one of the log's, or a name for another.
    """

    known: Mapping[str, LoggedSchedule] = field(default_factory=dict)
    given: Schedule | None = None
    target: str = ""


def pose_schedule(
    log: RunLog,
    steps: Sequence[float],
    text: str | None,
    warmup: float | None = None,
) -> tuple[ScheduleQuestion, dict[str, tuple[float, ...]]]:
    """Complete a question with schedules: the log's, and the one that a text names.

    Parameters
    ----------
    log : RunLog
        The whole log.
    steps : sequence of float
        Steps asked for; those of the schedule where there are none.
    text : str, optional
        A schedule, as :func:`~predictor.curves.schedule.named.schedule_from_text` reads it.
    warmup : float, optional
        Steps of a warm-up that the log leaves out.

    Returns
    -------
    question : ScheduleQuestion
    at : dict
        With a schedule, its run and the steps to forecast.

    Raises
    ------
    InputError
        If the schedule cannot be read, or ends before a step asked for.
    """
    known = logged_schedules(log, warmup)
    if text is None:
        return ScheduleQuestion(known), {}
    if not known:
        raise InputError("--schedule needs runs that log their learning rate by step; none does")
    last = max(steps, default=None) or _planned_end(known)
    schedule, every = schedule_from_text(text, known, warmup=warmup, last=last)
    if steps and max(steps) > HELD * schedule.steps:
        raise InputError(
            f"--at step={max(steps):g}: the schedule ends at step {schedule.steps:g}; "
            "ask for a step before that, or give a longer schedule"
        )
    only = next(iter(known)) if len(log.run_names) == 1 else None
    own = only is not None and agrees(schedule, known[only].seen)
    target = only if only is not None and own else _new_name(schedule.name, log.run_names)
    return ScheduleQuestion(known, schedule, target), {target: tuple(steps) or tuple(every)}


def scheduled_outcomes(
    log: RunLog,
    metric: str,
    at: Mapping[str, Sequence[float]],
    law: str,
    level: float,
    question: ScheduleQuestion,
) -> dict[str, CurveForecast]:
    """Forecast what a schedule law can, by run.

    That is the run under a given schedule, or else every run whose rate ahead is known and falls.
    With ``law`` "auto" the others are left to the laws that know no schedule.
    """
    explicit = question.given is not None or law in SCHEDULE_LAWS
    if law != AUTO and not explicit:
        return {}
    values = log.points.loc[log.points["metric"] == metric, "value"].dropna().to_numpy()
    kind = kind_of(metric, values)
    if kind.floor != 0 or kind.better != "lower":
        if explicit:
            raise InputError(f"a schedule law describes a positive loss; '{metric}' is none")
        return {}
    if question.given is not None:
        return {question.target: _of_schedule(log, metric, at, law, level, question)}
    plans = {
        run: plan
        for run, steps in at.items()
        if (plan := _plan(question.known.get(run), max(steps), explicit)) is not None
    }
    if not explicit and not 0 < len(plans) <= _MOST_ASKED:
        return {}
    runs, left_out = _observed(log, metric, question.known)
    outcomes = _of_plans(log, metric, at, law, level, question, plans, runs)
    return outcomes | _silent(log, metric, at, outcomes, left_out) if explicit else outcomes


def _of_plans(
    log: RunLog,
    metric: str,
    at: Mapping[str, Sequence[float]],
    law: str,
    level: float,
    question: ScheduleQuestion,
    plans: Mapping[str, Schedule],
    runs: Mapping[str, ObservedRun],
) -> dict[str, CurveForecast]:
    """Forecast the rest of each run whose plan is known."""
    models = Together(log, list(runs.values()), law, metric)
    outcomes = {}
    for run in (run for run in plans if run in runs):
        curve = prepare(runs[run].step, runs[run].value, metric, run)
        if curve.regime.diverged:
            continue
        known, model = question.known[run], models.best(runs[run])
        count = f"{len(model.runs_)} run{'s' if len(model.runs_) > 1 else ''}"
        message = (
            f"the learning rate ahead is known from {known.source or 'its own log'}; the "
            f"{model.fit_.law} law is fitted to {count}"
        )
        found = [*curve.findings, *known.findings, Finding("PRED120", message, run)]
        outcomes[run] = _outcome(model, curve, plans[run], at[run], run, level, found)
    return outcomes


def _of_schedule(
    log: RunLog,
    metric: str,
    at: Mapping[str, Sequence[float]],
    law: str,
    level: float,
    question: ScheduleQuestion,
) -> CurveForecast:
    """Forecast the run under a given schedule from all runs of the log together."""
    assert question.given is not None
    runs, left_out = _observed(log, metric, question.known)
    if not runs:
        reason = left_out[0].message if left_out else "no run logs the learning rate by step"
        raise InputError(f"no run can be used to fit a schedule law: {reason}")
    model = ScheduleLaw(law=law, metric=metric, level=level).fit(list(runs.values()))
    own = runs.get(question.target)
    if own is not None:
        curve = prepare(own.step, own.value, metric, question.target)
    else:
        points = sum(run.points for run in runs.values())
        curve = _nothing_logged(metric, log, points)
    assumed = {f.message: f for run in runs for f in question.known[run].findings}
    found = [*curve.findings, *left_out, *assumed.values(), *apart(model)]
    steps = at[question.target]
    return _outcome(model, curve, question.given, steps, question.target, level, found)


def _outcome(
    model: ScheduleLaw,
    curve: PreparedCurve,
    schedule: Schedule,
    steps: Sequence[float],
    run: str,
    level: float,
    findings: Sequence[Finding],
) -> CurveForecast:
    at = np.asarray(steps, dtype=float)
    predictive = Predictive(curve, np.log(model.predict(schedule, at)), model.widths(schedule, at))
    always = [*findings, *beware(model, schedule, float(at.max()), run, level)]
    last = float(curve.x[-1]) if len(curve.x) else np.inf
    per_place = [
        ("PRED110", at <= last if len(curve.x) else at < 0, "the place lies within the data"),
        ("PRED102", at > _FAR * last, f"the place lies more than {_FAR:g} times beyond the data"),
    ]
    codes = tuple(
        (*dict.fromkeys(f.code for f in always), *(c for c, where, _ in per_place if where[k]))
        for k in range(len(at))
    )
    always += [Finding(code, text, run) for code, where, text in per_place if where.any()]
    lower, upper = predictive.interval(level)
    shares = {model.fit_.law: 1.0}
    return CurveForecast(
        at, predictive.median(), lower, upper, codes, tuple(always), shares, predictive
    )


def _observed(
    log: RunLog, metric: str, known: Mapping[str, LoggedSchedule]
) -> tuple[dict[str, ObservedRun], list[Finding]]:
    """Return the runs that can be fitted, and why others cannot."""
    runs: dict[str, ObservedRun] = {}
    left_out = []
    for run, logged in known.items():
        curve = log.curve(run, metric)
        schedule = logged.ahead or logged.seen
        placed = (curve["step"] <= schedule.steps).to_numpy()
        step, value = (curve[name].to_numpy()[placed] for name in (AXIS, "value"))
        try:
            runs[run] = observe(run, schedule, step, value)
        except InputError as error:
            left_out.append(Finding("PRED125", str(error), run))
    return runs, left_out


def _plan(known: LoggedSchedule | None, last: float, explicit: bool) -> Schedule | None:
    """Return the run's schedule if it is known up to the last step, and falls (or is asked for)."""
    plan = None if known is None else known.ahead or known.seen
    if plan is None or HELD * plan.steps < last:
        return None
    return plan if explicit or falls_before(plan, last) else None


def _silent(
    log: RunLog,
    metric: str,
    at: Mapping[str, Sequence[float]],
    said: Mapping[str, CurveForecast],
    left_out: Sequence[Finding],
) -> dict[str, CurveForecast]:
    """Return outcomes without numbers for runs of which a schedule law cannot say anything."""
    outcomes = {}
    for run, steps in at.items():
        if run in said:
            continue
        reasons = [f.message for f in left_out if f.run == run]
        why = "the learning rate up to there is not known; give --schedule"
        found = Finding("PRED126", reasons[0] if reasons else why, run)
        logged = log.curve(run, metric)
        curve = prepare(logged[AXIS].to_numpy(), logged["value"].to_numpy(), metric, run)
        nothing = np.full(len(steps), np.nan)
        predictive = Predictive(curve, nothing, np.tile(nothing, (len(LEVELS), 1)))
        places, codes = np.asarray(steps, dtype=float), ((found.code,),) * len(steps)
        outcomes[run] = CurveForecast(
            places, nothing, nothing, nothing, codes, (found,), {}, predictive
        )
    return outcomes


def _nothing_logged(metric: str, log: RunLog, points: int) -> PreparedCurve:
    """Return the empty curve of a run that is yet to come."""
    blank = np.empty(0)
    values = log.points.loc[log.points["metric"] == metric, "value"].dropna().to_numpy()
    kind: MetricKind = kind_of(metric, values)
    return PreparedCurve(blank, blank, kind, 0.0, 1.0, points, (), Regime())


def _planned_end(known: Mapping[str, LoggedSchedule]) -> float | None:
    ends = [logged.ahead.steps for logged in known.values() if logged.ahead is not None]
    return max(ends, default=None)


def _new_name(name: str, taken: Sequence[str]) -> str:
    return f"{name} (schedule)" if name in taken else name
