"""From a log to a plan: when a target is reached, what that costs, and when to stop."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any, Literal

import numpy as np

from predictor.architecture.cost import Rates
from predictor.curves.forecasting import FARTHEST, CurveForecast
from predictor.curves.needed import PARTS, Needed, TargetPlan
from predictor.curves.pace import BY_PARAMS, Basis, Pace, pace_of
from predictor.curves.prepared import prepare
from predictor.curves.question import Question, choose_metric, curves_of, forecast_log
from predictor.curves.target import Reach, stop_place, when_reached
from predictor.errors import CannotForecastError, InputError
from predictor.findings import Finding
from predictor.fitting.law import Array
from predictor.fitting.laws import law_named
from predictor.logs.tables import AXES, RunLog

GainPer = Literal["percent", "unit", "usd"]
#: Places looked at between the last point and the horizon.
_PLACES = 200
#: Least gain by one per cent more, as a share of the metric's last value: doubling the axis then
#: gains some 0.7 %.
LEAST_GAIN = 1e-4
#: Findings that are about single places: told only of places that the answer names.
_OF_PLACES = frozenset({"PRED102", "PRED107", "PRED110", "PRED113", "PRED114"})


def plan_target(
    runlog: RunLog,
    metric: str | None,
    target: float,
    x: str | None = None,
    *,
    level: float = 0.9,
    law: str = "auto",
    within: float | None = None,
    least_gain: float | None = None,
    gain_per: GainPer = "percent",
    rates: Rates | None = None,
    cost_from: Basis = "auto",
    seed: int = 0,
) -> TargetPlan:
    """Say when each run reaches a target, what that costs, and when to stop.

    The predictive distribution of the curve at 200 places up to the horizon, which forecasts and
    their intervals come from as well, is read the other way round: the place is where the band's
    middle crosses the target, its interval where the edges of the band do.

    Parameters
    ----------
    runlog : RunLog
        The log.
    metric : str or None
        Metric; the validation loss, or the only one, where None.
    target : float
        Value that is to be reached, in the metric's units.
    x : str, optional
        Axis: ``step, tokens, samples, epoch, flops`` or ``wall_time``; the first logged one where
        not given.
    level : float
        Probability that the interval is to hold the truth with, in (0, 1).
    law : str
        Name of a law, or "auto" for the weighted ensemble of all.
    within : float, optional
        Horizon: the farthest place to look at; 100 times the last place where not given.
    least_gain : float, optional
        Gain of the metric, in its units, below which it is time to stop; 0.01 % of the last value
        where not given.
    gain_per : {"percent", "unit", "usd"}
        That gain by one per cent more of the axis, by one unit of it, or by one dollar.
    rates : Rates, optional
        On what, and at what price, training runs.
    cost_from : {"auto", "wall_time", "flops", "params"}
        What the cost is told from: logged times, logged FLOPs, or 6 x parameters x tokens. "auto"
        takes the first of them that the log holds.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    TargetPlan
        A run's ``cost`` holds the assumptions, and under ``more`` (from the last logged place on)
        and ``total`` (from the start) ``hours, gpu_hours, usd, kwh, kg_co2``, each with ``value,
        lower, upper``.

    Raises
    ------
    InputError
        If metric, axis or law is not there, or a number is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"run": "a", "metric": "loss", "step": np.arange(1, 101)})
    >>> points["value"] = 2 + 3 / points["step"] ** 0.5
    >>> plan = plan_target(RunLog.from_points(points), "loss", target=2.15)
    >>> round(plan.needed[0].value)
    400
    """
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, such as 0.9, not {level:g}")
    if law != "auto":
        law_named(law)
    metric = choose_metric(runlog, metric)
    axis = axis_of(runlog, metric, x)
    grids = _grids(runlog, metric, axis, within)
    outcomes = forecast_log(runlog, Question(metric, axis, grids, law, level), seed)
    needed, findings = [], list(runlog.findings)
    for run, outcome in outcomes.items():
        pace, why_not = _pace(runlog, run, axis, cost_from, rates or Rates())
        reach = when_reached(outcome, target, level)
        codes, seen = _said_of(outcome, reach, run, axis)
        findings += seen if rates is None else [*seen, *_about_cost(pace, why_not, rates, run)]
        needed.append(
            Needed(
                run,
                metric,
                axis,
                float(target),
                reach.value,
                reach.lower,
                reach.upper,
                level,
                reach.reachable,
                float(outcome.at[0]),
                None if reach.reachable is None else reach.horizon,
                _stop(outcome, least_gain, gain_per, pace, rates or Rates()),
                _cost(reach, float(outcome.at[0]), pace, rates or Rates()),
                codes,
            )
        )
    return TargetPlan(tuple(needed), tuple(findings))


def axis_of(log: RunLog, metric: str, x: str | None) -> str:
    """Return the axis to read a metric on: the one named, or the first that it is logged on.

    Raises
    ------
    InputError
        If the metric is not logged on it.
    """
    points = log.points[log.points["metric"] == metric]
    there = [name for name in AXES if (points[name] > 0).any()]
    if not there:
        raise InputError(f"metric '{metric}' has no point at a positive place on any axis")
    if x is not None and x not in there:
        raise InputError(f"metric '{metric}' has no axis '{x}'; it has {', '.join(there)}")
    return x or there[0]


def _grids(log: RunLog, metric: str, axis: str, within: float | None) -> dict[str, Any]:
    """Return for each run the places from its last point to the horizon."""
    grids = {}
    for run, (places, values) in zip(*curves_of(log, metric, axis), strict=True):
        last = float(np.max(places))
        fitted = prepare(places, values, metric).x[-1:]
        # A little less, as nothing is said from there on.
        end = FARTHEST * float(fitted.sum()) * (1 - 1e-9) if within is None else within
        if within is not None and within <= last:
            raise InputError(
                f"the horizon {axis}={within:g} lies within the log of run '{run}', which has got "
                f"to {last:g}; name a later one"
            )
        if len(fitted):
            grids[run] = np.geomspace(last, end, _PLACES)
    if not grids:
        raise InputError(f"metric '{metric}' has no finite value at a positive place on '{axis}'")
    return grids


def _pace(
    log: RunLog, run: str, axis: str, basis: Basis, rates: Rates
) -> tuple[Pace | None, str | None]:
    """Return what a place costs, or why that cannot be told."""
    try:
        pace = pace_of(log, run, axis, basis)
    except CannotForecastError as error:
        return None, str(error)
    if pace.hours is None and rates.accelerator is None:
        return None, f"cost cannot be told: {pace.basis} have no duration without an accelerator"
    return pace, None


def _about_cost(pace: Pace | None, why_not: str | None, rates: Rates, run: str) -> list[Finding]:
    """Say why a cost cannot be told, or what it rests on."""
    if pace is None:
        return [Finding("PRED133", str(why_not), run)]
    texts, one = [], rates.accelerator
    if pace.basis == BY_PARAMS:
        texts.append(f"FLOPs are taken as {BY_PARAMS}: a dense transformer's, forward and backward")
    if pace.hours is not None and one is not None:
        texts.append(f"hours are those that were logged, whatever {one.name} could do")
    if rates.usd_per_hour is None and one is not None and one.usd_per_hour is not None:
        # Prices age: which month's it is stands beside it.
        texts.append(
            f"an hour of {one.name} is taken to cost {one.usd_per_hour:g} USD, as of "
            f"{one.price_date} ({one.price_source}); give the price you pay"
        )
    return [Finding("PRED134", text, run) for text in texts]


def _said_of(
    outcome: CurveForecast, reach: Reach, run: str, axis: str
) -> tuple[tuple[str, ...], list[Finding]]:
    """Return codes and findings: those of the curve, of the places named, and of the answer."""
    named = [place for place in (reach.lower, reach.value, reach.upper) if place is not None]
    at = {int(np.searchsorted(outcome.at, place)) for place in named} if not reach.logged else set()
    codes = {code for k in at for code in outcome.codes[min(k, len(outcome.codes) - 1)]}
    cut = "PRED114" if reach.horizon < 0.999 * outcome.at[-1] and reach.upper is None else None
    kept = [f for f in outcome.findings if f.code not in _OF_PLACES or f.code in {*codes, cut}]
    # That the first place of the grid is the last point of the log is no news.
    kept = [f for f in kept if f.code != "PRED110"]
    kept += _about(reach, run, axis)
    return tuple(dict.fromkeys(f.code for f in kept)), kept


def _about(reach: Reach, run: str, axis: str) -> list[Finding]:
    if reach.logged:
        text = f"the log has reached the target at {axis}={reach.value:.4g}"
        return [Finding("PRED130", text, run)]
    if reach.reachable is None or reach.upper is not None:
        return []
    far = f"up to {axis}={reach.horizon:.4g} with probability {1 - reach.reachable:.2g}"
    if reach.value is None:
        return [Finding("PRED132", f"the target is not reached {far}", run)]
    return [Finding("PRED131", f"no upper end: the target is not reached {far}", run)]


def _stop(
    outcome: CurveForecast,
    least_gain: float | None,
    per: GainPer,
    pace: Pace | None,
    rates: Rates,
) -> float | None:
    curve = outcome.prepared
    if least_gain is None:
        if per != "percent":
            raise InputError(f"say what the least gain per {per} is: it has no default")
        last = float(np.abs(curve.to_metric(_last_scaled(outcome))))
        return stop_place(outcome, LEAST_GAIN * last)
    if not isfinite(least_gain) or least_gain < 0:
        raise InputError(f"the least gain must be 0 or more, not {least_gain:g}")
    if per != "usd":
        return stop_place(outcome, least_gain, per)
    usd = None if pace is None else pace.cost(1.0, rates).usd
    if usd is None:
        raise InputError("a gain per dollar needs a price and a pace: see PRED133 in the docs")
    return stop_place(outcome, least_gain * usd, "unit")


def _last_scaled(outcome: CurveForecast) -> Array:
    curve = outcome.prepared
    return np.asarray(np.log(curve.z[-1]) if curve.kind.residual == "log" else curve.z[-1])


def _cost(reach: Reach, last: float, pace: Pace | None, rates: Rates) -> dict[str, Any] | None:
    """Return the cost still to come and in all, at the place and at the ends of its interval."""
    if pace is None or reach.lower is None:
        return None
    ends = {"value": reach.value, "lower": reach.lower, "upper": reach.upper}
    more = {k: None if v is None else max(v - last, 0.0) for k, v in ends.items()}
    found: dict[str, Any] = {"basis": pace.basis, **rates.to_dict()}
    for name, places in (("more", more), ("total", ends)):
        costs = {k: None if v is None else asdict(pace.cost(v, rates)) for k, v in places.items()}
        found[name] = {
            part: {k: None if c is None else c[part] for k, c in costs.items()} for part in PARTS
        }
    return found
