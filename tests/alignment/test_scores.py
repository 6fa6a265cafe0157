"""Scores of single responses, their aggregates, and the mixed score: numbers by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.alignment.aggregation import aggregate, check_aggregation, drawn_aggregates
from predictor.alignment.mixing import mix, mixing_weight
from predictor.alignment.scores import SCORES, chosen_score, computable, score_named
from predictor.errors import InputError


def frame(count=1, **columns):
    keys = {"group": "", "strategy": "a", "example": range(count)}
    return pd.DataFrame({**keys, **columns})


@pytest.mark.parametrize(
    ("name", "columns", "value"),
    [
        ("perplexity", {"loss": [np.log(3.0)]}, 3.0),
        ("self_perplexity", {"self_loss": [np.log(2.0)]}, 2.0),
        ("ifd", {"loss": [1.0], "unconditional_loss": [2.0]}, 0.5),
        ("log_probability", {"log_likelihood": [-4.0]}, -4.0),
        ("car", {"reward": [2.0], "loss": [1.0]}, 0.5),
        ("reward", {"reward": [1.5]}, 1.5),
        ("alignment", {"similarity": [0.25]}, 0.25),
    ],
)
def test_each_score_by_hand(name, columns, value):
    assert SCORES[name].per_example(frame(**columns))[0] == pytest.approx(value)


def test_log_of_exact_match_alignment_is_minus_length_times_log_perplexity():
    """With s = 1[y = y'] expected alignment is p(y|x): perplexity is its hard limit."""
    tokens, loss = 7.0, 0.3
    probability = np.exp(-tokens * loss)
    perplexity = SCORES["perplexity"].per_example(frame(loss=[loss]))[0]
    assert np.log(probability) == pytest.approx(-tokens * np.log(perplexity))


def test_what_cannot_be_told_is_not_a_number():
    assert np.isnan(SCORES["ifd"].per_example(frame(loss=[1.0], unconditional_loss=[0.0]))[0])


def test_choice_follows_the_evidence():
    few = frame(10, loss=1.0, self_loss=1.0, similarity=0.5)
    assert chosen_score("auto", few) == "mixed"
    many = frame(50, loss=1.0, self_loss=1.0, similarity=0.5)
    assert chosen_score("auto", many) == "self_perplexity"
    assert chosen_score("auto", many.drop(columns="self_loss")) == "perplexity"
    assert computable(frame(similarity=[0.5])) == ["alignment"]


def test_a_score_that_the_columns_do_not_carry_is_refused_with_those_that_they_do():
    with pytest.raises(InputError, match=r"'ifd' needs .*unconditional_logprob_sum.*perplexity"):
        chosen_score("ifd", frame(loss=[1.0]))
    with pytest.raises(InputError, match="no score can be computed"):
        chosen_score("auto", frame())
    with pytest.raises(InputError, match="score 'best': there are auto"):
        score_named("best")


values = st.lists(st.floats(0.1, 100), min_size=1, max_size=12)


@given(values)
def test_equal_weights_give_numpy_s_median_and_means(numbers):
    column = np.array(numbers)[:, None]
    one = np.ones((1, len(numbers)))
    assert aggregate(column, one, "median")[0, 0] == pytest.approx(np.median(numbers))
    assert aggregate(column, one, "mean")[0, 0] == pytest.approx(np.mean(numbers))
    geometric = np.exp(np.mean(np.log(numbers)))
    assert aggregate(column, one, "geometric")[0, 0] == pytest.approx(geometric)


@given(values, st.integers(1, 4))
def test_a_weight_of_k_is_k_copies(numbers, k):
    column = np.array(numbers)[:, None]
    weights = np.ones((1, len(numbers)))
    weights[0, 0] = k
    copies = np.array([numbers[0]] * (k - 1) + numbers)[:, None]
    for how in ("median", "mean", "geometric"):
        same = aggregate(copies, np.ones((1, len(copies))), how)
        assert aggregate(column, weights, how)[0, 0] == pytest.approx(same[0, 0])


def test_missing_examples_do_not_count():
    grid = np.array([[1.0, np.nan], [3.0, 5.0]])
    one = np.ones((1, 2))
    assert aggregate(grid, one, "mean")[0].tolist() == [2.0, 5.0]
    assert aggregate(grid, one, "median")[0].tolist() == [2.0, 5.0]


def test_draws_spread_as_the_mean_does():
    rng = np.random.default_rng(0)
    grid = rng.normal(size=(400, 1))
    draws = drawn_aggregates([grid], ["mean"], 2000, rng)[0]
    assert draws.std() == pytest.approx(grid.std() / 20, rel=0.1)


def test_shared_difficulty_does_not_blur_differences():
    rng = np.random.default_rng(0)
    shared = 10 * rng.normal(size=(50, 1))
    draws = drawn_aggregates([np.add(shared, [0.0, 1.0])], ["mean"], 500, rng)[0]
    assert np.allclose(draws[:, 1] - draws[:, 0], 1.0)


def test_no_other_aggregation():
    with pytest.raises(InputError, match="aggregation 'mode': there are median, mean, geometric"):
        check_aggregation("mode")


def test_mixed_score_by_hand():
    perplexity, apart = np.array([2.0, 4.0, 3.0]), np.array([0.6, 0.2, 0.4])
    cv = np.std(perplexity) / 3.0, np.std(apart) / 0.4
    beta = cv[0] / sum(cv)
    assert mixing_weight(perplexity, apart) == pytest.approx(beta)
    expected = beta * np.array([0, 1, 0.5]) + (1 - beta) * np.array([1, 0, 0.5])
    assert mix(perplexity, apart) == pytest.approx(expected)


def test_perplexity_is_cut_at_ten_before_it_is_mixed():
    apart = np.array([0.3, 0.3, 0.3])
    assert mix(np.array([2.0, 50.0, 10.0]), apart) == pytest.approx(np.array([0, 1, 1]))
