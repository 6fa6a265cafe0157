"""lm-evaluation-harness results, versions 0.3 and 0.4: one file a checkpoint.

Every score is a point of the metric ``<task>/<metric>`` at the checkpoint's step, where the model's
revision, path or file name tells it, else at step 0. Standard errors and numbers of samples stand
in ``runs`` as ``stderr[<task>/<metric>]`` and ``samples[<task>]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeGuard

import pandas as pd

from predictor.findings import Finding
from predictor.logs.checkpoints import checkpoint_of
from predictor.logs.documents import read_json
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

_RESULTS = re.compile(rb'"results"\s*:\s*\{\s*"[^"]+"\s*:\s*\{')
_COMPANIONS = re.compile(
    rb'"(versions|configs?|config_general|n-shot|lm_eval_version|alias)"\s*:|_stderr'
)


class _Score(NamedTuple):
    """One score of one task."""

    task: str
    metric: str
    value: float
    stderr: float | None


def sniff(source: Source) -> bool:
    """Return whether the head holds ``results`` by task as the harness writes them."""
    head = source.head
    if not head.lstrip().startswith(b"{") or not _RESULTS.search(head):
        return False
    return bool(_COMPANIONS.search(head)) and b'"log_history"' not in head


def read(source: Source) -> Sequence[Log]:
    """Read one results file into a RunLog with one place."""
    content = read_json(source)
    tasks = content.get("results") if isinstance(content, dict) else None
    scores = list(_scores(tasks)) if isinstance(tasks, dict) else []
    if not scores:
        raise source.error("holds no scores under 'results'; run the evaluation to its end")
    checkpoint = checkpoint_of(content, str(source.path))
    points = pd.DataFrame(
        {
            "run": checkpoint.model,
            "metric": [f"{score.task}/{score.metric}" for score in scores],
            "step": checkpoint.step or 0.0,
            "tokens": checkpoint.tokens,
            "value": [score.value for score in scores],
        }
    )
    facts: dict[str, Any] = {"run": checkpoint.model, "format": "lm-eval", "source": source.name}
    if checkpoint.params:
        facts["params"] = checkpoint.params
    runs = pd.DataFrame([{**facts, **_details(content, scores)}])
    return [RunLog.from_points(points, runs, _findings(content, checkpoint.step, source))]


def _scores(tasks: dict[str, Any]) -> Iterator[_Score]:
    for task, values in tasks.items():
        if not isinstance(values, dict):
            continue
        for key, value in values.items():
            metric, _, chosen = str(key).partition(",")
            if metric.endswith("_stderr") or not _is_score(metric, value):
                continue
            error = values.get(f"{metric}_stderr,{chosen}" if chosen else f"{metric}_stderr")
            name = metric if chosen in ("", "none") else f"{metric},{chosen}"
            yield _Score(task, name, float(value), float(error) if _is_number(error) else None)


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_score(metric: str, value: Any) -> bool:
    return _is_number(value) and metric not in ("alias", "sample_len", "samples", "name")


def _details(content: dict[str, Any], scores: Sequence[_Score]) -> dict[str, Any]:
    """Return standard errors, numbers of samples and directions as columns of ``runs``."""
    found: dict[str, Any] = {}
    better = content.get("higher_is_better")
    better = better if isinstance(better, dict) else {}
    for score in scores:
        name = f"{score.task}/{score.metric}"
        if score.stderr is not None:
            found[f"stderr[{name}]"] = score.stderr
        direction = better.get(score.task)
        if isinstance(direction, dict) and score.metric.split(",")[0] in direction:
            found[f"higher_is_better[{name}]"] = direction[score.metric.split(",")[0]]
    return {**found, **{f"samples[{task}]": done for task, _, done in _samples(content)}}


def _samples(content: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Yield task, number of samples the task has, number that were evaluated."""
    samples = content.get("n-samples")
    for task, counts in samples.items() if isinstance(samples, dict) else ():
        if isinstance(counts, dict) and all(
            _is_number(counts.get(k)) for k in ("original", "effective")
        ):
            yield str(task), counts["original"], counts["effective"]


def _findings(content: dict[str, Any], step: float | None, source: Source) -> list[Finding]:
    findings = []
    partial = [
        f"{task} {done:.0f} of {of:.0f}" for task, of, done in _samples(content) if done < of
    ]
    config = content.get("config")
    limit = config.get("limit") if isinstance(config, dict) else None
    if not partial and _is_number(limit):
        partial = [f"limit {limit}"]
    if partial:
        message = f"only part of the samples was evaluated: {', '.join(partial[:5])}"
        findings.append(Finding("PRED012", message, source=source.name))
    if step is None:
        message = "no training step is told by the model's revision or the file's name: step 0"
        findings.append(Finding("PRED011", message, source=source.name))
    return findings


READER = Reader(
    name="lm-eval",
    description="lm-evaluation-harness results JSON (0.3, 0.4): benchmark scores of a checkpoint",
    sniff=sniff,
    read=read,
)
