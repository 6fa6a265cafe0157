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
from predictor.curves.schedule.fitting import LEAST_NOISE
from predictor.curves.schedule.laws import SCHEDULE_LAWS
from predictor.curves.schedule.logged import LoggedSchedule, agrees, logged_schedules
from predictor.curves.schedule.model import AUTO, ScheduleLaw
from predictor.curves.schedule.named import schedule_from_text
from predictor.curves.schedule.observed import ObservedRun, observe
from predictor.curves.schedule.plan import Schedule
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.conformal import fewest_backtests
from predictor.fitting.law import Array
from predictor.logs.tables import RunLog

AXIS = "step"
#: The rate falls, or a run shows it fall, when it goes below this share of its peak.
_FALLEN = 0.98
#: A fit of all runs serves one of them if it misses it by no more than this many times its own fit.
_SERVES = 2.0
_FAR, _OTHER_PEAK = 10.0, 1.5
#: Runs lie apart from one law when one is off by this much, and by so many times the noise.
_APART, _TIMES_NOISE = 0.01, 3.0
#: More runs than this are not fitted together: they add little to what a law can learn.
_MOST_TOGETHER = 12


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
    schedule, every = schedule_from_text(text, log, known, warmup=warmup, last=last)
    if steps and max(steps) > schedule.steps:
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
    """Forecast what a schedule law can: the run under a given schedule, or those whose rate ahead
    is known and falls. With ``law`` "auto" the others are left to the laws that know no schedule.
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
    runs, left_out = _observed(log, metric, question.known)
    if question.given is not None:
        return {question.target: _of_schedule(log, metric, at, law, level, question, runs, left_out)}
    plans = {
        run: plan
        for run, steps in at.items()
        if run in runs and (plan := _plan(question.known[run], max(steps), explicit)) is not None
    }
    models = _Models(log, list(runs.values()), law, metric)
    outcomes = {}
    for run, plan in plans.items():
        curve = prepare(runs[run].step, runs[run].value, metric, run)
        if curve.regime.diverged:
            continue
        known = question.known[run]
        found = [*curve.findings, *known.findings]
        source = known.source or "its own log"
        model = models.best(runs[run])
        fitted = len(model.runs_)
        said = f"known from {source}; the {model.fit_.law} law is fitted to {fitted} run(s)"
        found.append(Finding("PRED120", f"the learning rate ahead is {said}", run))
        outcomes[run] = _outcome(model, curve, plan, at[run], run, level, found)
    if explicit:
        outcomes |= _silent(log, metric, at, outcomes, runs)
    return outcomes


def _of_schedule(
    log: RunLog,
    metric: str,
    at: Mapping[str, Sequence[float]],
    law: str,
    level: float,
    question: ScheduleQuestion,
    runs: Mapping[str, ObservedRun],
    left_out: Sequence[Finding],
) -> CurveForecast:
    """Forecast the run under a given schedule from all runs of the log together."""
    assert question.given is not None
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
    found = [*curve.findings, *left_out, *assumed.values(), *_apart(model)]
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
    predictive = Predictive(
        curve, np.log(model.predict(schedule, at)), model.widths(schedule, at)
    )
    always = [*findings, *_beware(model, schedule, float(at.max()), run, level)]
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


def _beware(
    model: ScheduleLaw, schedule: Schedule, last: float, run: str, level: float
) -> list[Finding]:
    """Return what to beware of in a forecast up to the last step asked for."""
    found = []
    lowest = min(float(r.schedule.rate(r.step).min() / r.schedule.peak) for r in model.runs_)
    if lowest > _FALLEN and _falls(schedule, last):
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


def _apart(model: ScheduleLaw) -> list[Finding]:
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


class _Models:
    """Laws fitted to runs alone and to all that may follow one law, each once."""

    def __init__(self, log: RunLog, runs: Sequence[ObservedRun], law: str, metric: str) -> None:
        self._law, self._metric = law, metric
        params = log.runs.set_index("run").get("params")
        self._group: dict[str, tuple[ObservedRun, ...]] = {}
        for run in runs:
            size = None if params is None else params.get(run.run)
            alike = tuple(
                r for r in runs if params is None or _same(params.get(r.run), size)
            )
            self._group[run.run] = _most_telling(alike)
        self._fitted: dict[tuple[str, ...], ScheduleLaw] = {}

    def best(self, run: ObservedRun) -> ScheduleLaw:
        """Return the law of all runs alike if it serves this one, else that of the run alone."""
        alone, together = self._fit((run,)), self._fit(self._group[run.run])
        fine = _SERVES * max(_miss(alone, run), LEAST_NOISE)
        return together if _miss(together, run) <= fine else alone

    def _fit(self, runs: tuple[ObservedRun, ...]) -> ScheduleLaw:
        key = tuple(run.run for run in runs)
        if key not in self._fitted:
            self._fitted[key] = ScheduleLaw(law=self._law, metric=self._metric).fit(runs)
        return self._fitted[key]


def _most_telling(runs: tuple[ObservedRun, ...]) -> tuple[ObservedRun, ...]:
    """Return at most twelve runs, those whose rates fell furthest first."""
    fallen = sorted(runs, key=lambda r: float(r.schedule.rate(r.step).min() / r.schedule.peak))
    return tuple(fallen[:_MOST_TOGETHER])


def _miss(model: ScheduleLaw, run: ObservedRun) -> float:
    return float(np.median(np.abs(np.log(model.predict(run.schedule, run.step) / run.value))))


def _same(one: object, other: object) -> bool:
    missing = [value is None or value != value for value in (one, other)]  # noqa: PLR0124 (NaN)
    return all(missing) or (not any(missing) and one == other)


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


def _plan(known: LoggedSchedule, last: float, explicit: bool) -> Schedule | None:
    """Return the run's schedule if it is known up to the last step, and falls (or is asked for)."""
    plan = known.ahead or known.seen
    if plan.steps < last:
        return None
    return plan if explicit or _falls(plan, last) else None


def _falls(schedule: Schedule, last: float) -> bool:
    part = schedule.until(last)
    top = int(part.lr.argmax())
    return bool(part.lr[top:].min() < _FALLEN * part.lr[top])


def _silent(
    log: RunLog,
    metric: str,
    at: Mapping[str, Sequence[float]],
    said: Mapping[str, CurveForecast],
    runs: Mapping[str, ObservedRun],
) -> dict[str, CurveForecast]:
    """Return outcomes without numbers for runs of which a schedule law cannot say anything."""
    outcomes = {}
    for run, steps in at.items():
        if run in said:
            continue
        why = (
            "the learning rate up to there is not known; give --schedule"
            if run in runs
            else "a schedule law needs eight points with steps and learning rates after the warm-up"
        )
        found = Finding("PRED126", why, run)
        curve = prepare(*(log.curve(run, metric)[n].to_numpy() for n in (AXIS, "value")), metric)
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
