"""``predictor scaling`` and ``predictor plan --budget`` through the command line."""

from __future__ import annotations

import json

import pytest

from predictor import dataset_path
from predictor.cli import run

TABLE = str(dataset_path("mlp_scaling"))
FAST = ["--draws", "100"]


def answer(capsys, *arguments):
    status = run([*arguments, "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def test_law_forecasts_and_allocations(capsys):
    status, found = answer(
        capsys, "scaling", TABLE, *FAST, "--at", "params=200k,tokens=1M", "--budget", "1e12",
        "--target", "1.07", "--next-runs", "5e11",
    )  # fmt: skip
    assert (status, found["schema"]) == (0, "predictor/scaling/1")
    assert found["law"] == "chinchilla"
    assert set(found["parameters"]) == set(found["standard_errors"])
    assert found["forecasts"][0]["at"] == {"params": 200_000, "tokens": 1_000_000}
    keys = {"flops", "params", "tokens", "value", "lower", "upper"}
    assert all(keys <= set(one) for one in found["allocations"])
    assert len(found["allocations"]) == 2
    assert found["next_runs"][0]["spread_after"] < found["next_runs"][0]["spread_before"]


def test_same_seed_same_bytes(capsys):
    line = ("scaling", TABLE, *FAST, "--budget", "1e12", "--seed", "3")
    assert answer(capsys, *line) == answer(capsys, *line)


@pytest.mark.parametrize("law", ["compute", "kaplan", "overtrained"])
def test_other_laws(capsys, law):
    status, found = answer(capsys, "scaling", TABLE, *FAST, "--law", law, "--at", "flops=1e12"
                           if law == "compute" else "params=200k,tokens=1M")  # fmt: skip
    assert (status, found["law"]) == (0, law)


def test_text_csv_and_chart(capsys, tmp_path):
    chart = tmp_path / "chart.svg"
    assert run(["scaling", TABLE, *FAST, "--budget", "1e12", "--chart", str(chart)]) == 0
    assert "source: Hoffmann" in capsys.readouterr().out
    assert chart.read_text().startswith("<svg")
    assert run(["scaling", TABLE, *FAST, "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("parameter,estimate,standard_error")


def test_plan_for_a_budget_with_prices(capsys):
    status, found = answer(capsys, "plan", TABLE, "--budget", "1e21", "--gpu", "h100")
    assert (status, found["schema"]) == (0, "predictor/plan/1")
    (plan,) = found["allocations"]
    assert plan["cost"]["gpu_hours"] > 0
    assert found["assumptions"]["gpu"].lower().startswith("h100")
    assert run(["plan", TABLE, "--budget", "1e21", "--gpu", "h100"]) == 0
    page = capsys.readouterr().out
    assert "GPU-hours" in page
    assert "parameters" in page


def write(tmp_path, rows):
    path = tmp_path / "runs.csv"
    path.write_text("params,tokens,loss\n" + "\n".join(rows) + "\n")
    return str(path)


def test_three_runs_and_identical_rows_cannot_be_forecast(capsys, tmp_path):
    three = write(tmp_path, ["1e7,1e9,3.5", "1e8,1e9,3.1", "1e8,1e10,2.8"])
    assert run(["scaling", three, "--at", "params=1e9,tokens=1e10"]) == 3
    assert "PRED201" in capsys.readouterr().err
    same = write(tmp_path, ["1e7,1e9,3.5"] * 10)
    assert run(["scaling", same]) == 3
    assert "PRED201" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--law", "chincilla"], "did you mean chinchilla"),
        (["--at", "20k"], "name the axes"),
        (["--budget", "many"], "--budget 'many'"),
        (["--next-runs", "1e12"], "goes with --at"),
        (["--loss", "los"], "no column 'los'"),
        (["--where", "corpus"], "COLUMN=VALUE"),
        (["--chart", "x.bmp"], "must end in"),
    ],
)
def test_wrong_calls_are_one_line(capsys, arguments, message):
    assert run(["scaling", TABLE, *FAST, *arguments]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert len(shown.strip().splitlines()) == 1
