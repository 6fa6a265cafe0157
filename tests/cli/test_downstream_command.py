"""``predictor downstream`` through the command line, on the bundled ladder."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from predictor import dataset_path
from predictor.cli import run

TABLE = pd.read_csv(dataset_path("mlp_ladder"), dtype={"item": str})
FAST = ["--draws", "30"]


@pytest.fixture
def small(tmp_path):
    """Return the ladder without its three largest models, and the largest but one's place."""
    path = tmp_path / "items.csv"
    TABLE[TABLE["params"] < 1500].to_csv(path, index=False)
    hidden = TABLE[TABLE["model"] == "width-24"]
    place = f"params={hidden['params'].iloc[0]},tokens={hidden['tokens'].iloc[0]}"
    return str(path), place, hidden["passes"].sum() / hidden["trials"].sum()


def answer(capsys, *arguments):
    status = run(["downstream", *arguments, *FAST, "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def test_larger_model_is_forecast(capsys, small):
    path, place, truth = small
    status, found = answer(capsys, path, "--at", place)
    assert (status, found["schema"]) == (0, "predictor/downstream/1")
    (forecast,) = found["forecasts"]
    assert forecast["lower"] <= truth <= forecast["upper"]
    assert abs(forecast["value"] - truth) < 0.05
    assert {"cluster", "items", "parameters", "predictable"} <= set(found["clusters"][0])
    assert 0 <= found["predictable_share"] <= 1


def test_same_seed_same_bytes(capsys, small):
    line = (small[0], "--at", small[1], "--seed", "5")
    assert answer(capsys, *line) == answer(capsys, *line)


@pytest.mark.parametrize("method", ["cod", "end-to-end", "last"])
def test_methods(capsys, small, method):
    status, found = answer(capsys, small[0], "--at", small[1], "--method", method)
    assert status in (0, 3)
    assert len(found["forecasts"]) == 1


def test_text_watching_keeping_and_charts(capsys, small, tmp_path):
    path, place, _ = small
    kept, chart = tmp_path / "kept.csv", tmp_path / "chart.svg"
    extra = ["--actual", "digits=0.3", "--keep", str(kept), "--tolerance", "0.05"]
    assert run(["downstream", path, "--at", place, *FAST, *extra, "--chart", str(chart)]) == 0
    shown = capsys.readouterr()
    assert "digits" in shown.out
    assert "PRED419 digits: 0.3 lies below" in shown.err
    items = pd.read_csv(kept)
    assert items["weight"].sum() == pytest.approx(1)
    assert len(items) < 600
    assert chart.read_text().startswith("<svg")


def write(tmp_path, frame):
    path = tmp_path / "other.csv"
    frame.to_csv(path, index=False)
    return str(path)


@pytest.mark.parametrize(
    ("frame", "status", "said"),
    [
        (TABLE[TABLE["model"] == "width-8"], 3, "PRED401"),
        (TABLE[TABLE["item"] < "006"], 0, "PRED405"),
        (TABLE.assign(passes=2), 3, "PRED40"),
        (TABLE.assign(passes=30), 2, "passes"),
    ],
)
def test_what_cannot_be_forecast_is_answered_in_words(capsys, tmp_path, frame, status, said):
    path = write(tmp_path, frame)
    assert run(["downstream", path, "--at", "params=20k,tokens=160k", *FAST]) == status
    shown = capsys.readouterr()
    assert said in shown.err + shown.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--at", "20k"], "say what it is"),
        (["--at", "flops=1e12", "--method", "code"], "there are auto, cod"),
        (["--at", "flops=1e12", "--benchmark", "digit"], "no benchmark 'digit'"),
        (["--at", "flops=1e12", "--weight", "digits"], "NAME=NUMBER"),
        (["--at", "flops=1e12", "--level", "2"], "between 0 and 1"),
        ([], "--at"),
    ],
)
def test_wrong_calls_are_one_line(capsys, small, arguments, message):
    assert run(["downstream", small[0], *arguments]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert len(shown.strip().splitlines()) == 1
