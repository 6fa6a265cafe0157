"""What a person reads after ``predictor store``: one line, and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from predictor.cli.output import printable, table_text

_MOST_ROWS = 60


def store_text(said: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a line and a table of plain values, columns without any value left out."""
    if not rows:
        return printable(said) + "\n"
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    columns = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    for name in columns:
        numbers = all(isinstance(row[name], int | float) for row in rows if row[name] is not None)
        table.add_column(name.replace("_", " "), justify="right" if numbers else "left")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(escape(_cell(row[name])) for name in columns))
    more = len(rows) - _MOST_ROWS
    note = f"... and {more} more; --format json gives all\n" if more > 0 else ""
    return f"{printable(said)}\n{table_text(table)}{note}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))
