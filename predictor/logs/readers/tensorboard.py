"""TensorBoard event files: scalars, also where a writer stored them as tensors (Keras v2)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

import pandas as pd

from predictor.errors import MissingExtraError
from predictor.findings import Finding
from predictor.logs.registry import Reader
from predictor.logs.source import MAX_DOCUMENT_BYTES, Source
from predictor.logs.tables import Log, RunLog

#: A record: length (8 bytes), its checksum (4), an event, its checksum (4).
_HEADER, _FOOTER = 12, 4
_FIRST_EVENT = b"brain.Event:"


def sniff(source: Source) -> bool:
    """Return whether the first record is the version line that opens every event file."""
    head = source.head
    if len(head) < _HEADER or _FIRST_EVENT not in head[:128]:
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return bool(0 < length < 128)


def read(source: Source) -> Sequence[Log]:
    """Read every scalar; what stands before a cut is kept."""
    parse, as_number = _protocol()
    rows: list[tuple[str, int, float, float]] = []
    ignored: dict[str, None] = {}
    findings = []
    with source.open() as stream:
        records = _Records(source, stream)
        for record in records:
            event = parse(record)
            if event is None:
                findings.append(_cut(source, len(rows), "a record is damaged"))
                break
            for value in event.summary.value:
                number = as_number(value)
                if number is None:
                    ignored[value.tag] = None
                else:
                    rows.append((value.tag, event.step, event.wall_time, number))
    if records.cut:
        findings.append(_cut(source, len(rows), "the file is cut off"))
    if ignored:
        tags = ", ".join(list(ignored)[:5])
        findings.append(Finding("PRED008", f"tags that hold no number left out: {tags}"))
    return [_log(source, rows, findings)]


class _Records:
    """The records of an event file, up to its end or to where it is cut off."""

    def __init__(self, source: Source, stream: IO[bytes]) -> None:
        self.source, self.stream, self.cut = source, stream, False

    def __iter__(self) -> Iterator[bytes]:
        while header := self._take(_HEADER):
            length = struct.unpack("<Q", header[:8])[0] if len(header) == _HEADER else 0
            if not 0 < length <= MAX_DOCUMENT_BYTES:
                self.cut = True
                return
            body = self._take(length + _FOOTER)
            if len(body) < length + _FOOTER:
                self.cut = True
                return
            yield body[:length]

    def _take(self, size: int) -> bytes:
        return self.source.guarded(self.stream.read, size)


def _protocol() -> tuple[Callable[[bytes], Any], Callable[[Any], float | None]]:
    """Return TensorBoard's own parser of events, and what makes a number of a summary value."""
    try:
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.util.tensor_util import make_ndarray
    except ImportError:
        raise MissingExtraError(
            "reading TensorBoard event files", "tensorboard", "tensorboard"
        ) from None

    def parse(record: bytes) -> Any:
        try:
            return Event.FromString(record)
        except DecodeError:
            return None

    def as_number(value: Any) -> float | None:
        if value.HasField("simple_value"):
            return float(value.simple_value)
        if not value.HasField("tensor"):
            return None
        try:
            array = make_ndarray(value.tensor)
        except (TypeError, ValueError):
            return None
        numeric = array.size == 1 and array.dtype.kind in "fiub"
        return float(array.reshape(-1)[0]) if numeric else None

    return parse, as_number


def _cut(source: Source, points: int, what: str) -> Finding:
    message = f"{what}; {points} values before that were read"
    return Finding("PRED007", message, source=source.name)


def _log(
    source: Source, rows: list[tuple[str, int, float, float]], findings: list[Finding]
) -> RunLog:
    points = pd.DataFrame(rows, columns=["metric", "step", "wall_time", "value"])
    points.insert(0, "run", source.run_hint)
    runs = pd.DataFrame(
        {"run": [source.run_hint], "format": ["tensorboard"], "source": [source.name]}
    )
    return RunLog.from_points(points, runs, findings)


READER = Reader(
    name="tensorboard",
    description="TensorBoard event files (PyTorch, Keras, TensorFlow writers)",
    sniff=sniff,
    read=read,
)
