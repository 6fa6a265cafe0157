"""Methods weighed by leave-largest-out, and what cannot be forecast."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.difficulty.methods import methods_of
from predictor.difficulty.outlook import outlook
from predictor.difficulty.suite import forecast_suite
from predictor.difficulty.watch import watch
from predictor.errors import InputError

from .conftest import SIZE, item_ladder, score_ladder

RISING = np.exp(-3 * (SIZE / SIZE[0]) ** -0.2)


def said(ladder, flops=3e22, **settings):
    found = outlook(ladder, [ladder.place(flops=flops)], draws=40, **settings)
    return found, found.forecasts[0]


def test_auto_forecasts_and_says_how():
    found, forecast = said(score_ladder(RISING))
    truth = np.exp(-3 * (3e22 / SIZE[0]) ** -0.2)
    assert forecast.value == pytest.approx(truth, abs=0.02)
    assert forecast.lower <= truth <= forecast.upper
    assert sum(found.weights.values()) == pytest.approx(1)
    assert set(found.weights) <= set(found.each)
    assert "two-step" in found.missing
    assert found.backtest_errors["last"] > found.backtest_errors["exp"]


def test_interval_covers_over_seeds():
    inside = []
    for seed in range(6):
        ladder, truth, _ = item_ladder(seed=seed, trials=20)
        _, forecast = said(ladder, 30 * SIZE[-1])
        inside.append(forecast.lower <= truth <= forecast.upper)
    assert np.mean(inside) >= 0.8


@pytest.mark.parametrize("name", ["cod", "end-to-end", "last", "exp", "pass-rate", "bnsl"])
def test_every_method_by_its_name(name):
    ladder, truth, _ = item_ladder()
    _, forecast = said(ladder, 30 * SIZE[-1], methods=methods_of(name))
    assert forecast.value == pytest.approx(truth, abs=0.35)


def test_unknown_method_is_refused():
    with pytest.raises(InputError, match="two-step"):
        methods_of("twostep")


def codes(ladder, flops=3e22):
    return set(said(ladder, flops)[1].warnings)


def test_what_cannot_be_forecast_is_said():
    assert "PRED401" in codes(score_ladder([0.5], sizes=SIZE[:1]), 1e20)
    flat = score_ladder(np.full(8, 0.25), chance=0.25)
    _, forecast = said(flat)
    assert forecast.value is None
    assert {"PRED402", "PRED408"} & set(forecast.warnings)
    falling = score_ladder(RISING[::-1])
    assert "PRED403" in codes(falling)
    few, _, _ = item_ladder(per_group=3)
    assert "PRED405" in codes(few)
    assert "PRED406" in codes(score_ladder(RISING), 1e25)


def test_items_missing_for_some_models_are_borne():
    ladder, truth, _ = item_ladder()
    rates, trials = ladder.rates.copy(), ladder.trials.copy()
    rates[:20, 2], trials[:20, 2] = np.nan, 0.0
    from dataclasses import replace

    _, forecast = said(replace(ladder, rates=rates, trials=trials), 30 * SIZE[-1])
    assert forecast.value == pytest.approx(truth, abs=0.06)


def test_suite_average_and_watch():
    easy, hard = (score_ladder(np.exp(-k * (SIZE / SIZE[0]) ** -0.2)) for k in (1.0, 3.0))
    from dataclasses import replace

    both = [replace(easy, benchmark="easy"), replace(hard, benchmark="hard")]
    suite = forecast_suite(both, [{"flops": 3e22}], weights={"easy": 3, "hard": 1}, draws=20)
    values = [f.value for f in suite.forecasts]
    assert values[2] == pytest.approx((3 * values[0] + values[1]) / 4)
    (low,) = watch(suite.outlooks, {"easy": 0.05})
    assert (low.code, "below" in low.message) == ("PRED419", True)
    assert watch(suite.outlooks, {"easy": values[0]}) == []
    with pytest.raises(InputError, match="no benchmark 'eesy'"):
        watch(suite.outlooks, {"eesy": 0.5})
    with pytest.raises(InputError, match="between 0 and 1"):
        watch(suite.outlooks, {"easy": 50.0})
