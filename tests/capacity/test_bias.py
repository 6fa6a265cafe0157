"""The bias: closed form against a search, its invariances, the published constants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from predictor import CannotForecastError
from predictor.capacity.bias import fit_bias, published_bias, shared_bias


def noisy_series(seed, sizes=(3, 2, 4, 1)):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.uniform(28, 38, size=len(groups))
    capacity = rng.uniform(0.1, 0.25, size=len(sizes))[groups]
    return x, 24 + capacity * x + rng.normal(0, 0.05, size=len(groups)), groups


def squares(b, x, gain, groups):
    total = 0.0
    for group in np.unique(groups):
        own, y = x[groups == group], gain[groups == group] + b
        total += np.sum((y - own * (own @ y) / (own @ own)) ** 2)
    return total


@pytest.mark.parametrize("seed", range(5))
def test_closed_form_is_the_least_squares_optimum(seed):
    data = noisy_series(seed)
    found = minimize_scalar(squares, args=data, bounds=(-60, 0), method="bounded")
    assert shared_bias(*data) == pytest.approx(found.x, abs=1e-3)
    assert squares(shared_bias(*data), *data) <= found.fun * (1 + 1e-9)


@given(st.floats(-40, -5), st.integers(0, 1000))
def test_an_exact_bias_is_found(bias, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(25, 40, size=6) + np.arange(6)
    groups = np.array([0, 0, 0, 1, 1, 2])
    gain = -bias + np.array([0.1, 0.2, 0.3])[groups] * x
    assert shared_bias(x, gain, groups) == pytest.approx(bias, rel=1e-6)


def test_order_of_models_does_not_matter():
    x, gain, groups = noisy_series(0)
    order = np.random.default_rng(1).permutation(len(x))
    assert shared_bias(x[order], gain[order], groups[order]) == pytest.approx(
        shared_bias(x, gain, groups)
    )


def test_a_series_of_one_adds_nothing():
    x, gain, groups = noisy_series(0)
    assert shared_bias(x[:-1], gain[:-1], groups[:-1]) == shared_bias(x, gain, groups)


def test_intervals_nest_in_level():
    data = noisy_series(3)
    narrow, wide = fit_bias(*data, level=0.5), fit_bias(*data, level=0.95)
    assert wide.lower < narrow.lower < narrow.value < narrow.upper < wide.upper


def test_intervals_hold_the_truth_as_often_as_they_say():
    fits = [fit_bias(*noisy_series(seed, sizes=(4, 4, 4, 4, 4)), level=0.9) for seed in range(200)]
    assert np.mean([fit.lower < -24 < fit.upper for fit in fits]) == pytest.approx(0.9, abs=0.06)


def test_two_series_tell_a_bias_and_no_interval():
    bias = fit_bias(*noisy_series(0, sizes=(3, 3)))
    assert bias.lower is bias.upper is None
    assert (bias.series, bias.models) == (2, 6)


def test_no_series_of_two_sizes_cannot_tell():
    with pytest.raises(CannotForecastError, match="no series has two sizes"):
        fit_bias(*noisy_series(0, sizes=(1, 1, 1)))


@pytest.mark.parametrize(
    ("name", "bias"),
    [("mixed_text", -24), ("Mixed Text", -24), ("Ch-FineWeb-Edu", -18.7), ("wikitext", -27)],
)
def test_published_constants_go_by_name(name, bias):
    assert published_bias(name) == bias
