"""TensorBoard event files: scalars, also where a writer stored them as tensors (Keras v2)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from predictor.errors import InputError, MissingExtraError
from predictor.findings import Finding
from predictor.logs.columns import is_learning_rate, place_of
from predictor.logs.registry import Reader
from predictor.logs.source import MAX_DOCUMENT_BYTES, Source
from predictor.logs.tables import Log, RunLog

#: A record: length (8 bytes), its checksum (4), an event, its checksum (4).
_HEADER, _FOOTER = 12, 4
_FIRST_EVENT = b"brain.Event:"
#: The version line that opens a file is shorter than this.
_FIRST_LENGTH = 4096
#: Events up to this size are checked by their checksum. Scalars are far smaller; the larger ones,
#: pictures and histograms, hold nothing that is read, and checking them would take most of the
#: time.
_CHECKED = 512
_BATCH = 8192
#: Axes that may be logged as a scalar of their own, beside the step and clock of each event.
_LOGGED_AXES = ("tokens", "samples", "epoch", "flops")
#: A scalar is an axis of a curve if it was logged at nearly all of the curve's steps.
_ENOUGH = 0.9


def sniff(source: Source) -> bool:
    """Return whether the first record is the version line that opens every event file."""
    head = source.head
    if len(head) < _HEADER:
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return (
        0 < length < _FIRST_LENGTH
        and _FIRST_EVENT in head[_HEADER : _HEADER + length]
        and _is_intact(head[:_HEADER])
    )


def read(source: Source) -> Sequence[Log]:
    """Read every scalar; what stands before a cut is kept.

    Raises
    ------
    InputError
        If a record in the middle is damaged, or the file holds no scalar and no hyperparameter.
    MissingExtraError
        If the package ``tensorboard`` is not installed.
    """
    protocol = _protocol()
    rows: list[tuple[str, int, float, float]] = []
    facts: dict[str, Any] = {}
    ignored: dict[str, None] = {}
    with source.open() as stream:
        records = _Records(source, stream)
        for record in records:
            event = protocol.parse(record)
            if event is None:
                raise records.damaged()
            for value in event.summary.value:
                number = protocol.as_number(value)
                if number is not None:
                    rows.append((value.tag, event.step, event.wall_time, number))
                elif settings := protocol.hyperparameters(value):
                    facts |= settings
                elif not value.tag.startswith("_hparams_/"):
                    ignored[value.tag] = None
    findings = [*_cut(source, len(rows), records.cut), *_left_out(source, list(ignored))]
    if not rows and not facts:
        raise source.error(_nothing(list(ignored), cut=records.cut))
    return [_log(source, rows, facts, findings)]


def carry_places(points: pd.DataFrame) -> pd.DataFrame:
    """Give points the tokens, epoch, ... and learning rate that were logged at the same step.

    Trackers that know only step and clock store these as scalars of their own, such as
    ``train/learning_rate``. An axis is taken for a curve where it covers nearly all of it.
    """
    named = {str(metric): _meaning(str(metric)) for metric in points["metric"].unique()}
    for meaning in (*_LOGGED_AXES, "lr"):
        scalars = [metric for metric, found in named.items() if found == meaning]
        if scalars and (meaning not in points or points[meaning].isna().all()):
            points[meaning] = _at_same_step(points, min(scalars, key=len))
    return points


def _meaning(metric: str) -> str | None:
    """Return the axis (or ``lr``) that a scalar of this name is."""
    if is_learning_rate(metric):
        return "lr"
    place = place_of(metric)
    return place.axis if place and place.axis in _LOGGED_AXES and place.factor == 1.0 else None


def _at_same_step(points: pd.DataFrame, scalar: str) -> pd.Series:
    """Return for each point the scalar's value at its step, where its curve has nearly all."""
    keys = ["run", "step"]
    logged = points.loc[points["metric"] == scalar, [*keys, "value"]].dropna()
    logged = logged.drop_duplicates(keys, keep="last")
    found = points[keys].merge(logged, on=keys, how="left")["value"].set_axis(points.index)
    curves = [points["run"], points["metric"]]
    return found.where(found.notna().groupby(curves).transform("mean") >= _ENOUGH)


class _Records:
    """The records of an event file, up to its end or to where it is cut off."""

    def __init__(self, source: Source, stream: IO[bytes]) -> None:
        self.source, self.stream, self.cut = source, stream, False
        self.offset = 0

    def __iter__(self) -> Iterator[bytes]:
        framed = self._framed()
        start = 0
        while batch := list(islice(framed, _BATCH)):
            intact = _first_damaged(batch)
            for record in batch[:intact]:
                self.offset = start
                yield record[:-_FOOTER]
                start += _HEADER + len(record)
            self.offset = start
            if intact < len(batch):
                if intact < len(batch) - 1 or next(framed, None) is not None:
                    raise self.damaged()
                self.cut = True

    def damaged(self) -> InputError:
        """Return the error that says where the file is damaged."""
        return self.source.error(
            f"the record at byte {self.offset} is damaged; copy the file again, or log anew"
        )

    def _framed(self) -> Iterator[bytes]:
        """Yield each event with its checksum, as framed by the lengths before them."""
        at = 0
        while header := self._take(_HEADER):
            # A crash may leave the rest of the file full of zeros.
            if len(header) < _HEADER or not header.strip(b"\0"):
                self.cut = True
                return
            (length,) = struct.unpack("<Q", header[:8])
            # Lengths are trusted only where the event's own checksum will be looked at.
            trusted = 0 < length <= _CHECKED or (_is_intact(header) and _is_sane(length))
            body = self._take(length + _FOOTER) if trusted else b""
            short = len(body) < length + _FOOTER
            if not trusted or (short and not _is_intact(header)):
                self.offset = at
                raise self.damaged()
            if short:
                self.cut = True
                return
            at += _HEADER + len(body)
            yield body

    def _take(self, size: int) -> bytes:
        return self.source.guarded(self.stream.read, size)


