"""Forecasts are kept once and scored when what they said has come."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from predictor.backtest.scores import interval_score
from predictor.errors import InputError
from predictor.fitting.forecast import Forecast
from predictor.store.trust import binomial_interval, value_at
from predictor.store.uploading import Given

from .conftest import curve


def said(run: str, at: float, value: float, half: float, law: str = "auto") -> Forecast:
    place = {"step": at}
    return Forecast(run, "loss", place, value, value - half, value + half, 0.9, law, 20, at / 20)


def grown(name: str, points: int) -> Given:
    """Return a run's log of 1 / step, so far."""
    rows = [f"{k},{1 + 1 / k:.12f}" for k in range(1, points + 1)]
    return Given(f"{name}.csv", "\n".join(["step,loss", *rows]).encode())


def test_a_forecast_waits_until_a_later_log_has_reached_its_place(workspace):
    first = workspace.add([grown("a", 20)])
    workspace.record(
        [said("a", 40, 1.05, 0.1), said("a", 100, 1.01, 0.1)],
        predictor="curves",
        runs={"a": first.runs[0]},
    )
    report = workspace.trust()
    assert (len(report.cases), report.waiting) == (0, 2)
    assert report.to_frame().empty
    assert [finding.code for finding in report.findings] == ["PRED711"]
    workspace.add([grown("a", 40)])
    report = workspace.trust()
    assert report.waiting == 1
    (case,) = report.cases.to_dict("records")
    assert case["truth"] == pytest.approx(1 + 1 / 40)
    assert case["error_percent"] == pytest.approx(100 * (1.05 - 1.025) / 1.025)
    assert case["inside"]
    assert not case["hindsight"]
    score = interval_score(np.array([0.95]), np.array([1.15]), np.array([1.025]), 0.9)[0]
    assert case["interval_score"] == pytest.approx(score / 1.025)


def test_a_run_that_was_renamed_is_found_by_the_name_it_has(workspace):
    first = workspace.add([grown("a", 20)])
    workspace.record([said("a", 40, 1.05, 0.1)], predictor="curves", runs={"a": first.runs[0]})
    workspace.rename(first.runs[0], "mine")
    second = workspace.add([grown("a", 40)])
    assert len(workspace.trust().cases) == 0
    workspace.rename(second.runs[0], "mine")
    assert len(workspace.trust().cases) == 1


def test_a_log_of_another_run_or_of_before_tells_nothing(workspace):
    workspace.add([grown("a", 100)])
    second = workspace.add([grown("a", 20)])
    workspace.add([grown("b", 100)])
    workspace.record([said("a", 40, 1.05, 0.1)], predictor="curves", runs={"a": second.runs[0]})
    assert len(workspace.trust().cases) == 0


def test_hindsight_is_kept_apart(workspace):
    upload = workspace.add([grown("a", 40)])
    runs = {"a": upload.runs[0]}
    workspace.record(
        [said("a", 40, 1.02, 0.1)], predictor="curves", runs=runs, seen_until={"a": 20.0}
    )
    report = workspace.trust()
    assert report.laws.empty
    assert list(report.hindsight["n"]) == [1]
    assert report.cases["hindsight"].all()
    assert {finding.code for finding in report.findings} == {"PRED711", "PRED712"}
    assert list(report.to_frame()["hindsight"]) == [True]


def test_scores_by_law_are_what_one_counts_by_hand(workspace):
    names = [f"r{k}" for k in range(12)]
    workspace.add([grown(name, 20) for name in names])
    ids = {row["name"]: row["id"] for row in workspace.runs().to_dict("records")}
    made = [said(name, 40, 1.025 + 0.01 * k, 0.055) for k, name in enumerate(names)]
    made += [said("r0", 40, 2.0, 0.1, law="power")]
    workspace.record(made, predictor="curves", runs=ids)
    workspace.add([grown(name, 44) for name in names])
    laws = workspace.trust().laws.set_index("law")
    auto = laws.loc["auto"]
    assert (auto["n"], auto["runs"], auto["level"]) == (12, 12, 0.9)
    errors = [100 * 0.01 * k / 1.025 for k in range(12)]
    assert auto["median_error_percent"] == pytest.approx(np.median(errors))
    assert auto["coverage"] == pytest.approx(6 / 12)
    assert auto["coverage_lower"] < 0.5 < auto["coverage_upper"]
    assert laws.loc["power", "coverage"] == 0
    (few,) = [f for f in workspace.trust().findings if f.code == "PRED711"]
    assert few.message.endswith("power (1)")


def test_the_same_forecast_is_kept_once(workspace):
    upload = workspace.add([grown("a", 20)])
    runs = {"a": upload.runs[0]}
    one = said("a", 40, 1.05, 0.1)
    first = workspace.record([one, one], predictor="curves", runs=runs, digest="x")
    assert first[0] == first[1]
    assert workspace.record([one], predictor="curves", runs=runs, digest="x") == first[:1]
    assert workspace.record([one], predictor="curves", runs=runs, digest="y") != first[:1]
    assert workspace.record([one], predictor="curves", runs=runs, digest="x", seed=1) != first[:1]
    assert workspace.record([], predictor="curves") == []
    assert len(workspace.forecasts()) == 3


def test_a_forecast_comes_out_as_it_was_made(workspace):
    upload = workspace.add([grown("a", 20)])
    one = Forecast(
        "a", "loss", {"step": 40.0}, 1.5, 1.25, 1.75, 0.8, "power", 20, 2.0, ("PRED102",)
    )
    none = Forecast(
        "b", "loss", {"params": 1e9, "tokens": 2e10}, None, None, None, 0.9, "x", 0, None
    )
    workspace.record(
        [one, none], predictor="curves", runs={"a": upload.runs[0]}, digest="d", seed=7
    )
    second, first = workspace.forecasts().to_dict("records")
    kept = {"run": "run_name", "at": "at", "warnings": "warnings"}
    for name in ("metric", "value", "lower", "upper", "level", "law", "points", *kept):
        assert first[kept.get(name, name)] == getattr(one, name)
    assert (first["seen_until"], first["logged_until"], first["seed"]) == (20.0, 20.0, 7)
    assert pd.isna(second["value"])
    assert pd.isna(second["run"])
    assert second["at"] == {"params": 1e9, "tokens": 2e10}
    assert workspace.trust().waiting == 1


def test_a_forecast_of_a_run_that_is_not_there_is_refused(workspace):
    workspace.add([curve("a")])
    with pytest.raises(InputError, match="no run 9"):
        workspace.record([said("a", 40, 1, 1)], predictor="curves", runs={"a": 9})
    assert workspace.forecasts().empty


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (5, 5), (3, 10), (45, 50)])
def test_the_interval_of_a_share_has_5_percent_on_each_side(hits, n):
    lower, upper = binomial_interval(hits, n)
    if hits:
        assert binom.sf(hits - 1, n, lower) == pytest.approx(0.05)
    if hits < n:
        assert binom.cdf(hits, n, upper) == pytest.approx(0.05)


def test_a_truth_is_read_between_points_and_never_beyond_them():
    x, y = np.array([4.0, 1.0, np.nan, 16.0]), np.array([2.0, 3.0, 9.0, 1.0])
    assert value_at(x, y, 8.0) == pytest.approx(1.5)
    assert value_at(x, y, 16.0) == 1.0
    assert value_at(x, y, 17.0) is None
    assert value_at(x, y, 0.5) is None
    assert value_at(x[:0], y[:0], 1.0) is None
