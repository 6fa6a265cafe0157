"""Verdicts that can be checked by hand."""

from __future__ import annotations

from math import inf

import pytest

from predictor.fitting.forecast import Forecast
from predictor.gates.checks import Check
from predictor.gates.judging import judge_threshold
from predictor.gates.measures import Measure
from predictor.gates.verdict import GateResult, Status, Verdict

LOSS = Forecast("r", "loss", {"step": 9.0}, 2.5, 2.4, 2.6, 0.9, "auto", 40, 2.0, ("PRED106",))


def judged(better="lower", forecast=LOSS, **settings):
    check = Check(name="c", logs=["x"], **settings)
    return judge_threshold(check, Measure.of(forecast, better))


@pytest.mark.parametrize(
    ("better", "requirement", "status", "margin"),
    [
        ("lower", {"upper": 2.7}, "pass", 0.1),
        ("lower", {"upper": 2.55}, "undecided", -0.05),
        ("lower", {"upper": 2.3}, "fail", -0.3),
        ("lower", {"value": 2.6}, "pass", 0.1),
        ("lower", {"value": 2.45}, "fail", -0.05),
        ("lower", {"lower": 2.45}, "pass", 0.05),
        ("lower", {"lower": 2.3}, "fail", -0.1),
        ("higher", {"lower": 2.3}, "pass", 0.1),
        ("higher", {"lower": 2.45}, "undecided", -0.05),
        ("higher", {"lower": 2.7}, "fail", -0.3),
        ("higher", {"upper": 2.55}, "pass", 0.05),
        ("higher", {"upper": 2.7}, "fail", -0.1),
    ],
)
def test_each_end_against_its_limit(better, requirement, status, margin):
    verdict = judged(better, **requirement)
    assert (verdict.status, verdict.margin) == (status, pytest.approx(margin))


def test_probability_is_that_of_the_value_itself():
    assert judged(upper=2.6).probability == pytest.approx(0.95)
    assert judged(value=2.5).probability == pytest.approx(0.5)
    assert judged("higher", lower=2.4).probability == pytest.approx(0.95)


@pytest.mark.parametrize("counts_as", ["fail", "pass", "warn"])
def test_undecided_counts_as_asked(counts_as):
    verdict = judged(upper=2.55, undecided=counts_as)
    assert verdict.status == counts_as
    assert f"undecided counts as '{counts_as}'" in verdict.message


def test_what_cannot_be_forecast_is_undecided():
    silent = Forecast("r", "loss", {}, None, None, None, 0.9, "auto", 3, None, ("PRED101",))
    verdict = judged(forecast=silent, upper=3.0)
    assert verdict.status is Status.UNDECIDED
    assert "cannot be forecast: too few points" in verdict.message


def test_target_that_is_never_reached_fails():
    never = Forecast("r", "step to loss=1", {}, None, None, None, 0.9, "auto", 3, None)
    verdict = judge_threshold(
        Check(name="c", logs=["x"], upper=100.0), Measure(never, "lower", inf, inf, inf)
    )
    assert (verdict.status, verdict.margin) == (Status.FAIL, None)
    assert "never" in verdict.message


def test_severity_and_mute():
    verdict = judged(upper=2.3, severity="warning", mute=[{"code": "PRED106", "reason": "known"}])
    assert verdict.status is Status.WARN
    assert verdict.warnings == ()
    assert verdict.muted == {"PRED106": "known"}


@pytest.mark.parametrize(
    ("statuses", "exit_status"),
    [
        (["pass", "warn"], 0),
        (["pass", "undecided"], 3),
        (["undecided", "fail"], 1),
        (["fail", "error", "undecided"], 2),
    ],
)
def test_worst_verdict_decides(statuses, exit_status):
    result = GateResult(tuple(Verdict("c", Status(s), "m") for s in statuses))
    assert (result.exit_status, result.passed) == (exit_status, exit_status == 0)
