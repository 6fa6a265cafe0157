"""Event files as TensorBoard's own writer makes them, whole, cut, damaged and empty."""

from __future__ import annotations

import gzip
import math
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from predictor.errors import InputError, MissingExtraError
from predictor.logs import RunLog, read_logs
from predictor.logs.readers import tensorboard as reader
from predictor.logs.source import Source

pytest.importorskip("tensorboard")
from google.protobuf import struct_pb2
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo
from tensorboard.plugins.scalar.metadata import create_summary_metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util.tensor_util import make_tensor_proto

Row = tuple[str, int, float]
CURVE: list[Row] = [
    ("loss", 0, 3.0),
    ("accuracy", 0, 0.25),
    ("loss", 10, 2.5),
    ("accuracy", 10, 0.5),
    ("loss", 20, 2.25),
]


def scalar(tag: str, step: int, value: float, wall_time: float = 0.0) -> Event:
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
    return Event(step=step, wall_time=wall_time, summary=summary)


def tensor(tag: str, step: int, value: object) -> Event:
    return Event(
        step=step,
        summary=Summary(value=[Summary.Value(tag=tag, tensor=make_tensor_proto(value))]),
    )


def write(folder: Path, events: list[Event], suffix: str = "") -> Path:
    """Write events with TensorBoard's writer and return the file."""
    before = set(folder.glob("*")) if folder.is_dir() else set()
    writer = EventFileWriter(str(folder), filename_suffix=suffix)
    for event in events:
        writer.add_event(event)
    writer.close()
    (path,) = set(folder.glob("*")) - before
    return path


def write_rows(folder: Path, rows: list[Row]) -> Path:
    return write(folder, [scalar(*row) for row in rows])


def source(path: Path) -> Source:
    return Source(path, path.name, "a run")


def read(path: Path) -> RunLog:
    (log,) = reader.read(source(path))
    assert isinstance(log, RunLog)
    return log


def rows_of(log: RunLog) -> list[Row]:
    points = log.points
    return list(zip(points["metric"], points["step"], points["value"], strict=True))


def codes(log: RunLog) -> list[str]:
    return [finding.code for finding in log.findings]


def test_every_scalar_in_file_order(tmp_path: Path) -> None:
    path = write(tmp_path, [scalar(*row, wall_time=100.0 + i) for i, row in enumerate(CURVE)])
    assert reader.sniff(source(path))
    log = read(path)
    assert rows_of(log) == CURVE
    assert list(log.points["wall_time"]) == [100.0, 101.0, 102.0, 103.0, 104.0]
    assert log.runs.to_dict("records") == [
        {"run": "a run", "format": "tensorboard", "source": path.name}
    ]
    assert log.findings == ()


def test_scalars_stored_as_tensors_are_scalars(tmp_path: Path) -> None:
    events = [
        tensor("float", 1, np.float32(0.5)),
        tensor("double", 2, np.float64(0.1)),
        tensor("half", 3, np.float16(0.25)),
        tensor("integer", 4, np.int64(7)),
        tensor("of one element", 5, np.array([0.75], dtype=np.float32)),
    ]
    values = [0.5, 0.1, 0.25, 7.0, 0.75]
    assert list(read(write(tmp_path, events)).points["value"]) == values


def test_a_new_style_scalar_with_its_metadata(tmp_path: Path) -> None:
    value = Summary.Value(
        tag="loss",
        tensor=make_tensor_proto(np.float32(1.5)),
        metadata=create_summary_metadata("loss", ""),
    )
    path = write(tmp_path, [Event(step=3, summary=Summary(value=[value]))])
    assert rows_of(read(path)) == [("loss", 3, 1.5)]


def test_what_holds_no_number_is_named(tmp_path: Path) -> None:
    image = Summary.Value(tag="picture", image=Summary.Image(height=1, width=1))
    events = [
        tensor("keras", 0, b'{"class_name": "Sequential"}'),
        tensor("curve", 0, np.zeros((2, 3), dtype=np.float32)),
        Event(step=1, summary=Summary(value=[image])),
        scalar("loss", 1, 2.0),
    ]
    path = write(tmp_path, events)
    log = read(path)
    assert rows_of(log) == [("loss", 1, 2.0)]
    assert codes(log) == ["PRED008"]
    assert "keras, curve, picture" in log.findings[0].message


