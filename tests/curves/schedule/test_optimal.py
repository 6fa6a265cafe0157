"""The best schedule by a law: never rising, better than those in use, its gradient exact."""

from __future__ import annotations

import numpy as np
import pytest

from predictor import Schedule, ScheduleLaw, optimal_schedule
from predictor.curves.schedule.calibration import Backtests
from predictor.curves.schedule.fitting import ScheduleFit
from predictor.curves.schedule.optimal import _edges, _ending, _loss_of
from predictor.errors import InputError

PEAK, STEPS, WARMUP = 3e-4, 24_000, 2000
PARAMS = {
    "multi-power": np.array([2.6, 25.0, 0.13, 0.47, 0.012, 0.9, 0.55]),
    "annealing": np.array([2.6, 25.0, 0.13, 0.47, 300.0]),
}


def model_of(law):
    model = ScheduleLaw(law=law)
    size = len(PARAMS[law])
    model.fit_ = ScheduleFit(law, PARAMS[law], np.zeros((size, size)), PEAK, 6.0, 1e-3, 0.0, True)
    model.backtests_ = Backtests(np.empty(0), np.nan)
    model.runs_ = ()
    return model


def loss_at_end(model, schedule):
    return float(model.predict(schedule, np.array([STEPS]))[0])


def rivals(end):
    for decay in range(14_000, 23_501, 1000):
        for shape in ("linear", "exponential", "cosine", "sqrt"):
            yield Schedule.wsd(PEAK, STEPS, decay, max(end, 1e-6), WARMUP, shape)
    yield Schedule.cosine(PEAK, STEPS, end, WARMUP)
    yield Schedule.linear(PEAK, STEPS, end, WARMUP)
    yield Schedule.constant(PEAK, STEPS, WARMUP)
    yield Schedule.inverse_sqrt(PEAK, STEPS, WARMUP, end)


@pytest.mark.parametrize("law", PARAMS)
@pytest.mark.parametrize("end", [0.0, 3e-5])
def test_best_never_rises_and_beats_every_schedule_in_use(law, end):
    model = model_of(law)
    best = optimal_schedule(model, STEPS, PEAK, warmup=WARMUP, end=end)
    after = best.lr[best.step >= WARMUP]
    assert (np.diff(after) <= 1e-18).all()
    assert after[0] == pytest.approx(PEAK)
    assert after[-1] >= end
    assert best.steps == STEPS
    least = loss_at_end(model, best)
    assert all(least <= loss_at_end(model, other) + 1e-5 for other in rivals(end))


@pytest.mark.parametrize("law", PARAMS)
@pytest.mark.parametrize("warmup", [0, 2000])
def test_loss_and_gradient_are_those_of_the_law(law, warmup):
    model = model_of(law)
    edges = _edges(warmup, STEPS)
    loss = _loss_of(model.fit_, _ending(edges, warmup, PEAK))
    rates = PEAK * np.linspace(1, 0.1, len(edges)) ** 1.3
    head = ([0.0], [0.0]) if warmup else ([], [])
    plan = Schedule(np.r_[head[0], edges], np.r_[head[1], rates])
    value, slope = loss(rates)
    assert value == pytest.approx(loss_at_end(model, plan), abs=5e-4)
    for k in (0, 1, len(edges) // 2, len(edges) - 2, len(edges) - 1):
        up, down = rates.copy(), rates.copy()
        up[k] += 1e-9
        down[k] -= 1e-9
        numeric = (loss(up)[0] - loss(down)[0]) / 2e-9
        assert slope[k] == pytest.approx(numeric, rel=1e-4, abs=1e-3)


def test_without_warm_up_it_starts_at_the_peak():
    best = optimal_schedule(model_of("multi-power"), 5000)
    assert best.rate(np.array([1.0]))[0] == pytest.approx(PEAK)
    assert best.peak == pytest.approx(PEAK)


def test_longer_training_ends_lower():
    model = model_of("multi-power")
    ends = [
        model.predict(optimal_schedule(model, steps), np.array([steps]))[0]
        for steps in (5e3, 2e4, 8e4)
    ]
    assert ends[0] > ends[1] > ends[2]


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 0},
        {"warmup": 6000},
        {"warmup": -1},
        {"peak": 0.0},
        {"end": 1.0},
        {"steps": np.inf},
    ],
)
def test_numbers_that_make_no_schedule(settings):
    with pytest.raises(InputError, match="optimal schedule: steps must lie after warmup"):
        optimal_schedule(model_of("multi-power"), **({"steps": 5000} | settings))


def test_law_must_be_fitted():
    with pytest.raises(InputError, match="not fitted yet"):
        optimal_schedule(ScheduleLaw(), 5000)
