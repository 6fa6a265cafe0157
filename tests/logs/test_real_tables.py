"""Published tables: what a person would call their runs, metrics and axes."""

from __future__ import annotations

from pathlib import Path

import pytest

from predictor.logs import ItemLog, RunLog, read_logs

TABLES = [
    # file, number of runs (None: not stated by its publisher), metrics, axes
    ("lr-schedule-curves/csv_25/cosine_72000.csv", 1, ["loss"], ["step"]),
    ("loss-histories/histories.csv.gz", 96, ["loss"], ["tokens"]),
    ("repeated-runs/val_curves.csv.gz", None, ["val_loss"], ["step"]),
    ("repeated-runs/train_curves.csv.gz", 72, ["train_loss"], ["step"]),
    ("extrapolation-benchmark/vision.csv.gz", 36, ["Loss"], ["samples"]),
    ("extrapolation-benchmark/language.csv.gz", 15, ["Loss"], ["samples"]),
    ("extrapolation-benchmark/nanogpt.csv", 24, ["val_loss"], ["step"]),
    ("extrapolation-benchmark/double_descent.csv", 16, ["y"], ["step"]),
    ("data-constrained/runs.csv", 283, ["val_loss"], ["tokens", "epoch"]),
    ("chinchilla-points/points.csv", None, ["loss"], ["tokens", "flops"]),
]


@pytest.mark.parametrize("row", TABLES, ids=lambda row: row[0])
def test_runs_metrics_and_axes(
    row: tuple[str, int | None, list[str], list[str]], shared_data: Path
) -> None:
    file, runs, metrics, axes = row
    log = read_logs(shared_data / file)
    assert isinstance(log, RunLog)
    assert runs is None or len(log.run_names) == runs
    assert log.metrics == metrics
    assert log.axes(log.run_names[0], metrics[0]) == axes


def test_learning_rates_are_no_metric(shared_data: Path) -> None:
    log = read_logs(shared_data / "lr-schedule-curves")
    assert len(log.run_names) == 18
    assert log.run_names[0] == "csv_100/constant_24000"
    assert log.points["lr"].notna().all()


def test_over_trained_models(shared_data: Path) -> None:
    log = read_logs(shared_data / "overtrained-runs" / "runs.csv")
    assert len(log.run_names) == 83
    assert {"loss_c4_val", "acc_arc_easy"} <= set(log.metrics)
    assert {"params", "train_set", "chinchilla_multiplier"} <= set(log.runs.columns)
    assert log.axes(log.run_names[0], "loss_c4_val") == ["tokens", "flops"]


def test_scores_by_checkpoint(shared_data: Path) -> None:
    log = read_logs(shared_data / "item-losses" / "accuracy.csv.gz")
    assert len(log.run_names) == 22
    assert log.metrics[0] == "arc:challenge"
    assert log.axes(log.run_names[0], "piqa") == ["step", "tokens"]


def test_a_folder_of_curves_and_facts(shared_data: Path) -> None:
    log = read_logs(shared_data / "repeated-runs")
    assert set(log.metrics) == {"train_loss", "val_loss"}
    assert "record" in log.runs


def test_arithmetic_items(shared_data: Path) -> None:
    log = read_logs(shared_data / "pythia-arithmetic")
    assert isinstance(log, ItemLog)
    assert len(log.items) == 36_000
    assert all(name.endswith("-shot)") for name in log.items["benchmark"].unique())
    assert log.items["checkpoint"].notna().all()


def test_a_ladder_of_histories(shared_data: Path) -> None:
    log = read_logs(shared_data / "model-ladder")
    assert len(log.run_names) == 25
    axes = {tuple(log.axes(run, log.metrics[0])) for run in log.run_names}
    assert axes <= {
        ("step", "tokens", "flops"),
        ("step", "tokens"),
        ("tokens",),
        ("tokens", "flops"),
    }
    assert any("downstream_bpb" in name for name in log.metrics)
