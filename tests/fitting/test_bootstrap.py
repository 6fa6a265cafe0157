"""Bootstrap weights: whole groups, the right mean, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.fitting.bootstrap import blocks, exponential_weights, multinomial_weights

GROUPS = np.array([0, 0, 1, 2, 2, 2])
EACH_KIND = pytest.mark.parametrize("weights", [multinomial_weights, exponential_weights])


@EACH_KIND
def test_points_of_a_group_are_drawn_together(weights):
    drawn = weights(GROUPS, 50, np.random.default_rng(0))
    assert drawn.shape == (50, 6)
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    np.testing.assert_array_equal(drawn[:, 3], drawn[:, 5])
    assert (drawn[:, 0] != drawn[:, 2]).any()
    assert (drawn >= 0).all()


@EACH_KIND
def test_each_group_counts_once_on_average(weights):
    drawn = weights(np.arange(8), 20_000, np.random.default_rng(1))
    np.testing.assert_allclose(drawn.mean(axis=0), 1.0, atol=0.03)


def test_multinomial_draw_holds_as_many_groups_as_there_are():
    drawn = multinomial_weights(GROUPS, 100, np.random.default_rng(2))
    one_point_a_group = drawn[:, [0, 2, 3]]
    np.testing.assert_array_equal(one_point_a_group.sum(axis=1), 3)
    np.testing.assert_array_equal(drawn, np.round(drawn))


def test_exponential_weights_have_the_variance_of_resampling():
    drawn = exponential_weights(np.arange(5), 40_000, np.random.default_rng(3))
    np.testing.assert_allclose(drawn.var(axis=0), 1.0, rtol=0.05)
    assert (drawn > 0).all()


@EACH_KIND
def test_same_seed_same_draws(weights):
    one, same, other = (weights(GROUPS, 4, np.random.default_rng(seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize(
    ("points", "length", "expected"),
    [(5, 2, [0, 0, 1, 1, 2]), (3, 1, [0, 1, 2]), (3, 5, [0, 0, 0]), (0, 2, [])],
)
def test_blocks(points, length, expected):
    assert blocks(points, length).tolist() == expected
