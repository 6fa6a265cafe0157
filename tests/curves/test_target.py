"""When a target is reached, on distributions that one can invert by hand."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.curves.forecasting import CurveForecast
from predictor.curves.predictive import LEVELS, Predictive
from predictor.curves.prepared import prepare
from predictor.curves.target import stop_place, when_reached
from predictor.errors import InputError

PLACES = np.geomspace(100, 10_000, 200)


def outcome(centre, half, metric="loss", values=None):
    """Return a forecast with this median of log(loss) and the same half widths at every place.

    Half widths are proportional to -log(1 - level), so that the tail is exponential throughout.
    """
    x = np.geomspace(10, 100, 10)
    curve = prepare(x, 1 + 10 / x if values is None else values, metric)
    shape = -np.log1p(-np.array(LEVELS))[:, None]
    widths = half * shape * np.ones_like(PLACES)
    predictive = Predictive(curve, centre, widths)
    lower, upper = predictive.interval(0.9)
    codes = ((),) * len(PLACES)
    return CurveForecast(PLACES, predictive.median(), lower, upper, codes, (), {}, predictive)


def test_a_power_law_is_inverted_exactly():
    # log loss = -0.1 log x: the loss gets to 0.5 where x^-0.1 = 0.5, that is at 2^10.
    reach = when_reached(outcome(-0.1 * np.log(PLACES), 0.01), 0.5, 0.9)
    assert reach.value == pytest.approx(1024)
    # The edges are shifted by half = 0.01 log(10): by a factor exp(half / 0.1) on the axis.
    factor = 10**0.1
    assert reach.lower == pytest.approx(1024 / factor)
    assert reach.upper == pytest.approx(1024 * factor)
    assert reach.reachable == pytest.approx(1.0, abs=1e-6)
    assert reach.horizon == pytest.approx(10_000)


def test_the_probability_is_the_largest_on_the_way():
    # The median falls to 0.6 half way and rises again: only the dip counts.
    dip = np.log(0.6) + 0.2 * np.abs(np.log(PLACES / PLACES[100]))
    reach = when_reached(outcome(dip, 0.1), 0.5, 0.9)
    distance = np.log(0.6 / 0.5)
    assert reach.value is None
    assert reach.reachable == pytest.approx(0.5 * np.exp(-distance / 0.1), rel=1e-6)


def test_an_asymptote_above_the_target_is_not_reached():
    reach = when_reached(outcome(np.full(200, np.log(0.6)), 0.02), 0.5, 0.9)
    assert (reach.value, reach.lower, reach.upper) == (None, None, None)
    assert reach.reachable == pytest.approx(0.5 * np.exp(-np.log(1.2) / 0.02), rel=1e-6)


def test_a_higher_level_is_never_narrower():
    one = outcome(-0.1 * np.log(PLACES), 0.02)
    narrow, wide = when_reached(one, 0.5, 0.5), when_reached(one, 0.5, 0.9)
    assert wide.lower < narrow.lower < narrow.value == wide.value
    assert narrow.upper < wide.upper


def test_what_the_log_has_reached_is_told_from_the_log():
    # 1 + 10 / x gets to 1.5 at 20; interpolated on the log axis between two logged places.
    reach = when_reached(outcome(np.zeros(200), 0.02), 1.5, 0.9)
    assert reach.logged
    assert reach.value == reach.lower == reach.upper == pytest.approx(20, rel=0.02)
    assert reach.reachable == 1.0


def test_an_accuracy_is_reached_from_below():
    x = np.geomspace(10, 100, 10)
    rising = outcome(np.log(0.5) - 0.1 * np.log(PLACES / 100), 0.001, "accuracy", 1 - 0.9 * x**-0.1)
    # Distance to 1 is 0.5 (x / 100)^-0.1: accuracy 0.6 where (x / 100)^-0.1 = 0.8.
    reach = when_reached(rising, 0.6, 0.9)
    assert reach.value == pytest.approx(100 * 0.8**-10, rel=1e-6)
    assert reach.lower < reach.value < reach.upper


def test_silent_places_end_the_horizon():
    centre = np.where(PLACES < 1000, -0.01 * np.log(PLACES), np.nan)
    reach = when_reached(outcome(centre, 0.01), 0.5, 0.9)
    assert reach.horizon < 1000
    assert reach.value is None
    nothing = when_reached(outcome(np.full(200, np.nan), 0.01), 0.5, 0.9)
    assert nothing.reachable is None


@pytest.mark.parametrize(
    ("metric", "target", "message"),
    [
        ("accuracy", 1.2, "never lies above 1"),
        ("loss", -0.5, "never lies below 0"),
        ("loss", np.nan, "finite"),
    ],
)
def test_targets_that_cannot_be_are_refused(metric, target, message):
    values = np.linspace(0.2, 0.4, 10)
    with pytest.raises(InputError, match=message):
        when_reached(outcome(np.zeros(200), 0.01, metric, values), target, 0.9)


def test_stop_where_the_slope_of_a_power_law_says():
    # loss = x^-0.5: one per cent more gains 0.5 x^-0.5 log(1.01); it is 1e-4 at (0.5 * ...)^2.
    place = stop_place(outcome(-0.5 * np.log(PLACES), 0.01), 1e-4)
    assert place == pytest.approx((0.5 * np.log(1.01) / 1e-4) ** 2, rel=1e-3)
    # Per unit of the axis: 0.5 x^-1.5 = 1e-5 at (0.5e5)^(2/3).
    place = stop_place(outcome(-0.5 * np.log(PLACES), 0.01), 1e-5, "unit")
    assert place == pytest.approx(0.5e5 ** (2 / 3), rel=1e-3)


def test_stop_now_and_never():
    flat = outcome(np.zeros(200), 0.01)
    assert stop_place(flat, 1e-6) == PLACES[0]
    assert stop_place(outcome(-0.5 * np.log(PLACES), 0.01), 0.0) is None
