"""Forecasts of prepared curves: intervals, ranges, and what to beware of."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.curves.forecasting import as_forecasts, forecast_curves
from predictor.curves.outlook import AUTO
from predictor.curves.prepared import prepare
from predictor.curves.rates import Doubt
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.laws import LAWS

X = np.geomspace(10, 1000, 25)
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)


def noise(seed, size=25, sd=0.01):
    return np.exp(np.random.default_rng(seed).normal(scale=sd, size=size))


def loss(seed=0, sd=0.01, c=2.0, b=0.5):
    return (c + 5 * X**-b) * noise(seed, sd=sd)


def ahead(y, at=3000.0, metric="loss", x=X, **settings):
    """Forecast one curve at one or several places."""
    places = np.atleast_1d(np.asarray(at, dtype=float))
    return forecast_curves([prepare(x, y, metric)], [places], **settings)[0]


def codes(y, at=3000.0, **settings):
    return set(ahead(y, at, **settings).codes[0])


@pytest.mark.parametrize(
    ("metric", "y", "truth"),
    [
        ("loss", 2 + 5 * X**-0.5, 2 + 5 * 3000**-0.5),
        ("accuracy", 0.9 - 2 * X**-0.5, 0.9 - 2 * 3000**-0.5),
        ("accuracy", 90 - 200 * X**-0.5, 90 - 200 * 3000**-0.5),
        ("reward", 50 - 200 * X**-0.5, 50 - 200 * 3000**-0.5),
        ("reward", -20 - 200 * X**-0.5, -20 - 200 * 3000**-0.5),
        ("policy_loss", -3 + 5 * X**-0.5, -3 + 5 * 3000**-0.5),
    ],
)
def test_noiseless_curve_falling_or_rising(metric, y, truth):
    y = np.where(y < 0, 0.0, y) if metric == "accuracy" else y
    found = ahead(y, metric=metric)
    moved = abs(truth - y[-1])
    assert abs(found.value[0] - truth) < 0.15 * moved
    assert found.lower[0] < found.value[0] < found.upper[0]
    assert found.lower[0] <= truth <= found.upper[0]


@pytest.mark.parametrize("law", ["auto", *LAWS])
def test_intervals_are_nested_in_the_level(law):
    found = [ahead(loss(), [1500.0, 4000.0], law=law, level=level) for level in LEVELS]
    for narrow, wide in pairwise(found):
        said = np.isfinite(wide.value)  # an interval that is too wide is not said
        assert said[0]
        assert (wide.lower <= narrow.lower)[said].all()
        assert (wide.upper >= narrow.upper)[said].all()
        np.testing.assert_array_equal(wide.value[said], narrow.value[said])


def test_intervals_are_nested_also_where_own_backtests_widen_them():
    # The end drops in a way that nothing before it foretold. Nine runs can calibrate .9 and not
    # .91: the wider level may not end up with the narrower interval.
    drop = np.where(X > 700, 0.9, 1.0)
    curves = [prepare(X, loss(k) * drop, "loss") for k in range(9)]
    places = [np.array([2000.0])] * 9
    found = [forecast_curves(curves, places, law="power", level=lv) for lv in (0.9, 0.91)]
    halves = [[np.log(one.upper[0] / one.value[0]) for one in many] for many in found]
    assert np.isfinite(halves).all()
    assert (np.diff(halves, axis=0) >= -1e-12).all()


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(["accuracy", "error_rate", "f1"]),
    st.floats(0.3, 1.0),
    st.floats(0.0, 3.0),
    st.floats(0.05, 2.0),
    st.floats(0.0, 0.1),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1.0, 100.0]),
)
def test_bounded_metrics_never_leave_their_range(metric, end, gain, b, sd, seed, unit):
    wobble = np.random.default_rng(seed).normal(scale=sd, size=25)
    share = np.clip(end - gain * (X / X[0]) ** -b + wobble, 0, 1)
    falls = metric == "error_rate"
    y = (1 - share) if falls else share * unit
    found = ahead(y, [500.0, 2000.0, 90_000.0], metric, level=0.99)
    ceiling = unit if not falls and y.max() > 1 else 1.0
    numbers = np.concatenate([found.value, found.lower, found.upper])
    numbers = numbers[np.isfinite(numbers)]
    assert ((numbers >= 0) & (numbers <= ceiling)).all()
    known = np.isfinite(found.value)
    assert (found.lower[known] <= found.value[known]).all()
    assert (found.value[known] <= found.upper[known]).all()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_too_few_points_say_nothing(count):
    found = ahead(loss()[:count], [3000.0, 9000.0], x=X[:count])
    assert np.isnan([found.value, found.lower, found.upper]).all()
    assert found.codes == (("PRED101",), ("PRED101",))
    points = "1 point at" if count == 1 else f"{count} points at"
    assert found.findings[0].message.startswith(points)
    assert all(not f.trusted for f in as_forecasts(found, "a", "loss", "step", "auto", 0.9))


def test_four_points_are_enough_to_say_something():
    found = ahead(loss(sd=1e-4)[-4:], 1200.0, x=X[-4:])
    assert np.isfinite(found.value).all()


def test_constant_curve_stays_and_is_said():
    found = ahead(np.full(25, 2.5))
    assert found.value[0] == pytest.approx(2.5, rel=1e-6)
    assert found.lower[0] <= 2.5 <= found.upper[0]
    assert "PRED104" in found.codes[0]


@pytest.mark.parametrize(("metric", "best"), [("accuracy", 1.0), ("error_rate", 0.0)])
def test_curve_at_its_best_throughout_cannot_be_forecast(metric, best):
    found = ahead(np.full(25, best), metric=metric)
    assert np.isnan(found.value).all()
    assert "PRED104" in found.codes[0]


def test_constant_reward():
    found = ahead(np.full(25, -7.0), metric="reward")
    assert found.value[0] == pytest.approx(-7.0)
    assert "PRED104" in found.codes[0]


def test_place_within_the_data_is_said_there_only():
    found = ahead(loss(), [500.0, 1000.0, 2000.0])
    assert ["PRED110" in c for c in found.codes] == [True, True, False]
    assert found.value[0] == pytest.approx(2 + 5 * 500**-0.5, rel=0.03)


def test_far_places():
    found = ahead(loss(), [9_000.0, 11_000.0, 99_000.0, 101_000.0])
    assert ["PRED102" in c for c in found.codes] == [False, True, True, True]
    assert "PRED114" in found.codes[3]
    assert "PRED114" not in found.codes[0]
    assert np.isfinite(found.value[:2]).all()
    assert np.isnan([found.value[3], found.lower[3], found.upper[3]]).all()
    assert len([f for f in found.findings if f.code == "PRED102"]) == 1


def test_interval_that_would_say_nothing_is_not_given():
    wild = 1 + np.random.default_rng(0).lognormal(sigma=2.0, size=25)
    found = ahead(wild, 50_000.0)
    assert "PRED114" in found.codes[0]
    assert np.isnan(found.upper[0])


def test_curve_that_gets_worse_again():
    # Falls for the first two thirds, then climbs back half of the way.
    y = loss(sd=1e-3)
    turned = np.where(X > 200, y + 0.6 * np.log(X / 200), y)
    assert "PRED109" in codes(turned)
    assert "PRED109" not in codes(y)


def test_falling_accuracy_gets_worse_too():
    y = 0.8 - 2 * X**-0.9
    turned = np.where(X > 200, y - 0.15 * np.log(X / 200), y)
    assert "PRED109" in codes(turned, metric="accuracy")
    assert "PRED109" not in codes(np.clip(y, 0, 1), metric="accuracy")


def test_nothing_but_noise():
    for seed in range(3):
        assert "PRED112" in codes(2.0 * noise(seed, sd=0.02))
        assert "PRED112" not in codes(loss(seed))


def test_changing_learning_rate():
    doubt = Doubt(Finding("PRED108", "it falls"), widen=3.0)
    assert "PRED108" in codes(loss(), doubts=[doubt])
    assert "PRED108" not in codes(loss(), doubts=[None])
    plain, wide = (ahead(loss(), [2000.0], doubts=[one]) for one in (None, doubt))
    assert wide.value == pytest.approx(plain.value)
    ratio = np.log(wide.upper / wide.lower) / np.log(plain.upper / plain.lower)
    assert ratio == pytest.approx(3.0)


def test_laws_that_disagree():
    x = np.geomspace(100, 1000, 8)
    y = 5 * x**-0.5 * noise(1, 8, 0.05)
    found = ahead(y, [1050.0, 50_000.0], x=x)
    assert ["PRED107" in c for c in found.codes] == [False, True]


@pytest.mark.parametrize(("count", "calibrated"), [(1, False), (8, False), (9, True)])
def test_enough_runs_calibrate_themselves(count, calibrated):
    curves = [prepare(X, loss(k, c=1.5 + 0.1 * k), "loss") for k in range(count)]
    found = forecast_curves(curves, [np.array([3000.0])] * count, law="inverse-sqrt")
    assert ["PRED106" in f.codes[0] for f in found] == [not calibrated] * count


def test_higher_level_needs_more_runs():
    curves = [prepare(X, loss(k), "loss") for k in range(12)]
    found = forecast_curves(curves, [np.array([3000.0])] * 12, law="power", level=0.95)
    assert all("PRED106" in f.codes[0] for f in found)
    assert "backtests at this distance: 12; 19 are needed" in found[0].findings[-1].message


def test_own_backtests_that_missed_widen_the_interval():
    drop = np.where(X > 700, 0.8, 1.0)
    curves = [prepare(X, loss(k) * drop, "loss") for k in range(12)]
    places = [np.array([2000.0])] * 12
    together = forecast_curves(curves, places, law="power")
    alone = [forecast_curves([one], places[:1], law="power")[0] for one in curves]
    for one, many in zip(alone, together, strict=True):
        assert many.value[0] == pytest.approx(one.value[0], rel=1e-6)
        assert many.upper[0] - many.lower[0] > 1.1 * (one.upper[0] - one.lower[0])


def test_few_runs_do_not_feel_each_other():
    short = prepare(X[:7], loss(1)[:7], "loss")
    places = [np.array([300.0]), np.array([3000.0])]
    together = forecast_curves([short, prepare(X, loss(2), "loss")], places)
    alone = forecast_curves([short], places[:1])
    for name in ("value", "lower", "upper"):
        assert getattr(together[0], name)[0] == pytest.approx(getattr(alone[0], name)[0], rel=1e-5)


def test_falling_and_rising_curves_in_one_call_keep_their_order():
    curves = [prepare(X, -1 - X**-0.5, "reward"), prepare(X, loss(), "loss"),
              prepare(X[:2], loss()[:2], "loss"), prepare(X, 0.9 - X**-0.5, "acc")]  # fmt: skip
    found = forecast_curves(curves, [np.array([2000.0])] * 4, runs=list("abcd"))
    assert [f.prepared for f in found] == curves
    assert found[0].value[0] < 0 < found[3].value[0] < 1 < found[1].value[0]
    assert np.isnan(found[2].value[0])
    assert {f.run for f in found[2].findings} == {"c"}


def test_shares_are_those_of_the_laws():
    assert sum(ahead(loss()).shares.values()) == pytest.approx(1.0)
    assert set(ahead(loss()).shares) == set(AUTO)
    assert ahead(loss(), law="mmf").shares == {"mmf": pytest.approx(1.0)}


def test_place_does_not_feel_which_others_are_asked():
    y, places = loss(sd=0.03), [2000.0, 5000.0, 60_000.0]
    together = ahead(y, places)
    for k, place in enumerate(places):
        alone = ahead(y, place)
        for name in ("value", "lower", "upper"):
            assert getattr(together, name)[k] == pytest.approx(getattr(alone, name)[0], rel=1e-6)
        assert set(together.codes[k]) == set(alone.codes[0])


def test_order_of_the_places_does_not_matter_to_runs_that_calibrate_each_other():
    curves = [prepare(X, loss(k) * np.where(X > 700, 0.9, 1.0), "loss") for k in range(9)]
    near, far = np.array([1200.0, 6000.0]), np.array([6000.0, 1200.0])
    one, other = (forecast_curves(curves, [places] * 9, law="power")[0] for places in (near, far))
    np.testing.assert_allclose(one.upper, other.upper[::-1], rtol=1e-9)


def test_same_seed_same_numbers():
    y = loss(sd=0.1)
    one, same = ahead(y, seed=3), ahead(y, seed=3)
    assert (one.value, one.lower, one.upper) == (same.value, same.lower, same.upper)


def test_progress_is_told():
    told = []
    curves = [prepare(X, loss(k), "loss") for k in range(3)]
    forecast_curves(
        curves, [np.array([2000.0])] * 3, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (3, 3)


def test_public_objects():
    found = as_forecasts(ahead(loss(), [2000.0, 200_000.0]), "a", "loss", "tokens", "auto", 0.9)
    assert [f.at for f in found] == [{"tokens": 2000.0}, {"tokens": 200_000.0}]
    assert [f.extrapolation for f in found] == [pytest.approx(2.0), pytest.approx(200.0)]
    assert [f.trusted for f in found] == [True, False]
    assert found[0].points == 25
    assert isinstance(found[0].value, float)


def test_unknown_law_is_refused():
    with pytest.raises(InputError, match="did you mean power"):
        ahead(loss(), law="powr")
