"""Fits of schedule laws: known parameters found again, units, transfer, intervals, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from predictor import RunLog, Schedule, ScheduleLaw
from predictor.curves.schedule.calibration import Backtests
from predictor.curves.schedule.fitting import ScheduleFit, fit_runs
from predictor.curves.schedule.observed import ObservedRun, observe
from predictor.errors import InputError

PEAK = 3e-4
PLANS = {
    "cosine": Schedule.cosine(PEAK, 24_000, end=3e-5, warmup=2000),
    "constant": Schedule.constant(PEAK, 24_000, warmup=2000),
    "wsd": Schedule.wsd(PEAK, 24_000, decay=20_000, end=3e-5, warmup=2000),
    "step": Schedule(
        np.array([0.0, 2000, 7999, 8000, 16_000]), np.array([0.0, PEAK, PEAK, 9e-5, 9e-5])
    ),
}
#: In peak units: L0, A, B, alpha, C, beta, gamma; near what is known beforehand.
TRUE = np.array([2.6, 25.0, 0.12, 0.47, 0.012, 1.0, 0.5])
AT = np.arange(2100.0, 16_001, 200)


def truth(params=TRUE, peak=PEAK, law="multi-power"):
    return ScheduleFit(law, params, np.zeros((len(params),) * 2), peak, 1.0, 1e-3, 0.0, True)


def run_under(name, noise=0.0, seed=0, plan=None, last=16_000, source=None):
    plan = plan or PLANS[name]
    at = AT[min(last, plan.steps) >= AT]
    wobble = np.exp(np.random.default_rng(seed).normal(scale=noise, size=len(at)))
    return observe(name, plan, at, (source or truth()).value(plan, at) * wobble)


TRAIN = [run_under("cosine"), run_under("constant"), run_under("step")]


def test_parameters_of_a_noiseless_law_are_found_again():
    fit = fit_runs(TRAIN)
    assert fit.converged
    np.testing.assert_allclose(fit.params, TRUE, rtol=0.05)


def test_annealing_parameters_are_found_again():
    true = np.array([2.6, 25.0, 0.12, 0.47, 350.0])
    source = truth(true, law="annealing")
    runs = [run_under(name, source=source) for name in ("cosine", "constant", "step")]
    np.testing.assert_allclose(fit_runs(runs, "annealing").params, true, rtol=0.03)


def test_another_schedule_is_forecast():
    model = ScheduleLaw(law="multi-power").fit(TRAIN)
    plan, at = PLANS["wsd"], np.array([21_000.0, 24_000.0])
    said, came = model.predict(plan, at), truth().value(plan, at)
    np.testing.assert_allclose(said, came, rtol=2e-3)
    ends = model.predict_interval(plan, at)
    assert ((ends[:, 0] < came) & (came < ends[:, 1])).all()


def test_rest_of_a_run_is_forecast_from_its_first_half():
    half = run_under("cosine", noise=3e-4, last=12_000)
    model = ScheduleLaw().fit([half])
    end = np.array([24_000.0])
    assert model.predict(PLANS["cosine"], end)[0] == pytest.approx(
        truth().value(PLANS["cosine"], end)[0], rel=0.01
    )


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("law", ["multi-power", "annealing"])
def test_unit_of_the_learning_rate_does_not_matter(unit, law):
    model = ScheduleLaw(law=law).fit(TRAIN)
    scaled = [
        ObservedRun(r.run, Schedule(r.schedule.step, unit * r.schedule.lr), r.step, r.value, 1)
        for r in TRAIN
    ]
    other = ScheduleLaw(law=law).fit(scaled)
    plan = PLANS["wsd"]
    at = np.array([22_000.0])
    again = Schedule(plan.step, unit * plan.lr)
    assert other.predict(again, at)[0] == pytest.approx(model.predict(plan, at)[0], rel=1e-9)
    np.testing.assert_allclose(
        other.predict_interval(again, at), model.predict_interval(plan, at), rtol=1e-7
    )


def test_named_parameters_are_those_of_the_paper():
    """The paper's formula in its own units gives what ``value`` gives in units of the peak."""
    named = truth().named()
    lr = PLANS["step"].rate(np.arange(16_001))
    area = np.cumsum(lr)
    t, k = 10_000, np.arange(1, 10_001)
    risen = named["C"] * lr[k] ** -named["gamma"] * (area[t] - area[k - 1])
    drop = named["B"] * ((lr[k - 1] - lr[k]) * (1 - (1 + risen) ** -named["beta"])).sum()
    by_paper = named["L0"] + named["A"] * area[t] ** -named["alpha"] - drop
    here = truth().value(PLANS["step"], np.array([10_000.0]))[0]
    assert here == pytest.approx(by_paper, abs=1e-4)


def test_annealing_names():
    named = truth(np.array([2.6, 25.0, 0.12, 0.47, 350.0]), law="annealing").named()
    assert named["lambda"] == pytest.approx(np.exp(-1 / 350))
    assert named["C"] / (1 - named["lambda"]) == pytest.approx(0.12 / PEAK)
    assert "B" not in named


