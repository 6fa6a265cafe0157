"""What may not change a fit or a forecast: copies, order, units; and what widens an interval."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from predictor.curves.forecasting import forecast_curves
from predictor.curves.prepared import prepare
from predictor.fitting.fit import fit_law
from predictor.fitting.laws import LAWS, POWER
from predictor.fitting.solver import solve

SEEDS = st.integers(0, 2**32 - 1)
UNITS = st.floats(-9, 9).map(lambda power: 10.0**power)
X = np.geomspace(10, 1000, 16)


def curve(seed, sd=0.01):
    """Return a noisy power law, its parameters drawn too."""
    rng = np.random.default_rng(seed)
    c, a, b = rng.uniform(0.5, 3), rng.uniform(2, 8), rng.uniform(0.3, 0.9)
    return (c + a * X**-b) * np.exp(rng.normal(scale=sd, size=len(X)))


def ahead(x, y, at, metric="loss", **settings):
    return forecast_curves([prepare(x, y, metric)], [np.array([at])], **settings)[0]


def numbers(found):
    return np.array([found.value[0], found.lower[0], found.upper[0]])


@settings(max_examples=25, deadline=None)
@given(
    SEEDS, st.lists(st.integers(0, 3), min_size=16, max_size=16), st.sampled_from([0.01, np.inf])
)
def test_weight_k_equals_k_copies(seed, weights, delta):
    weights = np.array(weights)
    weights[[0, 5, 10, 15]] += 1  # so that enough different points are left
    y = curve(seed)
    weighted = solve(POWER, X, y, weights.astype(float), delta=delta, n_starts=3)
    copied = solve(POWER, np.repeat(X, weights), np.repeat(y, weights), delta=delta, n_starts=3)
    assert weighted.objective[0] == pytest.approx(copied.objective[0], rel=1e-7)
    np.testing.assert_allclose(
        POWER.value(X[None], weighted.params), POWER.value(X[None], copied.params), rtol=1e-4
    )


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.permutations(range(16)), st.sampled_from(list(LAWS)))
def test_order_of_the_points_does_not_matter_to_a_fit(seed, order, name):
    y, order, law = curve(seed), np.array(order), LAWS[name]
    one, other = (solve(law, X[k], y[k], n_starts=2) for k in (np.arange(16), order))
    assert other.objective[0] == pytest.approx(one.objective[0], rel=1e-6)


@settings(max_examples=6, deadline=None)
@given(SEEDS, st.permutations(range(16)))
def test_order_of_the_points_does_not_matter_to_a_forecast(seed, order):
    y, order = curve(seed), np.array(order)
    one, other = ahead(X, y, 3000.0), ahead(X[order], y[order], 3000.0)
    np.testing.assert_array_equal(numbers(one), numbers(other))


@settings(max_examples=8, deadline=None)
@given(SEEDS, UNITS)
def test_unit_of_x_does_not_matter_to_a_forecast(seed, unit):
    y = curve(seed)
    plain, scaled = ahead(X, y, 3000.0), ahead(unit * X, y, unit * 3000.0)
    # The solver stops at a relative 1e-8 of its objective, near its root in the parameters.
    np.testing.assert_allclose(numbers(scaled), numbers(plain), rtol=1e-4)
    assert scaled.codes == plain.codes


@settings(max_examples=8, deadline=None)
@example(182, 1e-9)
@given(SEEDS, UNITS)
def test_forecast_of_a_loss_scales_with_its_unit(seed, unit):
    y = curve(seed)
    plain, scaled = ahead(X, y, 3000.0), ahead(X, unit * y, 3000.0)
    np.testing.assert_allclose(numbers(scaled), unit * numbers(plain), rtol=1e-5)
    assert scaled.codes == plain.codes


@settings(max_examples=8, deadline=None)
@given(SEEDS, UNITS, st.floats(-1e3, 1e3))
def test_forecast_of_a_reward_follows_unit_and_origin(seed, unit, shift):
    y = -curve(seed, sd=0.003) - 1
    unit = float(np.clip(unit, 1e-2, 1e6))
    plain, moved = (ahead(X, v, 3000.0, "reward") for v in (y, unit * (y - abs(shift))))
    expected = unit * (numbers(plain) - abs(shift))
    np.testing.assert_allclose(numbers(moved), expected, rtol=1e-5, atol=1e-4 * unit)


@settings(max_examples=8, deadline=None)
@given(
    SEEDS,
    st.sampled_from(["loss", "accuracy", "reward"]),
    st.lists(st.floats(0.05, 0.995), min_size=2, max_size=4, unique=True).map(sorted),
    st.floats(1.05, 30),
)
def test_intervals_are_nested_in_the_level(seed, metric, levels, ratio):
    y = curve(seed)
    y = y if metric == "loss" else 1 - y / (1.2 * y.max())
    found = [ahead(X, y, 1000 * ratio, metric, level=level) for level in levels]
    for narrow, wide in pairwise(found):
        if np.isfinite(wide.value[0]):
            assert wide.lower[0] <= narrow.lower[0] <= narrow.value[0]
            assert narrow.value[0] <= narrow.upper[0] <= wide.upper[0]


@settings(max_examples=6, deadline=None)
@given(SEEDS, st.sampled_from(list(LAWS)), st.floats(0.1, 0.8), st.floats(0.01, 0.19))
def test_bootstrap_intervals_are_nested_in_the_level(seed, name, level, more):
    fit = fit_law(LAWS[name], X, curve(seed), draws=40, n_starts=2)
    places = np.array([500.0, 5000.0])
    narrow, wide = fit.predict_interval(places, level), fit.predict_interval(places, level + more)
    assert (wide[:, 0] <= narrow[:, 0]).all()
    assert (narrow[:, 1] <= wide[:, 1]).all()
    inner, outer = fit.conf_int(level), fit.conf_int(level + more)
    assert (outer["lower"] <= inner["lower"]).all()
    assert (inner["upper"] <= outer["upper"]).all()
