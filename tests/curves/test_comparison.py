"""Runs against each other at a common place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor import RunLog, compare_runs
from predictor.curves.comparison import probability_best
from predictor.curves.predictive import LEVELS, Predictive
from predictor.curves.prepared import prepare
from predictor.errors import InputError

STEPS = np.arange(1.0, 201.0)


def run(name, exponent, **more):
    value = 2 + 3 * STEPS**-exponent
    return pd.DataFrame({"run": name, "metric": "loss", "step": STEPS, "value": value, **more})


def log(*parts, **facts):
    points = pd.concat(parts)
    return RunLog.from_points(points, pd.DataFrame({"run": points["run"].unique(), **facts}))


def predictive(centre, half, metric="loss"):
    x = np.geomspace(10, 100, 10)
    curve = prepare(x, 0.5 + 0.1 / x if metric == "accuracy" else 1 + 10 / x, metric)
    shape = -np.log1p(-np.array(LEVELS))[:, None]
    return Predictive(curve, np.array([centre]), half * shape)


def test_equal_distributions_are_equally_likely_best():
    same = [predictive(0.0, 0.1)] * 4
    assert probability_best(same) == pytest.approx(np.full(4, 0.25), abs=1e-9)


def test_two_distributions_by_hand():
    # Log values are Laplace about 0 and 1, scale 0.5: P(X < Y) = 1 - (1/2 + d/4b) exp(-d/b).
    chance = probability_best([predictive(0.0, 0.5), predictive(1.0, 0.5)])
    exact = 1 - (0.5 + 1 / (4 * 0.5)) * np.exp(-1 / 0.5)
    assert chance == pytest.approx([exact, 1 - exact], abs=2e-3)


def test_a_higher_metric_is_best_where_it_is_highest():
    # On the residual's scale a smaller distance to the ceiling is better.
    near, far = predictive(np.log(0.1), 0.05, "accuracy"), predictive(np.log(0.5), 0.05, "accuracy")
    assert probability_best([near, far])[0] > 0.99


def test_what_cannot_be_forecast_leaves_it_open():
    assert probability_best([predictive(0.0, 0.1), predictive(np.nan, 0.1)]) is None


def test_the_better_run_is_likelier_to_end_best():
    compared = compare_runs(log(run("slow", 0.3), run("fast", 0.6)), "loss", at=400)
    slow, fast = compared.runs
    assert fast.best > 0.95
    assert slow.best + fast.best == pytest.approx(1.0)
    assert fast.lower < fast.value < fast.upper
    assert compared.better == "lower"
    assert (compared.crossings[0].first, compared.crossings[0].second) == ("fast", "slow")
    # slow: 2 + 3 s^-0.3, fast: 2 + 3 s^-0.6.
    faster = compared.speed_ups[0]
    assert (faster.run, faster.of) == ("fast", "step")
    left = (faster.quality - 2) / 3
    truth = left ** (-1 / 0.3) / left ** (-1 / 0.6)
    assert faster.ratio == pytest.approx(truth, rel=0.02)
    assert faster.quality == pytest.approx(2 + 3 * 200**-0.3, rel=0.01)
    assert faster.lower <= truth <= faster.upper < 2 * faster.lower
    assert faster.least < 2 < faster.ratio == pytest.approx(faster.most, rel=0.1)


def test_the_order_of_the_runs_does_not_matter():
    one = compare_runs(log(run("a", 0.3), run("b", 0.31)), "loss", at=400)
    two = compare_runs(log(run("b", 0.31), run("a", 0.3)), "loss", at=400)
    chances = ({row.run: row.best for row in found.runs} for found in (one, two))
    assert next(chances) == pytest.approx(next(chances), abs=1e-6)


def test_the_place_is_the_farthest_or_the_planned_end():
    short = run("short", 0.3).iloc[:100]
    assert compare_runs(log(run("a", 0.3), short), "loss").at == 200
    planned = log(run("a", 0.3), short, max_steps=[500.0, 400.0])
    assert compare_runs(planned, "loss").at == 400


def test_cost_and_front_where_the_log_tells_the_cost():
    # Both end alike, but the second takes twice the time of the first and is a little worse.
    parts = run("cheap", 0.5, wall_time=36 * STEPS), run("dear", 0.45, wall_time=72 * STEPS)
    cheap, dear = compare_runs(log(*parts), "loss", at=400).runs
    assert (cheap.cost, cheap.cost_unit) == (pytest.approx(4.0), "hours")
    assert dear.cost == pytest.approx(8.0)
    assert cheap.on_front
    plain = compare_runs(log(run("a", 0.3), run("b", 0.5)), "loss", at=400).runs[0]
    assert (plain.cost, plain.on_front) == (None, None)


def test_a_checkpoint_before_the_rate_falls_is_flagged():
    rate = np.where(STEPS <= 150, 1e-3, 1e-4)
    parts = run("decays", 0.5, lr=rate), run("constant", 0.5, lr=1e-3)
    flagged = compare_runs(log(*parts), "loss", at=100)
    assert [f.run for f in flagged.findings if f.code == "PRED137"] == ["decays"]
    later = compare_runs(log(*parts), "loss", at=180)
    assert not [f for f in later.findings if f.code == "PRED137"]


def test_repeats_of_a_method_are_compared_by_their_mean():
    rng = np.random.default_rng(0)
    parts, method = [], []
    for name, exponent in (("x", 0.3), ("y", 0.6)):
        for seed in range(4):
            one = run(f"{name}-{seed}", exponent)
            one["value"] += 0.01 * rng.standard_normal(len(one))
            parts.append(one)
            method.append(name)
    compared = compare_runs(log(*parts, method=method), "loss", at=400, by="method")
    assert [(row.run, row.repeats) for row in compared.runs] == [("x", 4), ("y", 4)]
    assert compared.runs[1].best > 0.9
    assert compared.crossings[0].repeats == 4


def test_a_run_that_cannot_be_forecast_leaves_the_winner_open():
    compared = compare_runs(log(run("a", 0.3), run("b", 0.5).iloc[:2]), "loss", at=400)
    assert [row.best for row in compared.runs] == [None, None]
    assert compared.runs[0].value is not None
    assert "PRED139" in {f.code for f in compared.findings}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"by": "colour"}, "no column 'colour'; they have seed"),
        ({"level": 0}, "level must lie"),
        ({"at": -5.0}, "must be a positive number"),
        ({"law": "magic"}, "law 'magic' is not known"),
        ({"x": "tokens"}, "no axis 'tokens'"),
    ],
)
def test_bad_questions_are_one_clear_line(settings, message):
    with pytest.raises(InputError, match=message):
        compare_runs(log(run("a", 0.3), run("b", 0.5), seed=[0, 1]), "loss", **settings)


def test_one_run_cannot_be_compared():
    with pytest.raises(InputError, match="needs two runs that have it, not 1"):
        compare_runs(log(run("a", 0.3)), "loss")


def test_tables_and_words():
    compared = compare_runs(log(run("slow", 0.3), run("fast", 0.6)), "loss", at=400)
    assert compared.to_frame()["run"].tolist() == ["slow", "fast"]
    first = compared.summary().splitlines()[0]
    assert first.startswith("fast: loss at step=400 is 2.0")
    assert "best with probability" in first