def test_intervals_are_nested_in_the_level_and_wider_with_less_known():
    model = ScheduleLaw(law="multi-power").fit(TRAIN)
    plan, at = PLANS["wsd"], np.array([12_000.0, 24_000.0])
    halves = [np.ptp(model.predict_interval(plan, at, level), axis=1) for level in (0.5, 0.9, 0.99)]
    assert (np.diff(halves, axis=0) > 0).all()
    blind = ScheduleLaw(law="multi-power").fit([TRAIN[1]])
    # A constant rate tells nothing of what a fall brings.
    assert np.ptp(blind.predict_interval(plan, at[1:])) > 2 * halves[1][1]


def test_prior_stands_in_where_runs_tell_nothing_of_falls():
    fit = fit_runs([run_under("constant")])
    assert fit.params[2] == pytest.approx(0.035 * 2.85, rel=0.1)


def test_own_misses_widen_the_interval():
    scores = np.array([4.0, 0.5, 0.5])
    assert Backtests(scores, 0.0).widening == pytest.approx(4**0.5)
    assert Backtests(np.array([0.2] * 5), 0.0).widening == 1
    assert Backtests(np.empty(0), np.nan).widening == 1


def test_runs_that_do_not_agree_have_wider_intervals():
    off = [run_under("cosine"), run_under("constant")]
    step = run_under("step")
    off.append(ObservedRun("step", step.schedule, step.step, 1.05 * step.value, 1))
    one, other = (ScheduleLaw(law="multi-power").fit(runs) for runs in (TRAIN, off))
    at = np.array([24_000.0])
    narrow, wide = (np.ptp(m.predict_interval(PLANS["wsd"], at)) for m in (one, other))
    assert wide > 2 * narrow


def test_auto_takes_the_law_that_holds():
    true = np.array([2.6, 25.0, 0.15, 0.47, 1500.0])
    runs = [
        run_under(name, source=truth(true, law="annealing"))
        for name in ("cosine", "constant", "step", "wsd")
    ]
    assert ScheduleLaw().fit(runs).fit_.law == "annealing"
    assert ScheduleLaw().fit(TRAIN).fit_.law == "multi-power"


def test_log_is_fitted_as_its_runs_are():
    frames = [
        pd.DataFrame(
            {"run": r.run, "metric": "loss", "step": r.step, "value": r.value,
             "lr": r.schedule.rate(r.step)}
        )
        for r in TRAIN
    ]  # fmt: skip
    log = RunLog.from_points(pd.concat(frames))
    model = ScheduleLaw(law="multi-power", warmup=2000).fit(log)
    assert [run.run for run in model.runs_] == ["cosine", "constant", "step"]
    at = np.array([24_000.0])
    expected = truth().value(PLANS["wsd"], at)[0]
    assert model.predict(PLANS["wsd"], at)[0] == pytest.approx(expected, rel=2e-3)
    assert "multi-power law of loss on 3 runs" in model.summary()
    assert model.params["L0"] == pytest.approx(2.6, rel=0.02)


def test_forecasts_are_named_by_the_schedule():
    model = ScheduleLaw(law="multi-power").fit(TRAIN)
    found = model.forecast(PLANS["wsd"], [20_000, 24_000])
    assert [(f.run, f.at["step"], f.law) for f in found] == [
        ("wsd", 20_000.0, "multi-power"), ("wsd", 24_000.0, "multi-power"),
    ]  # fmt: skip
    assert found[1].extrapolation == pytest.approx(24_000 / 15_900)
    assert found[1].lower < found[1].value < found[1].upper


def test_is_an_estimator():
    model = ScheduleLaw(law="annealing", metric="val_loss", warmup=5.0, level=0.8)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(InputError, match="not fitted yet"):
        model.predict(PLANS["wsd"], np.array([10.0]))


def test_very_many_points_are_averaged_and_fit_alike():
    at = np.arange(2001.0, 16_001)
    plan = PLANS["step"]
    long = observe("step", plan, at, truth().value(plan, at))
    assert long.points == len(at)
    assert len(long.step) <= 2 * 256
    assert not ((long.step > 7999) & (long.step < 8000)).any()
    fit = fit_runs([TRAIN[0], TRAIN[1], long])
    np.testing.assert_allclose(fit.params, TRUE, rtol=0.05)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: ScheduleLaw(law="power").fit(TRAIN), "no schedule law 'power'"),
        (lambda: ScheduleLaw().fit([]), "none is"),
        (lambda: observe("a", PLANS["cosine"], AT[:5], AT[:5]), "5 points after the warm-up"),
        (lambda: observe("a", PLANS["cosine"], AT, -AT), "positive loss"),
        (lambda: observe("a", PLANS["cosine"], AT, AT[:5]), "one value a step"),
        (
            lambda: ScheduleLaw().fit(TRAIN).predict(PLANS["wsd"], np.array([24_500.0])),
            "up to the schedule's end at 24000",
        ),
    ],
)
def test_refusals(work, message):
    with pytest.raises(InputError, match=message):
        work()
