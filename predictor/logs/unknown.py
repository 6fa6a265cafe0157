"""Why a file is no log that Predictor knows, in words that help."""

from __future__ import annotations

import json
from collections.abc import Iterable

from predictor.logs.source import MAX_COLUMNS, Source

_MAGIC = (
    (b"\x80\x02", "a pickle file, which is never loaded because it can run code"),
    (b"\x80\x03", "a pickle file, which is never loaded because it can run code"),
    (b"\x80\x04", "a pickle file, which is never loaded because it can run code"),
    (b"\x80\x05", "a pickle file, which is never loaded because it can run code"),
    (b"PK\x03\x04", "a zip archive (a checkpoint, spreadsheet or array file), not a log"),
    (b"\x93NUMPY", "a NumPy array without column names"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x89PNG", "a picture"),
    (b"%PDF", "a PDF document"),
    (b"BZh", "compressed with bzip2; unpack it or use gzip"),
    (b"\xfd7zXZ", "compressed with xz; unpack it or use gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it or use gzip"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
)
#: So many separators in a first line that goes on beyond the head are no sentence.
_WIDE = 2_000
_EXPORT = "export the log as CSV or JSONL"


def why_unknown(source: Source, known: Iterable[str]) -> str:
    """Return one sentence on why no reader takes this source and what to do."""
    head = source.head
    if not head.strip():
        return "is empty; give a log with at least one row"
    for magic, what in _MAGIC:
        if head.startswith(magic):
            return f"is {what}; {_EXPORT}"
    if b"\0" in head:
        return f"holds binary data that is no known log format; {_EXPORT}"
    if head.lstrip()[:1] in (b"{", b"["):
        return _about_json(source)
    if source.text_head.count("�") > 0:
        return "is not UTF-8 text; save it as UTF-8"
    columns = max(head.count(mark) for mark in (b",", b"\t", b";"))
    if b"\n" not in head and columns > _WIDE:
        return (
            f"its first line has more than {columns:,} columns, too many for a log table "
            f"(at most {MAX_COLUMNS:,}); log one metric a row"
        )
    return (
        f"is no log that Predictor recognises; known formats are {', '.join(known)} "
        "(name one with log_format)"
    )


def _about_json(source: Source) -> str:
    """Tell broken JSON from JSON that is merely not a log."""
    try:
        json.loads(source.document().decode("utf-8-sig", errors="replace"))
    except json.JSONDecodeError as error:
        return (
            f"line {error.lineno}, column {error.colno}: the JSON is broken or cut off "
            f"({error.msg.lower()}); write or copy the file again"
        )
    except (RecursionError, ValueError):
        return "is JSON nested too deeply to be a log"
    return "is JSON of no layout that Predictor knows; log one object a line with a step and values"
