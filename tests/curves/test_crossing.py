"""Where two learning curves cross: exact laws, shares of draws, edges."""

from __future__ import annotations

import numpy as np
import pytest

from predictor import find_crossing
from predictor.errors import InputError

SIZE = np.geomspace(10, 10_000, 12)
#: 0.1 + 0.5 / m meets 0.05 + m^-0.5 where 0.05 m - m^0.5 + 0.5 = 0: m^0.5 = 10 + 90^0.5.
ONE, TWO = 0.1 + 0.5 / SIZE, 0.05 + SIZE**-0.5
MEET = (10 + np.sqrt(90)) ** 2


def noisy(curve, repeats, sd, seed):
    return curve + sd * np.random.default_rng(seed).normal(size=(repeats, len(curve)))


def test_exact_power_laws_cross_where_the_formula_says():
    cross = find_crossing(SIZE, ONE, TWO)
    assert cross.value == pytest.approx(MEET, rel=1e-3)
    assert (cross.none, cross.one, cross.several) == (0.0, 1.0, 0.0)
    assert (cross.better_before, cross.better_after) == ("first", "second")
    assert not cross.extrapolated
    assert [f.code for f in cross.findings] == ["PRED138"]


def test_swapping_the_two_changes_nothing_but_the_names():
    one = find_crossing(SIZE, noisy(ONE, 30, 0.003, 1), noisy(TWO, 30, 0.003, 2))
    two = find_crossing(SIZE, noisy(TWO, 30, 0.003, 2), noisy(ONE, 30, 0.003, 1))
    assert two.value == pytest.approx(one.value, rel=1e-9)
    assert (two.better_before, two.better_after) == ("second", "first")


def test_a_higher_metric_is_its_distance_to_the_ceiling():
    cross = find_crossing(SIZE, 1 - ONE, 1 - TWO, metric="accuracy")
    assert cross.value == pytest.approx(MEET, rel=1e-3)
    assert cross.better_after == "second"


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    inside = 0
    for seed in range(60):
        one, two = noisy(ONE, 25, 0.004, seed), noisy(TWO, 25, 0.004, 1000 + seed)
        cross = find_crossing(SIZE, one, two, draws=200)
        inside += cross.lower <= MEET <= cross.upper
    # 54 of 60 are expected; fewer than 45 or all 60 happen less than once in 500.
    assert 45 <= inside < 60


def test_more_noise_gives_a_wider_interval():
    quiet = find_crossing(SIZE, noisy(ONE, 25, 0.001, 0), noisy(TWO, 25, 0.001, 1))
    loud = find_crossing(SIZE, noisy(ONE, 25, 0.01, 0), noisy(TWO, 25, 0.01, 1))
    # Ten times the noise, ten times the width on the log axis, as bootstraps go.
    ratio = np.log(loud.upper / loud.lower) / np.log(quiet.upper / quiet.lower)
    assert 5 < ratio < 20


def test_no_crossing_where_one_is_better_throughout():
    cross = find_crossing(SIZE, ONE, ONE + 0.05)
    assert (cross.value, cross.none, cross.support) == (None, 1.0, 0.0)
    assert cross.better_before == cross.better_after == "first"
    assert "PRED135" in {f.code for f in cross.findings}


def test_curves_that_are_the_same_do_not_cross():
    same = noisy(ONE, 25, 0.003, 0)
    assert find_crossing(SIZE, same, same).value is None


def test_a_crossing_beyond_the_data_is_marked():
    few = SIZE <= 200
    cross = find_crossing(SIZE[few], ONE[few], TWO[few])
    assert cross.extrapolated
    assert cross.value == pytest.approx(MEET, rel=1e-2)
    assert cross.none == 1.0
    assert {"PRED135", "PRED136"} <= {f.code for f in cross.findings}


def test_two_crossings_count_as_several_and_the_last_is_named():
    # 0.1 + 2 / m is worse than 0.8 m^-0.3 at first, better in the middle, worse at last.
    m = np.geomspace(2, 1e5, 30)
    one, two = 0.1 + 2 / m, 0.8 * m**-0.3
    signs = np.flatnonzero(np.diff(np.sign(one - two)))
    assert len(signs) == 2
    cross = find_crossing(m, one, two)
    assert cross.several == 1.0
    assert m[signs[1]] < cross.value < m[signs[1] + 1]
    assert cross.better_after == "second"


def test_gaps_and_different_places_are_fine():
    one, two = noisy(ONE, 25, 0.002, 0), noisy(TWO, 25, 0.002, 1)[:, ::2]
    one[3:20, -1] = np.nan
    cross = find_crossing(SIZE, one, two, second_x=SIZE[::2])
    assert cross.lower < MEET < cross.upper


def test_the_same_seed_gives_the_same_numbers():
    one, two = noisy(ONE, 10, 0.01, 0), noisy(TWO, 10, 0.01, 1)
    assert find_crossing(SIZE, one, two, seed=3) == find_crossing(SIZE, one, two, seed=3)
    assert find_crossing(SIZE, one, two, seed=3).lower != find_crossing(SIZE, one, two).lower


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((SIZE, ONE[:5], TWO), "5 values a repeat, but 12 places"),
        ((SIZE[:3], ONE[:3], TWO[:3]), "3 places have values; 4 are needed"),
        ((-SIZE, ONE, TWO), "places must be positive"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, message):
    with pytest.raises(InputError, match=message):
        find_crossing(*arguments)


def test_curves_without_a_common_range_cannot_be_compared():
    with pytest.raises(InputError, match="no range of places in common"):
        find_crossing(SIZE, ONE, TWO, second_x=1e6 * SIZE)
    with pytest.raises(InputError, match="level must lie"):
        find_crossing(SIZE, ONE, TWO, level=2)
