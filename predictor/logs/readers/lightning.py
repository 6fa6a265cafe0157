"""Lightning's CSVLogger: ``metrics.csv`` with ``hparams.yaml`` beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.frames import Table, read_table
from predictor.logs.layout import Layout, layout_of
from predictor.logs.registry import Reader
from predictor.logs.settings import read_settings
from predictor.logs.shaping import find_roles, shape
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

_SETTINGS = ("hparams.yaml", "hparams.yml")


def sniff(source: Source) -> bool:
    """Return whether this is a CSV with ``step`` and, as Lightning writes it, gaps or hparams."""
    layout = layout_of(source)
    if layout is None or layout.kind != "delimited" or layout.delimiter != ",":
        return False
    if "step" not in layout.columns or "run" in layout.columns:
        return False
    return _settings_file(source) is not None or ("epoch" in layout.columns and _has_blanks(layout))


def read(source: Source) -> Sequence[Log]:
    """Read metrics and settings; training and validation values stand in different rows."""
    table = read_table(source)
    roles = find_roles(table)
    if roles.rate and roles.axes.get("step", ("",))[0] == "step":
        _spread_rate(table, roles.rate)
    log = shape(table, source, "lightning", roles)
    return [_with_settings(log, source)]


def _has_blanks(layout: Layout) -> bool:
    return any("" in row for row in layout.rows)


def _settings_file(source: Source) -> Path | None:
    return next((file for name in _SETTINGS if (file := source.path.parent / name).is_file()), None)


def _spread_rate(table: Table, rate: str) -> None:
    """Carry the learning rate, which a callback logs in rows of its own, to rows of metrics.

    The rate is a condition that holds until it changes, not a measurement.
    """
    by_step = table.frame[["step", rate]].sort_values("step", kind="stable")
    table.frame[rate] = by_step[rate].ffill().sort_index()


def _with_settings(log: RunLog, source: Source) -> RunLog:
    file = _settings_file(source)
    if file is None:
        return log
    beside = Source(file, str(Path(source.name).parent / file.name), source.run_hint)
    try:
        settings, skipped = read_settings(beside)
    except InputError as error:
        return _noting(log, log.runs, f"settings left out: {error}")
    runs = _add_columns(log.runs, settings)
    if not skipped:
        return RunLog(log.points, runs, log.findings)
    return _noting(log, runs, f"{beside.name}: Python objects left out: {', '.join(skipped[:5])}")


def _noting(log: RunLog, runs: pd.DataFrame, message: str) -> RunLog:
    return RunLog(log.points, runs, (*log.findings, Finding("PRED008", message)))


def _add_columns(runs: pd.DataFrame, settings: dict[str, Any]) -> pd.DataFrame:
    new = {key: value for key, value in settings.items() if key not in runs}
    return runs.assign(**new) if new else runs


READER = Reader(
    name="lightning",
    description="Lightning CSVLogger: metrics.csv with hparams.yaml beside it",
    sniff=sniff,
    read=read,
)
