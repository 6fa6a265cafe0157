"""Cleaning: NaN, repeats, restarts, disorder, gaps, samples, clocks, derived tokens."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor.logs import RunLog
from predictor.logs.cleaning import clean


def _log(steps: list[float], values: list[float] | None = None, **more: object) -> RunLog:
    values = values if values is not None else [3.0 - 0.01 * i for i in range(len(steps))]
    rows = {"run": "a", "metric": "loss", "step": steps, "value": values, **more}
    return RunLog.from_points(pd.DataFrame(rows))


def _codes(log: RunLog) -> list[str]:
    return [finding.code for finding in log.findings]


def test_a_clean_log_stays_as_it_is() -> None:
    log = _log([1, 2, 3, 4])
    cleaned = clean(log)
    pd.testing.assert_frame_equal(cleaned.points, log.points)
    assert _codes(cleaned) == []


def test_nan_and_infinity_are_dropped_and_counted() -> None:
    log = clean(_log([1, 2, 3, 4, 5], [3.0, np.nan, np.inf, -np.inf, 2.0]))
    assert list(log.points["step"]) == [1, 5]
    assert _codes(log) == ["PRED001", "PRED002"]
    assert log.findings[1].message.startswith("2 values")


def test_the_last_of_repeated_steps_stays() -> None:
    log = clean(_log([1, 2, 2, 3], [3.0, 2.5, 2.4, 2.0]))
    assert list(log.points["value"]) == [3.0, 2.4, 2.0]
    assert _codes(log) == ["PRED003"]


def test_a_restart_is_told_and_its_repeats_win() -> None:
    steps = [*range(20), *range(15, 30)]
    log = clean(_log(steps, [float(i) for i in range(35)]))
    assert list(log.points["step"]) == list(range(30))
    assert log.points["value"].iloc[15] == 20.0
    assert _codes(log) == ["PRED004", "PRED003"]
    assert "goes back to 15" in log.findings[0].message


def test_rows_in_no_order_are_sorted() -> None:
    log = clean(_log([5, 1, 4, 2, 3], [5.0, 1.0, 4.0, 2.0, 3.0]))
    assert list(log.points["value"]) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert _codes(log) == ["PRED005"]


def test_a_gap_is_told_with_its_ends() -> None:
    log = clean(_log([*range(0, 100, 10), *range(500, 600, 10)]))
    assert _codes(log) == ["PRED009"]
    assert "between 90 and 500" in log.findings[0].message


@pytest.mark.parametrize(("count", "expected"), [(500, ["PRED006"]), (501, [])])
def test_a_round_number_of_uneven_points_looks_sampled(count: int, expected: list[str]) -> None:
    steps = np.unique(np.linspace(0, 1733, count).round())
    assert len(steps) == count
    assert _codes(clean(_log(list(steps)))) == expected


def test_clock_times_become_relative_and_relative_ones_stay() -> None:
    clock = clean(_log([1, 2], wall_time=[1.7e9, 1.7e9 + 60]))
    assert list(clock.points["wall_time"]) == [0.0, 60.0]
    elapsed = clean(_log([1, 2], wall_time=[30.0, 90.0]))
    assert list(elapsed.points["wall_time"]) == [30.0, 90.0]


def test_tokens_are_derived_only_from_a_logged_batch_size_in_tokens() -> None:
    log = _log([1, 2])
    runs = pd.DataFrame({"run": ["a"], "batch_size_in_tokens": [1024]})
    derived = clean(RunLog(log.points, runs))
    assert list(derived.points["tokens"]) == [1024, 2048]
    assert _codes(derived) == ["PRED011"]
    plain = clean(RunLog(log.points, runs.rename(columns={"batch_size_in_tokens": "batch_size"})))
    assert plain.points["tokens"].isna().all()


def test_logged_tokens_are_kept() -> None:
    log = _log([1, 2], tokens=[7.0, 9.0])
    runs = pd.DataFrame({"run": ["a"], "batch_size_in_tokens": [1024]})
    assert list(clean(RunLog(log.points, runs)).points["tokens"]) == [7.0, 9.0]


def test_a_curve_without_steps_is_placed_on_its_next_axis() -> None:
    rows = pd.DataFrame(
        {"run": "a", "metric": "loss", "tokens": [20.0, 10.0, 10.0], "value": [1, 2, 3]}
    )
    log = clean(RunLog.from_points(rows))
    assert list(log.points["tokens"]) == [10.0, 20.0]
    assert list(log.points["value"]) == [3.0, 1.0]


def test_cleaning_twice_changes_nothing_more() -> None:
    steps = [*range(20), *range(15, 30), 3]
    once = clean(_log(steps))
    twice = clean(RunLog(once.points, once.runs))
    pd.testing.assert_frame_equal(once.points, twice.points)
    assert _codes(twice) == []


def test_runs_and_metrics_do_not_mix() -> None:
    rows = pd.DataFrame(
        {
            "run": ["a", "b", "a", "b"],
            "metric": ["loss", "loss", "acc", "loss"],
            "step": [1, 1, 1, 2],
            "value": [1.0, 2.0, 3.0, 4.0],
        }
    )
    log = clean(RunLog.from_points(rows))
    assert len(log.points) == 4
    assert _codes(log) == []


def test_a_million_points_are_cleaned_in_seconds() -> None:
    count = 1_000_000
    rows = pd.DataFrame(
        {
            "run": np.repeat([f"run {i}" for i in range(100)], count // 100),
            "metric": "loss",
            "step": np.tile(np.arange(count // 100), 100),
            "value": 1.0,
        }
    )
    assert len(clean(RunLog.from_points(rows)).points) == count
