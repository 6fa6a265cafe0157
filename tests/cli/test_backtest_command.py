"""``predictor backtest`` through the command line, on bundled logs."""

from __future__ import annotations

import json
from io import StringIO

import pandas as pd

from predictor.bundle import dataset_path
from predictor.cli import run

LOGS = str(dataset_path("mlp_runs"))
FEW = ["--metric", "val_loss", "--law", "auto", "--law", "last value", "--horizon", "2"]


def test_json_has_the_scores_by_law(capsys):
    assert run(["backtest", LOGS, *FEW, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "predictor/backtest/1"
    auto, last = document["laws"]
    assert {"law", "mape", "coverage", "interval_score", "n"} <= set(auto)
    assert (auto["law"], auto["n"]) == ("auto", 28)
    assert auto["mape"] < last["mape"] / 3
    assert last["coverage"] is None
    assert [row["horizon"] for row in document["horizons"]] == [2.0, 2.0]


def test_csv_has_every_case(capsys):
    assert run(["backtest", LOGS, *FEW, "--origins", "1", "--format", "csv"]) == 0
    cases = pd.read_csv(StringIO(capsys.readouterr().out))
    assert len(cases) == 14
    assert set(cases["law"]) == {"auto", "last value"}


def test_text_has_tables_and_calibration(capsys):
    assert run(["backtest", LOGS, *FEW, "--run", "width-16-*"]) == 0
    page = capsys.readouterr().out
    assert "last value" in page
    assert "auto, by how far ahead" in page
    assert "90 %: " in page


def test_too_short_a_run_cannot_be_backtested(tmp_path, capsys):
    log = tmp_path / "short.csv"
    log.write_text("step,loss\n1,3\n2,2.5\n3,2.2\n4,2.1\n5,2\n")
    assert run(["backtest", str(log)]) == 3
    seen = capsys.readouterr()
    assert "too short" in seen.out
    assert "PRED141" in seen.err


def test_wrong_horizon_is_one_line(capsys):
    assert run(["backtest", LOGS, "--horizon", "0.5"]) == 2
    assert "more than 1" in capsys.readouterr().err
