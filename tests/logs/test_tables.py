"""Plain tables: separators, layouts, runs in one file, odd numbers, cuts."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predictor.errors import InputError
from predictor.logs import RunLog, read_logs

LONG_ENOUGH_TO_TELL = "step,loss\n" + "".join(f"{i},{3 - i / 1e4:.6f}\n" for i in range(12))


def _read(folder: Path, text: str, name: str = "curve.csv") -> RunLog:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    log = read_logs(path)
    assert isinstance(log, RunLog)
    return log


def _codes(log: RunLog) -> set[str]:
    return {finding.code for finding in log.findings}


def test_golden_table(tmp_path: Path) -> None:
    log = _read(tmp_path, "step,lr,loss,acc\n100,0.1,3.5,0.2\n200,0.05,3.25,\n300,0.01,3.0,0.4\n")
    assert log.run_names == ["curve"]
    assert log.metrics == ["loss", "acc"]
    loss, acc = log.curve("curve", "loss"), log.curve("curve", "acc")
    assert list(loss["step"]) == [100, 200, 300]
    assert list(loss["value"]) == [3.5, 3.25, 3.0]
    assert list(loss["lr"]) == [0.1, 0.05, 0.01]
    assert list(acc["step"]) == [100, 300]
    assert not log.findings


@pytest.mark.parametrize("mark", [",", "\t", ";", "|", " "])
def test_separators(mark: str, tmp_path: Path) -> None:
    rows = [("step", "loss", "acc"), (1, 3.5, 0.1), (2, 3.0, 0.2), (3, 2.5, 0.3)]
    log = _read(tmp_path, "".join(mark.join(map(str, row)) + "\n" for row in rows))
    assert list(log.curve("curve", "loss")["value"]) == [3.5, 3.0, 2.5]
    assert log.metrics == ["loss", "acc"]


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfStep,Loss\r\n1,3.0\r\n2,2.5\r\n")
    log = read_logs(path)
    assert log.metrics == ["Loss"]
    assert log.axes("a", "Loss") == ["step"]


def test_line_ends_of_old_macs(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"step,loss\r1,3.0\r2,2.5")
    assert list(read_logs(path).points["value"]) == [3.0, 2.5]


def test_a_header_repeated_where_a_run_was_resumed(tmp_path: Path) -> None:
    log = _read(tmp_path, "step,loss\n1,3.0\n2,2.5\nstep,loss\n3,2.25\n")
    assert list(log.points["value"]) == [3.0, 2.5, 2.25]
    assert "PRED010" in _codes(log)


def test_thousands_marks(tmp_path: Path) -> None:
    log = _read(tmp_path, 'step,tokens,loss\n1,"1,048,576",3.0\n2,"2,097,152",2.5\n')
    assert list(log.points["tokens"]) == [1048576, 2097152]


def test_decimal_commas_between_semicolons(tmp_path: Path) -> None:
    log = _read(tmp_path, "step;loss\n1;3,25\n2;2,5\n")
    assert list(log.points["value"]) == [3.25, 2.5]


def test_repeated_headers_are_told_apart(tmp_path: Path) -> None:
    log = _read(tmp_path, "step,loss,loss\n1,3.0,4.0\n2,2.5,3.5\n")
    assert log.metrics == ["loss", "loss (2)"]
    assert "PRED008" in _codes(log)


def test_words_among_numbers(tmp_path: Path) -> None:
    log = _read(tmp_path, "step,loss\n1,3.0\n2,oom\n3,2.5\n")
    assert list(log.points["step"]) == [1, 3]
    (finding,) = log.findings
    assert finding.code == "PRED010"
    assert "'oom' in data row 2" in finding.message


def test_logged_nan_and_infinity_are_counted_and_blanks_are_not(tmp_path: Path) -> None:
    log = _read(tmp_path, "step,loss,acc\n1,3.0,\n2,nan,\n3,inf,0.5\n4,2.0,\n")
    assert list(log.curve("curve", "loss")["step"]) == [1, 4]
    assert _codes(log) == {"PRED001", "PRED002"}


def test_comments_above_the_header(tmp_path: Path) -> None:
    log = _read(tmp_path, "# my run\nstep,loss\n1,3.0\n2,2.5\n")
    assert list(log.points["value"]) == [3.0, 2.5]


def test_header_written_as_a_comment(tmp_path: Path) -> None:
    log = _read(tmp_path, "# step loss\n1 3.0\n2 2.5\n3 2.25\n", "a.txt")
    assert log.metrics == ["loss"]
    assert list(log.points["value"]) == [3.0, 2.5, 2.25]


@pytest.mark.parametrize(
    ("column", "axis"),
    [
        ("global_step", "step"), ("Iteration", "step"), ("_step", "step"), ("Epoch", "epoch"),
        ("tokens_seen", "tokens"), ("throughput/total_tokens", "tokens"),
        ("Seen Examples", "samples"),
        ("consumed samples", "samples"), ("total_flos", "flops"), ("elapsed", "wall_time"),
    ],
)  # fmt: skip
def test_axes_by_name(column: str, axis: str, tmp_path: Path) -> None:
    log = _read(tmp_path, f"{column},loss\n1,3.0\n2,2.5\n")
    (run,) = log.run_names
    assert log.axes(run, "loss") == [axis]


def test_units_in_the_header(tmp_path: Path) -> None:
    log = _read(tmp_path, "Tokens (B),loss,Model Size (M)\n1,3.0,70\n2,2.5,70\n")
    assert list(log.points["tokens"]) == [1e9, 2e9]
    assert list(log.runs["params"]) == [70e6]


def test_several_runs_by_a_run_column(tmp_path: Path) -> None:
    text = "run,seed,params,step,loss\na,1,1000,1,3.0\nb,2,2000,1,3.1\n"
    text += "a,1,1000,2,2.5\nb,2,2000,2,2.6\n"
    log = _read(tmp_path, text)
    assert log.run_names == ["a", "b"]
    assert list(log.runs["params"]) == [1000, 2000]
    assert list(log.runs["seed"]) == [1, 2]
    assert log.metrics == ["loss"]


def test_several_runs_by_group_columns_where_the_axis_starts_again(tmp_path: Path) -> None:
    text = "Task,Model,Seen Examples,Loss\n" + "".join(
        f"{task},{model},{n},{1 / n}\n"
        for task in ("x", "y")
        for model in ("m", "k")
        for n in (1, 2)
    )
    log = _read(tmp_path, text)
    assert log.run_names == ["x/m", "x/k", "y/m", "y/k"]
    assert list(log.runs["Task"]) == ["x", "x", "y", "y"]


def test_seeds_tell_runs_apart_only_where_the_axis_starts_again(tmp_path: Path) -> None:
    log = _read(tmp_path, "step,seed,loss\n1,0,3.0\n2,0,2.5\n1,1,3.1\n2,1,2.6\n")
    assert log.run_names == ["seed=0", "seed=1"]


def test_long_layout(tmp_path: Path) -> None:
    text = "run,metric,step,value\na,loss,1,3.0\na,acc,1,0.1\na,loss,2,2.5\na,acc,2,0.2\n"
    log = _read(tmp_path, text)
    assert log.metrics == ["loss", "acc"]
    assert list(log.curve("a", "acc")["value"]) == [0.1, 0.2]


def test_split_column_names_the_metric(tmp_path: Path) -> None:
    log = _read(tmp_path, "epoch,split,loss\n1,train,3.0\n1,val,3.2\n2,train,2.5\n2,val,2.8\n")
    assert log.metrics == ["train/loss", "val/loss"]
    assert len(log.run_names) == 1


def test_benchmark_scores_a_row(tmp_path: Path) -> None:
    text = "model,tokens,benchmark,score\n"
    text += "".join(f"m,{n},{name},0.{n}\n" for n in (1, 2) for name in ("arc", "piqa"))
    log = _read(tmp_path, text)
    assert log.run_names == ["m"]
    assert log.metrics == ["arc/score", "piqa/score"]


def test_the_chart_download_of_tensorboard(tmp_path: Path) -> None:
    text = "Wall time,Step,Value\n1700000000.5,0,3.0\n1700000010.5,10,2.5\n"
    log = _read(tmp_path, text, "run-exp1-tag-train_loss.csv")
    assert log.run_names == ["exp1"]
    assert log.metrics == ["train_loss"]
    assert list(log.points["wall_time"]) == [0.0, 10.0]


def test_without_an_axis_what_was_taken_is_said(tmp_path: Path) -> None:
    log = _read(tmp_path, "width,loss\n16,3.0\n32,2.5\n64,2.2\n")
    assert list(log.points["step"]) == [16, 32, 64]
    assert any("'width' is taken as step" in finding.message for finding in log.findings)


def test_one_column_counts_rows(tmp_path: Path) -> None:
    log = _read(tmp_path, "loss\n3.0\n2.5\n2.2\n")
    assert list(log.points["step"]) == [0, 1, 2]
    assert _codes(log) == {"PRED011"}


def test_a_table_of_facts_alone_has_no_curve(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column is an axis"):
        _read(tmp_path, "run,width,loss\na,16,3.0\nb,32,2.5\n")


def test_tokens_follow_from_a_logged_batch_size(tmp_path: Path) -> None:
    log = _read(tmp_path, "step,loss,batch_size_in_tokens\n1,3.0,512\n2,2.5,512\n")
    assert list(log.points["tokens"]) == [512, 1024]
    assert _codes(log) == {"PRED011"}


def test_jsonl_with_train_and_eval_in_different_rows(tmp_path: Path) -> None:
    rows = [
        {"step": 1, "train": {"loss": 3.0}},
        {"step": 1, "eval_loss": 3.1},
        {"step": 2, "train": {"loss": math.nan}},
        {"step": 3, "train": {"loss": None}},
    ]
    log = _read(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "log.jsonl")
    assert log.metrics == ["train/loss", "eval_loss"]
    assert len(log.points) == 2
    assert _codes(log) == {"PRED001"}


@pytest.mark.parametrize(
    "content",
    [[{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.5}], {"step": [1, 2], "loss": [3, 2.5]}],
)
def test_json_tables(content: object, tmp_path: Path) -> None:
    log = _read(tmp_path, json.dumps(content), "curve.json")
    assert list(log.points["value"]) == [3.0, 2.5]


def test_parquet_with_nested_columns_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"step": [1, 2], "loss": [3.0, 2.5], "tags": [["x"], ["y"]]}).to_parquet(path)
    log = read_logs(path)
    assert log.metrics == ["loss"]


@pytest.mark.parametrize(
    ("text", "name", "last"),
    [
        ("step,loss,acc\n1,3.0,0.1\n2,2.5,0.2\n3,2.", "a.csv", 2),
        ('run,step,loss\na,1,3.0\na,2,2.5\n"a', "a.csv", 2),
        ('{"step": 1, "loss": 3.0}\n{"step": 2, "loss": 2.5}\n{"step": 3, "lo', "a.jsonl", 2),
        (
            LONG_ENOUGH_TO_TELL + "12,2.9",
            "a.csv",
            11,
        ),
    ],
)
def test_a_cut_off_last_line_is_left_out_and_said(
    text: str, name: str, last: int, tmp_path: Path
) -> None:
    log = _read(tmp_path, text, name)
    assert log.points["step"].max() == last
    assert _codes(log) == {"PRED007"}


def test_a_whole_last_line_without_line_end_is_read(tmp_path: Path) -> None:
    log = _read(tmp_path, "step,loss\n1,3.0\n2,2.5\n3,2")
    assert list(log.points["value"]) == [3.0, 2.5, 2.0]
    assert not log.findings


_curves = st.lists(
    st.tuples(st.integers(0, 10**9), st.floats(allow_nan=False, allow_infinity=False, width=64)),
    min_size=1,
    max_size=30,
    unique_by=lambda point: point[0],
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(curve=_curves, way=st.sampled_from(["csv", "tsv", "jsonl", "parquet", "csv.gz"]))
def test_what_is_written_is_read(curve: list[tuple[int, float]], way: str, tmp_path: Path) -> None:
    curve = sorted(curve)
    frame = pd.DataFrame(curve, columns=["step", "loss"])
    path = tmp_path / f"a.{way}"
    if way == "parquet":
        frame.to_parquet(path)
    else:
        if way == "jsonl":
            text = "".join(json.dumps(dict(zip(frame, row, strict=True))) + "\n" for row in curve)
        else:
            text = frame.to_csv(index=False, sep="\t" if way == "tsv" else ",")
        path.write_bytes(gzip.compress(text.encode()) if way == "csv.gz" else text.encode())
    points = read_logs(path).points
    np.testing.assert_array_equal(points["step"], frame["step"])
    np.testing.assert_array_equal(points["value"], frame["loss"])
