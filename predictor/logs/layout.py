"""How a table is laid out in its file: what separates it, what its columns are called."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from predictor.logs.source import HEAD_BYTES, MAX_COLUMNS, Source

Kind = Literal["delimited", "lines", "document", "parquet"]
PARQUET_MAGIC = b"PAR1"
_DELIMITERS = (",", "\t", ";", "|", " ")
_SAMPLE_ROWS = 50
#: Objects within objects are spread into columns down to this depth.
_DEPTH = 4


@dataclass(frozen=True)
class Layout:
    """Shape of a table, seen from the head of its file.

    Parameters
    ----------
    kind : str
        ``delimited`` (CSV and the like), ``lines`` (JSONL), ``document`` (one JSON), ``parquet``.
    columns : tuple of str
        Column names as written; for JSONL those of the first rows.
    rows : tuple
        The first rows as text (delimited) or objects (JSONL).
    delimiter : str
        What separates fields; a space stands for any run of blanks.
    skip : int
        Lines before the first row, the header among them.
    """

    kind: Kind
    columns: tuple[str, ...]
    rows: tuple[Any, ...] = ()
    delimiter: str = ","
    skip: int = 1


def layout_of(source: Source) -> Layout | None:
    """Return the layout of a table, or None where the source is none. Never raises on junk."""
    head = source.head
    if head.startswith(PARQUET_MAGIC):
        return _parquet_layout(source)
    if b"\0" in head:
        return None
    start = source.text_head.lstrip()[:1]
    if start == "{":
        return _lines_layout(source) or _document_layout(source)
    if start == "[":
        return _document_layout(source)
    return _delimited_layout(source)


def flatten(row: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Spread nested objects into one level, keys joined by a slash; lists are left out.

    Examples
    --------
    >>> flatten({"step": 1, "train": {"loss": 2.5}})
    {'step': 1, 'train/loss': 2.5}
    """
    if not any(isinstance(value, dict | list) for value in row.values()) and not prefix:
        return row
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            if depth < _DEPTH:
                flat.update(flatten(value, f"{prefix}{key}/", depth + 1))
        elif not isinstance(value, list):
            flat[f"{prefix}{key}"] = value
    return flat


def is_number(text: str) -> bool:
    """Return whether the text reads as a number (thousands marks and NaN too)."""
    try:
        float(text.strip().replace(",", ""))
    except ValueError:
        return False
    return True


def split_row(line: str, delimiter: str) -> list[str]:
    """Split one line into fields, quotes undone."""
    if delimiter == " ":
        return line.split()
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _complete_lines(source: Source) -> list[str]:
    """Lines of the head, without a last one that the head cuts through."""
    lines = re.split(r"\r\n|\n|\r", source.text_head)
    if len(source.head) >= HEAD_BYTES and len(lines) > 1:
        lines.pop()
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _delimited_layout(source: Source) -> Layout | None:
    lines = _complete_lines(source)
    start = next((i for i, line in enumerate(lines) if _is_content(line)), None)
    if start is None:
        return None
    header, rows = lines[start], [line for line in lines[start + 1 :] if line.strip()]
    above = lines[start - 1].lstrip("# ") if start and lines[start - 1].startswith("#") else ""
    if above and all(map(is_number, split_row(header, _delimiter(above, rows) or ","))):
        header, rows, start = above, [header, *rows], start - 1
    delimiter = _delimiter(header, rows[:_SAMPLE_ROWS])
    if delimiter is None:
        return None
    fields = tuple(tuple(split_row(row, delimiter)) for row in rows[:_SAMPLE_ROWS])
    columns = tuple(name.strip() for name in split_row(header, delimiter))
    return Layout("delimited", columns, fields, delimiter, start + 1)


def _is_content(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _delimiter(header: str, rows: Sequence[str]) -> str | None:
    """Return what best separates header and rows alike; a comma for a single column."""
    best, most = None, 1
    for delimiter in _DELIMITERS:
        count = len(split_row(header, delimiter))
        if count > most and _agrees(count, rows, delimiter):
            best, most = delimiter, count
        if best and delimiter == "|":
            break
    if best:
        return best
    plain = re.fullmatch(r'"?[\w./@%-]+"?', header.strip())
    return "," if plain and rows and all(is_number(row.strip('" ')) for row in rows) else None


def _agrees(count: int, rows: Sequence[str], delimiter: str) -> bool:
    if not rows:
        return True
    fits = sum(len(split_row(row, delimiter)) == count for row in rows)
    return fits >= max(1, 0.6 * len(rows) - 1)


def _lines_layout(source: Source) -> Layout | None:
    rows = []
    for line in _complete_lines(source)[:_SAMPLE_ROWS]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append(flatten(row))
    columns = _union(rows)
    return Layout("lines", columns, tuple(rows), skip=0) if columns else None


def _document_layout(source: Source) -> Layout | None:
    """Layout of ``[{...}, ...]`` or ``{"step": [...], "loss": [...]}``."""
    try:
        content = json.loads(source.document())
    except (ValueError, RecursionError):
        return None
    rows = document_rows(content)
    if not rows:
        return None
    return Layout("document", _union(rows[:_SAMPLE_ROWS]), tuple(rows[:_SAMPLE_ROWS]))


def document_rows(content: Any) -> list[dict[str, Any]]:
    """Return the rows of a JSON document that is a table, or none."""
    if isinstance(content, dict) and content:
        columns = {key: value for key, value in content.items() if isinstance(value, list)}
        lengths = {len(value) for value in columns.values()}
        if len(columns) < 2 or len(lengths) != 1:
            return []
        content = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        return []
    return [flatten(row) for row in content]


def _union(rows: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for row in rows for key in row))[: MAX_COLUMNS + 1]


def _parquet_layout(source: Source) -> Layout | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(source.path)
    except (OSError, pa.ArrowException):
        return Layout("parquet", ())
    flat = [field.name for field in schema if not pa.types.is_nested(field.type)]
    return Layout("parquet", tuple(flat))
