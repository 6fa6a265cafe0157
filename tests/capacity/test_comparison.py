"""Ranks and ties, shares of a difference, fronts, crossings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor.capacity.comparison import (
    curve_crossings,
    decompose,
    line_crossing,
    pareto_front,
    ranks,
)

SIZES = st.tuples(st.floats(2, 6), st.floats(0.3, 1.5), st.floats(25, 40))


@given(SIZES, SIZES)
def test_shares_add_up_and_turn_with_the_question(first, second):
    there = decompose(("a", *first), ("b", *second), -24.0)
    back = decompose(("b", *second), ("a", *first), -24.0)
    parts = [there.tokenizer, there.prediction, there.compute]
    assert sum(parts) == pytest.approx(there.difference, abs=1e-12)
    turned = [-back.tokenizer, -back.prediction, -back.compute]
    assert parts == pytest.approx(turned, abs=1e-12)


def test_a_share_is_none_where_nothing_differs():
    parts = decompose(("a", 4.0, 0.7, 33.0), ("b", 4.0, 0.8, 33.0), -24.0)
    assert parts.tokenizer == parts.compute == 0
    assert parts.prediction == pytest.approx(4 * 0.1 / 33)


def test_ranks_without_draws_claim_no_ties():
    rank, ties = ranks(np.array([0.1, 0.3, 0.2]), {}, 0.9)
    assert rank.tolist() == [3, 1, 2]
    assert ties == [[], [], []]


def test_ties_are_of_differences_not_of_intervals():
    rng = np.random.default_rng(0)
    common = rng.normal(0, 0.01, 1000)
    draws = {0: 0.2 + common, 1: 0.199 + common, 2: 0.2 + rng.normal(0, 0.01, 1000)}
    _, ties = ranks(np.array([0.2, 0.199, 0.2]), draws, 0.9)
    assert ties == [[2], [2], [0, 1]]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=12))
def test_the_front_is_what_no_other_beats(points):
    cost, quality = np.array(points, dtype=float).T
    front = pareto_front(cost, quality)
    assert front.any()
    for i, (c, q) in enumerate(points):
        beaten = any(d <= c and p >= q and (d, p) != (c, q) for d, p in points)
        assert front[i] != beaten


def test_parallel_series_never_cross():
    x = np.array([30.0, 34.0])
    assert line_crossing(("a", x, x), ("b", x, x + 1)) is None
    assert line_crossing(("a", x[:1], x[:1]), ("b", x, x)) is None


def test_a_crossing_beyond_the_sizes_is_called_so():
    x = np.array([30.0, 31.0])
    found = line_crossing(("a", x, 0.2 * x), ("b", x, 1.7 + 0.15 * x))
    assert np.log2(found.place) == pytest.approx(34)
    assert found.extrapolated
    assert found.ahead == "a"


def test_crossings_far_away_are_not_told():
    x = np.array([30.0, 31.0])
    assert line_crossing(("a", x, 0.2 * x), ("b", x, 5 + 0.15 * x)) is None


def test_runs_cross_where_both_have_been():
    x = np.array([1.0, 2.0, 3.0])
    a, b = ("a", x, np.array([0.0, 1.0, 5.0])), ("b", x[1:], np.array([2.0, 2.0]))
    (found,) = curve_crossings(a, b)
    assert found.place == pytest.approx(2.25)
    assert found.ahead == "a"
    assert curve_crossings(a, ("c", x + 10, x)) == []
