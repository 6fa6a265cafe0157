"""Console logs of Megatron-LM and its relatives: Megatron-DeepSpeed, NeMo."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pandas as pd

from predictor.findings import Finding
from predictor.logs.columns import canonical, is_learning_rate, place_of
from predictor.logs.readers.nanogpt import NUMBER, console_lines
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

_TRAIN = re.compile(r"\biteration\s+(\d+)\s*/\s*(\d+)\s*\|(.*)", re.IGNORECASE)
_EVAL = re.compile(
    r"(?<!\S)([\w./:-]+) loss at (?:iteration\s+(\d+)|the end of training)\b([^|]*)\|(.*)",
    re.IGNORECASE,
)
_VALUE = re.compile(rf"({NUMBER})\s*%?", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)")
#: A setting as printed at the start: ``seq_length ........ 2048``.
_SETTING = re.compile(r"\b(\w+) \.{3,} (\d+)\s*$")
_SETTINGS = frozenset(
    {"seed", "seq_length", "num_layers", "hidden_size", "num_attention_heads", "micro_batch_size"}
)
_SHARD = re.compile(
    r"number of parameters on \(tensor, pipeline\) model parallel rank \((\d+), (\d+)\): (\d+)"
)
_ANNOUNCED = ("megatron", "tensor-model-parallel", "model parallel rank", "consumed_train_samples")
_CONSOLE_SUFFIXES = frozenset({".out", ".log", ".txt", ".err"})


def sniff(source: Source) -> bool:
    """Return whether a line of the head is one of theirs, or the head announces Megatron.

    A job may print more than the head before its first iteration.
    """
    if _is_json(source.text_head):
        return False
    announced = b"\0" not in source.head and _is_announced(source)
    return announced or _has_lines(source)


def claims(source: Source) -> bool:
    """Return whether a file met in a folder is a console log, and no part of a W&B run."""
    if source.path.with_name("wandb-summary.json").is_file():
        return False
    return _has_lines(source) or source.path.suffix in _CONSOLE_SUFFIXES


def read(source: Source) -> Sequence[Log]:
    """Read train and validation lines; all others are passed over.

    Raises
    ------
    InputError
        If there is no such line.
    """
    job = _Job()
    for line, complete in console_lines(source):
        job.take(line, complete=complete)
    if not job.rows:
        raise source.error("no iteration lines found; name the format with log_format")
    points = _placed(pd.DataFrame(job.rows).assign(run=source.run_hint))
    findings = []
    if job.cut:
        message = "the last line is cut off; what it holds up to its last bar was read"
        findings.append(Finding("PRED007", message, source=source.name))
    length = job.settings.get("seq_length")
    if length and "tokens" not in points and "samples" in points:
        points["tokens"] = points["samples"] * length
        message = f"tokens = consumed samples x {length:.0f} tokens a sample (seq_length)"
        findings.append(Finding("PRED011", message, run=source.run_hint))
    own = {"run": source.run_hint, "format": "megatron", "source": source.name}
    return [RunLog.from_points(points, pd.DataFrame([own | job.facts()]), findings)]


@dataclass
class _Job:
    """What the lines read so far have told."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, float] = field(default_factory=dict)
    batches: set[float] = field(default_factory=set)
    shards: dict[tuple[str, str], float] = field(default_factory=dict)
    last_step: float | None = None
    max_steps: float | None = None
    cut: bool = False

    def take(self, line: str, *, complete: bool) -> None:
        """Take one line in; of one that is cut off, what stands before its last bar."""
        if train := _TRAIN.search(line):
            self._train(train, self._whole(train[3], complete), _clock(line))
        elif " loss at " in line and (found := _EVAL.search(line)):
            self._evaluation(found, self._whole(found[4], complete), _clock(line))
        elif (setting := _SETTING.search(line)) and setting[1] in _SETTINGS:
            self.settings[setting[1]] = float(setting[2])
        elif shard := _SHARD.search(line):
            self.shards[shard[1], shard[2]] = float(shard[3])

    def facts(self) -> dict[str, float]:
        """Return what stays fixed: the batch size only where it does."""
        facts = dict(self.settings)
        if self.max_steps is not None:
            facts["max_steps"] = self.max_steps
        if len(self.batches) == 1:
            facts["batch_size"] = min(self.batches)
        if self.shards:
            facts["params"] = sum(self.shards.values())
        return facts

    def _whole(self, fields: str, complete: bool) -> str:
        if complete:
            return fields
        whole, _, rest = fields.rpartition("|")
        self.cut = bool(rest.strip())
        return whole

    def _train(self, match: re.Match[str], fields: str, place: dict[str, float]) -> None:
        place["step"] = float(match[1])
        self.max_steps = float(match[2])
        values = []
        for name, number in _fields(fields):
            role, factor = _role(name)
            if role == "batch":
                self.batches.add(number)
            elif role:
                place[role] = number * factor
            else:
                values.append((name, number))
        self.last_step = place["step"]
        self.rows += [{"metric": name, "value": number, **place} for name, number in values]

    def _evaluation(self, match: re.Match[str], fields: str, place: dict[str, float]) -> None:
        """Take ``validation loss at iteration 9 | lm loss value: 3.1 | lm loss PPL: 22 |`` in."""
        step = float(match[2]) if match[2] else self.last_step
        if step is None:
            return
        name = "test" if re.search(r"\btest\b", match[3], re.IGNORECASE) else match[1]
        name = "valid" if name.lower() in ("valid", "validation", "val") else name
        self.rows += [
            {"metric": f"{name} {measure.removesuffix(' value')}", "value": number, **place}
            | {"step": step}
            for measure, number in _fields(fields)
        ]


