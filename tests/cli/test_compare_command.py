"""``predictor compare`` through the command line, on bundled logs."""

from __future__ import annotations

import json
from io import StringIO

import pandas as pd
import pytest

from predictor.bundle import dataset_path
from predictor.cli import run

LOGS = str(dataset_path("mlp_runs"))
CURVES = str(dataset_path("learning_curves"))


def compare(capsys, *arguments):
    status = run(["compare", *arguments, "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def test_the_run_that_ended_best_was_the_likeliest_half_way(capsys):
    status, document = compare(
        capsys, LOGS, "--metric", "val_loss", "--until", "step=5000", "--at", "step=10700"
    )
    assert (status, document["schema"]) == (0, "predictor/compare/1")
    assert document["at"] == {"step": 10700}
    chances = {row["run"]: row["best"] for row in document["runs"]}
    assert max(chances, key=chances.get) == "width-128-cosine-seed-0"
    assert sum(chances.values()) == pytest.approx(1)
    assert sum(chance for run_, chance in chances.items() if "width-16-" in run_) < 0.1
    assert len(document["crossings"]) == 6


def test_methods_with_repeats(capsys):
    _, document = compare(
        capsys, CURVES, "--run", "digits/*", "--metric", "error", "--by", "learner", "--at", "3000"
    )
    assert len(document["runs"]) == 10
    assert {row["repeats"] for row in document["runs"]} == {5}
    crossing = {one["second"]: one for one in document["crossings"]}["linear-discriminant"]
    table = pd.read_csv(CURVES).query("dataset == 'digits'")
    mean = table.pivot_table(index="samples", columns="learner", values="error")
    behind = mean[crossing["first"]] > mean["linear-discriminant"]
    # The crossing lies between the last size at which the other wins and the next one.
    last = mean.index[behind][-1]
    assert last <= crossing["value"] <= mean.index[mean.index > last][0]


def test_a_table_and_a_page(capsys):
    arguments = ["compare", LOGS, "--metric", "val_loss", "--run", "width-16-*", "--quiet"]
    run([*arguments, "--format", "csv"])
    assert len(pd.read_csv(StringIO(capsys.readouterr().out))) == 3
    run(arguments)
    text = capsys.readouterr().out
    assert "val_loss at step=10700" in text
    assert "% of draws with 0 / 1 / more crossings" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "width-16-seed-0"], "needs two runs that have it, not 1"),
        (["--by", "colour"], "the runs have no column 'colour'"),
        (["--at", "step=1e4,tokens=5"], "one place on one axis is meant"),
        (["--at", "soon"], "is not a positive number"),
        (["--metric", "nothing"], "no metric 'nothing'"),
    ],
)
def test_wrong_calls_end_with_status_2_and_one_line(capsys, arguments, message):
    status = run(["compare", LOGS, *arguments])
    printed = capsys.readouterr()
    assert status == 2
    assert message in printed.err
    assert printed.err.count("\n") == 1


def test_far_places_end_with_status_3(capsys):
    status, document = compare(capsys, LOGS, "--metric", "val_loss", "--at", "step=1e9")
    assert status == 3
    assert {row["value"] for row in document["runs"]} == {None}
    assert "PRED139" in {warning["code"] for warning in document["warnings"]}
