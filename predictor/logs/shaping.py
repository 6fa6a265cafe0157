"""A table of numbers and text made into runs, metrics and points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from predictor.findings import Finding
from predictor.logs import columns as names
from predictor.logs.frames import Table
from predictor.logs.grouping import Runs, group_rows
from predictor.logs.source import Source
from predictor.logs.tables import AXES, RunLog

_MOST_SPLITS, _MOST_BENCHMARKS = 10, 500
_FIXED_NAMES = {"params", "run", "format", "source"}


@dataclass
class Roles:
    """What each column of a table is.

    Parameters
    ----------
    axes : dict
        For each axis the column that carries it and the factor to the axis's unit.
    rate : str, optional
        The learning rate's column.
    split : str, optional
        Column that says train or validation.
    metric, value : str, optional
        In a long table, the columns of the metric's name and of its value.
    """

    axes: dict[str, tuple[str, float]]
    rate: str | None
    split: str | None
    metric: str | None
    value: str | None

    @property
    def taken(self) -> set[str]:
        """Columns that are no metric."""
        found = {column for column, _ in self.axes.values()}
        return found | {name for name in (self.rate, self.split, self.metric, self.value) if name}


def find_roles(table: Table) -> Roles:
    """Find axes, learning rate, split and long layout by the columns' names."""
    numeric = table.numeric()
    text = [name for name in table.names if name not in numeric]
    metric = names.first_named(text, names.METRIC_NAMES)
    value = names.first_named(numeric, names.VALUES)
    if value and not metric and names.first_named(table.names, ("run", "run_id", "run_name")):
        metric = names.first_named(text, ("name",))
    if not (metric and value):
        metric = value = None
    free = [name for name in numeric if name != value]
    rates = [name for name in free if names.is_learning_rate(name)]
    return Roles(
        names.axis_columns(free),
        min(rates, key=len) if rates else None,
        _split_column(table, text),
        metric,
        value,
    )


def _split_column(table: Table, text: list[str]) -> str | None:
    """Column whose few words (train, val, a benchmark) say where a value was measured."""
    for column in filter(None, (names.first_named(text, (name,)) for name in names.SPLITS)):
        most = _MOST_BENCHMARKS if names.canonical(column) == "benchmark" else _MOST_SPLITS
        if table.frame[column].nunique() <= most:
            return column
    return None


def shape(
    table: Table,
    source: Source,
    log_format: str,
    roles: Roles | None = None,
) -> RunLog:
    """Make a table into a RunLog: find runs, axes and metrics, drop blanks metric by metric.

    A table without any axis and with one row a run holds facts about runs, not curves: its
    RunLog has no points.

    Raises
    ------
    InputError
        If no column holds a metric.
    """
    _read_moments(table)
    roles = roles or find_roles(table)
    found = list(table.findings)
    runs = group_rows(table.frame, roles.axes, roles.taken, source.run_hint, roles.metric)
    if not roles.axes:
        _take_an_axis(table, roles, runs, source, found)
    facts = _facts(table.frame, runs, roles, log_format, source.name)
    if not roles.axes:
        return RunLog.from_points(_no_points(), facts, found)
    measured = _metrics(table, roles, runs, facts, source, found)
    places = _places(table.frame, roles)
    points = (
        _long(table, roles, runs, places)
        if roles.metric
        else _wide(table, roles, runs, places, measured)
    )
    return RunLog.from_points(points, facts, found)


def _no_points() -> pd.DataFrame:
    return pd.DataFrame({"run": [], "metric": [], "step": [], "value": []})


