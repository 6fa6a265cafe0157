"""What is said of learning rates that laws without a schedule do not know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor.curves.question import forecast_many
from predictor.curves.rates import falling_doubt
from predictor.logs.tables import RunLog

STEP = np.arange(1, 201) * 50.0
CONSTANT = np.full(200, 1e-3)
#: A plateau, then a steep linear decay from step 8,000 on that is not over at 10,000.
DECAY = 1e-3 * np.clip(1 - (STEP - 8_000) / 2_500, 0.0, 1.0)
COSINE = 5e-4 * (1 + np.cos(np.pi * STEP / 20_000))


def loss(drop=0.0, seed=0):
    """Return a loss that falls by a further share in the last fifth."""
    noise = np.exp(0.001 * np.random.default_rng(seed).normal(size=len(STEP)))
    return (2 + 8 * STEP**-0.5) * noise * (1 - drop * np.clip((STEP - 8_000) / 2_000, 0, 1))


def forecast(value, rate=None, **settings):
    points = pd.DataFrame({"run": "a", "metric": "loss", "step": STEP, "value": value})
    if rate is not None:
        points["lr"] = rate
    runs = pd.DataFrame({"run": ["a"], **{k: [v] for k, v in settings.items()}})
    (found,) = forecast_many(RunLog.from_points(points, runs), "loss", "step", 12_000, law="power")
    return found


@pytest.mark.parametrize(
    ("rate", "wider"),
    [(CONSTANT, None), (COSINE, 1.0), (DECAY, 3.0)],
    ids=["flat", "slow", "steep"],
)
def test_steep_falls_widen_the_interval(rate, wider):
    doubt = falling_doubt("a", STEP, rate)
    assert (None if doubt is None else doubt.widen) == wider


def test_interval_is_wider_where_the_rate_falls_steeply():
    plain, steep = (forecast(loss(0.02), rate) for rate in (CONSTANT, DECAY))
    assert "PRED108" in steep.warnings
    assert steep.upper - steep.lower > 2.5 * (plain.upper - plain.lower)


def test_curve_that_quickens_without_a_logged_rate_is_named():
    assert "PRED127" in forecast(loss(0.06)).warnings
    assert "PRED127" not in forecast(loss(0.06), CONSTANT).warnings
    quiet = [forecast(loss(seed=seed)) for seed in range(30)]
    assert sum("PRED127" in one.warnings for one in quiet) <= 1


def test_schedule_in_the_settings_without_a_logged_rate_is_named():
    assert "PRED127" in forecast(loss(), lr_scheduler_type="cosine").warnings
    assert "PRED127" not in forecast(loss(), lr_scheduler_type="constant").warnings
    assert "PRED127" not in forecast(loss(), CONSTANT, lr_scheduler_type="cosine").warnings
