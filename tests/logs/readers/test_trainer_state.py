"""Trainer states as Transformers writes them, checked by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.errors import InputError
from predictor.logs import RunLog, read_logs
from predictor.logs.readers import trainer_state as reader
from predictor.logs.source import Source

TRAIN = {"epoch": 0.5, "grad_norm": 1.5, "learning_rate": 5e-05, "loss": 3.25, "step": 10}
EVAL = {"epoch": 0.5, "eval_loss": 3.5, "eval_runtime": 2.0, "step": 10}
SUMMARY = {
    "epoch": 1.0,
    "step": 20,
    "total_flos": 2e15,
    "train_loss": 2.75,
    "train_runtime": 12.5,
    "train_samples_per_second": 4.0,
}


def state(history: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "best_metric": None,
        "epoch": 1.0,
        "global_step": 20,
        "is_world_process_zero": True,
        "log_history": history,
        "logging_steps": 10,
        "max_steps": 40,
        "num_input_tokens_seen": 0,
        "num_train_epochs": 2,
        "total_flos": 2e15,
        "trial_name": None,
        **more,
    }


def write(path: Path, content: dict[str, Any] | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, indent=2, sort_keys=True)
    path.write_text(text, encoding="utf-8")
    return path


def source(path: Path) -> Source:
    return Source(path, path.name, "a run")


def read(path: Path) -> RunLog:
    (log,) = reader.read(source(path))
    assert isinstance(log, RunLog)
    return log


def test_train_and_eval_rows_become_curves(tmp_path: Path) -> None:
    later = TRAIN | {"step": 20, "epoch": 1.0, "loss": 2.25, "learning_rate": 2.5e-05}
    path = write(tmp_path / "trainer_state.json", state([TRAIN, EVAL, later, SUMMARY]))
    assert reader.sniff(source(path))
    log = read(path)
    assert log.metrics == ["grad_norm", "learning_rate", "loss", "eval_loss", "eval_runtime"]
    loss = log.curve("a run", "loss")
    assert list(loss["step"]) == [10, 20]
    assert list(loss["epoch"]) == [0.5, 1.0]
    assert list(loss["lr"]) == [5e-05, 2.5e-05]
    assert list(loss["value"]) == [3.25, 2.25]
    assert list(log.curve("a run", "eval_loss")["lr"]) == [5e-05]


def test_what_stays_fixed_goes_to_the_run(tmp_path: Path) -> None:
    path = write(tmp_path / "trainer_state.json", state([TRAIN, SUMMARY], new_key={"a": [1]}))
    (facts,) = read(path).runs.to_dict("records")
    assert facts == {
        "run": "a run",
        "format": "trainer-state",
        "source": "trainer_state.json",
        "max_steps": 40.0,
        "num_train_epochs": 2.0,
        "logging_steps": 10.0,
        "flops": 2e15,
        "train_loss": 2.75,
        "train_runtime": 12.5,
        "train_samples_per_second": 4.0,
    }


@pytest.mark.parametrize("key", ["num_input_tokens_seen", "num_tokens"])
def test_counted_tokens_are_an_axis(key: str, tmp_path: Path) -> None:
    history = [TRAIN | {key: 5120}, EVAL, EVAL | {"step": 15}]
    path = write(tmp_path / "trainer_state.json", state(history, num_input_tokens_seen=5120))
    log = read(path)
    assert key not in log.metrics
    assert list(log.curve("a run", "loss")["tokens"]) == [5120]
    tokens = log.curve("a run", "eval_loss")["tokens"]
    assert tokens.iloc[0] == 5120, "counted at the same step"
    assert math.isnan(tokens.iloc[1])
    assert list(log.runs["tokens"]) == [5120]


def test_a_trainer_that_counts_tokens_logs_its_clock_with_every_row(tmp_path: Path) -> None:
    row = TRAIN | {"train_runtime": 12.5, "train_tokens_per_second": 100.0}
    path = write(tmp_path / "trainer_state.json", state([row, SUMMARY]))
    log = read(path)
    assert list(log.curve("a run", "loss")["wall_time"]) == [12.5]
    assert "train_loss" not in log.metrics


def test_operations_in_every_row_are_an_axis(tmp_path: Path) -> None:
    path = write(tmp_path / "trainer_state.json", state([TRAIN | {"total_flos": 1e12}]))
    assert list(read(path).curve("a run", "loss")["flops"]) == [1e12]


def test_operations_that_were_not_counted_are_not_zero(tmp_path: Path) -> None:
    path = write(tmp_path / "trainer_state.json", state([TRAIN], total_flos=0))
    assert "flops" not in read(path).runs


def test_bare_nan_and_infinity_are_kept_as_logged(tmp_path: Path) -> None:
    rows = [TRAIN | {"loss": math.nan}, TRAIN | {"step": 20, "loss": math.inf}]
    path = write(tmp_path / "trainer_state.json", state(rows))
    assert "NaN" in path.read_text()
    values = read(path).curve("a run", "loss")["value"]
    assert math.isnan(values.iloc[0])
    assert values.iloc[1] == math.inf


def test_repeated_steps_are_kept_in_order(tmp_path: Path) -> None:
    rows = [TRAIN, TRAIN | {"step": 20}, TRAIN | {"loss": 3.0}]
    path = write(tmp_path / "trainer_state.json", state(rows))
    assert list(read(path).curve("a run", "loss")["step"]) == [10, 20, 10]


def test_what_is_no_number_is_passed_over(tmp_path: Path) -> None:
    odd = {"note": "warm", "flag": True, "none": None, "list": [1], "text": "0.5", "big": 10**400}
    path = write(tmp_path / "trainer_state.json", state([TRAIN | odd, "a row", None]))
    log = read(path)
    assert set(log.metrics) == {"grad_norm", "learning_rate", "loss", "text", "big"}
    assert log.curve("a run", "text")["value"].item() == 0.5
    assert log.curve("a run", "big")["value"].item() == math.inf


def test_a_row_without_a_step_stands_on_its_epoch(tmp_path: Path) -> None:
    path = write(tmp_path / "trainer_state.json", state([{"epoch": 1.0, "loss": 2.0}]))
    log = read(path)
    assert log.axes("a run", "loss") == ["epoch"]


def test_windows_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    text = json.dumps(state([TRAIN]), indent=2).replace("\n", "\r\n")
    path = tmp_path / "trainer_state.json"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert reader.sniff(source(path))
    assert len(read(path).points) == 3


@pytest.mark.parametrize("history", [[], [SUMMARY], [{"step": 1}], ["x"]])
def test_a_history_without_values_is_refused(history: list[Any], tmp_path: Path) -> None:
    path = write(tmp_path / "trainer_state.json", state(history))
    with pytest.raises(InputError, match="log_history holds no values; train with logging_steps"):
        read(path)


@pytest.mark.parametrize("content", ['{"log_history": 3}', "[1]", '{"epoch": 1}'])
def test_other_json_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no list 'log_history'"):
        read(write(tmp_path / "trainer_state.json", content))


def test_a_file_cut_anywhere_says_at_which_line(tmp_path: Path) -> None:
    whole = json.dumps(state([TRAIN, EVAL]), indent=2)
    path = tmp_path / "trainer_state.json"
    for size in range(1, len(whole)):
        path.write_text(whole[:size])
        with pytest.raises(InputError, match=r"trainer_state.json: line \d+, column \d+: .*JSON"):
            read(path)


def _checkpoint(folder: Path, step: int, *, name: str | None = None) -> Path:
    rows = [TRAIN | {"step": at} for at in range(10, step + 1, 10)]
    place = folder / (name if name is not None else f"checkpoint-{step}")
    return write(place / "trainer_state.json", state(rows, global_step=step))


def test_of_several_checkpoints_the_latest_counts(tmp_path: Path) -> None:
    for step in (500, 1000, 90):
        _checkpoint(tmp_path / "my-model", step)
    log = read_logs(tmp_path / "my-model")
    assert isinstance(log, RunLog)
    assert log.run_names == ["my-model"]
    assert log.points["step"].max() == 1000
    left_out = [f.message for f in log.findings if f.code == "PRED008"]
    assert (
        len([message for message in left_out if "checkpoint-1000 holds the same" in message]) == 2
    )


def test_the_state_above_the_checkpoints_counts_where_it_is_the_latest(tmp_path: Path) -> None:
    _checkpoint(tmp_path / "my-model", 500)
    _checkpoint(tmp_path / "my-model", 600, name="")
    log = read_logs(tmp_path / "my-model")
    assert isinstance(log, RunLog)
    assert log.run_names == ["my-model"]
    assert log.points["step"].max() == 600


def test_checkpoints_after_the_state_above_go_on_from_it(tmp_path: Path) -> None:
    _checkpoint(tmp_path / "my-model", 500, name="")
    _checkpoint(tmp_path / "my-model", 700)
    log = read_logs(tmp_path / "my-model")
    assert isinstance(log, RunLog)
    assert log.run_names == ["my-model"]
    assert log.points["step"].max() == 700


def test_checkpoints_of_different_runs_are_different_runs(tmp_path: Path) -> None:
    for run in ("small", "large"):
        _checkpoint(tmp_path / run, 100)
    log = read_logs(tmp_path)
    assert isinstance(log, RunLog)
    assert sorted(log.run_names) == ["large", "small"]


numbers = st.floats() | st.integers(-(10**20), 10**20)
names = st.sampled_from(["loss", "eval_loss", "eval_g0_loss", "grad_norm", "entropy"])
histories = st.lists(
    st.fixed_dictionaries({"step": st.integers(0, 10**9), "epoch": st.floats(0, 100)}).flatmap(
        lambda place: st.dictionaries(names, numbers, min_size=1).map(lambda row: row | place)
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(history=histories)
def test_what_was_written_is_read(
    history: list[dict[str, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("state") / "trainer_state.json"
    points = read(write(path, state(history))).points
    written = [
        (key, row["step"], row["epoch"], float(row[key]))
        for row in history
        for key in sorted(row)
        if key not in ("step", "epoch")
    ]
    assert list(points["metric"]) == [point[0] for point in written]
    columns = points[["step", "epoch", "value"]].to_numpy()
    assert np.array_equal(columns, [point[1:] for point in written], equal_nan=True)
