"""Weights & Biases: chart exports and histories."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from predictor.logs import read_logs

CHART = (
    '"Step","a - b - train/loss","a - b - train/loss__MIN","a - b - train/loss__MAX",'
    '"c - train/loss"\n'
    '"0","3.0","3.0","3.0","4.0"\n"1","2.5","2.5","2.5",""\n'
)


def test_chart_export(tmp_path: Path) -> None:
    path = tmp_path / "wandb_export.csv"
    path.write_text(CHART)
    log = read_logs(path)
    assert log.run_names == ["a - b", "c"]
    assert log.metrics == ["train/loss"]
    assert list(log.curve("a - b", "train/loss")["value"]) == [3.0, 2.5]
    assert list(log.curve("c", "train/loss")["step"]) == [0]
    assert set(log.runs["format"]) == {"wandb"}
    assert not log.findings


def test_a_chart_of_buckets_is_suspected(tmp_path: Path) -> None:
    path = tmp_path / "wandb_export.csv"
    path.write_text(CHART.replace('"2.5","2.5","2.5"', '"2.5","2.4","2.6"'))
    assert [finding.code for finding in read_logs(path).findings] == ["PRED006"]


def test_a_chart_over_another_axis(tmp_path: Path) -> None:
    path = tmp_path / "wandb_export.csv"
    path.write_text('"train/global_step","a - loss","a - _step"\n"10","3.0","0"\n"20","2.5","1"\n')
    log = read_logs(path)
    assert list(log.points["step"]) == [10, 20]
    assert log.metrics == ["loss"]


def test_history_prefers_the_training_step(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "_step": [0, 1, 2],
            "_runtime": [5.0, 15.0, 25.0],
            "_timestamp": [1.7e9, 1.7e9 + 10, 1.7e9 + 20],
            "train/global_step": [10, 20, 30],
            "loss": [3.0, None, 2.0],
            "system/gpu.0.temp": [50, 60, 70],
        }
    )
    for name in ("h.csv", "h.parquet", "h.jsonl"):
        path = tmp_path / name
        writers = {"h.csv": frame.to_csv, "h.parquet": frame.to_parquet}
        if name == "h.jsonl":
            frame.to_json(path, orient="records", lines=True)
        else:
            writers[name](path, index=False)
        log = read_logs(path)
        assert list(log.runs["format"]) == ["wandb"]
        assert log.metrics == ["loss"]
        assert list(log.points["step"]) == [10, 30]
        assert list(log.points["wall_time"]) == [5.0, 25.0]


def test_wandbs_own_step_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_text("_step,loss\n100,3.0\n200,2.5\n")
    log = read_logs(path)
    assert list(log.points["step"]) == [100, 200]
    assert [finding.code for finding in log.findings] == ["PRED011"]


def test_real_histories(shared_data: Path) -> None:
    log = read_logs(shared_data / "model-ladder" / "190M-1xC-rerun.csv")
    assert log.run_names == ["190M-1xC-rerun"]
    metric = "eval/c4_en-validation/CrossEntropyLoss"
    assert log.axes("190M-1xC-rerun", metric) == ["step", "tokens", "flops"]
    curve = log.curve("190M-1xC-rerun", metric)
    assert len(curve) == 73
    assert (curve["tokens"] == curve["step"] * 524288).all()
    assert log.runs["batch_size_in_tokens"].iloc[0] == 524288