def test_hyperparameters_become_facts(tmp_path: Path) -> None:
    start = SessionStartInfo(
        hparams={
            "lr": struct_pb2.Value(number_value=0.125),
            "optimizer": struct_pb2.Value(string_value="adam"),
            "run": struct_pb2.Value(string_value="not the run's name"),
        }
    )
    content = HParamsPluginData(version=0, session_start_info=start).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=content)
    value = Summary.Value(
        tag="_hparams_/session_start_info", metadata=SummaryMetadata(plugin_data=plugin)
    )
    only = write(tmp_path / "only", [Event(summary=Summary(value=[value]))])
    log = read(only)
    assert log.points.empty
    (facts,) = log.runs.to_dict("records")
    assert (facts["run"], facts["lr"], facts["optimizer"]) == ("a run", 0.125, "adam")
    assert log.findings == ()


def test_logged_axes_and_learning_rate_stand_with_the_other_scalars(tmp_path: Path) -> None:
    rows: list[Row] = []
    for step in range(1, 4):
        rows += [("train/loss", step, 1.0 / step), ("train/learning_rate", step, 0.5 / step)]
        rows += [("train/epoch", step, step / 4)]
    rows += [("train/total_flos", 3, 1e9), ("eval/loss", 5, 0.5)]
    log = read(write_rows(tmp_path, rows))
    loss = log.curve("a run", "train/loss")
    assert list(loss["lr"]) == [0.5, 0.25, pytest.approx(0.5 / 3)]
    assert list(loss["epoch"]) == [0.25, 0.5, 0.75]
    assert loss["flops"].isna().all(), "one value at the end is no axis of the curve"
    assert "train/learning_rate" in log.metrics


def test_no_scalar_is_lost_to_a_reservoir(tmp_path: Path) -> None:
    path = write_rows(tmp_path, [("loss", step, float(step)) for step in range(20_000)])
    assert list(read(path).points["step"]) == list(range(20_000))


def test_a_file_cut_anywhere_gives_what_stands_before_the_cut(tmp_path: Path) -> None:
    whole = write_rows(tmp_path / "whole", CURVE).read_bytes()
    ends = _record_ends(whole)
    cut = tmp_path / "cut"
    for size in range(ends[0], len(whole)):
        cut.write_bytes(whole[:size])
        complete = sum(end <= size for end in ends[1:])
        if complete == 0:
            with pytest.raises(InputError, match=r"holds no scalar|cut off before its first"):
                read(cut)
            continue
        log = read(cut)
        assert rows_of(log) == CURVE[:complete]
        assert codes(log) == ([] if size in ends else ["PRED007"])


def test_a_flipped_bit_never_gives_a_wrong_value(tmp_path: Path) -> None:
    whole = write_rows(tmp_path / "whole", CURVE).read_bytes()
    start, *_, last, _ = _record_ends(whole)
    damaged = tmp_path / "damaged"
    read_anyway = 0
    for place in range(start, len(whole)):
        content = bytearray(whole)
        content[place] ^= 4
        damaged.write_bytes(content)
        with suppress(InputError):
            log = read(damaged)
            read_anyway += 1
            # The last record reads as one that was not written to its end; elsewhere only the
            # checksum of a small event's length is not looked at, and the event is whole.
            lost = place >= last and codes(log) == ["PRED007"]
            assert rows_of(log) == (CURVE[:-1] if lost else CURVE)
    assert read_anyway < (len(whole) - start) / 2


def test_damage_is_named_by_its_place(tmp_path: Path) -> None:
    path = write_rows(tmp_path, CURVE)
    content = bytearray(path.read_bytes())
    third = _record_ends(bytes(content))[2]
    content[third + 20] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{path.name}: the record at byte {third} is damaged"):
        read(path)


def test_junk_after_good_records_is_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path, CURVE)
    path.write_bytes(path.read_bytes() + b"junk" * 100)
    with pytest.raises(InputError, match="damaged"):
        read(path)


