"""``predictor forecast`` with learning rates: own plan, another schedule, and what is refused."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from predictor import Schedule
from predictor.bundle import dataset_path
from predictor.cli import run as predictor
from predictor.curves.schedule.fitting import ScheduleFit

PEAK, LAST = 1e-3, 8000
PLANS = {
    "cosine": Schedule.cosine(PEAK, LAST, end=1e-4, warmup=400),
    "constant": Schedule.constant(PEAK, LAST, warmup=400),
    "wsd": Schedule.wsd(PEAK, LAST, decay=6400, end=1e-4, warmup=400),
}
TRUE = ScheduleFit(
    "multi-power", np.array([2.0, 12.0, 0.08, 0.5, 0.01, 1.0, 0.5]), np.zeros((7, 7)), PEAK, 1.0,
    1e-3, 0.0, True,
)  # fmt: skip
STEPS = np.arange(50.0, LAST + 1, 50)


def table(name, noise=5e-4, seed=0):
    plan = PLANS[name]
    wobble = np.exp(np.random.default_rng(seed).normal(scale=noise, size=len(STEPS)))
    loss = TRUE.value(plan, STEPS) * wobble
    return pd.DataFrame({"step": STEPS, "lr": plan.rate(STEPS), "loss": loss})


@pytest.fixture
def logs(tmp_path):
    for seed, name in enumerate(PLANS):
        table(name, seed=seed).to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def asked(capsys, *arguments):
    status = predictor(["forecast", *map(str, arguments), "--format", "json"])
    printed = capsys.readouterr()
    return status, json.loads(printed.out) if printed.out else printed.err


def truth(name, at):
    return float(TRUE.value(PLANS[name], np.array([float(at)]))[0])


def test_rest_of_a_run_by_its_own_logged_rate(logs, capsys):
    status, found = asked(capsys, logs / "cosine.csv", "--until", "4000", "--at", "step=8000")
    assert status == 0
    (one,) = found["forecasts"]
    assert (one["run"], one["law"]) == ("cosine", "multi-power")
    assert one["value"] == pytest.approx(truth("cosine", 8000), rel=0.01)
    assert one["lower"] < truth("cosine", 8000) < one["upper"]
    assert "PRED120" in one["warnings"]
    assert "PRED108" not in one["warnings"]
    assert any("its own log" in w["message"] for w in found["warnings"])


def test_schedule_of_the_run_itself_takes_the_warning_away(logs, capsys):
    seen = table("cosine").iloc[:80]
    seen.to_csv(logs / "half.csv", index=False)
    _, blind = asked(capsys, logs / "half.csv", "--at", "step=8000")
    plan = "cosine:end=1e-4,steps=8000"
    _, told = asked(capsys, logs / "half.csv", "--schedule", plan, "--at", "8000")
    assert blind["forecasts"][0]["law"] == "auto"
    assert "PRED108" in blind["forecasts"][0]["warnings"]
    assert told["forecasts"][0]["run"] == "half"
    assert told["forecasts"][0]["value"] == pytest.approx(truth("cosine", 8000), rel=0.01)
    assert "PRED108" not in told["forecasts"][0]["warnings"]


def test_runs_together_forecast_a_run_under_another_schedule(logs, capsys):
    plan = logs / "other.csv"
    table("wsd")[["step", "lr"]].to_csv(plan, index=False)
    status, found = asked(
        capsys, logs / "cosine.csv", logs / "constant.csv", "--schedule", plan, "--at", "8000"
    )
    assert status == 0
    (one,) = found["forecasts"]
    assert (one["run"], one["at"], one["extrapolation"]) == ("other", {"step": 8000.0}, None)
    assert one["points"] == 2 * (len(STEPS) - 7)
    assert one["value"] == pytest.approx(truth("wsd", 8000), rel=5e-3)
    assert one["lower"] < truth("wsd", 8000) < one["upper"]


def test_without_a_place_every_step_of_the_schedule_is_forecast(logs, capsys):
    plan = logs / "other.csv"
    table("wsd").to_csv(plan, index=False)
    paths = [logs / "cosine.csv", logs / "constant.csv"]
    _, found = asked(capsys, *paths, "--schedule", plan)
    at = [f["at"]["step"] for f in found["forecasts"]]
    assert at == STEPS.tolist()
    late = [f for f in found["forecasts"] if f["at"]["step"] >= 500]
    off = [f["value"] / truth("wsd", f["at"]["step"]) - 1 for f in late]
    inside = [f["lower"] <= truth("wsd", f["at"]["step"]) <= f["upper"] for f in late]
    assert np.abs(off).max() < 0.01
    assert np.mean(inside) > 0.9
    assert (
        predictor(["forecast", *map(str, paths), "--schedule", str(plan), "--format", "csv"]) == 0
    )
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(STEPS)


def test_named_schedule_takes_peak_and_warm_up_from_the_log(logs, capsys):
    _, found = asked(
        capsys, logs / "cosine.csv", logs / "constant.csv", "--schedule",
        "wsd:decay=6400,end=1e-4,steps=8k", "--at", "8000",
    )  # fmt: skip
    (one,) = found["forecasts"]
    assert one["run"] == "wsd"
    assert one["value"] == pytest.approx(truth("wsd", 8000), rel=5e-3)


@pytest.mark.parametrize("law", ["multi-power", "annealing"])
def test_law_may_be_chosen(logs, capsys, law):
    status, found = asked(
        capsys, logs / "cosine.csv", "--until", "4000", "--at", "8000", "--law", law
    )
    assert status == 0
    assert found["forecasts"][0]["law"] == law
    assert found["forecasts"][0]["value"] == pytest.approx(truth("cosine", 8000), rel=0.02)


def test_chosen_law_says_nothing_where_the_rate_ahead_is_not_known(logs, capsys):
    status, found = asked(capsys, logs / "cosine.csv", "--at", "20000", "--law", "multi-power")
    assert status == 3
    (one,) = found["forecasts"]
    assert one["value"] is None
    assert one["warnings"] == ["PRED126"]


def test_auto_leaves_a_constant_rate_to_the_other_laws(logs, capsys):
    _, found = asked(capsys, logs / "constant.csv", "--until", "4000", "--at", "8000")
    assert found["forecasts"][0]["law"] == "auto"


def test_rate_that_falls_into_the_unknown_is_warned_of(logs, capsys):
    _, found = asked(capsys, logs / "cosine.csv", "--at", "20000")
    assert found["forecasts"][0]["law"] == "auto"
    assert "PRED108" in found["forecasts"][0]["warnings"]


def test_constant_rate_alone_cannot_tell_what_a_fall_brings(logs, capsys):
    plan = "linear:steps=8000"
    _, found = asked(capsys, logs / "constant.csv", "--schedule", plan, "--at", "8000")
    assert "PRED122" in found["forecasts"][0]["warnings"]


def test_runs_that_do_not_follow_one_law_are_named(logs, capsys):
    odd = table("constant")
    odd.assign(loss=1.1 * odd["loss"]).to_csv(logs / "odd.csv", index=False)
    paths = [logs / f"{name}.csv" for name in ("cosine", "constant", "odd")]
    _, found = asked(capsys, *paths, "--schedule", "linear:steps=8000", "--at", "8000")
    assert any(w["code"] == "PRED124" for w in found["warnings"])


def test_plan_of_a_trainer_state_is_enough(tmp_path, capsys):
    rows = table("cosine").iloc[:80]
    history = [
        {"step": int(r.step), "learning_rate": r.lr, "loss": r.loss} for r in rows.itertuples()
    ]
    state = {"log_history": history, "max_steps": LAST, "global_step": 4000}
    (tmp_path / "trainer_state.json").write_text(json.dumps(state), encoding="utf-8")
    status, found = asked(capsys, tmp_path / "trainer_state.json")
    assert status == 0
    (one,) = found["forecasts"]
    assert one["at"] == {"step": 8000.0}
    assert one["law"] == "multi-power"
    assert one["value"] == pytest.approx(truth("cosine", 8000), rel=0.01)
    assert any("the plan in the log (cosine)" in w["message"] for w in found["warnings"])


def test_bundled_cosine_run_from_its_half_and_three_constant_ones(capsys):
    status, found = asked(
        capsys, dataset_path("mlp_runs"), "--metric", "val_loss", "--until", "step=5000",
        "--at", "step=10700",
    )  # fmt: skip
    assert status == 0
    by_run = {f["run"]: f for f in found["forecasts"]}
    cosine = by_run.pop("width-128-cosine-seed-0")
    assert cosine["law"] == "multi-power"
    assert cosine["lower"] < 1.065 < cosine["upper"]
    assert {f["law"] for f in by_run.values()} == {"auto"}


def test_same_seed_same_bytes(logs, capsys):
    line = [logs / "cosine.csv", "--until", "4000", "--at", "8000"]
    assert asked(capsys, *line) == asked(capsys, *line)


def test_place_just_after_the_last_logged_rate_is_within_the_schedule(logs, capsys):
    seen = table("cosine").iloc[:-1]
    seen.to_csv(logs / "short.csv", index=False)
    _, found = asked(capsys, logs / "short.csv", "--until", "4000", "--at", "8000")
    assert found["forecasts"][0]["law"] == "multi-power"
    assert found["forecasts"][0]["value"] == pytest.approx(truth("cosine", 8000), rel=0.01)


def test_text_page_shows_it(logs, capsys):
    assert predictor(["forecast", str(logs / "cosine.csv"), "--until", "4000", "--at", "8000"]) == 0
    page = capsys.readouterr().out
    assert "PRED120 the learning rate ahead is known" in page
    assert "logged" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--schedule", "cosin:steps=9"], "did you mean cosine"),
        (["--schedule", "cosine:steps=8000", "--at", "9000"], "the schedule ends at step 8000"),
        (["--schedule", "cosine:steps=8000", "--law", "power"], "does not know schedules"),
        (["--schedule", "cosine:steps=8000", "--x", "epoch"], "not logged on axis 'epoch'"),
        (["--schedule", "cosine", "--run", "nobody"], "no run 'nobody'"),
        (["--law", "multi-pwer", "--at", "9000"], "law 'multi-pwer' is not known"),
        (["--warmup", "-5", "--at", "9000"], "--warmup"),
    ],
)
def test_wrong_calls_are_one_line(logs, capsys, arguments, message):
    assert predictor(["forecast", str(logs / "cosine.csv"), *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.strip().splitlines()) == 1


def test_logs_without_rates_cannot_take_a_schedule(logs, capsys):
    table("cosine").drop(columns="lr").to_csv(logs / "bare.csv", index=False)
    line = ["forecast", str(logs / "bare.csv"), "--schedule", "cosine:peak=1,steps=9000"]
    assert predictor(line) == 2
    assert "needs runs that log their learning rate by step" in capsys.readouterr().err


def test_metric_must_be_a_positive_loss(logs, capsys):
    odd = table("cosine").rename(columns={"loss": "accuracy"})
    odd.assign(accuracy=0.5).to_csv(logs / "odd.csv", index=False)
    line = ["forecast", str(logs / "odd.csv"), "--schedule", "cosine:steps=9000"]
    assert predictor(line) == 2
    assert "a schedule law describes a positive loss" in capsys.readouterr().err
