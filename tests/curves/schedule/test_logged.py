"""What a log tells of its runs' schedules, seen and ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor import RunLog, Schedule
from predictor.curves.schedule.logged import agrees, headed, logged_schedules

STEPS = np.arange(100.0, 1001, 100)


def log_of(*runs, **settings):
    frames = [
        pd.DataFrame({"run": name, "metric": "loss", "step": s, "lr": lr, "value": 2.0})
        for name, s, lr in runs
    ]
    table = pd.DataFrame({"run": [name for name, _, _ in runs], **settings})
    return RunLog.from_points(pd.concat(frames), table)


def cosine(steps, last, end=1e-4, peak=1e-3, warmup=0.0):
    return Schedule.cosine(peak, last, end=end, warmup=warmup).rate(steps)


def test_rates_of_a_run_whatever_metric_they_stand_beside():
    log = log_of(("a", STEPS, cosine(STEPS, 1000)))
    other = log.points.assign(metric="val", step=log.points["step"] + 50, lr=np.nan)
    both = RunLog.from_points(pd.concat([log.points, other]))
    seen = logged_schedules(both)["a"].seen
    assert seen.steps == 1000
    np.testing.assert_allclose(seen.rate(STEPS), cosine(STEPS, 1000))


def test_runs_without_rates_are_left_out():
    none = np.full(10, np.nan)
    assert logged_schedules(log_of(("a", STEPS, none), ("b", STEPS, -np.ones(10)))) == {}
    assert logged_schedules(log_of(("a", STEPS[:3], np.ones(3)))) == {}


def test_late_start_means_a_warm_up_was_left_out():
    late = STEPS + 900
    known = logged_schedules(log_of(("a", late, np.ones(10)), ("b", late + 16, np.ones(10))))
    assert known["a"].assumed_warmup == known["b"].assumed_warmup == 1000
    assert known["a"].seen.rate(np.array([500.0]))[0] == 0.5
    assert [f.code for f in known["b"].findings] == ["PRED121"]
    assert "over 1000 steps" in known["b"].findings[0].message


def test_warm_up_may_be_said_and_is_not_assumed_where_the_log_starts_on_time():
    late = STEPS + 900
    told = logged_schedules(log_of(("a", late, np.ones(10))), warmup=400)["a"]
    assert told.seen.rate(np.array([200.0, 400.0, 700.0])).tolist() == [0.5, 1, 1]
    assert told.findings == ()
    on_time = logged_schedules(log_of(("a", STEPS, np.ones(10))))["a"]
    assert on_time.seen.rate(np.array([1.0]))[0] == 1
    assert on_time.assumed_warmup == 0


def test_head_that_the_log_shows_in_part():
    plan = headed(np.array([50.0, 100, 200]), np.array([0.5, 1, 1]), 100, "a")
    assert plan.step.tolist() == [0, 50, 100, 200]
    assert plan.lr.tolist() == [0, 0.5, 1, 1]


@pytest.mark.parametrize("shape", ["cosine", "linear"])
@pytest.mark.parametrize("named", [True, False])
def test_plan_fixes_what_is_ahead(shape, named):
    make = getattr(Schedule, shape)
    whole = make(1e-3, 2000, end=2e-4)
    settings = {"max_steps": [2000]} | ({"lr_scheduler_type": [shape]} if named else {})
    known = logged_schedules(log_of(("a", STEPS, whole.rate(STEPS)), **settings))["a"]
    assert known.ahead.steps == 2000
    assert shape in known.source
    at = np.array([1200.0, 1700.0, 2000.0])
    np.testing.assert_allclose(known.ahead.rate(at), whole.rate(at), rtol=1e-3)


def test_plan_that_does_not_fit_what_was_seen_is_not_used():
    odd = np.array([1, 0.9, 0.9, 0.6, 0.5, 0.5, 0.4, 0.3, 0.3, 0.2])
    assert logged_schedules(log_of(("a", STEPS, odd), max_steps=[2000]))["a"].ahead is None
    ended = log_of(("a", STEPS, cosine(STEPS, 1000)), max_steps=[1000])
    assert logged_schedules(ended)["a"].ahead is None


def test_constant_so_far_tells_nothing_unless_the_plan_says_constant():
    level = ("a", STEPS, np.ones(10))
    assert logged_schedules(log_of(level, max_steps=[2000]))["a"].ahead is None
    said = log_of(level, max_steps=[2000], lr_scheduler_type=["constant_with_warmup"])
    assert logged_schedules(said)["a"].ahead.rate(np.array([2000.0]))[0] == 1


def test_longer_run_that_is_alike_so_far_tells_what_is_ahead():
    long = np.arange(100.0, 2001, 100)
    rate = cosine(long, 2000)
    known = logged_schedules(log_of(("short", STEPS, rate[:10]), ("long", long, rate)))
    assert known["short"].ahead.steps == 2000
    assert known["short"].source == "run 'long', alike so far"
    assert known["long"].ahead is None


def test_runs_that_part_later_tell_nothing():
    long = np.arange(100.0, 2001, 100)
    one, other = np.ones(20), np.r_[np.ones(10), np.full(10, 0.1)]
    known = logged_schedules(
        log_of(("short", STEPS, np.ones(10)), ("level", long, one), ("step", long, other))
    )
    assert known["short"].ahead is None


def test_schedules_agree_or_not():
    seen = Schedule(STEPS, cosine(STEPS, 2000))
    assert agrees(Schedule.cosine(1e-3, 2000, end=1e-4), seen)
    assert not agrees(Schedule.cosine(1e-3, 1500, end=1e-4), seen)
    assert not agrees(Schedule.cosine(1e-3, 900, end=1e-4), seen)
    assert not agrees(Schedule.constant(1e-3, 2000), seen)
