"""Schedules: shapes, sums over steps, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.curves.schedule.plan import Schedule, with_jumps
from predictor.errors import InputError

PEAK, END = 3e-4, 3e-5


def rates(schedule, *steps):
    return schedule.rate(np.array(steps, dtype=float)).tolist()


def test_cosine_is_half_way_down_at_half_way():
    plan = Schedule.cosine(PEAK, 1200, end=END, warmup=200)
    assert rates(plan, 0, 100, 200) == pytest.approx([0, PEAK / 2, PEAK])
    assert rates(plan, 700, 1200) == pytest.approx([(PEAK + END) / 2, END])
    assert plan.peak == PEAK
    assert plan.steps == 1200


def test_linear_goes_straight_down():
    plan = Schedule.linear(PEAK, 1000)
    assert rates(plan, 0, 250, 1000) == pytest.approx([PEAK, 0.75 * PEAK, 0])


@pytest.mark.parametrize(
    ("shape", "middle"),
    [
        ("linear", (PEAK + END) / 2),
        ("cosine", (PEAK + END) / 2),
        ("exponential", np.sqrt(PEAK * END)),
        ("sqrt", END + (PEAK - END) * (1 - np.sqrt(0.5))),
    ],
)
def test_wsd_in_every_shape(shape, middle):
    plan = Schedule.wsd(PEAK, 2000, decay=1000, end=END, warmup=100, shape=shape)
    assert rates(plan, 50, 100, 1000) == pytest.approx([PEAK / 2, PEAK, PEAK])
    assert rates(plan, 1500, 2000) == pytest.approx([middle, END], rel=1e-5)


def test_inverse_sqrt_halves_at_four_times_the_warm_up():
    plan = Schedule.inverse_sqrt(1e-3, 10_000, warmup=100)
    assert rates(plan, 50, 100, 400, 10_000) == pytest.approx([5e-4, 1e-3, 5e-4, 1e-4], rel=1e-4)
    assert rates(Schedule.inverse_sqrt(1e-3, 10_000, 100, end=2e-4), 10_000) == [2e-4]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), min_size=1, max_size=6),
    st.floats(0.1, 1),
)
def test_area_is_the_sum_over_all_steps(pieces, first):
    knots = np.cumsum([0, *(width for width, _ in pieces)]).astype(float)
    plan = Schedule(knots, np.array([first, *(rate for _, rate in pieces)]))
    every = np.arange(0, knots[-1] + 1)
    summed = np.cumsum(plan.rate(every)) - plan.rate(every)[0]
    np.testing.assert_allclose(plan.area(every), summed, atol=1e-12)


def test_area_scales_with_the_rate():
    plan, twice = (Schedule.cosine(k * 1e-3, 500, warmup=50) for k in (1, 2))
    at = np.array([10.0, 77.0, 500.0])
    np.testing.assert_allclose(twice.area(at), 2 * plan.area(at))


def test_before_the_first_step_the_rate_is_the_first():
    plan = Schedule(np.array([100.0, 200.0]), np.array([1.0, 0.5]))
    assert rates(plan, 0, 50) == [1, 1]
    assert plan.area(np.array([100.0]))[0] == pytest.approx(100)


def test_until_keeps_what_came_before():
    plan = Schedule.cosine(1.0, 1000)
    part = plan.until(300)
    assert part.steps == 300
    at = np.array([10.0, 300.0])
    np.testing.assert_allclose(part.area(at), plan.area(at), rtol=1e-5)


def test_level_stretches_jump_and_slopes_do_not():
    step = np.arange(100.0, 700, 100)
    jumped, rate = with_jumps(step, np.array([2.0, 2, 2, 1, 1, 1]))
    assert jumped.tolist() == [100, 200, 300, 399, 400, 500, 600]
    assert rate.tolist() == [2, 2, 2, 2, 1, 1, 1]
    knots = np.array([0.0, 20_000, 24_000, 30_000])
    assert with_jumps(knots, np.array([2.0, 2, 1, 1]))[0].tolist() == knots.tolist()
    slope = np.array([6.0, 5, 4, 3, 2, 1])
    assert with_jumps(step, slope)[0].tolist() == step.tolist()


@pytest.mark.parametrize(
    ("step", "lr", "message"),
    [
        ([0, 10, 10], [1, 1, 1], "must ascend"),
        ([-1, 10], [1, 1], "must ascend"),
        ([0, 10], [1, -1], "0 or more"),
        ([0, 10], [0, 0], "not all 0"),
        ([0, 10], [1, np.nan], "finite"),
        ([0, 10], [1], "one learning rate a step"),
        ([], [], "one learning rate a step"),
    ],
)
def test_what_is_no_schedule(step, lr, message):
    with pytest.raises(InputError, match=message):
        Schedule(np.array(step, dtype=float), np.array(lr, dtype=float))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schedule.cosine(0, 100), "peak must be a positive"),
        (lambda: Schedule.cosine(1, 0), "last step must be a positive"),
        (lambda: Schedule.cosine(1, 100, end=2), "end=2 must lie"),
        (lambda: Schedule.cosine(1, 100, warmup=100), "warmup=100 must lie"),
        (lambda: Schedule.wsd(1, 100, decay=100), "decay=100 must lie"),
        (lambda: Schedule.wsd(1, 100, decay=50, shape="exponential"), "never gets to 0"),
        (lambda: Schedule.inverse_sqrt(1, 100, warmup=200), "must be under"),
        (lambda: Schedule.constant(np.inf, 100), "peak must be a positive"),
    ],
)
def test_numbers_that_make_no_schedule(make, message):
    with pytest.raises(InputError, match=message):
        make()
