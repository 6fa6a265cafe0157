"""Plain tables: CSV, TSV, JSONL, JSON, Parquet; wide or long; one run or many."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from predictor.logs import columns as names
from predictor.logs.frames import read_table
from predictor.logs.layout import Layout, is_number, layout_of
from predictor.logs.registry import Reader
from predictor.logs.shaping import shape
from predictor.logs.source import MAX_COLUMNS, Source
from predictor.logs.tables import Log

_TENSORBOARD_COLUMNS = {"wall_time", "step", "value"}
#: Plurals that stand for a total at least as often as for a place.
_TOTALS = frozenset({"steps", "iterations", "updates", "epochs"})
_TENSORBOARD_NAME = re.compile(r"^run-(?P<run>.*?)[-_]tag-(?P<tag>.*)$")


def sniff(source: Source) -> bool:
    """Return whether the source is a table with at least one column of numbers."""
    layout = layout_of(source)
    if layout is None:
        return _is_endless_header(source)
    if layout.kind == "parquet":
        return True
    if not layout.rows:
        return bool(names.axis_columns(list(layout.columns))) and len(layout.columns) > 1
    return _has_numbers(layout)


def claims(source: Source) -> bool:
    """Return whether a table lying in a folder is a log: it has an axis or names runs."""
    layout = layout_of(source)
    if layout is None:
        return True
    columns = [name for name in layout.columns if names.canonical(name) not in _TOTALS]
    named = names.first_named(columns, ("run", "run_name", "run_id"))
    return bool(names.axis_columns(columns) or named)


def read(source: Source) -> Sequence[Log]:
    """Read a table into one RunLog; see :func:`predictor.logs.shaping.shape`."""
    table = read_table(source)
    columns = {names.canonical(str(name)) for name in table.frame.columns}
    exported = _TENSORBOARD_NAME.match(source.run_hint) if columns == _TENSORBOARD_COLUMNS else None
    if not exported:
        return [shape(table, source, "table")]
    table.frame = table.frame.rename(columns={table.frame.columns[2]: exported["tag"]})
    return [shape(table, replace(source, run_hint=exported["run"]), "table")]


def _is_endless_header(source: Source) -> bool:
    """Return whether the head is one line of very many columns, to be refused with reason."""
    head = source.head
    many = max(head.count(mark) for mark in (b",", b"\t", b";"))
    return b"\0" not in head and b"\n" not in head and many > MAX_COLUMNS // 20


def _has_numbers(layout: Layout) -> bool:
    if layout.kind != "delimited":
        return any(isinstance(value, int | float) for row in layout.rows for value in row.values())
    if all(map(is_number, layout.columns)):
        return len(layout.columns) > 1
    rows = [row for row in layout.rows if len(row) == len(layout.columns)]
    plain = all(len(name) < 300 for name in layout.columns)
    return plain and any(is_number(field) for row in rows for field in row)


READER = Reader(
    name="table",
    description="CSV, TSV, JSONL, JSON and Parquet tables, wide or long, one run or several",
    sniff=sniff,
    read=read,
    claims=claims,
)
