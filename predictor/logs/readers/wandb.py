"""Exports of Weights & Biases: the chart's CSV from the web page, and a run's history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictor.findings import Finding
from predictor.logs import columns as names
from predictor.logs.frames import Table, read_table
from predictor.logs.layout import layout_of
from predictor.logs.registry import Reader
from predictor.logs.shaping import find_roles, shape
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

_BOUND = re.compile(r"__(MIN|MAX)$")
_OWN_COLUMNS = ("_step", "_runtime", "_timestamp")
#: A better axis than W&B's own step must be logged in at least this share of the rows.
_LOGGED_SHARE = 0.9
_CHART_AXES = {
    "step": "step", "global_step": "step", "_step": "step", "relative_time_(process)": "wall_time",
    "relative_time_(wall)": "wall_time", "wall_time": "wall_time", "_runtime": "wall_time",
    "_timestamp": "wall_time",
}  # fmt: skip


@dataclass(frozen=True)
class _Series:
    """One curve of a chart: its column, run and metric."""

    column: str
    run: str
    metric: str


def sniff(source: Source) -> bool:
    """Return whether the columns are those of a chart export or of a history."""
    layout = layout_of(source)
    if layout is None:
        return False
    columns = list(layout.columns)
    return _is_chart(columns) or any(name in columns for name in _OWN_COLUMNS)


def read(source: Source) -> Sequence[Log]:
    """Read a chart export or a history into one RunLog."""
    table = read_table(source)
    columns = [str(name) for name in table.frame.columns]
    return [_read_chart(table, source) if _is_chart(columns) else _read_history(table, source)]


def _is_chart(columns: Sequence[str]) -> bool:
    return any(
        _BOUND.sub("", name) in columns and " - " in name for name in columns if _BOUND.search(name)
    ) or (
        len(columns) > 1
        and _chart_axis(columns[0]) is not None
        and all(" - " in name for name in columns[1:])
    )


def _chart_axis(column: str) -> tuple[str, float] | None:
    plain = names.canonical(column)
    if plain in _CHART_AXES:
        return _CHART_AXES[plain], 1.0
    place = names.place_of(column)
    return (place.axis, place.factor) if place else None


def _read_chart(table: Table, source: Source) -> RunLog:
    """Read ``Step, <run> - <metric>, <run> - <metric>__MIN, ...``."""
    frame = table.frame
    columns = [str(name) for name in frame.columns]
    series = [_series(name) for name in columns if " - " in name and not _BOUND.search(name)]
    found = [
        each
        for each in series
        if each.column in table.numeric() and table.logged(each.column).any()
    ]
    axis, factor = _chart_axis(columns[0]) or ("step", 1.0)
    if not found:
        raise source.error("the chart export holds no values; export the chart again")
    pieces = [_curve(table, each, axis, factor) for each in found if each.metric != "_step"]
    findings = [*table.findings, *_sampled(frame, found, source)]
    runs = list(dict.fromkeys(each.run for each in found))
    facts = pd.DataFrame({"run": runs, "format": "wandb", "source": source.name})
    return RunLog.from_points(pd.concat(pieces, ignore_index=True), facts, findings)


def _series(column: str) -> _Series:
    """Split at the last mark before the metric: run names may hold ' - ' too."""
    run, _, metric = column.rpartition(" - ")
    return _Series(column, run.strip(), metric.strip())


def _curve(table: Table, series: _Series, axis: str, factor: float) -> pd.DataFrame:
    logged = table.logged(series.column)
    place = pd.to_numeric(table.frame.iloc[:, 0], errors="coerce").to_numpy(dtype="float64")
    values = table.frame[series.column].to_numpy(dtype="float64")
    return pd.DataFrame(
        {
            "run": series.run,
            "metric": series.metric,
            axis: place[logged] * factor,
            "value": values[logged],
        }
    )


def _sampled(frame: pd.DataFrame, series: Sequence[_Series], source: Source) -> list[Finding]:
    """Tell a thinned chart: its minimum and maximum differ within a bucket."""
    for each in series:
        low, high = f"{each.column}__MIN", f"{each.column}__MAX"
        if low in frame and high in frame and _differ(frame[low], frame[high]):
            message = (
                "values are means over buckets of steps; export the run's full history instead"
            )
            return [Finding("PRED006", message, source=source.name)]
    return []


def _differ(low: pd.Series, high: pd.Series) -> bool:
    low, high = (pd.to_numeric(column, errors="coerce") for column in (low, high))
    return bool((high - low > 0).any())


def _read_history(table: Table, source: Source) -> RunLog:
    """Read ``_step, _runtime, _timestamp`` and metrics; a training step logged beside wins."""
    roles = find_roles(table)
    findings = []
    column = _training_step(table)
    if column is not None:
        roles.axes["step"] = (column, 1.0)
    elif roles.axes.get("step", ("",))[0] == "_step":
        message = "step is W&B's own count of log calls, no training step was logged beside it"
        findings.append(Finding("PRED011", message, source=source.name))
    table.frame = table.frame.drop(
        columns=[n for n in table.frame if _is_internal(str(n), roles.axes)]
    )
    table.findings += findings
    return shape(table, source, "wandb", roles)


def _is_internal(name: str, axes: dict[str, tuple[str, float]]) -> bool:
    kept = {column for column, _ in axes.values()}
    return name.startswith(("_", "system/", "system.")) and name not in kept


def _training_step(table: Table) -> str | None:
    """Column of the training step, where it is logged in nearly every row."""
    for column in table.numeric():
        place = names.place_of(column)
        if place and place.axis == "step" and column != "_step":
            share = float(np.mean(table.frame[column].notna()))
            if share >= _LOGGED_SHARE:
                return column
    return None


READER = Reader(
    name="wandb",
    description="Weights & Biases exports: chart CSV, or history as CSV, JSONL or Parquet",
    sniff=sniff,
    read=read,
)
