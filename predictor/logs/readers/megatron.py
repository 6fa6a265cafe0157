"""Console logs of Megatron-LM and its relatives, and of nanoGPT."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf)"
_TRAIN = re.compile(r"\biteration\s+(\d+)\s*/\s*(\d+)\s*\|(.*)", re.IGNORECASE)
_VALID = re.compile(
    r"\b(valid(?:ation)?|test)\s+loss at\s+(?:iteration\s+)?(\d+)?(.*?)\|(.*)", re.IGNORECASE
)
_NANO_TRAIN = re.compile(rf"\biter (\d+): loss ({_NUMBER})(?:, time ({_NUMBER})ms)?", re.IGNORECASE)
_NANO_EVAL = re.compile(
    rf"\bstep (\d+): train loss ({_NUMBER}), val loss ({_NUMBER})", re.IGNORECASE
)
#: Fields of a train line that are axes or conditions.
_AXES = {"consumed samples": "samples", "consumed tokens": "tokens", "learning rate": "lr"}
_FACTS = ("global batch size",)
#: Fields that count or time the work, and are no metric.
_NO_METRIC = re.compile(r"elapsed time|number of|loss scale|batch size|consumed|learning rate")


def sniff(source: Source) -> bool:
    """Return whether a line of the head is one of theirs, or the head announces Megatron."""
    text = source.text_head
    if text.lstrip()[:1] in ("{", "["):
        return False
    return any(p.search(text) for p in (_TRAIN, _VALID, _NANO_TRAIN, _NANO_EVAL)) or (
        "megatron" in text.lower() and source.path.suffix in (".out", ".log", ".txt", ".err")
    )


def read(source: Source) -> Sequence[Log]:
    """Read train and validation lines; all others are passed over."""
    facts: dict[str, Any] = {
        "run": source.run_hint,
        "format": "megatron",
        "source": source.name,
    }
    rows = [row for line in _lines(source) for row in _points(line, facts)]
    if not rows:
        raise source.error(
            "no iteration lines found; name the format with --log-format if it is another"
        )
    points = pd.DataFrame(rows)
    points["run"] = source.run_hint
    return [RunLog.from_points(_placed(points), pd.DataFrame([facts]))]


def _lines(source: Source) -> Iterator[str]:
    """Yield the lines; a console log may hold bytes that are no text, and rewritten lines."""
    for _, line in source.lines(errors="replace"):
        yield from line.split("\r")


def _points(line: str, facts: dict[str, Any]) -> list[dict[str, Any]]:
    if match := _TRAIN.search(line):
        facts["max_steps"] = float(match[2])
        return _train(int(match[1]), match[3], facts)
    if match := _VALID.search(line):
        return _valid(match) if match[2] else []
    if match := _NANO_TRAIN.search(line):
        return [{"metric": "loss", "step": int(match[1]), "value": float(match[2])}]
    if match := _NANO_EVAL.search(line):
        step = int(match[1])
        return [
            {"metric": "train loss", "step": step, "value": float(match[2])},
            {"metric": "val loss", "step": step, "value": float(match[3])},
        ]
    return []


def _fields(text: str) -> Iterator[tuple[str, float]]:
    """Yield ``name: number`` fields; a name may itself hold a colon."""
    for field in text.split("|"):
        name, colon, number = field.rpartition(":")
        found = re.match(rf"\s*({_NUMBER})\s*%?\s*$", number, re.IGNORECASE)
        if colon and found:
            yield " ".join(name.split()), float(found[1])


def _train(step: int, text: str, facts: dict[str, Any]) -> list[dict[str, Any]]:
    place: dict[str, float] = {"step": step}
    values = []
    for name, number in _fields(text):
        if name in _AXES:
            place[_AXES[name]] = number
        elif name in _FACTS:
            facts["batch_size"] = number
        elif not _NO_METRIC.search(name):
            values.append((name, number))
    return [{"metric": name, "value": number, **place} for name, number in values]


def _valid(match: re.Match[str]) -> list[dict[str, Any]]:
    """Return values of a validation line: ``lm loss value: 3.1 | lm loss PPL: 22 |``."""
    prefix = "test" if match[1].lower() == "test" or "test set" in match[3].lower() else "valid"
    return [
        {
            "metric": f"{prefix} {re.sub(' value$', '', name)}",
            "step": int(match[2]),
            "value": number,
        }
        for name, number in _fields(match[4])
    ]


def _placed(points: pd.DataFrame) -> pd.DataFrame:
    """Give validation lines the samples and tokens of the train line of the same iteration."""
    for axis in ("samples", "tokens"):
        if axis in points:
            known = points.dropna(subset=[axis]).drop_duplicates("step", keep="last")
            by_step = known.set_index("step")[axis]
            points[axis] = points[axis].fillna(points["step"].map(by_step))
    return points


READER = Reader(
    name="megatron",
    description="console logs of Megatron-LM, Megatron-DeepSpeed and nanoGPT",
    sniff=sniff,
    read=read,
)
