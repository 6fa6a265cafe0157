"""Falls of the rate, and the laws built on them, against sums over every single step."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.curves.schedule.annealing import falls
from predictor.curves.schedule.laws import SCHEDULE_LAWS, annealing, multi_power
from predictor.curves.schedule.plan import Schedule

PEAK = 3e-4
SCHEDULES = [
    Schedule.cosine(PEAK, 6000, end=3e-5, warmup=500),
    Schedule.wsd(PEAK, 6000, decay=5000, end=3e-5, warmup=500, shape="exponential"),
    Schedule.linear(PEAK, 6000, warmup=500),
    Schedule.inverse_sqrt(PEAK, 6000, warmup=500),
    Schedule(np.array([0.0, 500, 2999, 3000, 6000]), np.array([0.0, PEAK, PEAK, 9e-5, 9e-5])),
]
AT = np.array([501.0, 777.0, 2999.0, 3000.0, 3001.0, 3100.0, 5500.0, 5999.0])


def multi_power_by_steps(schedule, at, c, beta, gamma):
    """Sum over every step, as the paper writes it."""
    lr = schedule.rate(np.arange(schedule.steps + 1))
    area = np.cumsum(lr)
    found = []
    for t in at.astype(int):
        k = np.arange(1, t + 1)
        risen = c * lr[k] ** -gamma * (area[t] - area[k - 1])
        found.append(((lr[k - 1] - lr[k]) * (1 - (1 + risen) ** -beta)).sum())
    return np.array(found)


def annealing_area_by_steps(schedule, at, decay):
    """Annealing area by the momentum recursion of the paper."""
    lr = schedule.rate(np.arange(schedule.steps + 1))
    momentum, area = 0.0, [0.0]
    for k in range(1, len(lr)):
        momentum = decay * momentum + lr[k - 1] - lr[k]
        area.append(area[-1] + momentum)
    return np.array(area)[at.astype(int)]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.name)
def test_multi_power_drop_is_that_of_every_step(schedule):
    c, beta, gamma = 2.066, 0.583, 0.641
    law = multi_power(falls([schedule], [AT]))
    theta = [np.array([[v]]) for v in (0.5, c, beta, gamma)]
    drop = -law.basis(schedule.area(AT)[None], *theta)[2][0]
    exact = multi_power_by_steps(schedule, AT, c, beta, gamma)
    np.testing.assert_allclose(drop, exact, atol=2e-3 * PEAK)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.name)
def test_annealing_area_is_that_of_every_step(schedule):
    decay = 0.995
    law = annealing(falls([schedule], [AT]))
    tau = np.array([[-1 / np.log(decay)]])
    drop = -law.basis(schedule.area(AT)[None], np.array([[0.5]]), tau)[2][0]
    exact = annealing_area_by_steps(schedule, AT, decay) * (1 - decay)
    np.testing.assert_allclose(drop, exact, atol=5e-3 * PEAK)


def test_heights_of_all_falls_add_up_to_the_rate():
    for schedule in [*SCHEDULES, Schedule.constant(PEAK, 6000), Schedule.linear(PEAK, 6000)]:
        found = falls([schedule], [AT])
        gone = found.summed(np.ones_like(found.height))
        np.testing.assert_allclose(gone, -schedule.rate(AT), atol=1e-12)


@pytest.mark.parametrize("name", SCHEDULE_LAWS)
def test_constant_rate_has_nothing_behind_it_but_the_rise_at_its_start(name):
    law = SCHEDULE_LAWS[name](falls([Schedule.constant(PEAK, 1e7)], [np.array([10.0, 9e6])]))
    theta = [np.array([[shape.starts[-1]]]) for shape in law.shapes]
    early, late = -law.basis(np.ones((1, 2)), *theta)[2][0]
    assert -PEAK < early < 0
    assert late == pytest.approx(-PEAK, rel=0.05)


@pytest.mark.parametrize("name", SCHEDULE_LAWS)
def test_warm_up_is_forgotten(name):
    at = np.array([5e6])
    drops = []
    for warmup in (0, 1, 100, 2000):
        law = SCHEDULE_LAWS[name](falls([Schedule.constant(1.0, 1e7, warmup)], [at]))
        theta = [np.array([[shape.starts[0]]]) for shape in law.shapes]
        drops.append(law.basis(np.ones((1, 1)), *theta)[2].item())
    assert np.ptp(drops) < 1e-3


@pytest.mark.parametrize("name", SCHEDULE_LAWS)
def test_declared_slopes_are_those_of_complex_steps(name):
    plan = SCHEDULES[0]
    law = SCHEDULE_LAWS[name](falls([plan, SCHEDULES[4]], [AT, AT], PEAK))
    area = np.concatenate([s.area(AT) for s in (plan, SCHEDULES[4])])[None] / PEAK
    theta = [np.array([[shape.starts[0]], [shape.starts[-1]]]) for shape in law.shapes]
    declared = law.slopes(law.basis(area, *theta), area, *theta)
    for k, slopes in enumerate(declared):
        nudged = [t + 1e-30j if i == k else t for i, t in enumerate(theta)]
        for slope, value in zip(slopes, law.basis(area, *nudged), strict=True):
            exact = np.imag(value) / 1e-30
            scale = np.abs(exact).max() + 1e-12
            np.testing.assert_allclose(slope * np.ones_like(exact), exact, atol=1e-9 * scale)


@pytest.mark.parametrize("name", SCHEDULE_LAWS)
def test_points_of_several_curves_keep_to_themselves(name):
    both = SCHEDULE_LAWS[name](falls(SCHEDULES[:2], [AT[:3], AT]))
    areas = [s.area(a) for s, a in zip(SCHEDULES[:2], (AT[:3], AT), strict=True)]
    theta = [np.array([[shape.starts[0]]]) for shape in both.shapes]
    together = both.basis(np.concatenate(areas)[None], *theta)[2][0]
    for part, schedule, at, area in zip(
        (together[:3], together[3:]), SCHEDULES[:2], (AT[:3], AT), areas, strict=True
    ):
        alone = SCHEDULE_LAWS[name](falls([schedule], [at])).basis(area[None], *theta)[2][0]
        np.testing.assert_allclose(part, alone)


def test_cost_does_not_grow_with_the_length():
    counts = [
        len(falls([Schedule.cosine(PEAK, steps, warmup=steps / 10)], [np.array([steps])]).height)
        for steps in (1e3, 1e6, 1e9)
    ]
    assert max(counts) < 400
