"""From a question about a log to its forecasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor.curves.question import (
    Question,
    ask,
    choose_metric,
    curves_of,
    forecast_many,
    only_runs,
    planned_ends,
    pose,
    seen_until,
)
from predictor.errors import InputError
from predictor.logs.tables import RunLog

STEP = np.round(np.geomspace(10, 1000, 20))


def curve(run="a", metric="loss", c=2.0, count=20, seed=0, **columns):
    """Return points of one curve."""
    wobble = np.exp(np.random.default_rng(seed).normal(scale=0.005, size=count))
    value = (c + 5 * STEP[:count] ** -0.5) * wobble
    return pd.DataFrame(
        {"run": run, "metric": metric, "step": STEP[:count], "value": value} | columns
    )


def log_of(*curves, **runs):
    points = pd.concat(curves, ignore_index=True)
    table = pd.DataFrame({"run": points["run"].unique(), **runs}) if runs else None
    return RunLog.from_points(points, table)


TWO = log_of(curve("base"), curve("large", c=1.5, seed=1), curve("base", "val/loss", c=2.2, seed=2))


def test_one_forecast_a_run_and_place_in_the_order_of_the_log():
    found = forecast_many(TWO, "loss", "step", [2000, 4000])
    assert [(f.run, f.at["step"]) for f in found] == [
        ("base", 2000.0), ("base", 4000.0), ("large", 2000.0), ("large", 4000.0),
    ]  # fmt: skip
    assert {(f.metric, f.law, f.level, f.points) for f in found} == {("loss", "auto", 0.9, 20)}
    for f in found:
        truth = {"base": 2.0, "large": 1.5}[f.run] + 5 * f.at["step"] ** -0.5
        assert f.lower <= truth <= f.upper
        assert f.value == pytest.approx(truth, rel=0.03)


def test_each_run_at_its_own_place():
    found = forecast_many(TWO, "loss", "step", {"base": 2000, "large": 5000})
    assert [f.at["step"] for f in found] == [2000.0, 5000.0]
    assert [f.extrapolation for f in found] == [2.0, 5.0]


def test_mapping_must_name_every_run():
    with pytest.raises(InputError, match="no place for run 'large'"):
        forecast_many(TWO, "loss", "step", {"base": 2000})


@pytest.mark.parametrize("at", [0, -5, float("nan"), float("inf"), [2000, -1]])
def test_place_must_be_positive(at):
    with pytest.raises(InputError, match="must be a positive number"):
        forecast_many(TWO, "loss", "step", at)


@pytest.mark.parametrize("level", [0.0, 1.0, 90, -0.1])
def test_level_must_be_a_probability(level):
    with pytest.raises(InputError, match="between 0 and 1"):
        forecast_many(TWO, "loss", "step", 2000, level=level)


def test_law_may_be_chosen_and_must_exist():
    found = forecast_many(TWO, "loss", "step", 2000, law="mmf")
    assert {f.law for f in found} == {"mmf"}
    with pytest.raises(InputError, match="did you mean power"):
        forecast_many(TWO, "loss", "step", 2000, law="powr")


def test_same_seed_same_document():
    one, same = (forecast_many(TWO, "loss", "step", 2000, seed=5).to_dict() for _ in range(2))
    assert one == same


def test_axis_that_is_not_there():
    with pytest.raises(InputError, match="metric 'loss' has no axis 'tokens'; it has step"):
        forecast_many(TWO, "loss", "tokens", 2000)
    with pytest.raises(InputError, match="has no axis 'stride'; it has step"):
        forecast_many(TWO, "loss", "stride", 2000)


def test_short_runs_are_there_and_say_why():
    found = forecast_many(log_of(curve("a"), curve("b", count=2)), "loss", "step", 2000)
    assert [f.trusted for f in found] == [True, False]
    assert found[1].warnings == ("PRED101",)
    assert "b: loss at step=2000 cannot be forecast: too few points" in found.summary()
    assert [f.run for f in found.findings if f.code == "PRED101"] == ["b"]


def test_falling_learning_rate_is_said():
    rate = np.concatenate([np.full(10, 3e-4), np.linspace(3e-4, 1e-4, 10)])
    log = log_of(curve("decayed", lr=rate), curve("flat", lr=3e-4), curve("unknown"))
    found = forecast_many(log, "loss", "step", 2000)
    assert [f.run for f in found if "PRED108" in f.warnings] == ["decayed"]


def test_warm_up_is_no_falling_learning_rate():
    rate = np.concatenate([np.linspace(1e-5, 3e-4, 5), np.full(15, 3e-4)])
    found = forecast_many(log_of(curve("a", lr=rate)), "loss", "step", 2000)
    assert "PRED108" not in found[0].warnings


@pytest.mark.parametrize(("count", "said"), [(8, True), (9, False)])
def test_runs_calibrate_each_other_from_nine_on(count, said):
    log = log_of(*(curve(f"r{k}", seed=k) for k in range(count)))
    found = forecast_many(log, "loss", "step", 2000)
    assert {"PRED106" in f.warnings for f in found} == {said}


def test_curves_of_leaves_out_points_without_a_place():
    first = curve("a")
    first.loc[3:5, "step"] = np.nan
    runs, curves = curves_of(log_of(first, curve("b", "other")), "loss", "step")
    assert runs == ["a"]
    assert len(curves[0][0]) == 17


# Which metric


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["train/loss", "val/loss"], "val/loss"),
        (["loss", "eval_loss", "accuracy"], "eval_loss"),
        (["lr", "loss", "accuracy"], "loss"),
        (["lr", "accuracy"], "accuracy"),
        (["something"], "something"),
        (["grad_norm", "test/nll_loss"], "test/nll_loss"),
    ],
)
def test_metric_most_likely_meant(names, chosen):
    assert choose_metric(log_of(*(curve("a", name) for name in names)), None) == chosen


def test_metric_must_be_named_where_it_is_not_clear():
    with pytest.raises(InputError, match="--metric; the log has mystery, enigma"):
        choose_metric(log_of(curve("a", "mystery"), curve("a", "enigma")), None)


@pytest.mark.parametrize(("given", "found"), [("LOSS", "loss"), ("Val/Loss", "val/loss")])
def test_metric_in_any_case(given, found):
    assert choose_metric(TWO, given) == found
    assert forecast_many(TWO, given, "step", 2000)[0].metric == found


def test_exact_metric_wins_over_another_case():
    log = log_of(curve("a", "Loss"), curve("a", "loss"))
    assert choose_metric(log, "Loss") == "Loss"
    assert choose_metric(log, "loss") == "loss"


@pytest.mark.parametrize(("given", "near"), [("lss", "loss"), ("val_loss", "val/loss")])
def test_unknown_metric_suggests_near_names(given, near):
    with pytest.raises(InputError, match=f"no metric '{given}' in the log; did you mean.*{near}"):
        choose_metric(TWO, given)


def test_unknown_metric_suggests_names_with_that_ending():
    log = log_of(curve("a", "validation/benchmark/hard"), curve("a", "herd"))
    with pytest.raises(InputError, match=r"did you mean validation/benchmark/hard\?"):
        choose_metric(log, "hard")


# Posing a question


def test_place_of_a_question():
    question = pose(TWO, metric="loss", places=[{None: 2000.0}, {"step": 4000.0}])
    assert question == Question(
        "loss", "step", {"base": (2000.0, 4000.0), "large": (2000.0, 4000.0)}
    )


def test_first_axis_logged_is_taken():
    points = curve("a", tokens=STEP * 1000).drop(columns="step")
    assert pose(log_of(points), places=[{None: 1e7}]).axis == "tokens"


@pytest.mark.parametrize(
    ("places", "axis", "message"),
    [
        ([{"params": 7e9}], None, "one axis"),
        ([{"step": 1.0, "tokens": 2.0}], None, "one axis"),
        ([{"step": 1.0}, {"tokens": 2.0}], None, "not on step and tokens"),
        ([{"step": 1.0}], "tokens", "not on step and tokens"),
        ([{"tokens": 1.0}], None, "not logged on axis 'tokens'; it has step"),
        ([{None: 1.0}], "epoch", "not logged on axis 'epoch'; it has step"),
        ([], None, "does not tell how long the run is to be; say where with --at step="),
    ],
)
def test_question_that_cannot_be_posed(places, axis, message):
    with pytest.raises(InputError, match=message):
        pose(TWO, metric="loss", places=places, axis=axis)


def test_law_of_a_question_must_exist():
    with pytest.raises(InputError, match="did you mean weibull"):
        pose(TWO, places=[{None: 1.0}], law="weibul")


def test_planned_ends():
    log = log_of(
        *(curve(run) for run in "abcde"),
        max_steps=[5000, 500, np.nan, None, "many"],
        total_steps=[9000, 8000, 7000, None, "3000"],
    )
    assert planned_ends(log, "step") == {"a": 5000.0, "b": 8000.0, "c": 7000.0, "e": 3000.0}
    assert planned_ends(log, "tokens") == {}


def test_planned_ends_are_the_places_where_none_is_given():
    log = log_of(curve("a"), curve("b", seed=1), max_steps=[5000, np.nan])
    question = pose(log)
    assert question.at == {"a": (5000.0,)}
    answer = ask(log, question)
    assert [(f.run, f.at["step"]) for f in answer.forecasts] == [("a", 5000.0)]


# Parts of a log


def test_seen_until():
    seen = seen_until(TWO, "step", 100.0)
    assert seen.points["step"].max() <= 100
    assert len(seen.points) == 3 * (STEP <= 100).sum()
    assert seen.run_names == TWO.run_names
    with pytest.raises(InputError, match="--until step=5: the log has nothing before that"):
        seen_until(TWO, "step", 5.0)


def test_forecast_of_the_part_seen_holds_what_came():
    seen = seen_until(TWO, "step", 200.0)
    for f in forecast_many(seen, "loss", "step", 1000):
        came = TWO.curve(f.run, "loss")["value"].iloc[-1]
        assert f.lower <= came <= f.upper
        assert f.points < 20


def test_only_runs():
    log = only_runs(TWO, ["large"])
    assert log.run_names == ["large"]
    assert set(log.points["run"]) == {"large"}
    assert only_runs(TWO, []) is TWO


def test_unknown_run_suggests_near_names():
    with pytest.raises(InputError, match="no run 'larg' in the log; did you mean large"):
        only_runs(TWO, ["larg"])
    with pytest.raises(InputError, match="did you mean base, large"):
        only_runs(TWO, ["zzz"])


# Answers


def test_bands_go_from_the_last_point_to_the_farthest_place():
    question = pose(TWO, metric="loss", places=[{None: 2000.0}, {None: 5000.0}])
    answer = ask(TWO, question, bands=True)
    assert set(answer.bands) == {"base", "large"}
    band, curve_ahead = answer.bands["base"], answer.outcomes["base"]
    assert band.at[0] == pytest.approx(1000.0)
    assert band.at[-1] == pytest.approx(5000.0)
    assert (np.diff(band.at) > 0).all()
    assert ((band.lower <= band.value) & (band.value <= band.upper)).all()
    assert band.value[-1] == pytest.approx(curve_ahead.value[-1], rel=0.01)
    assert ask(TWO, question).bands == {}


def test_no_band_where_nothing_lies_ahead():
    question = pose(TWO, metric="loss", places=[{None: 500.0}])
    assert ask(TWO, question, bands=True).bands == {}
