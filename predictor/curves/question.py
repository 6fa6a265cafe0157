"""From what a user asks of a log to a forecast: which metric, on which axis, and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial

import numpy as np

from predictor.curves.forecasting import CurveForecast, as_forecasts, forecast_curves
from predictor.curves.prepared import prepare
from predictor.curves.rates import rate_doubts
from predictor.curves.schedule.asking import (
    ScheduleQuestion,
    pose_schedule,
    scheduled_outcomes,
)
from predictor.curves.schedule.laws import SCHEDULE_LAWS
from predictor.curves.schedule.logged import logged_schedules
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.forecast import Forecasts
from predictor.fitting.law import Array
from predictor.fitting.laws import law_named
from predictor.logs.tables import AXES, RunLog

#: Metrics that are taken where none is named, best first.
_WANTED = (
    r"(^|[^a-z])(val|valid|validation|eval|dev|test)[^a-z].*loss|^(val|valid|eval|test)_?loss",
    r"(^|[^a-z])loss([^a-z]|$)",
    r"loss|error|perplexity|acc",
)
#: The method that is no law: trends of every prefix, see :mod:`predictor.curves.learning_trace`.
TRACE = "trace"
#: Columns of ``RunLog.runs`` that say how long a run is to be, by axis.
_PLANS = {
    "step": ("max_steps", "total_steps", "num_train_steps", "train_iters", "max_iters"),
    "epoch": ("num_train_epochs", "max_epochs", "num_epochs", "epochs"),
    "tokens": ("max_tokens", "total_tokens"),
}
_BAND_PLACES = 48
#: Bands are for charts; nobody looks at more charts than this.
_MOST_BANDS = 12


@dataclass(frozen=True)
class Question:
    """What is asked of a log.

    Parameters
    ----------
    metric : str
        Metric to forecast.
    axis : str
        Axis of the places.
    at : mapping of str to tuple of float
        Places to forecast, by run.
    law : str
        Law, or "auto".
    level : float
        Level of the intervals.
    tolerance : float, optional
        What may be left to gain when training stops (``law="trace"`` only), in the metric's units.
    schedules : ScheduleQuestion, optional
        What is known of learning rates; what the log tells where not given.
    """

    metric: str
    axis: str
    at: Mapping[str, tuple[float, ...]]
    law: str = "auto"
    level: float = 0.9
    tolerance: float | None = None
    schedules: ScheduleQuestion | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Answer:
    """Forecasts, and for each run its curve with the band around what is ahead."""

    question: Question
    forecasts: Forecasts
    outcomes: Mapping[str, CurveForecast]
    bands: Mapping[str, CurveForecast]


def pose(
    log: RunLog,
    *,
    metric: str | None = None,
    places: Sequence[Mapping[str | None, float]] = (),
    axis: str | None = None,
    law: str = "auto",
    level: float = 0.9,
    schedule: str | None = None,
    warmup: float | None = None,
    tolerance: float | None = None,
) -> Question:
    """Complete a question with what the log tells.

    Parameters
    ----------
    log : RunLog
        The log.
    metric : str, optional
        Metric; the validation loss, or the only one, where not given.
    places : sequence of mapping
        Places, each one axis (None: the axis of the question) to a number; the planned end of each
        run, where the log tells it, if there is none.
    axis : str, optional
        Axis; that of the places, or the first logged, where not given.
    law, level
        As in :func:`forecast_many`.
    schedule : str, optional
        A learning-rate schedule, by path or by name: one of the runs' own, or that of another run.
    warmup : float, optional
        Steps of a linear warm-up that the log does not show.
    tolerance : float, optional
        What may be left to gain when training stops; goes with ``law="trace"``.

    Raises
    ------
    InputError
        If metric or axis is not in the log, places contradict each other, or there is none.
    """
    check_law(law)
    if tolerance is not None and (law != TRACE or not tolerance > 0):
        raise InputError("--tolerance takes a positive number, and goes with --law trace")
    metric = choose_metric(log, metric)
    axis = _choose_axis(log, metric, axis, places)
    runs = list(log.points.loc[log.points["metric"] == metric, "run"].unique())
    at = tuple(next(iter(place.values())) for place in places)
    _check_schedule(axis, law, schedule)
    schedules, planned = pose_schedule(log, at if axis == "step" else (), schedule, warmup)
    whole = partial(
        Question, metric, axis, law=law, level=level, tolerance=tolerance, schedules=schedules
    )
    if planned:
        return whole(planned)
    if places:
        return whole(dict.fromkeys(runs, at))
    ends = planned_ends(log, axis)
    known = {run: (ends[run],) for run in runs if run in ends}
    if not known:
        raise InputError(
            f"the log does not tell how long the run is to be; say where with --at {axis}=..."
        )
    return whole(known)


def forecast_many(
    runlog: RunLog,
    metric: str,
    x: str,
    at: float | Sequence[float] | Mapping[str, float],
    *,
    law: str = "auto",
    level: float = 0.9,
    seed: int = 0,
    n_jobs: int | None = None,
) -> Forecasts:
    """Forecast one metric of every run of a log.

    Thousands of runs are worked on in parts, on as many cores as ``n_jobs`` says, or on a cluster:
    within ``joblib.parallel_config(backend="dask")`` the parts go there.

    Parameters
    ----------
    runlog : RunLog
        The logs.
    metric : str
        Metric to forecast.
    x : str
        Axis: ``step, tokens, samples, epoch, flops`` or ``wall_time``.
    at : float, sequence of float, or mapping of run to float
        Where to forecast.
    law : str
        Name of a law, "auto" for the weighted ensemble, or "trace" for the learning trace.
    level : float
        Probability that the interval is to hold the truth with, in (0, 1).
    seed : int
        Seed of the bootstrap.
    n_jobs : int, optional
        Number of processes, as in joblib: -1 for one a core; by default one, or what
        ``joblib.parallel_config`` says.

    Returns
    -------
    Forecasts
        One a run and place, in the order of the log. A run that cannot be forecast is there too,
        its numbers None and the reason in its warnings.

    Raises
    ------
    InputError
        If the metric, the axis or the law is not there, or a number is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"run": "a", "metric": "loss", "step": np.arange(1, 101)})
    >>> points["value"] = 2 + 3 / points["step"] ** 0.5
    >>> forecast_many(RunLog.from_points(points), "loss", "step", 200)[0].value
    2.2122...
    """
    _check_level(level)
    check_law(law)
    metric = choose_metric(runlog, metric)
    runs, _ = curves_of(runlog, metric, x)
    question = Question(metric, x, {run: tuple(_places(at, run)) for run in runs}, law, level)
    return ask(runlog, question, seed=seed, n_jobs=n_jobs).forecasts


def forecast_log(
    log: RunLog,
    question: Question,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    n_jobs: int | None = None,
) -> dict[str, CurveForecast]:
    """Forecast the curves of the runs that a question asks about, by run."""
    every, curves = curves_of(log, question.metric, question.axis)
    scheduled = _scheduled(log, question)
    runs = [run for run in every if run in question.at and run not in scheduled]
    if not runs:
        return scheduled
    logged = dict(zip(every, curves, strict=True))
    if question.law == TRACE:
        return {run: _traced(*logged[run], question, run, seed) for run in runs}
    prepared = [prepare(*logged[run], question.metric, run) for run in runs]
    doubts = rate_doubts(
        log,
        {
            run: (curve.x, np.log(curve.z))
            for run, curve in zip(runs, prepared, strict=True)
            if curve.kind.residual == "log"
        },
    )
    outcomes = forecast_curves(
        prepared,
        [np.asarray(question.at[run]) for run in runs],
        law=question.law,
        level=question.level,
        seed=seed,
        runs=runs,
        doubts=[doubts.get(run) for run in runs],
        progress=progress,
        n_jobs=n_jobs,
    )
    found = scheduled | dict(zip(runs, outcomes, strict=True))
    return {run: found[run] for run in question.at if run in found}


def _scheduled(log: RunLog, question: Question) -> dict[str, CurveForecast]:
    """Forecast what a law that knows the learning rate can, by run."""
    if question.axis != "step":
        return {}
    known = question.schedules or ScheduleQuestion(logged_schedules(log))
    return scheduled_outcomes(
        log, question.metric, question.at, question.law, question.level, known
    )


def check_law(law: str) -> None:
    """Raise InputError, with the nearest names, if there is no law of this name."""
    if law not in ("auto", TRACE, *SCHEDULE_LAWS):
        law_named(law)


def _traced(x: Array, y: Array, question: Question, run: str, seed: int) -> CurveForecast:
    from predictor.curves.learning_trace import trace_forecast

    return trace_forecast(
        x,
        y,
        np.asarray(question.at[run]),
        metric=question.metric,
        axis=question.axis,
        tolerance=question.tolerance,
        level=question.level,
        seed=seed,
        run=run,
    )


def curves_of(runlog: RunLog, metric: str, x: str) -> tuple[list[str], list[tuple[Array, Array]]]:
    """Return the runs that log this metric on this axis, and their curves.

    Raises
    ------
    InputError
        If none has it on this axis.
    """
    points = runlog.points
    chosen = points[points["metric"] == metric]
    if x not in chosen or not chosen[x].notna().any():
        axes = [axis for axis in points.columns[2:8] if chosen[axis].notna().any()]
        raise InputError(f"metric '{metric}' has no axis '{x}'; it has {', '.join(axes)}")
    placed = chosen[chosen[x].notna()]
    grouped = placed.groupby("run", sort=False)
    runs = [run for run in runlog.run_names if run in grouped.groups]
    tables = dict(iter(grouped))
    return runs, [(tables[run][x].to_numpy(), tables[run]["value"].to_numpy()) for run in runs]


def choose_metric(log: RunLog, metric: str | None) -> str:
    """Return the metric of this name, any case; or the one most likely meant where none is named.

    Raises
    ------
    InputError
        If there is no such metric (nearest names suggested), or it is not clear which is meant.
    """
    names = log.metrics
    if not names:
        raise InputError("the log holds no finite value; all were NaN or infinite")
    if metric is not None:
        same = [name for name in names if name.lower() == metric.lower()]
        if metric in names or len(same) == 1:
            return metric if metric in names else same[0]
        tails = [name for name in names if name.lower().endswith("/" + metric.lower())]
        near = tails or get_close_matches(metric, names, n=3, cutoff=0.4) or names[:5]
        raise InputError(f"no metric '{metric}' in the log; did you mean {', '.join(near)}?")
    for pattern in _WANTED:
        found = [name for name in names if re.search(pattern, name.lower())]
        if found:
            return found[0]
    if len(names) == 1:
        return names[0]
    raise InputError(f"say which metric with --metric; the log has {', '.join(names[:8])}")


def seen_until(log: RunLog, axis: str, place: float) -> RunLog:
    """Return the log as it was when the axis had got to this place."""
    seen = log.points[~(log.points[axis] > place)]
    if seen.empty:
        raise InputError(f"--until {axis}={place:g}: the log has nothing before that")
    return replace(log, points=seen)


def planned_ends(log: RunLog, axis: str) -> dict[str, float]:
    """Return how long each run is to be, where the log tells it and it lies ahead."""
    columns = [name for name in _PLANS.get(axis, ()) if name in log.runs]
    last = log.points.groupby("run")[axis].max()
    ends = {}
    for row in log.runs[["run", *columns]].to_dict("records"):
        for name in columns:
            try:
                end = float(row[name])
            except (TypeError, ValueError):
                continue
            if np.isfinite(end) and end > last.get(row["run"], np.inf):
                ends[row["run"]] = end
                break
    return ends


def only_runs(log: RunLog, chosen: Sequence[str]) -> RunLog:
    """Return the log with only these runs.

    Raises
    ------
    InputError
        If one is not there; the nearest names are suggested.
    """
    for run in chosen:
        if run not in log.run_names:
            near = get_close_matches(run, log.run_names, n=3, cutoff=0.3) or log.run_names[:5]
            raise InputError(f"no run '{run}' in the log; did you mean {', '.join(near)}?")
    if not chosen:
        return log
    runs = log.runs[log.runs["run"].isin(chosen)].reset_index(drop=True)
    findings = tuple(f for f in log.findings if f.run is None or f.run in chosen)
    return RunLog(log.points[log.points["run"].isin(chosen)], runs, findings)


def ask(
    log: RunLog,
    question: Question,
    *,
    seed: int = 0,
    bands: bool = False,
    progress: Callable[[int, int], None] | None = None,
    n_jobs: int | None = None,
) -> Answer:
    """Answer a question.

    Parameters
    ----------
    log : RunLog
        The log.
    question : Question
        The question, as :func:`pose` completes it.
    seed : int
        Seed of the bootstrap.
    bands : bool
        Whether to forecast also on a grid from each run's last point to its farthest place.
    progress : callable, optional
        Called with the number of curves done and the number of all.
    n_jobs : int, optional
        As in :func:`forecast_many`.
    """
    outcomes = forecast_log(log, question, seed, progress, n_jobs)
    forecasts = [
        forecast
        for run, outcome in outcomes.items()
        for forecast in as_forecasts(
            outcome, run, question.metric, question.axis, _law_of(outcome, question), question.level
        )
    ]
    findings: list[Finding] = list(log.findings)
    for outcome in outcomes.values():
        findings += outcome.findings
    drawable = list(outcomes.items())[:_MOST_BANDS] if bands else []
    grids = {run: _grid(outcome) for run, outcome in drawable}
    around = {run: tuple(grid) for run, grid in grids.items() if len(grid)}
    drawn = forecast_log(log, replace(question, at=around), seed) if around else {}
    return Answer(question, Forecasts(forecasts, findings), outcomes, drawn)


def _choose_axis(
    log: RunLog,
    metric: str,
    axis: str | None,
    places: Sequence[Mapping[str | None, float]],
) -> str:
    named = {name for place in places for name in place if name is not None}
    if any(len(place) != 1 for place in places) or "params" in named:
        raise InputError("a curve is forecast on one axis: give --at one place, such as step=20000")
    named |= {axis} if axis is not None else set()
    if len(named) > 1:
        raise InputError(f"all places must be on one axis, not on {' and '.join(sorted(named))}")
    points = log.points[log.points["metric"] == metric]
    there = [name for name in AXES if points[name].notna().any()]
    wanted = next(iter(named), None)
    if wanted is None and there:
        return there[0]
    if wanted not in there:
        raise InputError(
            f"metric '{metric}' is not logged on axis '{wanted}'; it has {', '.join(there)}"
        )
    return str(wanted)


def _check_schedule(axis: str, law: str, schedule: str | None) -> None:
    if schedule is not None and law != "auto" and law not in SCHEDULE_LAWS:
        known = ", ".join(SCHEDULE_LAWS)
        raise InputError(f"--law {law} does not know schedules; with --schedule, use {known}")
    if axis != "step" and (schedule is not None or law in SCHEDULE_LAWS):
        raise InputError(f"schedules go by step: a schedule law cannot forecast on axis '{axis}'")


def _law_of(outcome: CurveForecast, question: Question) -> str:
    """Return the law's name: one that knows the schedule may have been taken by itself."""
    return next((law for law in outcome.shares if law in SCHEDULE_LAWS), question.law)


def _grid(outcome: CurveForecast) -> Array:
    curve = outcome.prepared
    if not len(curve.x) or not np.isfinite(outcome.value).any():
        return np.empty(0)
    end = max(float(outcome.at.max()), float(curve.x[-1]))
    return np.geomspace(curve.x[-1], end, _BAND_PLACES) if end > curve.x[-1] else np.empty(0)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, such as 0.9, not {level:g}")


def _places(at: float | Sequence[float] | Mapping[str, float], run: str) -> Array:
    if isinstance(at, Mapping):
        if run not in at:
            raise InputError(f"'at' gives no place for run '{run}'")
        at = at[run]
    places = np.atleast_1d(np.asarray(at, dtype=float))
    if not (np.isfinite(places) & (places > 0)).all():
        raise InputError(f"a place to forecast must be a positive number, not {places.min():g}")
    return places