def _read_moments(table: Table) -> None:
    """Turn dates and times in a column named as a clock into seconds."""
    for column in table.frame.columns:
        place = names.place_of(column)
        if not place or place.axis != "wall_time" or column in table.numeric():
            continue
        moments = pd.to_datetime(table.frame[column], errors="coerce", utc=True, format="ISO8601")
        if moments.notna().any():
            seconds = (moments - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
            table.frame[column] = seconds.to_numpy(dtype="float64")


def _take_an_axis(
    table: Table, roles: Roles, runs: Runs, source: Source, found: list[Finding]
) -> None:
    """Where no column is named as an axis, take one that grows within each run, or the row."""
    if len(runs.names) == len(table.frame) > 1:
        return
    grows = [name for name in table.numeric() if _may_be_axis(table.frame, name, roles, runs)]
    grows = [name for name in table.numeric() if names.canonical(name) == "x"] or grows
    rest = [name for name in table.numeric() if name not in (*roles.taken, *grows[:1])]
    if grows and rest:
        column, what = grows[0], f"'{grows[0]}'"
    else:
        column, what = "row number", "the row number"
        table.frame[column] = table.frame.groupby(runs.codes).cumcount()
    roles.axes["step"] = (column, 1.0)
    message = f"no column is named as an axis (step, tokens, ...): {what} is taken as step"
    found.append(Finding("PRED011", message, source=source.name))


def _may_be_axis(frame: pd.DataFrame, name: str, roles: Roles, runs: Runs) -> bool:
    if name in roles.taken or names.looks_measured(name):
        return False
    if names.canonical(name) in names.FLAGS or name in runs.columns:
        return False
    by_run = frame[name].groupby(runs.codes)
    return bool(frame[name].notna().all() and (by_run.diff().dropna() > 0).all())


def _facts(
    frame: pd.DataFrame, runs: Runs, roles: Roles, log_format: str, source: str
) -> pd.DataFrame:
    """One row a run with what stays fixed within it."""
    facts: dict[str, Any] = {"run": runs.names, "format": log_format, "source": source}
    one_row_each = not roles.axes
    for column in frame.columns:
        if column in roles.taken or names.canonical(column) == "run":
            continue
        is_text = not pd.api.types.is_numeric_dtype(frame[column])
        if not (is_text or names.is_setting(column) or column in runs.columns or one_row_each):
            continue
        if _is_fixed(frame[column], runs):
            name, factor = _fact_name(column, facts, is_text=is_text)
            values = frame[column].groupby(runs.codes).first()
            facts[name] = (values * factor if factor != 1.0 else values).to_numpy()
    return pd.DataFrame(facts)


def _fact_name(column: str, facts: dict[str, Any], *, is_text: bool) -> tuple[str, float]:
    factor = None if is_text else names.params_factor(column)
    if factor is not None and "params" not in facts:
        return "params", factor
    plain = names.canonical(column)
    return (f"{column} (logged)" if plain in _FIXED_NAMES and plain in facts else column), 1.0


def _is_fixed(column: pd.Series, runs: Runs) -> bool:
    return bool(column.groupby(runs.codes).nunique().max() <= 1)


def _metrics(
    table: Table,
    roles: Roles,
    runs: Runs,
    facts: pd.DataFrame,
    source: Source,
    found: list[Finding],
) -> list[str]:
    """Return the numeric columns that are neither place nor fact; say what is left out."""
    if roles.metric:
        return []
    spare = [name for name in table.names if name not in roles.taken and name not in runs.columns]
    numeric = set(table.numeric())
    fixed = {
        name for name in spare if names.is_setting(name) and _is_fixed(table.frame[name], runs)
    }
    measured = [
        name for name in spare if name in numeric and name not in fixed and not _is_mark(name)
    ]
    measured = [name for name in measured if table.logged(name).any()]
    text = [name for name in spare if name not in numeric and name not in facts.columns]
    if not measured:
        raise source.error(_no_metric(table, text, roles))
    if text:
        message = f"columns that are not numbers were left out: {', '.join(text[:5])}"
        found.append(Finding("PRED010", message, source=source.name))
    return measured


def _is_mark(name: str) -> bool:
    plain = names.canonical(name)
    return plain in names.FLAGS or plain in names.INDEXES or names.place_of(name) is not None


def _no_metric(table: Table, text: Sequence[str], roles: Roles) -> str:
    candidates = [name for name in table.names if name not in roles.taken]
    suspects = [name for name in candidates if name not in table.numeric()] or list(text)
    suspects.sort(key=lambda name: not names.looks_measured(name))
    for name in suspects:
        values = table.frame[name].dropna()
        if len(values):
            return (
                f"no column holds a metric: '{name}' should be numbers but data row "
                f"{int(values.index[0]) + 1} holds '{str(values.iloc[0])[:40]}'; log numbers"
            )
    return "no column holds a metric; log a number, such as 'loss', beside the step"


def _places(frame: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    """Return axes and learning rate of every row in the RunLog's units."""
    places = {
        axis: frame[roles.axes[axis][0]].to_numpy(dtype="float64") * roles.axes[axis][1]
        for axis in AXES
        if axis in roles.axes
    }
    if roles.rate:
        places["lr"] = frame[roles.rate].to_numpy(dtype="float64")
    return pd.DataFrame(places)


def _wide(
    table: Table, roles: Roles, runs: Runs, places: pd.DataFrame, measured: list[str]
) -> pd.DataFrame:
    """Stack metric columns; a blank cell is no point."""
    rows, values, codes = [], [], []
    labels: list[str] = []
    for column in measured:
        for label, chosen in _by_split(table, roles, column):
            here = np.flatnonzero(chosen)
            if not len(here):
                continue
            rows.append(here)
            values.append(table.frame[column].to_numpy(dtype="float64")[here])
            codes.append(np.full(len(here), len(labels)))
            labels.append(label)
    metric = pd.Categorical.from_codes(np.concatenate(codes), categories=pd.Index(labels))
    return _assemble(runs, places, np.concatenate(rows), metric, np.concatenate(values))


def _by_split(table: Table, roles: Roles, column: str) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Return the metric's name and rows, for each split where the table has such a column."""
    logged = table.logged(column)
    if not roles.split:
        return [(column, logged)]
    splits = table.frame[roles.split]
    found = [
        (f"{name}/{column}", logged & splits.eq(name).to_numpy())
        for name in splits.dropna().unique()
    ]
    return [*found, (column, logged & splits.isna().to_numpy())]


def _long(table: Table, roles: Roles, runs: Runs, places: pd.DataFrame) -> pd.DataFrame:
    assert roles.metric
    assert roles.value
    name = table.frame[roles.metric].fillna("value").astype(str)
    if roles.split:
        split = table.frame[roles.split]
        name = name.where(split.isna(), split.fillna("").astype(str) + "/" + name)
    rows = np.flatnonzero(table.logged(roles.value))
    values = table.frame[roles.value].to_numpy(dtype="float64")[rows]
    return _assemble(runs, places, rows, pd.Categorical(name.iloc[rows]), values)


def _assemble(
    runs: Runs,
    places: pd.DataFrame,
    rows: npt.NDArray[np.intp],
    metric: pd.Categorical[Any],
    values: npt.NDArray[np.float64],
) -> pd.DataFrame:
    run = pd.Categorical.from_codes(runs.codes[rows], categories=pd.Index(runs.names))
    taken = {name: places[name].to_numpy()[rows] for name in places}
    return pd.DataFrame({"run": run, "metric": metric, **taken, "value": values})
