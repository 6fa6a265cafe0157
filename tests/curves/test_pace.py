"""What a unit of an axis takes, from whatever the log holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor import RunLog
from predictor.architecture.accelerators import Accelerator
from predictor.architecture.cost import Rates
from predictor.curves.pace import pace_of
from predictor.errors import CannotForecastError

STEPS = np.arange(1.0, 101.0)


def log(facts=None, **axes):
    points = pd.DataFrame(
        {"run": "a", "metric": "loss", "step": STEPS, "value": 2 + 1 / STEPS, **axes}
    )
    return RunLog.from_points(points, pd.DataFrame({"run": ["a"], **(facts or {})}))


def test_logged_time_comes_first_and_pauses_do_not_count():
    seconds = 36.0 * STEPS + np.where(STEPS > 90, 50_000.0, 0.0)
    pace = pace_of(log({"params": [1e6]}, wall_time=seconds, flops=1e9 * STEPS), "a", "step")
    assert (pace.hours, pace.flops, pace.basis) == (pytest.approx(0.01), None, "logged wall_time")


def test_then_logged_flops_then_params_and_tokens():
    facts = {"params": [1e6]}
    assert pace_of(log(facts, flops=3e9 * STEPS), "a", "step").flops == pytest.approx(3e9)
    pace = pace_of(log(facts, tokens=500 * STEPS), "a", "step")
    assert (pace.flops, pace.basis) == (pytest.approx(6 * 1e6 * 500), "6 x params x tokens")
    assert pace_of(log(facts, tokens=500 * STEPS), "a", "tokens").flops == pytest.approx(6e6)
    assert pace_of(log({**facts, "tokens_per_step": [500]}), "a", "step").flops == pytest.approx(
        3e9
    )


def test_totals_of_a_run_are_spread_over_its_tokens():
    facts = {"flops": [1e15], "tokens": [1e6]}
    assert pace_of(log(facts, tokens=500 * STEPS), "a", "step").flops == pytest.approx(1e9 * 500)


def test_the_total_of_a_trainer_state_is_spread_over_its_steps():
    facts = {"flops": [1e15], "format": ["trainer-state"]}
    assert pace_of(log(facts), "a", "step").flops == pytest.approx(1e13)
    with pytest.raises(CannotForecastError):
        pace_of(log({**facts, "format": ["table"]}), "a", "step")


def test_an_axis_that_is_the_cost_itself():
    assert pace_of(log(flops=1e9 * STEPS), "a", "flops").flops == 1.0
    assert pace_of(log(wall_time=10 * STEPS), "a", "wall_time").hours == pytest.approx(1 / 3600)


def test_one_basis_can_be_asked_for():
    both = log({"params": [1e6]}, wall_time=36.0 * STEPS, tokens=500 * STEPS)
    assert pace_of(both, "a", "step", "params").basis == "6 x params x tokens"
    with pytest.raises(CannotForecastError, match="does not hold flops"):
        pace_of(both, "a", "step", "flops")


@pytest.mark.parametrize("facts", [None, {"params": [np.nan]}, {"params": ["many"]}])
def test_what_is_missing_is_said(facts):
    with pytest.raises(CannotForecastError, match="neither wall_time nor flops nor params togeth"):
        pace_of(log(facts, tokens=STEPS if facts is None else np.nan), "a", "step")


def test_cost_of_units_by_hand():
    one = Rates(Accelerator("one", {"bf16": 1e15}), mfu=0.5, usd_per_hour=2.0)
    by_time = pace_of(log(wall_time=36.0 * STEPS), "a", "step")
    assert by_time.cost(1000, one).usd == pytest.approx(20.0)
    by_flops = pace_of(log(flops=1.8e15 * STEPS), "a", "step")
    assert by_flops.cost(1000, one).hours == pytest.approx(1.0)
