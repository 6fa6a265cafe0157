"""Conformal quantiles by hand, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.fitting.conformal import conformal_quantile, fewest_backtests


@pytest.mark.parametrize(
    ("level", "fewest"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99), (0.1, 1)]
)
def test_fewest_backtests(level, fewest):
    assert fewest_backtests(level) == fewest


@pytest.mark.parametrize(
    ("count", "level", "rank"),
    [(9, 0.9, 9), (10, 0.9, 10), (19, 0.9, 18), (99, 0.9, 90), (19, 0.95, 19),
     (3, 0.5, 2), (4, 0.8, 4)],
)  # fmt: skip
def test_quantile_is_the_score_of_rank_n_plus_one_times_level(count, level, rank):
    scores = np.random.default_rng(0).permutation(np.arange(1.0, count + 1))
    assert conformal_quantile(scores, level) == rank


@pytest.mark.parametrize(("count", "level"), [(8, 0.9), (18, 0.95), (0, 0.5), (3, 0.8)])
def test_too_few_scores_give_no_number(count, level):
    assert conformal_quantile(np.ones(count), level) is None


def test_unknown_scores_are_left_out_and_not_counted():
    known = np.arange(1.0, 10.0)
    assert conformal_quantile(np.append(known, [np.nan, np.nan]), 0.9) == 9.0
    assert conformal_quantile(np.append(known[:8], [np.nan] * 5), 0.9) is None


@pytest.mark.parametrize(("count", "level"), [(9, 0.9), (25, 0.9), (40, 0.8)])
def test_coverage_of_exchangeable_scores(count, level):
    rng = np.random.default_rng(1)
    covered = [
        scores[-1] <= conformal_quantile(scores[:-1], level)
        for scores in rng.standard_cauchy((6000, count + 1)) ** 2
    ]
    # Between level and level + 1 / (n + 1), up to three standard errors of 6000 trials.
    assert level - 0.015 <= np.mean(covered) <= level + 1 / (count + 1) + 0.015
