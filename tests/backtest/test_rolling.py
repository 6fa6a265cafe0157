"""Backtests of curves: what would have been said, beside what came."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import predictor
from predictor.backtest.rolling import LAST_VALUE, backtest
from predictor.curves.question import forecast_many
from predictor.errors import InputError
from predictor.logs.tables import RunLog

STEP = np.round(np.geomspace(10, 4000, 40))


def log_of(count=1, noise=0.005, length=40, seed=0):
    """Return a log of noisy power laws."""
    rng = np.random.default_rng(seed)
    parts = []
    for k in range(count):
        value = (2 + rng.random() + 5 * STEP**-0.5) * np.exp(noise * rng.normal(size=40))
        parts.append(
            pd.DataFrame({"run": f"r{k}", "metric": "loss", "step": STEP, "value": value})[:length]
        )
    return RunLog.from_points(pd.concat(parts))


def test_package_and_function_are_one():
    log = log_of()
    via_package = predictor.backtest(log, "loss", laws=["power"], horizons=[2.0])
    pd.testing.assert_frame_equal(
        via_package.cases, backtest(log, "loss", laws=["power"], horizons=[2.0]).cases
    )
    from predictor.backtest.scores import rmsle  # the package of the same name stays importable

    assert callable(rmsle)
    assert callable(predictor.backtest)


def test_every_case_is_what_a_forecast_said_then():
    log = log_of()
    found = backtest(log, "loss", laws=["power"], horizons=[2.0], origins=2)
    assert len(found.cases) == 2
    for case in found.cases.itertuples():
        past = RunLog.from_points(log.points[log.points["step"] <= case.seen])
        (then,) = forecast_many(past, "loss", "step", case.at, law="power")
        assert (case.value, case.lower, case.upper) == (then.value, then.lower, then.upper)
        assert case.ratio == pytest.approx(2, rel=0.2)
        came = log.points.loc[log.points["step"] == case.at, "value"]
        assert case.truth == came.item()


def test_the_future_is_not_known():
    log = log_of(3)
    before = backtest(log, "loss", horizons=[4.0], origins=1)
    changed = log.points.copy()
    changed.loc[changed["step"] > 1000, "value"] *= 1.5
    after = backtest(RunLog.from_points(changed), "loss", horizons=[4.0], origins=1)
    columns = ["run", "law", "value", "lower", "upper"]
    pd.testing.assert_frame_equal(before.cases[columns], after.cases[columns])
    assert (after.cases["truth"] > 1.4 * before.cases["truth"]).all()


def test_scores_by_law_are_those_of_their_cases():
    found = backtest(log_of(4), "loss", laws=["power", LAST_VALUE], horizons=[2.0, 4.0])
    power = found.cases[found.cases["law"] == "power"]
    row = found.laws.set_index("law").loc["power"]
    assert row["n"] == len(power) == 32
    assert row["mape"] == pytest.approx(100 * np.mean(np.abs(power.value / power.truth - 1)))
    inside = (power.lower <= power.truth) & (power.truth <= power.upper)
    assert row["coverage"] == pytest.approx(inside.mean())
    last = found.laws.set_index("law").loc[LAST_VALUE]
    assert np.isnan(last["coverage"])
    assert last["mape"] > 2 * row["mape"]
    assert last["crps"] == pytest.approx(
        (found.cases.query("law == @LAST_VALUE").eval("value - truth")).abs().mean()
    )
    assert found.horizons["n"].to_list() == [16, 16, 16, 16]


def test_calibration_agrees_with_intervals():
    found = backtest(log_of(6), "loss", laws=["power"], horizons=[2.0], level=0.8)
    table = found.calibration.set_index("level")
    assert table.loc[0.8, "coverage"] == pytest.approx(found.laws.loc[0, "coverage"])
    assert table["coverage"].is_monotonic_increasing


def test_what_cannot_be_forecast_is_counted_not_lost():
    logarithms = log_of(2).points.assign(value=lambda p: 2 + 0 * p["value"])
    found = backtest(RunLog.from_points(logarithms), "loss", laws=["auto"], horizons=[2.0])
    row = found.laws.loc[0]
    assert row["n"] + row["cannot_say"] == len(found.cases) == 8


def test_runs_too_short_are_named():
    log = log_of(length=5)
    found = backtest(log, "loss", horizons=[8.0])
    assert found.cases.empty
    assert [(f.code, f.run) for f in found.findings] == [("PRED141", "r0")]
    assert found.summary() == "nothing could be hidden and forecast"
    assert found.to_dict()["laws"] == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"laws": ["powr"]}, "did you mean power"),
        ({"laws": []}, "one at least"),
        ({"laws": ["power", "power"]}, "once"),
        ({"horizons": [1.0]}, "more than 1"),
        ({"horizons": []}, "more than 1"),
        ({"horizons": [float("nan")]}, "more than 1"),
        ({"origins": 0}, "one origin"),
        ({"level": 1.0}, "between 0 and 1"),
        ({"metric": "los"}, "did you mean loss"),
    ],
)
def test_impossible_wishes_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        backtest(log_of(), **{"metric": "loss", **settings})


def test_progress_ends_at_all():
    seen = []
    backtest(
        log_of(), "loss", laws=["power", LAST_VALUE], horizons=[2.0], origins=2,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
