"""``predictor plan`` through the command line, on bundled and on made logs."""

from __future__ import annotations

import json
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from predictor.bundle import dataset_path
from predictor.cli import run

LOGS = str(dataset_path("mlp_runs") / "width-128-seed-0.jsonl")
TOKENS = np.geomspace(1e8, 1e10, 30)


@pytest.fixture
def law(tmp_path):
    """Return a log of an exact power law with parameters and tokens."""
    path = tmp_path / "law.csv"
    frame = pd.DataFrame({"tokens": TOKENS, "params": 1e9, "loss": 1.7 + 400 * TOKENS**-0.3})
    frame.to_csv(path, index=False)
    return str(path)


def plan(capsys, *arguments):
    status = run(["plan", *arguments, "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def test_half_a_bundled_run_gets_where_it_then_got(capsys):
    status, document = plan(
        capsys, LOGS, "--metric", "val_loss", "--until", "step=5000", "--target", "1.1"
    )
    assert (status, document["schema"]) == (0, "predictor/plan/1")
    (row,) = document["needed"]
    assert {"run", "axis", "value", "lower", "upper", "level"} <= set(row)
    curve = pd.read_json(LOGS, lines=True).dropna(subset=["val_loss"])
    smooth = curve["val_loss"].rolling(10, center=True).mean()
    truth = curve["step"][smooth <= 1.1].iloc[0]
    assert row["lower"] <= truth <= (row["upper"] or np.inf)
    assert row["value"] == pytest.approx(truth, rel=0.25)
    assert 0.5 < document["reachable"] <= 1
    assert document["cost"] is None


def test_costs_by_hand(capsys, law):
    _, document = plan(
        capsys, law, "--target", "2", "--law", "power", "--gpu", "h100", "--mfu", ".4",
        "--usd-per-hour", "2", "--gpus", "8",
    )  # fmt: skip
    value = document["needed"][0]["value"]
    assert value == pytest.approx((400 / 0.3) ** (1 / 0.3), rel=1e-2)
    usd = 6 * 1e9 * value / (989.4e12 * 0.4 * 3600) * 2
    assert document["cost"]["total"]["usd"]["value"] == pytest.approx(usd)
    assert document["cost"]["total"]["hours"]["value"] == pytest.approx(usd / 2 / 8)
    assert "PRED134" in {warning["code"] for warning in document["warnings"]}


def test_logged_time_needs_no_accelerator(capsys, tmp_path):
    steps = np.arange(1, 101)
    path = tmp_path / "timed.csv"
    frame = pd.DataFrame({"step": steps, "wall_time": 36.0 * steps, "loss": 2 + 3 * steps**-0.5})
    frame.to_csv(path, index=False)
    _, document = plan(capsys, str(path), "--target", "2.15", "--usd-per-hour", "2", "--gpus", "4")
    row, cost = document["needed"][0], document["cost"]
    assert cost["basis"] == "logged wall_time"
    assert cost["more"]["hours"]["value"] == pytest.approx((row["value"] - 100) * 0.01)
    assert cost["more"]["usd"]["value"] == pytest.approx(8 * (row["value"] - 100) * 0.01)
    assert cost["more"]["kwh"]["value"] is None


def test_what_costs_cannot_be_told_from_is_said(capsys):
    status = run(["plan", LOGS, "--metric", "val_loss", "--target", "1.08", "--gpu", "h100"])
    printed = capsys.readouterr()
    assert status == 0
    assert "PRED133 cost cannot be told: the log holds neither wall_time nor flops" in printed.err


def test_the_same_seed_gives_the_same_bytes(capsys):
    arguments = ["plan", LOGS, "--metric", "val_loss", "--target", "1.08", "--seed", "7"]
    texts = []
    for _ in range(2):
        run([*arguments, "--format", "json"])
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


def test_a_table_and_a_page(capsys, law):
    run(["plan", law, "--target", "2", "--format", "csv", "--quiet"])
    frame = pd.read_csv(StringIO(capsys.readouterr().out))
    assert frame.loc[0, "run"] == "law"
    assert frame.loc[0, "more_usd"] != frame.loc[0, "more_usd"]  # no price was given
    run(["plan", law, "--target", "2", "--gpu", "h100", "--quiet"])
    text = capsys.readouterr().out
    assert "loss 2 at tokens" in text
    assert "Cost from 6 x params x tokens, 1 x h100, 40 % of its bf16 peak" in text


def test_a_run_too_short_ends_with_status_3(capsys, tmp_path):
    path = tmp_path / "short.csv"
    path.write_text("step,loss\n1,3\n2,2.5\n")
    status, document = plan(capsys, str(path), "--target", "2")
    assert status == 3
    assert document["needed"][0]["value"] is None
    assert document["reachable"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say what is to be reached with --target"),
        (["--target", "-1"], "cannot be: this metric never lies below 0"),
        (["--target", "nan"], "must be a finite number"),
        (["--target", "1", "--metric", "val_los"], "no metric 'val_los'"),
        (["--target", "1", "--within", "step=100"], "lies within the log of run"),
        (["--target", "1", "--within", "tokens=1e9"], "has no axis 'tokens'"),
        (["--target", "1", "--within", "params=1e9"], "one place on one axis is meant"),
        (["--target", "1", "--until", "tokens=5"], "the log has no axis 'tokens'"),
        (["--target", "1", "--gpu", "h1000"], "accelerator 'h1000' is not known"),
        (["--target", "1", "--gpu", "h100", "--mfu", "2"], "mfu must lie between"),
        (["--target", "1", "--gpu", "h100", "--gpus", "0"], "number of accelerators"),
        (["--target", "1", "--gpu", "h100", "--accelerators", "no.csv"], "no.csv: cannot be read"),
        (["--target", "1", "--run", "nobody"], "no run 'nobody'"),
        (["--target", "1", "--gain-per", "usd"], "say what the least gain per usd is"),
        (["--target", "1", "--level", "2"], "level must lie between"),
    ],
)
def test_wrong_calls_end_with_status_2_and_one_line(capsys, arguments, message):
    status = run(["plan", LOGS, *arguments])
    printed = capsys.readouterr()
    assert status == 2
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert not printed.out
