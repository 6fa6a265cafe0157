"""Where backtests stand, and what they may know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor.backtest.origins import rolling_origins, seen_from

X = np.arange(1.0, 41.0)


def test_first_origin_aims_at_the_end_and_the_next_ones_lie_earlier():
    steps = rolling_origins({"a": (X, 1 / X)}, horizon=2.0, count=3)
    assert [(o.seen, o.at) for (o,) in steps] == [(20, 40), (14, 28), (10, 20)]
    assert [o.truth for (o,) in steps] == pytest.approx([1 / 40, 1 / 28, 1 / 20])


def test_order_of_points_gaps_and_unusable_values_do_not_matter():
    y = np.where(X == 3, np.nan, 1 / X)
    shuffled = np.random.default_rng(0).permutation(len(X))
    at = np.concatenate([X[shuffled], [0.0, np.nan]])
    value = np.concatenate([y[shuffled], [7.0, 7.0]])
    ((found,),) = rolling_origins({"a": (at, value)}, horizon=2.0, count=1)
    assert (found.seen, found.at, found.truth) == (20, 40, 1 / 40)


@pytest.mark.parametrize(
    "x",
    [X[:4], X[:0], np.array([1, 2, 3, 4, 5, 1000.0]), np.array([1, 900, 950, 970, 1000.0])],
    ids=["four points", "none", "nothing near the horizon", "too few before it"],
)
def test_run_without_an_origin(x):
    assert rolling_origins({"a": (x, 1 / np.maximum(x, 1))}, horizon=2.0, count=4) == []


def test_the_same_origin_is_not_taken_twice():
    x = np.array([1, 2, 3, 4, 5, 6, 7, 8, 100, 200.0])
    steps = rolling_origins({"a": (x, 1 / x)}, horizon=2.0, count=4)
    assert len({(o.seen, o.at) for step in steps for o in step}) == sum(map(len, steps))


def test_long_runs_aim_at_the_mean_of_a_bin():
    x = np.arange(1.0, 2001.0)
    noise = np.random.default_rng(0).normal(size=2000)
    ((found,),) = rolling_origins({"a": (x, 5 + noise)}, horizon=2.0, count=1)
    assert abs(found.truth - 5) < 0.3
    assert 1.8 < found.at / found.seen < 2.2


def test_only_what_each_run_had_logged_by_its_origin_is_seen():
    points = pd.DataFrame({"run": ["a"] * 40 + ["b"] * 40 + ["c"] * 40, "step": np.tile(X, 3)})
    curves = {"a": (X, 1 / X), "b": (X[:20], 1 / X[:20])}
    (group,) = rolling_origins(curves, horizon=2.0, count=1)
    seen = seen_from(points, "step", group)
    assert seen.groupby("run")["step"].max().to_dict() == {"a": 20, "b": 10}
