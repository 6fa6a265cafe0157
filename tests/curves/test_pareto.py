"""Dominated points and speed-ups, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from predictor import pareto_front
from predictor.curves.pareto import speed_up
from predictor.errors import InputError


def test_domination_by_hand():
    # b costs more and is worse than a; c is better than all; d is as good as a for less.
    front = pareto_front(np.array([2.0, 3.0, 4.0, 1.0]), np.array([0.5, 0.4, 0.9, 0.5]))
    assert front["on_front"].tolist() == [False, False, True, True]
    assert front["dominated_by"].tolist()[2:] == [-1, -1]
    assert front.loc[0, "dominated_by"] == 3


def test_equal_points_do_not_dominate_each_other():
    assert pareto_front(np.array([1.0, 1.0]), np.array([0.5, 0.5]))["on_front"].all()


def test_lower_is_better_turns_it_round():
    cost, loss = np.array([1.0, 2.0, 3.0]), np.array([3.0, 3.5, 2.0])
    assert pareto_front(cost, loss, better="lower")["on_front"].tolist() == [True, False, True]
    assert pareto_front(cost, -loss)["on_front"].tolist() == [True, False, True]


def test_with_repeats_only_a_sure_rival_dominates():
    cost = np.array([1.0, 2.0, 3.0])
    # The second is surely worse than the first, the third only seemingly.
    seeds = np.array([[0.80, 0.81, 0.79, 0.80, 0.81], [0.81, 0.79, 0.80, 0.805, 0.79]])
    quality = np.array([seeds[0], seeds[0] - 0.1, seeds[1]])
    front = pareto_front(cost, quality)
    assert front["on_front"].tolist() == [True, False, True]
    assert front.loc[1, "probability"] > 0.95
    assert 0.05 < front.loc[2, "probability"] <= 0.95


def test_repeats_may_be_missing():
    quality = np.array([[0.8, 0.81, np.nan], [0.7, np.nan, np.nan]])
    front = pareto_front(np.array([1.0, 2.0]), quality)
    assert front["quality"].tolist() == pytest.approx([0.805, 0.7])
    assert front["on_front"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("cost", "quality", "message"),
    [
        ([1.0, 2.0], [0.5], "one quality a cost"),
        ([1.0, np.inf], [0.5, 0.6], "every cost must be a finite"),
        ([1.0, 2.0], [0.5, np.nan], "every point needs a quality"),
    ],
)
def test_bad_input_is_one_clear_line(cost, quality, message):
    with pytest.raises(InputError, match=message):
        pareto_front(np.array(cost), np.array(quality))


def test_speed_up_by_hand():
    # First gets from 4 to 2 between 10 and 1000: to 3 at 100. Second gets to 3 at 20.
    first = (np.array([10.0, 1000.0]), np.array([4.0, 2.0]))
    second = (np.array([5.0, 20.0]), np.array([4.0, 3.0]))
    ratio, quality = speed_up(first, second)
    assert (ratio, quality) == (pytest.approx(5.0), 3.0)
    assert speed_up(second, first)[0] == pytest.approx(1 / 5)


def test_speed_up_takes_the_best_so_far():
    wavy = (np.array([1.0, 10.0, 100.0]), np.array([3.0, 2.0, 2.5]))
    flat = (np.array([1.0, 10.0, 100.0]), np.array([3.0, 2.5, 2.0]))
    assert speed_up(flat, wavy) == (pytest.approx(10.0), 2.0)


def test_no_speed_up_where_one_never_gets_there_or_starts_there():
    one = (np.array([1.0, 10.0]), np.array([3.0, 2.0]))
    two = (np.array([1.0, 10.0]), np.array([1.5, 1.0]))
    assert speed_up(one, two) is None
    assert speed_up(one, two, at=1.2) is None
    assert speed_up((one[0], 1 - one[1]), (2 * one[0], 1 - one[1]), better="higher")[0] == 0.5
