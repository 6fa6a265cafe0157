"""From a log to a plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor import RunLog, plan_target
from predictor.architecture.accelerators import Accelerator
from predictor.architecture.cost import Rates
from predictor.errors import InputError

TOKENS = np.geomspace(1e6, 1e9, 40)
ONE = Accelerator("one", {"bf16": 1e15}, watts=1000.0, usd_per_hour=3.0, price_date="2026-01")


def log(*exponents, metric="loss", floor=1.0, facts=None):
    parts = [
        pd.DataFrame(
            {"run": f"b={b}", "metric": metric, "tokens": TOKENS, "value": floor + 100 * TOKENS**-b}
        )
        for b in exponents
    ]
    runs = pd.DataFrame({"run": [f"b={b}" for b in exponents], **(facts or {})})
    return RunLog.from_points(pd.concat(parts), runs)


def test_an_exact_power_law_is_inverted():
    # 1 + 100 D^-0.3 = 1.15 at (100 / 0.15)^(1 / 0.3).
    row = plan_target(log(0.3), "loss", 1.15, law="power").needed[0]
    assert row.value == pytest.approx((100 / 0.15) ** (1 / 0.3), rel=2e-3)
    assert row.lower < row.value
    assert row.upper is None or row.upper > row.value
    assert row.more == pytest.approx(row.value - 1e9)
    assert 0.5 < row.reachable <= 1


def test_costs_are_those_of_the_places():
    rates = Rates(ONE, count=2, mfu=0.5, usd_per_hour=2.0, pue=1.5, kg_co2_per_kwh=0.4)
    plan = plan_target(log(0.3, facts={"params": [1e9]}), "loss", 1.15, rates=rates)
    row = plan.needed[0]
    total, more = row.cost["total"], row.cost["more"]
    hours = 6 * 1e9 * row.value / (1e15 * 0.5 * 2 * 3600)
    assert total["hours"]["value"] == pytest.approx(hours)
    assert total["usd"]["value"] == pytest.approx(hours * 2 * 2.0)
    assert total["kwh"]["value"] == pytest.approx(hours * 2 * 1.0 * 1.5)
    assert total["kg_co2"]["value"] == pytest.approx(hours * 2 * 1.5 * 0.4)
    assert more["usd"]["value"] == pytest.approx(total["usd"]["value"] * (1 - 1e9 / row.value))
    assert more["usd"]["lower"] < more["usd"]["value"]
    assert [f.code for f in plan.findings if f.code.startswith("PRED13")].count("PRED134") == 1


def test_a_default_price_is_said_with_its_date():
    plan = plan_target(log(0.3, facts={"params": [1e9]}), "loss", 1.15, rates=Rates(ONE))
    said = [f.message for f in plan.findings if f.code == "PRED134"]
    assert any("3 USD, as of 2026-01" in message for message in said)


def test_a_cost_that_cannot_be_told_is_null_and_said_only_where_it_was_asked_for():
    asked = plan_target(log(0.3), "loss", 1.15, rates=Rates(ONE))
    assert asked.needed[0].cost is None
    assert "PRED133" in {f.code for f in asked.findings}
    assert not {"PRED133"} & {f.code for f in plan_target(log(0.3), "loss", 1.15).findings}


def test_the_likeliest_run_speaks_for_all():
    plan = plan_target(log(0.25, 0.35), "loss", 1.1)
    assert plan.likeliest.run == "b=0.35"
    document = plan.to_dict()
    assert [row["run"] for row in document["needed"]] == ["b=0.25", "b=0.35"]
    assert document["reachable"] == plan.needed[1].reachable


def test_reached_in_the_log_and_out_of_reach():
    reached = plan_target(log(0.3), "loss", 2.0).needed[0]
    assert reached.value == pytest.approx(100 ** (1 / 0.3), rel=0.01)
    assert (reached.more, reached.reachable) == (0.0, 1.0)
    assert "PRED130" in reached.warnings
    far = plan_target(log(0.3, floor=2.0), "loss", 1.0).needed[0]
    assert far.value is None
    assert far.reachable < 0.5
    assert "PRED132" in far.warnings


def test_a_nearer_horizon_is_never_likelier():
    chances = [
        plan_target(log(0.3), "loss", 1.15, within=end).needed[0].reachable
        for end in (2e9, 4e9, 2e10)
    ]
    assert chances == sorted(chances)
    assert chances[0] < chances[2]


def test_a_higher_target_is_reached_sooner_and_likelier():
    rows = [plan_target(log(0.3), "loss", t).needed[0] for t in (1.14, 1.16, 1.18)]
    assert rows[0].value > rows[1].value > rows[2].value
    assert rows[0].reachable <= rows[1].reachable <= rows[2].reachable


def test_stop_by_dollars_needs_a_price_and_agrees_with_units():
    facts = {"params": [1e9]}
    rates = Rates(ONE, mfu=0.5, usd_per_hour=2.0)
    usd_a_token = 6e9 / (0.5e15 * 3600) * 2.0
    one = log(0.3, facts=facts)
    by_unit = plan_target(one, "loss", 1.15, law="power", least_gain=1e-11, gain_per="unit")
    by_usd = plan_target(
        one, "loss", 1.15, law="power", least_gain=1e-11 / usd_a_token, gain_per="usd", rates=rates
    )
    # 30 D^-1.3 = 1e-11 at (30e11)^(1 / 1.3).
    assert by_unit.needed[0].stop == pytest.approx((30e11) ** (1 / 1.3), rel=0.02)
    assert by_usd.needed[0].stop == pytest.approx(by_unit.needed[0].stop, rel=1e-6)
    with pytest.raises(InputError, match="needs a price"):
        plan_target(log(0.3), "loss", 1.15, least_gain=1.0, gain_per="usd")
    with pytest.raises(InputError, match="no default"):
        plan_target(log(0.3), "loss", 1.15, gain_per="unit")


def test_too_short_a_run_cannot_be_planned_with():
    short = RunLog.from_points(
        pd.DataFrame({"run": "a", "metric": "loss", "step": [1, 2], "value": [3.0, 2.0]})
    )
    row = plan_target(short, "loss", 1.0).needed[0]
    assert (row.value, row.reachable) == (None, None)
    assert "PRED101" in row.warnings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"level": 1.5}, "level must lie"),
        ({"law": "magic"}, "law 'magic' is not known"),
        ({"x": "step"}, "no axis 'step'; it has tokens"),
        ({"within": 5e8}, "lies within the log of run 'b=0.3'"),
        ({"metric": "los"}, "did you mean loss"),
        ({"target": float("nan")}, "finite"),
        ({"least_gain": -1.0}, "least gain must be 0 or more"),
    ],
)
def test_bad_questions_are_one_clear_line(settings, message):
    with pytest.raises(InputError, match=message):
        plan_target(log(0.3), **{"metric": "loss", "target": 1.15, **settings})


def test_tables_and_words():
    plan = plan_target(log(0.3, facts={"params": [1e9]}), "loss", 1.15, rates=Rates(ONE))
    frame = plan.to_frame()
    assert frame.loc[0, "more_usd"] == plan.needed[0].cost["more"]["usd"]["value"]
    assert plan.summary().startswith("b=0.3: loss 1.15 is reached at tokens=2.")


def test_flops_without_an_accelerator_have_no_cost_and_an_unknown_rate_is_an_error():
    one = log(0.3, facts={"params": [1e9]})
    plan = plan_target(one, "loss", 1.15, rates=Rates(usd_per_hour=2.0))
    assert plan.needed[0].cost is None
    assert any("without an accelerator" in f.message for f in plan.findings)
    with pytest.raises(InputError, match="no fp8 rate is known of 'one'"):
        plan_target(one, "loss", 1.15, rates=Rates(ONE, precision="fp8"))
