"""Hugging Face ``trainer_state.json``: the log history of a Trainer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from predictor.findings import Finding
from predictor.logs.documents import read_json
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

#: Keys of a history row that say where it stands, and the axis they mean.
_AXES = {"step": "step", "epoch": "epoch", "num_input_tokens_seen": "tokens"}
#: A row with one of these is the summary at the end, no point of a curve.
_SUMMARY = ("train_runtime", "train_samples_per_second")
_FACTS = ("max_steps", "num_train_epochs", "train_batch_size", "logging_steps", "eval_steps")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


def sniff(source: Source) -> bool:
    """Return whether this is a JSON object with a trainer's keys."""
    text = source.text_head
    if not text.lstrip().startswith("{"):
        return False
    early = ('"log_history"' in text) or ('"is_world_process_zero"' in text)
    return early and ('"global_step"' in text or '"epoch"' in text or '"max_steps"' in text)


def read(source: Source) -> Sequence[Log]:
    """Read train and eval rows; of several checkpoints of a run only the latest is read."""
    if later := _later_checkpoint(source.path):
        message = f"{source.name}: left out, {later} holds the same history and more"
        empty = pd.DataFrame({"run": [], "metric": [], "step": [], "value": []})
        return [RunLog.from_points(empty, findings=[Finding("PRED008", message)])]
    state = read_json(source)
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list):
        raise source.error("has no list 'log_history'; this is no trainer state")
    rows = [row for row in history if isinstance(row, dict)]
    points = [point for row in rows if not _is_summary(row) for point in _points(row)]
    if not points:
        raise source.error("its log_history holds no values; train with logging_steps set")
    frame = pd.DataFrame(points)
    run = _run_name(source)
    frame["run"] = run
    return [RunLog.from_points(frame, pd.DataFrame([_facts(state, rows, source, run)]))]


def _later_checkpoint(path: Path) -> str | None:
    """Return the name of a later checkpoint beside this file's folder, if there is one."""
    here = _CHECKPOINT.fullmatch(path.parent.name)
    if here is None:
        return None
    beside = [
        int(match[1])
        for folder in path.parent.parent.glob("checkpoint-*")
        if (match := _CHECKPOINT.fullmatch(folder.name)) and (folder / path.name).is_file()
    ]
    latest = max(beside, default=0)
    if (path.parent.parent / path.name).is_file():
        return path.name
    return f"checkpoint-{latest}" if latest > int(here[1]) else None


def _run_name(source: Source) -> str:
    """Return the run's name; a checkpoint is called after the run's folder."""
    if _CHECKPOINT.fullmatch(source.path.parent.name):
        return source.path.absolute().parent.parent.name
    return source.run_hint


def _is_summary(row: Mapping[str, Any]) -> bool:
    return any(key in row for key in _SUMMARY)


def _points(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one point a value of the row; the learning rate also goes with the others."""
    place = {axis: row[key] for key, axis in _AXES.items() if _is_number(row.get(key))}
    if _is_number(row.get("learning_rate")):
        place["lr"] = row["learning_rate"]
    return [
        {"metric": key, "value": float(value), **place}
        for key, value in row.items()
        if key not in _AXES and _is_number(value)
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _facts(
    state: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], source: Source, run: str
) -> dict[str, Any]:
    facts: dict[str, Any] = {"run": run, "format": "trainer-state", "source": source.name}
    facts |= {key: state[key] for key in _FACTS if _is_number(state.get(key))}
    if isinstance(state.get("trial_name"), str):
        facts["trial_name"] = state["trial_name"]
    flops = state.get("total_flos")
    if _is_number(flops) and flops:
        facts["flops"] = float(flops)
    tokens = state.get("num_input_tokens_seen")
    if _is_number(tokens) and tokens:
        facts["tokens"] = float(tokens)
    for row in filter(_is_summary, rows):
        facts |= {k: v for k, v in row.items() if k.startswith("train_") and _is_number(v)}
    return facts


READER = Reader(
    name="trainer-state",
    description="Hugging Face trainer_state.json",
    sniff=sniff,
    read=read,
)
