"""Logs of several files made into one."""

from __future__ import annotations

import pandas as pd

from predictor.logs.merging import Part, merge_runs
from predictor.logs.tables import RunLog


def _part(name: str, run: str, log_format: str, steps: list[int], metric: str = "loss") -> Part:
    points = pd.DataFrame({"run": run, "metric": metric, "step": steps, "value": 1.0})
    runs = pd.DataFrame({"run": [run], "format": [log_format], "source": [name]})
    return Part(RunLog.from_points(points, runs), name, run)


def test_event_files_of_a_folder_are_one_run() -> None:
    parts = [
        _part("exp/events.out.tfevents.1", "exp", "tensorboard", [1, 2]),
        _part("exp/events.out.tfevents.2", "exp", "tensorboard", [2, 3]),
    ]
    log = merge_runs(parts)
    assert log.run_names == ["exp"]
    assert list(log.points["step"]) == [1, 2, 2, 3]


def test_event_files_of_other_folders_are_other_runs() -> None:
    parts = [
        _part("a/exp/events.1", "exp", "tensorboard", [1, 2]),
        _part("b/exp/events.1", "exp", "tensorboard", [1, 2]),
    ]
    assert merge_runs(parts).run_names == ["a/exp", "b/exp"]


def test_console_logs_that_go_on_are_one_run() -> None:
    parts = [
        _part("train-1001.out", "train-1001", "megatron", [1, 2, 3]),
        _part("train-1002.out", "train-1002", "megatron", [3, 4]),
    ]
    log = merge_runs(parts)
    assert log.run_names == ["train"]
    assert len(log.points) == 5


def test_console_logs_that_start_again_are_other_runs() -> None:
    parts = [
        _part("train-1001.out", "train-1001", "megatron", [1, 2, 3]),
        _part("train-1002.out", "train-1002", "megatron", [1, 2]),
    ]
    assert merge_runs(parts).run_names == ["train-1001", "train-1002"]


def test_findings_follow_renamed_runs() -> None:
    parts = [_part(f"{folder}/x.csv", "x", "table", [1, 2]) for folder in "ab"]
    log = merge_runs(parts)
    assert log.run_names == ["a/x", "b/x"]
    assert set(log.points["run"]) == {"a/x", "b/x"}


def test_the_folder_that_all_share_is_not_named() -> None:
    parts = [_part(f"/home/me/{folder}/x.csv", "x", "table", [1, 2]) for folder in "ab"]
    assert merge_runs(parts).run_names == ["a/x", "b/x"]


def test_two_files_of_one_folder_named_after_it() -> None:
    parts = [_part(f"exp/{name}.csv", "exp", "table", [1, 2]) for name in ("history", "metrics")]
    assert merge_runs(parts).run_names == ["history", "metrics"]
