"""Many curves in parts: on several cores, on a cluster, and when one breaks."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest

from predictor.curves import forecasting
from predictor.curves.batch import CurveBatch
from predictor.curves.outlook import look_ahead
from predictor.curves.parts import CURVES, look_in_parts
from predictor.curves.question import forecast_many
from predictor.logs.tables import RunLog

STEP = np.arange(1, 31) * 100.0


def sweep(count):
    """Return a log of so many noisy curves."""
    rng = np.random.default_rng(0)
    value = (
        2 + rng.random((count, 1)) + 5 * STEP**-0.5 * np.exp(0.01 * rng.normal(size=(count, 30)))
    )
    return RunLog.from_points(
        pd.DataFrame(
            {
                "run": np.repeat([f"r{k}" for k in range(count)], 30),
                "metric": "loss",
                "step": np.tile(STEP, count),
                "value": value.ravel(),
            }
        )
    )


def one_law(batch, at):
    """Look ahead by one fast law; break where a curve starts at 13."""
    if (batch.z[:, 0] == 13.0).any():
        raise FloatingPointError("13")
    return look_ahead(batch, at, laws=("inverse-sqrt",))


def test_one_process_and_two_say_the_same():
    log = sweep(CURVES + 50)
    ask = partial(forecast_many, log, "loss", "step", 6000.0, law="inverse-sqrt")
    assert ask().to_dict() == ask(n_jobs=2).to_dict()


def test_dask_cluster_says_the_same():
    distributed = pytest.importorskip("distributed")
    from joblib import parallel_config

    log = sweep(CURVES + 50)
    ask = partial(forecast_many, log, "loss", "step", 6000.0, law="inverse-sqrt")
    here = ask().to_dict()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        parallel_config(backend="dask"),
    ):
        there = ask().to_dict()
        done = client.run_on_scheduler(
            lambda dask_scheduler: sum(
                prefix.state_counts["memory"] + prefix.state_counts["released"]
                for prefix in dask_scheduler.task_prefixes.values()
            )
        )
    assert there == here
    assert done >= 2


def test_curve_that_breaks_costs_no_other_its_forecast():
    x = np.tile(STEP, (5, 1))
    z = 2 + 5 * x**-0.5
    z[3, 0] = 13.0
    batch = CurveBatch(x, z, np.ones_like(x))
    found = list(look_in_parts(one_law, batch, np.full((5, 1), 6000.0)))
    assert [rows.tolist() for rows, _ in found] == [[0], [1], [2], [3], [4]]
    assert [outlook is None for _, outlook in found] == [False, False, False, True, False]
    assert found[4][1].centre == pytest.approx(np.log(2 + 5 * 6000**-0.5), rel=1e-6)


def test_broken_curve_is_reported_for_that_curve(monkeypatch):
    log = sweep(12)
    points = log.points.copy()
    points.loc[(points["run"] == "r4") & (points["step"] == 100), "value"] = 13.0
    monkeypatch.setattr(forecasting, "look_ahead", lambda batch, at, **_: one_law(batch, at))
    found = forecast_many(RunLog.from_points(points), "loss", "step", 6000.0, law="inverse-sqrt")
    assert [f.run for f in found] == [f"r{k}" for k in range(12)]
    assert [f.run for f in found if not f.trusted] == ["r4"]
    assert "PRED113" in found[4].warnings
    assert [f.run for f in found.findings if "broke off" in f.message] == ["r4"]
