"""Runs against each other: which ends best and how surely, where they cross, who is faster."""

from __future__ import annotations

import numpy as np

from predictor.curves.contenders import Contender, contenders_of
from predictor.curves.crossing import Crossing, find_crossing
from predictor.curves.forecasting import CurveForecast, forecast_curves
from predictor.curves.pareto import CERTAIN, Better, front_of_draws
from predictor.curves.planning import axis_of
from predictor.curves.predictive import Predictive
from predictor.curves.question import choose_metric, planned_ends
from predictor.curves.speeding import speed_of
from predictor.curves.standings import Comparison, Standing
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.law import Array
from predictor.fitting.laws import law_named
from predictor.logs.tables import RunLog

#: A distribution is represented by so many equally likely values.
_VALUES = 500
_DRAWS = 2000
#: The run that is likeliest to end best is compared with so many others in detail.
_MOST_RIVALS = 20
#: Findings that say where a place lies: told of a place that was asked for, not of the default one.
_EXPECTED = frozenset({"PRED110"})


def compare_runs(
    runlog: RunLog,
    metric: str | None = None,
    x: str | None = None,
    at: float | None = None,
    *,
    by: str | None = None,
    level: float = 0.9,
    law: str = "auto",
    seed: int = 0,
) -> Comparison:
    """Say which run ends best and how surely, where runs cross, and who is faster.

    At the common place each run has a calibrated predictive distribution. The probability to be
    best takes them as independent. Errors of forecasts of runs of one kind tend to go the same
    way, which makes it too modest rather than too bold.

    Parameters
    ----------
    runlog : RunLog
        The log, with two runs or more.
    metric : str, optional
        Metric; the validation loss, or the only one, where not given.
    x : str, optional
        Axis; the first logged one where not given.
    at : float, optional
        The common place. Where not given, the planned end of the shortest run if the log tells the
        end of every run, else the last place of the run that has got farthest.
    by : str, optional
        Column of ``runlog.runs``, such as a method: runs that have the same value there are repeats
        of it (the same number of repeats of two methods are taken to be shared, in the order of the
        log). Their mean is forecast, and crossings are bootstrapped over them.
    level : float
        Level of the intervals, in (0, 1).
    law : str
        Name of a law, or "auto" for the weighted ensemble of all.
    seed : int
        Seed of the bootstraps.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If there are fewer than two runs, metric, axis, column or law is not there, or a number is
        out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> step = np.arange(1, 101)
    >>> runs = [pd.DataFrame({"run": f"b={b}", "metric": "loss", "step": step,
    ...                       "value": 2 + 3 * step**-b}) for b in (0.4, 0.5)]
    >>> compared = compare_runs(RunLog.from_points(pd.concat(runs)), "loss", at=200)
    >>> compared.runs[1].best > 0.95
    True
    """
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, such as 0.9, not {level:g}")
    if law != "auto":
        law_named(law)
    metric = choose_metric(runlog, metric)
    axis = axis_of(runlog, metric, x)
    rivals = contenders_of(runlog, metric, axis, by)
    place = _common_place(runlog, axis, rivals, at)
    outcomes = forecast_curves(
        [one.curve for one in rivals], [np.array([place])] * len(rivals), law=law, level=level,
        seed=seed, runs=[one.name for one in rivals], doubts=[one.doubt for one in rivals],
    )  # fmt: skip
    best = probability_best([outcome.predictive for outcome in outcomes])
    findings = [*runlog.findings, *_findings(rivals, outcomes, axis, place, best is None)]
    runs = _standings(rivals, outcomes, place, best, level, seed, findings)
    winner = _likeliest(runs, rivals[0].better)
    pairs = [(rivals[winner], one) for k, one in enumerate(rivals) if k != winner][:_MOST_RIVALS]
    crossings = tuple(_crossing(a, b, metric, level, seed) for a, b in pairs)
    findings += [finding for crossing in crossings for finding in crossing.findings]
    told = (speed_of(a, b, axis, level=level, seed=seed) for a, b in pairs)
    faster = tuple(one for one in told if one is not None)
    return Comparison(
        metric, axis, place, rivals[0].better, runs, crossings, faster, tuple(findings)
    )


def probability_best(predictives: list[Predictive], place: int = 0) -> Array | None:
    """Return the probability of each curve to be the best at a place, taken as independent.

    Parameters
    ----------
    predictives : list of Predictive
        What may come of each curve; all of metrics that are better the same way.
    place : int
        Which of their places.

    Returns
    -------
    array, (curves,), or None
        Summing to 1; None where one of them cannot be forecast.
    """
    tables = np.array([_table(one, place) for one in predictives])
    if not np.isfinite(tables).all():
        return None
    shares = _shares()
    won = np.ones_like(tables)
    for k, table in enumerate(tables):
        for other, values in enumerate(tables):
            if other != k:
                won[k] *= 1 - _below(values, shares, table)
    chance = won.mean(axis=1)
    return np.asarray(chance / chance.sum())


