"""Training curves in a gate: what a run is at a place, by its log or by a forecast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from statistics import NormalDist

import numpy as np

from predictor.curves.forecasting import CurveForecast, as_forecasts
from predictor.curves.metric import kind_of
from predictor.curves.predictive import LEVELS, Predictive
from predictor.curves.prepared import PreparedCurve, prepare
from predictor.curves.question import (
    Question,
    choose_metric,
    curves_of,
    forecast_log,
    planned_ends,
)
from predictor.curves.regimes import roughness
from predictor.fitting.law import Array
from predictor.gates.checks import Check
from predictor.gates.measures import Better, Measure, matching
from predictor.logs.places import one_place
from predictor.logs.tables import AXES, RunLog

#: What a forecast is called that is read off the log.
LOGGED = "logged"


@dataclass(frozen=True)
class Views:
    """The curves of a check: a log, the question, and where each run is looked at."""

    log: RunLog
    metric: str
    axis: str
    curves: dict[str, tuple[Array, Array]]
    at: dict[str, float]
    better: Better

    @property
    def last(self) -> dict[str, float]:
        """Last logged place of each run."""
        return {run: float(x[np.isfinite(x)].max()) for run, (x, _) in self.curves.items()}


def axis_and_place(check: Check) -> tuple[str | None, float | None]:
    """Return the axis and the place that a check names, None where it does not."""
    if check.at is None or isinstance(check.at, float):
        return check.x, check.at
    return one_place(check.at, "at", check.x)


def curve_views(log: RunLog, check: Check) -> Views:
    """Return the curves that a check is about, and where they are looked at.

    Raises
    ------
    InputError
        If metric, axis or runs are not in the log.
    """
    metric = choose_metric(log, check.metric)
    named, place = axis_and_place(check)
    points = log.points[log.points["metric"] == metric]
    axis = named or next(name for name in AXES if points[name].notna().any())
    runs, curves = curves_of(log, metric, axis)
    chosen = matching(runs, check.runs)
    wanted = {run: xy for run, xy in zip(runs, curves, strict=True) if run in chosen}
    ends = planned_ends(log, axis)
    values = np.concatenate([y for _, y in wanted.values()])
    better = check.better or kind_of(metric, values[np.isfinite(values)]).better
    views = Views(log, metric, axis, wanted, {}, "higher" if better == "higher" else "lower")
    at = {run: place or ends.get(run, last) for run, last in views.last.items()}
    return replace(views, at=at)


def outcomes_of(views: Views, check: Check) -> dict[str, CurveForecast]:
    """Return what each run is at its place: read off the log where it got there, else forecast."""
    last = views.last
    ahead = {run: (at,) for run, at in views.at.items() if at > last[run]}
    question = Question(views.metric, views.axis, ahead, check.law, check.level)
    found = forecast_log(views.log, question, check.seed) if ahead else {}
    for run, (x, y) in views.curves.items():
        if run not in ahead:
            curve = prepare(x, y, views.metric, run)
            found[run] = logged(curve, views.at[run], check.level)
    return {run: found[run] for run in views.curves}


def logged(curve: PreparedCurve, at: float, level: float) -> CurveForecast:
    """Read a curve off its log: the value there, give or take its noise."""
    scaled = np.log(curve.z) if curve.kind.residual == "log" else curve.z
    place = np.array([at])
    if not len(curve.x) or at < curve.x[0]:
        centre = np.full(1, np.nan)
    else:
        centre = np.interp(np.log(place), np.log(curve.x), scaled)
    spans = [NormalDist().inv_cdf((1 + known) / 2) for known in LEVELS]
    widths = np.outer(spans, [roughness(scaled)])
    predictive = Predictive(curve, centre, widths)
    lower, upper = predictive.interval(level)
    codes = tuple(finding.code for finding in curve.findings)
    return CurveForecast(
        place,
        predictive.median(),
        lower,
        upper,
        (codes,),
        curve.findings,
        {LOGGED: 1.0},
        predictive,
    )


def curve_measures(views: Views, check: Check) -> list[Measure]:
    """Return one measure a run."""
    found = []
    for run, outcome in outcomes_of(views, check).items():
        law = LOGGED if LOGGED in outcome.shares else check.law
        (forecast,) = as_forecasts(outcome, run, views.metric, views.axis, law, check.level)
        below = partial(_probability_below, outcome)
        found.append(Measure.of(forecast, views.better, below))
    return found


def _probability_below(outcome: CurveForecast, limit: float) -> float:
    return float(outcome.predictive.probability_below(limit)[0])
