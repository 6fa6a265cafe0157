"""Inspect AI evaluation logs as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from predictor.findings import Finding
from predictor.logs.checkpoints import step_in
from predictor.logs.documents import read_json
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import ITEM_COLUMNS, ItemLog, Log

_EVAL = re.compile(rb'"eval"\s*:\s*\{')
_GRADES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0, "CORRECT": 1.0, "INCORRECT": 0.0}


def sniff(source: Source) -> bool:
    """Return whether the head is that of an evaluation log: version, status, eval."""
    head = source.head
    if not head.lstrip().startswith(b"{") or not _EVAL.search(head):
        return False
    return b'"task"' in head and b'"model"' in head and b'"status"' in head


def read(source: Source) -> Sequence[Log]:
    """Read the first scorer's value of every sample; epochs of a sample are trials."""
    content = read_json(source)
    evaluation = content.get("eval") if isinstance(content, dict) else None
    samples = content.get("samples") if isinstance(content, dict) else None
    if not isinstance(evaluation, dict) or not isinstance(samples, list) or not samples:
        raise source.error("holds no samples; write the log with samples (log_samples)")
    rows = list(_rows(samples))
    if not rows:
        raise source.error("no sample has a score in [0, 1] or a grade C, I, P, N")
    model, task = str(evaluation.get("model", source.run_hint)), str(evaluation.get("task", "task"))
    frame = pd.DataFrame(rows, columns=["item", "passes"]).assign(
        model=model, benchmark=task, trials=1.0, checkpoint=_step(model)
    )
    summed = frame.groupby(["model", "checkpoint", "benchmark", "item"], sort=False, dropna=False)
    items = summed[["trials", "passes"]].sum().reset_index().reindex(columns=list(ITEM_COLUMNS))
    return [ItemLog(items, tuple(_findings(content, evaluation, len(samples), rows, source)))]


def _step(model: str) -> float:
    found = step_in(model)
    return float("nan") if found is None else found


def _rows(samples: Sequence[Any]) -> Iterator[tuple[str, float]]:
    for sample in samples:
        value = _value(sample) if isinstance(sample, dict) else None
        if value is not None:
            yield str(sample.get("id")), value


def _value(sample: dict[str, Any]) -> float | None:
    """Return the first score as a share; versions before 2 have one score without a name."""
    scores = sample.get("scores")
    if isinstance(scores, dict) and scores:
        score = next(iter(scores.values()))
    else:
        score = sample.get("score")
    value = score.get("value") if isinstance(score, dict) else score
    if isinstance(value, str):
        return _GRADES.get(value.upper())
    fits = isinstance(value, int | float) and 0 <= value <= 1
    return float(value) if fits and isinstance(value, int | float) else None


def _findings(
    content: dict[str, Any],
    evaluation: dict[str, Any],
    samples: int,
    rows: Sequence[Any],
    source: Source,
) -> Iterator[Finding]:
    dataset = evaluation.get("dataset")
    total = dataset.get("samples") if isinstance(dataset, dict) else None
    done = len({item for item, _ in rows})
    status = str(content.get("status", "success"))
    if (isinstance(total, int) and done < total) or status != "success":
        of = f" of {total}" if isinstance(total, int) else ""
        message = f"{done}{of} samples evaluated, status {status}"
        yield Finding("PRED012", message, source=source.name)
    if len(rows) < samples:
        message = f"{samples - len(rows)} samples without a score were left out"
        yield Finding("PRED010", message, source=source.name)


READER = Reader(
    name="inspect-ai",
    description="Inspect AI evaluation log (JSON): results per sample",
    sniff=sniff,
    read=read,
)