def _is_sane(length: int) -> bool:
    return 0 < length <= MAX_DOCUMENT_BYTES


def _is_intact(header: bytes) -> bool:
    """Return whether a record's length agrees with its checksum."""
    return _first_damaged([header]) == 1


def _first_damaged(records: Sequence[bytes]) -> int:
    """Return the index of the first record whose checksum (its last 4 bytes) is wrong."""
    checked = [i for i, record in enumerate(records) if len(record) <= _CHECKED + _FOOTER]
    if not checked:
        return len(records)
    wanted = np.array([struct.unpack("<I", records[i][-_FOOTER:])[0] for i in checked])
    wrong = np.flatnonzero(_checksums([records[i][:-_FOOTER] for i in checked]) != wanted)
    return checked[wrong[0]] if len(wrong) else len(records)


def _checksums(contents: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    """Return the masked CRC-32C of each content, all of them one byte at a time."""
    lengths = np.array([len(content) for content in contents])
    width = int(lengths.max())
    padded = b"".join(content.ljust(width, b"\0") for content in contents)
    columns = np.frombuffer(padded, dtype=np.uint8).reshape(len(contents), width)
    crc = np.full(len(contents), 0xFFFFFFFF, dtype=np.uint32)
    for place in range(width):
        folded = _CRC_TABLE[(crc ^ columns[:, place]) & 0xFF] ^ (crc >> 8)
        crc = np.where(place < lengths, folded, crc)
    crc = ~crc
    masked = ((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8)
    return np.asarray(masked, dtype=np.uint32)


def _crc_table() -> npt.NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        halved = (table >> 1) ^ (table & 1) * np.uint32(0x82F63B78)
        table = halved.astype(np.uint32)
    return table


_CRC_TABLE = _crc_table()


class _Protocol(NamedTuple):
    """TensorBoard's own parser of events, and what makes numbers and settings of a summary."""

    parse: Callable[[bytes], Any]
    as_number: Callable[[Any], float | None]
    hyperparameters: Callable[[Any], dict[str, Any]]


def _protocol() -> _Protocol:
    """Return the parser; the package is imported here, where the first file is read."""
    try:
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
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
        except (TypeError, ValueError, KeyError):
            return None
        numeric = array.size == 1 and array.dtype.kind in "fiub"
        return float(array.reshape(-1)[0]) if numeric else None

    def hyperparameters(value: Any) -> dict[str, Any]:
        if value.metadata.plugin_data.plugin_name != "hparams":
            return {}
        try:
            found = HParamsPluginData.FromString(value.metadata.plugin_data.content)
        except DecodeError:
            return {}
        settings = found.session_start_info.hparams.items()
        kinds = {name: setting.WhichOneof("kind") for name, setting in settings}
        return {
            name: getattr(setting, kinds[name])
            for name, setting in settings
            if kinds[name] in ("number_value", "string_value", "bool_value")
        }

    return _Protocol(parse, as_number, hyperparameters)


def _cut(source: Source, points: int, cut: bool) -> Iterable[Finding]:
    if cut:
        message = f"the file is cut off; {points} values before that were read"
        yield Finding("PRED007", message, source=source.name)


def _left_out(source: Source, tags: Sequence[str]) -> Iterable[Finding]:
    if tags:
        listed = ", ".join(tags[:5]) + (f" and {len(tags) - 5} more" if len(tags) > 5 else "")
        message = f"tags that hold no number left out: {listed}"
        yield Finding("PRED008", message, source=source.name)


def _nothing(tags: Sequence[str], *, cut: bool) -> str:
    if cut:
        return "the file is cut off before its first scalar; copy it again"
    if tags:
        return f"holds no scalar, only {', '.join(tags[:3])}; log one with add_scalar"
    return "holds no scalar: nothing was logged in it; name the run's other event file"


def _log(
    source: Source,
    rows: Sequence[tuple[str, int, float, float]],
    facts: dict[str, Any],
    findings: Sequence[Finding],
) -> RunLog:
    points = pd.DataFrame(rows, columns=["metric", "step", "wall_time", "value"])
    points.insert(0, "run", source.run_hint)
    known: dict[str, Any] = {"run": source.run_hint, "format": "tensorboard", "source": source.name}
    runs = pd.DataFrame([known | {key: facts[key] for key in facts if key not in known}])
    return RunLog.from_points(carry_places(points), runs, findings)


READER = Reader(
    name="tensorboard",
    description="TensorBoard event files (PyTorch, Keras, TensorFlow writers)",
    sniff=sniff,
    read=read,
)