@lru_cache(maxsize=1024)
def _role(name: str) -> tuple[str, float]:
    """Return what a field of a train line is, ``""`` for a metric, and the factor to its unit."""
    if place := place_of(name):
        return place.axis, place.factor
    if is_learning_rate(name):
        return "lr", 1.0
    return ("batch" if canonical(name) in ("global_batch_size", "batch_size") else ""), 1.0


def _has_lines(source: Source) -> bool:
    text = source.text_head
    return _TRAIN.search(text) is not None or _EVAL.search(text) is not None


def _is_announced(source: Source) -> bool:
    text = source.text_head.lower()
    return any(word in text for word in _ANNOUNCED)


def _is_json(text: str) -> bool:
    """Return whether the text starts as JSON does; lines may start with a clock in brackets."""
    return re.match(r'\s*(\{|\[\s*[\[{"])', text) is not None


def _clock(line: str) -> dict[str, float]:
    """Return the clock that newer versions print before a line, as seconds since 1970."""
    match = _CLOCK.search(line.split("|", 1)[0])
    if match is None:
        return {}
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}")
    except ValueError:
        return {}
    return {"wall_time": moment.replace(tzinfo=UTC).timestamp()}


def _fields(text: str) -> Iterator[tuple[str, float]]:
    """Yield ``name: number`` fields; a name may itself hold a colon."""
    for part in text.split("|"):
        name, colon, number = part.rpartition(":")
        if colon and (found := _VALUE.fullmatch(number.strip())):
            yield " ".join(name.split()), float(found[1])


def _placed(points: pd.DataFrame) -> pd.DataFrame:
    """Give validation lines the samples and tokens of the train line of the same iteration."""
    for axis in ("samples", "tokens", "lr"):
        if axis in points:
            known = points.dropna(subset=[axis]).drop_duplicates("step", keep="last")
            by_step = known.set_index("step")[axis]
            points[axis] = points[axis].fillna(points["step"].map(by_step))
    return points


READER = Reader(
    name="megatron",
    description="console logs of Megatron-LM and its relatives",
    sniff=sniff,
    read=read,
    claims=claims,
)
