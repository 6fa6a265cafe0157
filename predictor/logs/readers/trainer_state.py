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
from predictor.logs.source import HEAD_BYTES, Source
from predictor.logs.tables import Log, RunLog

#: Keys of a history row that say where it stands, and the axis they mean. Trainers of TRL count
#: ``num_tokens``; the first Trainers logged ``total_flos`` in every row, and one that
#: counts tokens logs the seconds since its start.
_AXES = {
    "step": "step",
    "epoch": "epoch",
    "num_input_tokens_seen": "tokens",
    "num_tokens": "tokens",
    "eval_num_tokens": "tokens",
    "total_flos": "flops",
    "train_runtime": "wall_time",
}
_FACTS = ("max_steps", "num_train_epochs", "train_batch_size", "logging_steps", "eval_steps")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_GLOBAL_STEP = re.compile(rb'"global_step":\s*(\d{1,15})\b')


def sniff(source: Source) -> bool:
    """Return whether this is a JSON object with a trainer's keys."""
    text = source.text_head
    if not text.lstrip().startswith("{"):
        return False
    early = ('"log_history"' in text) or ('"is_world_process_zero"' in text)
    return early and ('"global_step"' in text or '"epoch"' in text or '"max_steps"' in text)


def read(source: Source) -> Sequence[Log]:
    """Read train and eval rows; of several checkpoints of a run only the latest is read.

    A Trainer writes its whole history again with every checkpoint: where a sibling
    ``checkpoint-N`` folder, or the folder above, holds a later state, this one gives no points.

    Raises
    ------
    InputError
        If the JSON is cut off or broken, or its history holds no values.
    """
    if later := _later_state(source.path):
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
    run = _run_name(source)
    frame = _carried(pd.DataFrame(points).assign(run=run))
    return [RunLog.from_points(frame, pd.DataFrame([_facts(state, rows, source, run)]))]


def _later_state(path: Path) -> str | None:
    """Return the name of a later state of the same run, if there is one beside this file."""
    here = _CHECKPOINT.fullmatch(path.parent.name)
    root = path.parent.parent if here else path.parent
    mine = _step(path, int(here[1]) if here else 0)
    if here is None and not mine:
        return None
    latest, name = mine, None
    for folder in sorted(root.glob("checkpoint-*")):
        match = _CHECKPOINT.fullmatch(folder.name)
        if match and int(match[1]) > latest and (folder / path.name).is_file():
            latest, name = int(match[1]), folder.name
    above = root / path.name
    if here and above.is_file() and _step(above, 0) >= latest:
        return f"the {path.name} above"
    return name


def _step(path: Path, default: int) -> int:
    """Return the step at which a state was saved, from its head."""
    try:
        with path.open("rb") as stream:
            found = _GLOBAL_STEP.search(stream.read(HEAD_BYTES))
    except OSError:
        return default
    return int(found[1]) if found else default


def _run_name(source: Source) -> str:
    """Return the run's name; a checkpoint is called after the run's folder."""
    if _CHECKPOINT.fullmatch(source.path.absolute().parent.name):
        return source.path.absolute().parent.parent.name or source.run_hint
    return source.run_hint


def _is_summary(row: Mapping[str, Any]) -> bool:
    """Return whether a row is the summary at the end, which is no point of a curve."""
    if "loss" in row or "train_runtime" not in row:
        return False
    return any(key in row for key in ("train_samples_per_second", "total_flos", "train_loss"))


def _points(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one point a value of the row; the learning rate also goes with the others."""
    numbers = {key: number for key in row if (number := _number(row[key])) is not None}
    place = {axis: numbers[key] for key, axis in _AXES.items() if key in numbers}
    if "learning_rate" in numbers:
        place["lr"] = numbers["learning_rate"]
    return [
        {"metric": key, "value": value, "step": None, **place}
        for key, value in numbers.items()
        if key not in _AXES
    ]


def _number(value: object) -> float | None:
    """Return a number, also one that a callback wrote as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return float("inf")


def _carried(points: pd.DataFrame) -> pd.DataFrame:
    """Give eval rows the learning rate and tokens of the train row at the same step."""
    for column in ("lr", "tokens", "flops"):
        if column in points:
            known = points.dropna(subset=["step", column]).drop_duplicates("step", keep="last")
            found = points["step"].map(known.set_index("step")[column])
            points[column] = points[column].fillna(found)
    return points


def _facts(
    state: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], source: Source, run: str
) -> dict[str, Any]:
    """Return what stays fixed; operations and tokens are those spent until the state was saved."""
    facts: dict[str, Any] = {"run": run, "format": "trainer-state", "source": source.name}
    facts |= {key: found for key in _FACTS if (found := _number(state.get(key))) is not None}
    if isinstance(state.get("trial_name"), str):
        facts["trial_name"] = state["trial_name"]
    for key, name in (("total_flos", "flops"), ("num_input_tokens_seen", "tokens")):
        # A Trainer that does not count them writes 0.
        if count := _number(state.get(key)):
            facts[name] = count
    for row in filter(_is_summary, rows):
        totals = {key: _number(row[key]) for key in row if key.startswith("train_")}
        facts |= {key: total for key, total in totals.items() if total is not None}
    return facts


READER = Reader(
    name="trainer-state",
    description="Hugging Face trainer_state.json",
    sniff=sniff,
    read=read,
)
