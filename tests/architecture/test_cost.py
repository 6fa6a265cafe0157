"""Costs by hand."""

from __future__ import annotations

from math import inf, nan

import pytest

from predictor.architecture.accelerators import Accelerator, accelerator_named
from predictor.architecture.cost import Rates, cost_of_flops, cost_of_hours
from predictor.errors import InputError

ONE = Accelerator("one", {"bf16": 1e15}, watts=500.0, usd_per_hour=3.0)


def test_hours_by_hand():
    cost = cost_of_hours(10.0, Rates(ONE, count=4, pue=1.5, kg_co2_per_kwh=0.4))
    assert cost.gpu_hours == 40.0
    assert cost.usd == 120.0  # at the accelerator's own price
    assert cost.kwh == pytest.approx(40 * 0.5 * 1.5)
    assert cost.kg_co2 == pytest.approx(40 * 0.5 * 1.5 * 0.4)


def test_flops_by_hand():
    # 1e15 x 0.5 x 2 accelerators = 1e15 FLOP/s: 7.2e18 take two hours.
    cost = cost_of_flops(7.2e18, Rates(ONE, count=2, mfu=0.5, usd_per_hour=1.0))
    assert cost.hours == pytest.approx(2.0)
    assert cost.usd == pytest.approx(4.0)


def test_chinchilla_on_h100():
    # 6 x 70e9 x 1.4e12 = 5.88e23 FLOPs; 5.88e23 / (989.4e12 x 0.4 x 3600) = 412,707 GPU-hours.
    cost = cost_of_flops(6 * 70e9 * 1.4e12, Rates(accelerator_named("h100"), count=1024))
    assert cost.gpu_hours == pytest.approx(412_708, rel=1e-5)
    assert cost.hours == pytest.approx(412_708 / 1024, rel=1e-5)


def test_the_users_price_wins_and_free_is_a_price():
    assert Rates(ONE, usd_per_hour=2.0).price == 2.0
    assert Rates(ONE, usd_per_hour=0.0).price == 0.0
    assert Rates(ONE).price == 3.0


def test_what_is_not_known_is_none_and_not_zero():
    cost = cost_of_hours(5.0, Rates())
    assert (cost.hours, cost.usd, cost.kwh, cost.kg_co2) == (5.0, None, None, None)


def test_precision_is_bf16_else_fp16_unless_named():
    assert Rates(accelerator_named("v100")).peak_precision == "fp16"
    assert Rates(ONE).peak_precision == "bf16"
    assert Rates(accelerator_named("h100"), precision="fp8").flops_per_hour() == pytest.approx(
        1978.9e12 * 0.4 * 3600
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mfu": 0}, "mfu must lie between"),
        ({"mfu": 1.2}, "mfu must lie between"),
        ({"mfu": nan}, "mfu must lie between"),
        ({"count": 0}, "number of accelerators must lie between 1"),
        ({"pue": 0.9}, "pue must lie between 1"),
        ({"usd_per_hour": -1.0}, "price must lie between 0"),
        ({"kg_co2_per_kwh": -0.1}, "kg_co2_per_kwh must lie between 0"),
    ],
)
def test_rates_out_of_range_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Rates(ONE, **settings)


@pytest.mark.parametrize("amount", [-1.0, nan, inf])
def test_amounts_out_of_range_are_refused(amount):
    with pytest.raises(InputError, match="must be 0 or more"):
        cost_of_hours(amount, Rates(ONE))
    with pytest.raises(InputError, match="must be 0 or more"):
        cost_of_flops(amount, Rates(ONE))


def test_flops_need_an_accelerator():
    with pytest.raises(InputError, match="no accelerator is named"):
        cost_of_flops(1e18, Rates())
