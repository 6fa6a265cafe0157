"""The best size without a law: IsoFLOP parabolas and the envelope."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor import CannotForecastError
from predictor.scaling.approaches import envelope, isoflop
from predictor.scaling.table import runs_table

from .conftest import TRUTH, loss_of

#: Of N_opt ~ C^a for the law of the tables.
EXPONENT = TRUTH["beta"] / (TRUTH["alpha"] + TRUTH["beta"])


def budgets(noise=0.0, factor=30.0):
    c, ratio = np.meshgrid(np.geomspace(1e18, 1e21, 6), np.geomspace(1 / factor, factor, 11))
    n = ratio * 1e8 * (c / 1e19) ** EXPONENT
    d = c / 6 / n
    loss = loss_of(n, d) * np.exp(noise * np.random.default_rng(0).normal(size=n.shape))
    frame = pd.DataFrame({"params": n.ravel(), "flops": c.ravel(), "loss": loss.ravel()})
    return runs_table(frame)


def test_parabolas_give_the_exponent_and_an_interval_that_holds_it():
    found = isoflop(budgets(noise=0.002))
    assert len(found.optima) == 6
    assert found.exponent == pytest.approx(EXPONENT, abs=0.03)
    assert found.exponent_lower < EXPONENT < found.exponent_upper
    at = found.optima.iloc[2]
    assert found.params_at(at["flops"]) == pytest.approx(at["params"], rel=0.2)


def test_budget_without_a_lowest_point_is_left_out_and_named():
    table = budgets()
    rows = table.runs
    cut = (rows["flops"] > 9e20) & (rows["params"] > 2e9)
    found = isoflop(table.take((~cut).to_numpy()))
    assert len(found.optima) in (5, 6)
    only_small = rows["params"] < 3e7
    with pytest.raises(CannotForecastError, match="PRED222"):
        isoflop(table.take(only_small.to_numpy()))


def test_envelope_of_curves():
    n, d = np.meshgrid(np.geomspace(1e7, 3e9, 9), np.geomspace(1e8, 3e11, 40))
    curves = pd.DataFrame({"params": n.ravel(), "tokens": d.ravel(), "loss": loss_of(n, d).ravel()})
    found = envelope(runs_table(curves), draws=100)
    assert found.exponent == pytest.approx(EXPONENT, abs=0.06)
    assert found.exponent_lower < EXPONENT < found.exponent_upper
    with pytest.raises(CannotForecastError, match="PRED222"):
        envelope(runs_table(curves[curves["params"] < 3e7]))
