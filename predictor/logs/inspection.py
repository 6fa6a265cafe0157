"""What is in a log: one row a run, and what was noticed on reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from predictor.logs.tables import AXES, ItemLog, Log, ResponseLog, RunLog


def inspect_logs(log: Log) -> list[dict[str, Any]]:
    """Describe a log as plain values, one mapping a run (or model, or strategy).

    Parameters
    ----------
    log : RunLog, ItemLog or ResponseLog
        As returned by :func:`predictor.read_logs`.

    Returns
    -------
    list of dict
        ``run, format, points, metrics, axes, params, tokens, flops``; ``curves`` holds for each
        metric its points, first and last place on the best axis and first and last value. What is
        not known is None. An ItemLog has ``model, benchmarks, items, trials, pass_rate`` instead, a
        ResponseLog ``strategy, examples, columns``.

    Examples
    --------
    >>> rows = {"run": "a", "metric": "loss", "step": [1, 2], "value": [3.0, 2.0]}
    >>> inspect_logs(RunLog.from_points(pd.DataFrame(rows)))[0]["curves"]
    [{'metric': 'loss', 'points': 2, 'axis': 'step', 'first': 1.0, 'last': 2.0,
      'first_value': 3.0, 'last_value': 2.0}]
    """
    if isinstance(log, RunLog):
        return _runs(log)
    if isinstance(log, ItemLog):
        return _models(log)
    return _strategies(log)


def _runs(log: RunLog) -> list[dict[str, Any]]:
    by_run = {str(run): points for run, points in log.points.groupby("run", sort=False)}
    facts = {str(row["run"]): row for row in log.runs.to_dict("records")}
    return [_run(run, by_run[run], facts[run]) for run in facts if run in by_run]


def _run(run: str, points: pd.DataFrame, facts: Mapping[Any, Any]) -> dict[str, Any]:
    curves = [_curve(str(name), curve) for name, curve in points.groupby("metric", sort=False)]
    return {
        "run": run,
        "format": _known(facts.get("format")),
        "source": _known(facts.get("source")),
        "points": len(points),
        "metrics": [curve["metric"] for curve in curves],
        "axes": [axis for axis in AXES if points[axis].notna().any()],
        "params": _count(facts, "params"),
        "tokens": _count(facts, "tokens", points["tokens"]),
        "flops": _count(facts, "flops", points["flops"]),
        "curves": curves,
    }


def _curve(metric: str, curve: pd.DataFrame) -> dict[str, Any]:
    axis = next((name for name in AXES if curve[name].notna().any()), None)
    first, last = curve.iloc[0], curve.iloc[-1]
    return {
        "metric": metric,
        "points": len(curve),
        "axis": axis,
        "first": _known(first[axis]) if axis else None,
        "last": _known(last[axis]) if axis else None,
        "first_value": _known(first["value"]),
        "last_value": _known(last["value"]),
    }


def _known(value: Any) -> Any:
    """Return a plain value, None where nothing is known."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and np.isnan(plain) else plain


def _count(facts: Mapping[Any, Any], name: str, places: pd.Series | None = None) -> float | None:
    """Return a run's fixed count, else the furthest place on that axis."""
    fixed = facts.get(name)
    if isinstance(fixed, int | float | np.number) and np.isfinite(fixed):
        return float(fixed)
    furthest = places.max() if places is not None else np.nan
    return float(furthest) if np.isfinite(furthest) else None


def _models(log: ItemLog) -> list[dict[str, Any]]:
    found = []
    for model, items in log.items.groupby("model", sort=False, observed=True):
        trials = float(items["trials"].sum())
        found.append(
            {
                "model": str(model),
                "benchmarks": sorted(map(str, items["benchmark"].dropna().unique())),
                "items": len(items[["benchmark", "item"]].drop_duplicates()),
                "checkpoints": int(items["checkpoint"].nunique()),
                "trials": trials,
                "pass_rate": float(items["passes"].sum()) / trials,
                "params": _known(items["params"].max()),
                "tokens": _known(items["tokens"].max()),
                "flops": _known(items["flops"].max()),
            }
        )
    return found


def _strategies(log: ResponseLog) -> list[dict[str, Any]]:
    columns = [str(name) for name in log.responses if name not in ("strategy", "example")]
    return [
        {"strategy": str(name), "examples": int(rows["example"].nunique()), "columns": columns}
        for name, rows in log.responses.groupby("strategy", sort=False)
    ]