def test_zeros_at_the_end_are_a_cut(tmp_path: Path) -> None:
    path = write_rows(tmp_path, CURVE)
    path.write_bytes(path.read_bytes() + b"\0" * 4096)
    log = read(path)
    assert rows_of(log) == CURVE
    assert codes(log) == ["PRED007"]


def test_an_empty_event_file_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, [])
    assert reader.sniff(source(path))
    with pytest.raises(InputError, match="holds no scalar: nothing was logged"):
        read_logs(path)


def test_an_empty_event_file_beside_others_is_named(tmp_path: Path) -> None:
    write(tmp_path / "run", [], suffix=".0")
    write_rows(tmp_path / "run", CURVE)
    log = read_logs(tmp_path)
    assert isinstance(log, RunLog)
    assert log.run_names == ["run"]
    assert any("holds no scalar" in finding.message for finding in log.findings)


def test_event_files_of_one_folder_are_one_run_and_the_last_wins(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    rows = {1: 3.0, 2: 2.0, 3: 1.0}
    first = write_rows(folder, [("loss", step, value) for step, value in rows.items()])
    first.rename(folder / "events.out.tfevents.1000000000.host.1.0")
    second = write_rows(folder, [("loss", 3, 1.5), ("loss", 4, 1.25)])
    second.rename(folder / "events.out.tfevents.1000000009.host.2.0")
    log = read_logs(tmp_path)
    assert isinstance(log, RunLog)
    assert log.run_names == ["run"]
    curve = log.curve("run", "loss")
    assert list(curve["step"]) == [1, 2, 3, 4]
    assert list(curve["value"]) == [3.0, 2.0, 1.5, 1.25]


def test_gzip_is_undone(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "run", CURVE)
    packed = tmp_path / "events.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert rows_of(read(packed)) == CURVE


@pytest.mark.parametrize("size", [10, 600])
def test_records_of_other_contents_are_not_taken(tmp_path: Path, size: int) -> None:
    length = struct.pack("<Q", size)
    header = length + struct.pack("<I", masked_crc32c(length))
    path = tmp_path / "data.tfrecord"
    path.write_bytes(header + b"x" * size + struct.pack("<I", masked_crc32c(b"x" * size)))
    assert not reader.sniff(source(path))


def test_a_large_event_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, [tensor("big", 0, b"x" * 100_000), scalar("loss", 1, 2.0)])
    assert rows_of(read(path)) == [("loss", 1, 2.0)]


def test_without_the_package_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_rows(tmp_path, CURVE)
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'predictor\[tensorboard\]'"):
        read(path)


def test_neither_tensorflow_nor_tensorboard_is_imported_with_the_reader() -> None:
    script = (
        "import sys, predictor.logs.readers.tensorboard\n"
        "assert not {'tensorflow', 'tensorboard', 'google.protobuf'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


floats = st.floats(width=32)
rows = st.lists(
    st.tuples(st.text(max_size=20), st.integers(-(2**63), 2**63 - 1), floats), min_size=1
)


@settings(max_examples=30, deadline=None)
@given(rows=rows)
@example(rows=[("loss", 0, math.nan), ("loss", 0, -math.inf), ("", 5, -0.0)])
def test_what_was_written_is_read(
    rows: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = read(write_rows(tmp_path_factory.mktemp("events"), rows))
    assert list(log.points["metric"]) == [tag for tag, _, _ in rows]
    assert list(log.points["step"]) == [float(step) for _, step, _ in rows]
    assert np.array_equal(log.points["value"], [value for _, _, value in rows], equal_nan=True)


@settings(max_examples=30, deadline=None)
@given(contents=st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=8))
def test_checksums_are_tensorboards(contents: list[bytes]) -> None:
    wanted = [masked_crc32c(content) for content in contents]
    assert list(reader._checksums(contents)) == wanted


def _record_ends(content: bytes) -> list[int]:
    ends, at = [], 0
    while at < len(content):
        at += 16 + struct.unpack_from("<Q", content, at)[0]
        ends.append(at)
    return ends
