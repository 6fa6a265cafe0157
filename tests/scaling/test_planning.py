"""Plans for budgets: size, data, cost, architecture, memory; and which runs to make next."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor import InputError, ScalingLaw
from predictor.architecture.accelerators import accelerator_named
from predictor.architecture.cost import Rates
from predictor.architecture.nearest import nearest_architecture
from predictor.scaling.comparing import compare_scaling_laws, held_out_errors, hold_out
from predictor.scaling.next_runs import next_runs
from predictor.scaling.planning import plan_budgets
from predictor.scaling.table import runs_table

from .conftest import loss_of, runs, table


def test_plan_has_cost_memory_and_a_model_of_that_size():
    rates = Rates(accelerator_named("h100"), count=8, mfu=0.4, usd_per_hour=2.0)
    law = ScalingLaw("chinchilla", draws=50)
    (plan,) = plan_budgets(law, table(noise=0.002), [1e21], rates=rates).plans
    # 1e21 FLOPs at 989.4e12 FLOP/s and 40 % are 702 GPU-hours.
    assert plan.cost.gpu_hours == pytest.approx(702, rel=0.01)
    assert plan.cost.usd == pytest.approx(1404, rel=0.01)
    assert plan.architecture.params == pytest.approx(plan.allocation.params, rel=0.15)
    assert plan.inference_bytes[16] == pytest.approx(2 * plan.architecture.params, rel=0.01)
    assert plan.inference_bytes[4] == pytest.approx(plan.inference_bytes[16] / 4)
    assert plan.training_bytes == 16 * plan.architecture.params
    far = plan_budgets(law, table(noise=0.002), [1e26])
    assert "PRED208" in {finding.code for finding in far.findings}
    near_six = plan.flops_per_token / plan.architecture.params
    assert 5 < near_six < 9


def test_table_that_cannot_be_split_gives_no_plan_but_a_reason():
    n = np.geomspace(1e7, 1e9, 8)
    one = runs_table(runs().assign(tokens=lambda f: 20 * f["params"])[:8])
    found = plan_budgets(ScalingLaw(draws=20), one, [1e21])
    assert found.plans == ()
    assert {"PRED202", "PRED201"} & {f.code for f in found.findings}
    assert found.to_dict()["allocations"] == []
    assert len(n) == 8
    with pytest.raises(InputError, match="name a budget"):
        plan_budgets(ScalingLaw(draws=20), table())


@pytest.mark.parametrize("params", [2e7, 3e8, 7e9, 7e10, 4e11])
def test_architectures_are_of_the_size_and_of_a_usual_shape(params):
    found = nearest_architecture(params)
    assert found.params == pytest.approx(params, rel=0.12)
    assert 20 < found.hidden / found.layers < 300
    assert found.hidden % found.heads == 0
    assert found.heads % found.key_value_heads == 0
    without = nearest_architecture(params, embeddings=False)
    assert without.params_without_embeddings == pytest.approx(params, rel=0.12)


def test_next_runs_narrow_the_forecast_they_are_for():
    frame = runs(noise=0.003, sizes=4, amounts=4)
    target = {"params": 1e11, "tokens": 2e12}
    law = ScalingLaw("chinchilla", draws=300).fit(frame)
    found = next_runs(law, target, 3e21, runs=2)
    assert (found["spread_after"] < found["spread_before"]).all()
    assert found["flops"].sum() <= 3e21
    made = found[["params", "tokens"]].assign(loss=loss_of(found["params"], found["tokens"]))

    again = ScalingLaw("chinchilla", draws=300).fit(pd.concat([frame, made]))

    def spread(fitted):
        said = [fitted.fit_.law.value([np.array([[1e11]]), np.array([[2e12]])], fitted.fit_.draws)]
        return float(np.std(np.log(said[0])))

    assert spread(again) < spread(law)
    with pytest.raises(InputError, match="no run as large"):
        next_runs(law, target, 1e10)


def test_largest_runs_are_hidden_whole_budgets_at_a_time():
    seen, hidden = hold_out(table(), 0.2)
    assert seen.flops.max() < hidden.flops.min()
    assert len(seen) + len(hidden) == 25
    errors = held_out_errors(table(noise=0.002), "chinchilla", draws=20)
    assert errors["off"].median() < 0.01


def test_laws_are_compared_by_what_they_miss():
    found = compare_scaling_laws(table(noise=0.001, sizes=6, amounts=6))
    assert found.iloc[-1]["law"] in ("compute", "bnsl")
    one = found.set_index("law")
    assert one.loc["chinchilla", "aicc"] < one.loc["compute", "aicc"]
    assert one.loc["chinchilla", "parameters"] == 5