def _below(values: Array, shares: Array, at: Array) -> Array:
    """Return the share of a distribution below each value; what lies exactly there counts half."""
    left = np.searchsorted(values, at, side="left")
    right = np.searchsorted(values, at, side="right")
    smooth = np.interp(at, values, shares, left=0.0, right=1.0)
    return np.where(right - left > 1, (left + right) / 2 / len(values), smooth)


def _shares() -> Array:
    return (np.arange(_VALUES) + 0.5) / _VALUES


def _table(predictive: Predictive, place: int) -> Array:
    """Return equally likely values at a place, ascending, signed so that lower is better."""
    values = np.array([predictive.quantile(float(p))[place] for p in _shares()])
    return np.sort(values if predictive.curve.kind.better == "lower" else -values)


def _common_place(log: RunLog, axis: str, rivals: list[Contender], at: float | None) -> float:
    if at is not None:
        if not np.isfinite(at) or at <= 0:
            raise InputError(f"a place to compare at must be a positive number, not {at:g}")
        return float(at)
    ends = planned_ends(log, axis)
    if all(run in ends for one in rivals for run in one.runs):
        return min(ends.values())
    return max(one.last for one in rivals)


def _findings(
    rivals: list[Contender],
    outcomes: list[CurveForecast],
    axis: str,
    place: float,
    silent: bool,
) -> list[Finding]:
    found = [f for outcome in outcomes for f in outcome.findings if f.code not in _EXPECTED]
    found += [
        Finding("PRED137", f"{axis}={place:g} lies before its learning rate falls", one.name)
        for one in rivals
        if one.falls_after(place)
    ]
    if silent:
        text = f"who is best at {axis}={place:g} cannot be said: not all runs can be forecast there"
        found.append(Finding("PRED139", text))
    return found


def _standings(
    rivals: list[Contender],
    outcomes: list[CurveForecast],
    place: float,
    best: Array | None,
    level: float,
    seed: int,
    findings: list[Finding],
) -> tuple[Standing, ...]:
    costs = _costs(rivals, place)
    front = _front(outcomes, costs, seed) if costs and best is not None else None
    rows = []
    for k, (one, outcome) in enumerate(zip(rivals, outcomes, strict=True)):
        value, lower, upper = (_known(a) for a in (outcome.value, outcome.lower, outcome.upper))
        own = dict.fromkeys(f.code for f in findings if f.run == one.name)
        rows.append(
            Standing(
                one.name,
                value,
                lower,
                upper,
                level,
                None if best is None else float(best[k]),
                one.last,
                len(one.runs),
                costs[k][0] if costs else None,
                costs[k][1] if costs else None,
                None if front is None else bool(front[k]),
                tuple(own),
            )
        )
    return tuple(rows)


def _known(values: Array) -> float | None:
    return float(values[0]) if np.isfinite(values[0]) else None


def _costs(rivals: list[Contender], place: float) -> list[tuple[float, str]]:
    """Return what getting to the place costs each, in one unit; nothing where that is not known."""
    known = [one.cost(place) for one in rivals]
    units = {cost[1] for cost in known if cost is not None}
    return [cost for cost in known if cost is not None] if len(units) == 1 and all(known) else []


def _front(outcomes: list[CurveForecast], costs: list[tuple[float, str]], seed: int) -> Array:
    """Return who is on the front of cost and quality, from independent draws."""
    rng = np.random.default_rng(seed)
    drawn = np.array([rng.choice(_table(o.predictive, 0), _DRAWS) for o in outcomes])
    price = np.array([cost for cost, _ in costs])
    front = front_of_draws(price, drawn.mean(axis=1), drawn, "lower", CERTAIN)
    return front["on_front"].to_numpy()


def _likeliest(runs: tuple[Standing, ...], better: Better) -> int:
    """Return the run that is likeliest to be best; of those that can be forecast, where not all."""
    if runs[0].best is not None:
        return int(np.argmax([row.best or 0.0 for row in runs]))
    sign = 1.0 if better == "lower" else -1.0
    return int(np.argmin([np.inf if row.value is None else sign * row.value for row in runs]))


def _crossing(one: Contender, two: Contender, metric: str, level: float, seed: int) -> Crossing:
    try:
        return find_crossing(
            one.x, one.y, two.y, second_x=two.x, metric=metric, names=(one.name, two.name),
            level=level, seed=seed,
        )  # fmt: skip
    except InputError as error:
        return Crossing.unknown(one.name, two.name, level, str(error))
