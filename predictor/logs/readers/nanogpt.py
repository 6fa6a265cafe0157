"""Console text of nanoGPT and what was made from it: ``iter`` and ``step`` lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from predictor.findings import Finding
from predictor.logs.columns import is_learning_rate
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

#: A number as consoles print it.
NUMBER = r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf(?:inity)?)"
_LINE = re.compile(r"\b(?:iter|step) (\d+): (.*)", re.IGNORECASE)
_FIELD = re.compile(rf"(\w[\w ]*?):?\s+({NUMBER})", re.IGNORECASE)
#: Longer than any field of such a line; in longer text the search would be slow.
_LONGEST_FIELD = 100
_MARK = re.compile(
    rf"\biter \d+: loss {NUMBER}\b|\bstep \d+: train loss {NUMBER}, val loss ", re.IGNORECASE
)
_PARAMS = re.compile(r"number of parameters: (\d+(?:\.\d+)?)M\b")
_BATCH = re.compile(r"tokens per iteration will be: ([\d,]+)")


def sniff(source: Source) -> bool:
    """Return whether the head has a line ``iter 1: loss ...`` or ``step 1: train loss ...``."""
    return _MARK.search(source.text_head) is not None


def claims(source: Source) -> bool:
    """Return whether a file met in a folder is a console log, and no part of a W&B run."""
    return not source.path.with_name("wandb-summary.json").is_file() and sniff(source)


def read(source: Source) -> Sequence[Log]:
    """Read the losses of iterations and evaluations; all other lines are passed over.

    Raises
    ------
    InputError
        If there is no such line.
    """
    facts: dict[str, Any] = {"run": source.run_hint, "format": "nanogpt", "source": source.name}
    rows: list[dict[str, Any]] = []
    findings = []
    for line, ended in console_lines(source):
        complete = ended or line.rstrip().endswith(("%", "ms"))
        rows += _points(line if complete else line.rpartition(",")[0])
        facts |= _facts(line)
        if not complete and _LINE.search(line):
            message = "the last line is cut off; what it holds up to its last comma was read"
            findings.append(Finding("PRED007", message, source=source.name))
    if not rows:
        raise source.error("no lines 'iter ...: loss ...' found; name the format with log_format")
    points = pd.DataFrame(rows).assign(run=source.run_hint)
    return [RunLog.from_points(points, pd.DataFrame([facts]), findings)]


def console_lines(source: Source) -> Iterator[tuple[str, bool]]:
    """Yield console lines and whether each is complete.

    A console log may hold bytes that are no text, and lines written over with carriage returns;
    that of a killed job ends within a line.
    """
    for _, line in source.lines(errors="replace"):
        *parts, last = line.rstrip("\r\n").split("\r")
        yield from ((part, True) for part in parts)
        yield last, line.endswith(("\n", "\r"))


def _points(line: str) -> list[dict[str, Any]]:
    """Return the losses of ``iter 5: loss 3.2, time 9.1ms`` with its learning rate, if any."""
    match = _LINE.search(line)
    if match is None:
        return []
    fields = {found[1]: float(found[2]) for field in match[2].split(",") if (found := _of(field))}
    rate = next((value for name, value in fields.items() if is_learning_rate(name)), None)
    return [
        {"metric": name, "value": value, "step": int(match[1]), "lr": rate}
        for name, value in fields.items()
        if name.lower().endswith("loss")
    ]


def _of(field: str) -> re.Match[str] | None:
    plain = field.strip()
    return _FIELD.fullmatch(plain) if len(plain) <= _LONGEST_FIELD else None


def _facts(line: str) -> dict[str, float]:
    facts = {}
    if match := _PARAMS.search(line):
        facts["params"] = float(match[1]) * 1e6
    if match := _BATCH.search(line):
        facts["batch_size_in_tokens"] = float(match[1].replace(",", ""))
    return facts


READER = Reader(
    name="nanogpt",
    description="console logs of nanoGPT (iter and step lines)",
    sniff=sniff,
    read=read,
    claims=claims,
)
