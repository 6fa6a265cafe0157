"""What a person reads after ``predictor inspect``: runs, curves, and what was mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from predictor.cli.output import printable, table_text
from predictor.findings import Finding

_MOST_ROWS = 60
_HIDDEN = ("curves", "source", "metrics")


def inspection_text(rows: Sequence[Mapping[str, Any]], findings: Iterable[Finding]) -> str:
    """Return tables of what a log holds: a line a run, a line a curve, a line a finding.

    Parameters
    ----------
    rows : sequence of mapping
        From :func:`predictor.logs.inspection.inspect_logs`.
    findings : iterable of Finding
        The log's findings.
    """
    curves = [{"run": row["run"], **curve} for row in rows for curve in row.get("curves", ())]
    parts = [_table([{k: v for k, v in row.items() if k not in _HIDDEN} for row in rows])]
    if curves:
        parts.append(_table(curves))
    noticed = dict.fromkeys((f.code, f.run or f.source or "", f.message) for f in findings)
    if noticed:
        found = [dict(zip(("code", "run", "noticed"), row, strict=True)) for row in noticed]
        parts.append(_table(found))
    return "\n".join(parts)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    columns = [name for name in rows[0] if any(row.get(name) is not None for row in rows)]
    for name in columns:
        number = isinstance(next(r[name] for r in rows if r.get(name) is not None), int | float)
        table.add_column(name.replace("_", " "), justify="right" if number else "left")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    more = len(rows) - _MOST_ROWS
    note = f"... and {more} more; --format json gives all\n" if more > 0 else ""
    return table_text(table) + note


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return escape(printable(text))
