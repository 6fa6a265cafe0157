"""lm-evaluation-harness samples: one JSON line a document and filter."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.aggregation import ItemColumns, sum_items
from predictor.logs.checkpoints import Checkpoint, checkpoint_of, step_in, tokens_in
from predictor.logs.documents import read_json
from predictor.logs.layout import Layout
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import ItemLog, Log

_HARNESS_KEYS = (b'"arguments"', b'"resps"', b'"filtered_resps"', b'"doc_hash"')
_NAME = re.compile(
    r"^samples_(?P<task>.+?)(_(?P<date>\d{4}-\d{2}-\d{2}T[\d.:-]+))?(\.jsonl?)?(\.gz)?$"
)
#: Scores in the order of preference, where a row does not list its metrics.
_SCORES = (
    "acc", "exact_match", "acc_norm", "pass@1", "pass_at_1", "em", "correct",
    "prompt_level_strict_acc", "mc1", "acc_all", "f1", "mc2", "score",
)  # fmt: skip


def sniff(source: Source) -> bool:
    """Return whether the first line is one the harness writes for a document."""
    head = source.head
    if not head.startswith(b'{"') or b'"doc_id"' not in head:
        return False
    return sum(key in head for key in _HARNESS_KEYS) >= 2


def read(source: Source) -> Sequence[Log]:
    """Read one task's samples into an ItemLog; only the named columns are parsed."""
    first = _first_row(source)
    score = _score(first, source)
    named = _NAME.match(source.path.name)
    task = named["task"] if named else str(first.get("task_name") or source.run_hint)
    checkpoint = _checkpoint(source, named["date"] if named else None)
    chosen = first.get("filter")
    columns = ItemColumns(
        item="doc_hash" if first.get("doc_hash") else "doc_id",
        score=score,
        fixed=_fixed(checkpoint, task),
        only=("filter", str(chosen)) if isinstance(chosen, str) else None,
    )
    items, findings = sum_items(source, Layout("lines", tuple(columns.used)), columns)
    items["params"], items["tokens"] = _filled(checkpoint.params), _filled(checkpoint.tokens)
    if columns.only:
        findings += _other_filters(source, str(chosen))
    others = [name for name in first.get("metrics") or () if name != score]
    if others:
        message = f"{task}: scored by '{score}'; {', '.join(map(str, others))} left out"
        findings.append(Finding("PRED008", message, source=source.name))
    return [ItemLog(items, tuple(findings))]


def _filled(value: float | None) -> float:
    return float("nan") if value is None else value


def _fixed(checkpoint: Checkpoint, task: str) -> dict[str, str]:
    named = {"model": checkpoint.model, "benchmark": task}
    return named if checkpoint.step is None else {**named, "checkpoint": f"{checkpoint.step:.15g}"}


def _first_row(source: Source) -> dict[str, Any]:
    _, line = next(iter(source.lines()), (1, ""))
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise source.error("line 1 is no JSON object or is cut off; copy the file again") from None
    if not isinstance(row, dict):
        raise source.error("line 1 is no JSON object; one document a line is expected")
    return row


def _score(row: dict[str, Any], source: Source) -> str:
    """Return the first metric of the row that is a share in [0, 1]."""
    listed = row.get("metrics")
    names = [str(name) for name in listed] if isinstance(listed, list) else []
    for name in (*names, *_SCORES):
        value = row.get(name)
        if isinstance(value, int | float) and 0 <= value <= 1:
            return name
    raise source.error(
        f"no metric of line 1 is a score in [0, 1] (metrics: {', '.join(names) or 'none'}); "
        "per-item results need one"
    )


def _checkpoint(source: Source, date: str | None) -> Checkpoint:
    """Find the model in the results file beside the samples, else in the folder's name."""
    folder = source.path.parent
    exact = folder / f"results_{date}.json"
    files = [exact] if date and exact.is_file() else sorted(folder.glob("results*.json"))
    for file in files[:1]:
        try:
            content = read_json(Source(file, file.name, file.stem))
        except InputError:
            break
        if isinstance(content, dict):
            return checkpoint_of(content, str(file))
    return _from_folder(folder)


def _from_folder(folder: Path) -> Checkpoint:
    name = folder.absolute().name.replace("__", "/")
    return Checkpoint(name, step_in(str(folder)), tokens_in(str(folder)))


def _other_filters(source: Source, chosen: str) -> list[Finding]:
    """Say which of several filters was read."""
    pattern = re.compile(r'"filter":\s*"([^"]*)"')
    seen = {match for match in pattern.findall(source.text_head) if match != chosen}
    if not seen:
        return []
    rest = ", ".join(sorted(seen))
    message = f"answers were filtered in several ways: '{chosen}' read, {rest} left out"
    return [Finding("PRED008", message, source=source.name)]


READER = Reader(
    name="lm-eval-samples",
    description="lm-evaluation-harness samples JSONL: results per document of a task",
    sniff=sniff,
    read=read,
)
