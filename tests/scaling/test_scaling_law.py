"""ScalingLaw: estimates, forecasts, intervals, allocations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from predictor import CannotForecastError, InputError, ScalingLaw
from predictor.scaling.laws import SCALING_LAWS

from .conftest import TRUTH, loss_of, runs, table


def test_noiseless_runs_give_the_law_back():
    law = ScalingLaw("chinchilla", draws=20).fit(table())
    for name, value in TRUTH.items():
        assert law.params[name] == pytest.approx(value, rel=1e-3)
    assert law.predict([[7e9, 2e12]]) == pytest.approx([loss_of(7e9, 2e12)], rel=1e-4)


@pytest.mark.parametrize("name", ["chinchilla", "overtrained", "kaplan", "compute", "bnsl"])
def test_every_law_fits_what_it_says(name):
    law = SCALING_LAWS[name]
    frame = runs(sizes=7, amounts=7)
    flops = 6 * frame["params"] * frame["tokens"]
    one = {
        "chinchilla": [1.8, 480, 2100, 0.35, 0.37],
        "overtrained": [1.8, 480, 1100, 0.35],
        "kaplan": [0.08, 0.1, 8.8e13, 5.4e13],
        "compute": [1.8, 300, 0.12],
        "bnsl": [1.5, 200, 0.1, 0.1, 1e20, 0.5],
    }[name]
    axes = [frame["params"], frame["tokens"]] if law.axes == ("params", "tokens") else [flops]
    loss = law.value([a.to_numpy()[None] for a in axes], np.array([one]))[0]
    fitted = ScalingLaw(name, draws=2).fit(frame.assign(loss=loss))
    assert fitted.residuals()["residual"].abs().max() < 3e-3


def test_repeated_data_are_worth_less():
    rng = np.random.default_rng(0)
    frame = runs(sizes=6, amounts=6).assign(unique_tokens=lambda f: np.minimum(f["tokens"], 4e9))
    worth = SCALING_LAWS["data-constrained"]
    from predictor.scaling.table import law_axes, runs_table

    ready = runs_table(frame)
    loss = worth.value(law_axes(worth, ready.runs), np.array([[1.8, 480, 2100, 0.35, 0.37, 5, 5]]))
    frame["loss"] = loss[0] * np.exp(0.001 * rng.normal(size=len(frame)))
    law = ScalingLaw("auto", draws=50).fit(frame)
    place = {"params": 1e9, "tokens": 1e11}
    fresh, repeated = law.forecast([place, place | {"unique_tokens": 4e9}])
    assert repeated.value > fresh.value * 1.01


def test_intervals_hold_runs_that_are_larger():
    inside = []
    for seed in range(8):
        law = ScalingLaw("auto", draws=50).fit(table(noise=0.004, sizes=6, amounts=6, seed=seed))
        noisy = loss_of(5e9, 2e11) * np.exp(0.004 * np.random.default_rng(seed).normal())
        lower, upper = law.predict_interval([[5e9, 2e11]])[0]
        inside.append(lower <= noisy <= upper)
    assert np.mean(inside) >= 0.75


def test_best_split_is_the_closed_form():
    law = ScalingLaw("chinchilla", draws=100).fit(table(noise=0.001))
    budget = 1e22
    found = law.allocate(budget)
    alpha, beta, a, b = (TRUTH[name] for name in ("alpha", "beta", "A", "B"))
    gain = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
    best = gain * (budget / 6) ** (beta / (alpha + beta))
    assert found.params == pytest.approx(best, rel=0.15)
    assert found.params_lower < best < found.params_upper
    assert 6 * found.params * found.tokens == pytest.approx(budget)


def test_inference_makes_the_best_model_smaller():
    law = ScalingLaw("chinchilla", draws=20).fit(table(noise=0.001))
    train, use = law.cheapest(2.3), law.cheapest(2.3, inference_tokens=1e13)
    assert use.params < train.params
    assert use.tokens > train.tokens
    for one in (train, use):
        assert loss_of(one.params, one.tokens) == pytest.approx(2.3, rel=0.01)
    with pytest.raises(CannotForecastError, match="PRED219"):
        law.cheapest(1.7)


def test_limited_data_are_read_again():
    frame = runs(sizes=6, amounts=6).assign(unique_tokens=lambda f: np.minimum(f["tokens"], 4e9))
    law = ScalingLaw("data-constrained", draws=20).fit(frame)
    assert law.allocate(1e21, unique_tokens=1e9).epochs > 1


def test_over_training_costs_compute():
    law = ScalingLaw("chinchilla", draws=2).fit(table())
    same = law.overtrain(1e9, 20e9)
    more = law.overtrain(1e9, 2000e9)
    assert 0.999 < same["extra_flops"] < more["extra_flops"]
    assert more["loss"] > more["optimal_loss"]


def test_it_follows_scikit_learn():
    law = ScalingLaw("overtrained", draws=3, level=0.8)
    assert clone(law).get_params() == law.get_params()
    frame = runs()
    by_table = law.fit(frame).predict(frame)
    by_columns = ScalingLaw("overtrained", draws=3).fit(*frame.to_numpy().T).predict(frame)
    assert by_table == pytest.approx(by_columns)
    assert law.conf_int().shape == (4, 2)
    assert "objective" in law.summary()


@pytest.mark.parametrize(
    ("frame", "kind", "message"),
    [
        (runs()[:3], CannotForecastError, "PRED201"),
        (runs().assign(loss=-1.0), InputError, "positive"),
        (runs().drop(columns="loss"), InputError, "loss"),
        (runs().assign(loss="x"), InputError, "number"),
    ],
)
def test_tables_that_carry_nothing(frame, kind, message):
    with pytest.raises(kind, match=message):
        ScalingLaw("chinchilla").fit(frame)


@pytest.mark.parametrize("axis", ["params", "tokens"])
def test_one_size_or_one_amount_of_data_splits_no_budget(axis):
    law = ScalingLaw("auto", draws=20).fit(
        runs(noise=0.003, **({"sizes": 1, "amounts": 9} if axis == "params" else
                             {"sizes": 9, "amounts": 1}))
    )  # fmt: skip
    with pytest.raises(CannotForecastError, match="PRED203"):
        law.allocate(1e21)
    there = float(law.table_.runs[axis].iloc[0])
    on = {"params": 1e8, "tokens": 1e10} | {axis: there}
    assert law.forecast(on)[0].value is not None
    (off,) = law.forecast(on | {axis: 30 * there})
    assert off.value is None
    assert "PRED223" in off.warnings


def test_equal_losses_carry_nothing():
    with pytest.raises(CannotForecastError, match="same loss"):
        ScalingLaw(draws=5).fit(runs().assign(loss=3.0))


def test_front_falls_with_compute():
    law = ScalingLaw("chinchilla", draws=2).fit(table())
    front = law.frontier([1e19, 1e20, 1e21])
    assert front["loss"].is_monotonic_decreasing
    assert front["params"].is_monotonic_increasing


def codes(frame):
    law = ScalingLaw("auto", draws=20).fit(frame)
    return {finding.code for finding in law.findings_}


def test_what_is_wrong_with_a_table_is_named():
    one_ratio = pd.DataFrame({"params": np.geomspace(1e7, 1e9, 8)})
    one_ratio["tokens"] = 20 * one_ratio["params"]
    one_ratio["loss"] = loss_of(one_ratio["params"], one_ratio["tokens"])
    assert "PRED202" in codes(one_ratio)
    law = ScalingLaw("auto", draws=20).fit(one_ratio)
    with pytest.raises(CannotForecastError, match="PRED202"):
        law.allocate(1e21)
    assert "PRED205" in codes(pd.concat([runs(noise=0.01), runs(noise=0.01)]))
    assert "PRED207" in codes(runs(noise=0.001).assign(loss=lambda f: f["loss"] / np.log(2)))
    wild = runs(noise=0.002, sizes=6, amounts=6)
    wild.loc[3, "loss"] *= 1.5
    assert "PRED206" in codes(wild)
    forecast = ScalingLaw("auto", draws=20).fit(runs(noise=0.01)).forecast(
        {"params": 1e12, "tokens": 1e14}
    )  # fmt: skip
    assert "PRED208" in forecast[0].warnings
