"""Scores that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.backtest.scores import crps, interval_score, rmsle
from predictor.errors import InputError


def test_interval_score_charges_misses_by_the_level():
    lower, upper = np.array([1.0, 1.0, 1.0]), np.array([3.0, 3.0, 3.0])
    found = interval_score(lower, upper, np.array([2.0, 3.1, 0.8]), level=0.8)
    assert found == pytest.approx([2.0, 2 + 0.1 * 10, 2 + 0.2 * 10])
    with pytest.raises(InputError, match="between 0 and 1"):
        interval_score(lower, upper, lower, level=1.0)


def test_interval_score_is_least_for_the_honest_interval():
    truth = np.random.default_rng(0).normal(size=20_000)
    mean = {half: interval_score(-half, half, truth).mean() for half in (1.2, 1.645, 2.2)}
    assert min(mean, key=mean.get) == 1.645


def test_crps_of_a_normal_distribution_is_the_published_one():
    from scipy.stats import norm

    quantiles = norm.ppf((np.arange(2000) + 0.5) / 2000)[:, None]
    truth = np.array([0.7])
    exact = 0.7 * (2 * norm.cdf(0.7) - 1) + 2 * norm.pdf(0.7) - 1 / np.sqrt(np.pi)
    assert crps(quantiles, truth) == pytest.approx([exact], rel=1e-3)


def test_rmsle_leaves_out_what_has_no_logarithm():
    assert rmsle(np.array([2.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx(np.log(2))
    assert np.isnan(rmsle(np.array([0.0]), np.array([1.0])))
