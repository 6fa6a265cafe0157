"""Backtest forecasts of curves: what would have been said, from earlier on, and what came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from predictor.backtest.origins import Origin, rolling_origins, seen_from
from predictor.backtest.result import QUANTILES, Backtest
from predictor.backtest.scores import crps, interval_score
from predictor.curves.forecasting import CurveForecast
from predictor.curves.outlook import AUTO
from predictor.curves.question import Question, check_law, choose_metric, curves_of, forecast_log
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.tables import RunLog

#: The forecast that everything else has to beat: nothing changes any more.
LAST_VALUE = "last value"
LAWS = ("auto", *AUTO, LAST_VALUE)
HORIZONS = (1.5, 2.0, 4.0, 8.0)


def backtest(
    runlog: RunLog,
    metric: str | None = None,
    x: str | None = None,
    *,
    laws: Sequence[str] = LAWS,
    horizons: Sequence[float] = HORIZONS,
    origins: int = 4,
    level: float = 0.9,
    seed: int = 0,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Forecast what is known already from what was logged before, and compare.

    Every run is cut at several places, its rest hidden, and forecast as it would have been then:
    at each origin only what all runs had logged up to their own origin is used, for the fit and for
    the interval.

    Parameters
    ----------
    runlog : RunLog
        The logs.
    metric : str, optional
        Metric; the validation loss, or the only one, where not given.
    x : str, optional
        Axis: ``step, tokens, samples, epoch, flops`` or ``wall_time``; the first that is logged
        where not given.
    laws : sequence of str
        Laws, "auto", or "last value" for the forecast that nothing changes any more.
    horizons : sequence of float
        How far ahead: place of the target over the last place seen, each more than 1.
    origins : int
        Number of origins a run and horizon, each 1.4 times earlier than the one before.
    level : float
        Level of the intervals, in (0, 1).
    seed : int
        Seed of the bootstrap.
    n_jobs : int, optional
        Number of processes, as in joblib.
    progress : callable, optional
        Called with the number of forecasts of a law done, and of all.

    Returns
    -------
    Backtest
        Its ``cases`` hold every forecast, ``laws`` the scores; empty where no run is long enough,
        which a finding says.

    Raises
    ------
    InputError
        If metric, axis or law is not there, or a number is out of range.

    Examples
    --------
    >>> steps = np.arange(1, 101)
    >>> points = pd.DataFrame({"run": "a", "metric": "loss", "step": steps})
    >>> points["value"] = 2 + 3 / points["step"] ** 0.5
    >>> found = backtest(RunLog.from_points(points), "loss", laws=["power", "last value"])
    >>> found.laws["mape"].round(1).to_list()
    [0.0, 16.1]
    """
    _check(laws, horizons, origins, level)
    metric = choose_metric(runlog, metric)
    axis = x or _first_axis(runlog, metric)
    points = runlog.points[runlog.points["metric"] == metric]
    runs, curves = curves_of(runlog, metric, axis)
    named = dict(zip(runs, curves, strict=True))
    groups = [
        (horizon, group)
        for horizon in horizons
        for group in rolling_origins(named, horizon, origins)
    ]
    rows: list[dict[str, object]] = []
    for done, (horizon, group) in enumerate(groups):
        past = replace(runlog, points=seen_from(points, axis, group))
        for place, law in enumerate(laws):
            rows += _cases(past, group, Question(metric, axis, {}, law, level), seed, n_jobs)
            if progress is not None:
                progress(done * len(laws) + place + 1, len(groups) * len(laws))
        for row in rows:
            row.setdefault("horizon", horizon)
    return Backtest(metric, axis, level, pd.DataFrame(rows), _too_short(runs, groups))


def _cases(
    past: RunLog, group: Sequence[Origin], question: Question, seed: int, n_jobs: int | None
) -> list[dict[str, object]]:
    """Forecast one target of each run by one law."""
    asked = replace(question, at={o.run: (o.at,) for o in group})
    if question.law == LAST_VALUE:
        last = past.points.sort_values(asked.axis, kind="stable").groupby("run")["value"].last()
        return [_last_value(o, float(last[o.run])) for o in group]
    outcomes = forecast_log(past, asked, seed, n_jobs=n_jobs)
    return [_case(o, outcomes[o.run], question) for o in group if o.run in outcomes]


def _case(origin: Origin, outcome: CurveForecast, question: Question) -> dict[str, object]:
    value, lower, upper = (float(a[0]) for a in (outcome.value, outcome.lower, outcome.upper))
    row = _row(origin, question.law, value) | {"lower": lower, "upper": upper}
    row["points"] = outcome.prepared.points
    row["warnings"] = " ".join(outcome.codes[0])
    if not np.isfinite(value):
        return row
    truth = np.array([origin.truth])
    quantiles = np.array([outcome.predictive.quantile(share) for share in QUANTILES])
    row["interval_score"] = float(
        interval_score(outcome.lower[:1], outcome.upper[:1], truth, question.level)[0]
    )
    row["crps"] = float(crps(quantiles, truth)[0])
    row["probability"] = float(outcome.predictive.probability_below(truth)[0])
    return row


def _last_value(origin: Origin, value: float) -> dict[str, object]:
    return _row(origin, LAST_VALUE, value) | {"crps": abs(value - origin.truth)}


def _row(origin: Origin, law: str, value: float) -> dict[str, object]:
    return {
        "run": origin.run,
        "law": law,
        "seen": origin.seen,
        "at": origin.at,
        "ratio": origin.at / origin.seen,
        "truth": origin.truth,
        "value": value,
    }


def _first_axis(runlog: RunLog, metric: str) -> str:
    points = runlog.points[runlog.points["metric"] == metric]
    return next(str(axis) for axis in points.columns[2:8] if points[axis].notna().any())


def _too_short(
    runs: Sequence[str], groups: Sequence[tuple[float, Sequence[Origin]]]
) -> tuple[Finding, ...]:
    tested = {origin.run for _, group in groups for origin in group}
    message = "too short: four points at least must lie before what is hidden"
    return tuple(Finding("PRED141", message, run) for run in runs if run not in tested)


def _check(laws: Sequence[str], horizons: Sequence[float], origins: int, level: float) -> None:
    for law in laws:
        if law != LAST_VALUE:
            check_law(law)
    if not laws or len(set(laws)) < len(laws):
        raise InputError("name each law once, and one at least")
    if not horizons or not all(1 < horizon <= 1_000 for horizon in horizons):
        raise InputError("a horizon is how many times further the target lies: more than 1, as 2")
    if origins < 1:
        raise InputError(f"one origin at least is needed, not {origins}")
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, such as 0.9, not {level:g}")
