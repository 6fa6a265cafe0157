"""Answers that the tests of charts and reports share, made once, and a chart of every kind."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from predictor import (
    InformationCapacity,
    ResponseAlignment,
    ScalingLaw,
    dataset_path,
    load_dataset,
    read_logs,
)

#: A run's name that would be markup, a formula and the end of a script, were it more than text.
HOSTILE = "=1+1</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028&"


@cache
def answer():
    from predictor.curves.question import ask, pose

    log = runs()
    question = pose(log, metric="val_loss", places=[{"step": 20000.0}])
    return ask(log, question, bands=True)


@cache
def runs():
    from predictor.curves.question import only_runs

    return only_runs(load_dataset("mlp_runs"), ["width-16-seed-0", "width-128-seed-0"])


@cache
def scaling():
    from predictor.scaling.question import ask_table
    from predictor.scaling.table import read_runs

    table = read_runs(dataset_path("mlp_scaling"))
    at = [{"params": 5e4, "tokens": 1e6}]
    return ask_table(ScalingLaw("chinchilla", draws=20), table, at=at, budgets=[1e12])


@cache
def suite():
    from predictor.difficulty.question import ladders_of
    from predictor.difficulty.suite import forecast_suite

    (ladder,), _ = ladders_of(read_logs(dataset_path("mlp_ladder")))
    small = ladder.take(range(6))
    return forecast_suite([small], [{"flops": float(ladder.size[7])}], draws=5)


@cache
def chain():
    from predictor.difficulty.suite import clusters_of

    return clusters_of(suite().outlooks[0].ladder)


@cache
def capacity():
    import pandas as pd

    rows = {
        "model": ["a-1", "a-2", "b-1"], "series": ["a", "a", "b"], "dataset": "mixed_text",
        "text_bits_per_token": 34.0, "nll_bits_per_token": [4.0, 3.7, 3.9],
        "flops_per_token": [2e9, 8e9, 9e9],
    }  # fmt: skip
    return InformationCapacity().fit(pd.DataFrame(rows))


@cache
def alignment():
    return ResponseAlignment(score="self_perplexity").fit(dataset_path("response_strategies"))


@cache
def spiked():
    """Return a log of one run with a spike."""
    import pandas as pd

    from predictor.logs.tables import RunLog

    rng = np.random.default_rng(0)
    value = 2 + 4 * np.arange(1, 601) ** -0.4 + 0.02 * rng.normal(size=600)
    value[400:404] += 3
    rows = {"run": "a", "metric": "loss", "step": np.arange(1, 601), "value": value}
    return RunLog.from_points(pd.DataFrame(rows))


@cache
def health():
    from predictor.health.run_health import run_health

    return run_health(spiked())


@cache
def weights():
    from predictor.health.checkpoint import checkpoint_health

    tensors = {
        f"layers.{k}.self_attn.q_proj.weight": np.random.default_rng(k).normal(0, 0.02, (128, 64))
        for k in range(2)
    }
    header, body = {}, b""
    for name, array in tensors.items():
        raw = array.astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32", "shape": list(array.shape),
            "data_offsets": [len(body), len(body) + len(raw)],
        }  # fmt: skip
        body += raw
    text = json.dumps(header).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.safetensors"
        path.write_bytes(len(text).to_bytes(8, "little") + text + body)
        return checkpoint_health([path])


@cache
def backtested():
    from predictor import backtest

    return backtest(runs(), "val_loss", laws=["power", "last value"], horizons=[2.0])


@cache
def gated():
    from predictor.fitting.forecast import Forecast
    from predictor.gates.verdict import GateResult, Status, Verdict

    one = Forecast("a", "loss", {"step": 200.0}, 2.5, 2.4, 2.6, 0.9, "power", 40, 2.0)
    passed = Verdict("end", Status.PASS, "a: holds", "a", one, "at most 3", 0.4)
    failed = Verdict("start", Status.FAIL, "a: does not hold", "a", one, "at most 2.5", -0.1)
    return GateResult((passed, failed))


def hostile_log(folder):
    """Write a log whose run and metric are named as an attacker would."""
    rng = np.random.default_rng(0)
    step = np.arange(10, 1010, 10)
    rows = [f'{HOSTILE},"{HOSTILE} loss",{s},{v}' for s, v in zip(
        step, 2 + 5 * step**-0.5 + 0.01 * rng.normal(size=100), strict=True
    )]  # fmt: skip
    path = folder / "hostile.csv"
    path.write_text("run,metric,step,value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def charts():
    """Return, by a chart's name, what draws an example and what says it in words."""
    from predictor.report import (
        alignment_charts,
        backtest_charts,
        capacity_charts,
        downstream_charts,
        gate_charts,
        health_charts,
        log_charts,
        scaling_charts,
        trust_charts,
        words,
    )
    from predictor.report.charts import curve_chart, schedules_chart

    run = "width-16-seed-0"
    outlook = suite().outlooks[0]
    plans, ends = schedules()
    rank = alignment().strategies_
    align = (lambda: words.alignment_words(alignment()),)
    scale = (lambda: words.scaling_words(scaling()),)
    bench = (lambda: words.downstream_words(suite(), {"digits": chain()}),)
    sizes = (lambda: words.capacity_words(capacity()),)
    sound = (lambda: words.health_words(health().runs[0]),)
    law = scaling().estimator
    front = capacity().pareto("flops")
    return {
        "curve_chart": (
            lambda: curve_chart(answer(), run), lambda: words.curve_words(answer(), run),
        ),
        "schedules_chart": (
            lambda: schedules_chart(plans, ends), lambda: words.schedules_words(plans, ends),
        ),
        "scores_chart": (lambda: alignment_charts.scores_chart(rank, "score"), *align),
        "p_best_chart": (lambda: alignment_charts.p_best_chart(rank), *align),
        "length_chart": (lambda: alignment_charts.length_chart(rank, "score"), *align),
        "alignment_chart": (lambda: alignment_charts.alignment_chart(alignment()), *align),
        "calibration_chart": (
            lambda: backtest_charts.calibration_chart(backtested()),
            lambda: words.trust_words(backtested()),
        ),
        "series_chart": (
            lambda: capacity_charts.series_chart(capacity().models_, "mixed_text"), *sizes,
        ),
        "pareto_chart": (lambda: capacity_charts.pareto_chart(front, "flops"), *sizes),
        "capacity_chart": (lambda: capacity_charts.capacity_chart(capacity()), *sizes),
        "dataset_chart": (lambda: capacity_charts.dataset_chart(capacity(), "mixed_text"), *sizes),
        "downstream_chart": (lambda: downstream_charts.downstream_chart(outlook, chain()), *bench),
        "forecast_chart": (lambda: downstream_charts.forecast_chart(outlook), *bench),
        "clusters_chart": (lambda: downstream_charts.clusters_chart(outlook, chain()), *bench),
        "mapping_chart": (lambda: downstream_charts.mapping_chart(chain()), *bench),
        "gate_chart": (
            lambda: gate_charts.gate_chart(gate_charts.gate_frame(gated().to_dict()["checks"])),
            lambda: words.gate_words(gated()),
        ),
        "spikes_chart": (
            lambda: health_charts.spikes_chart(spiked(), health().runs[0], "loss"), *sound,
        ),
        "run_chart": (lambda: health_charts.run_chart(spiked(), health().runs[0]), *sound),
        "health_chart": (lambda: health_charts.health_chart(spiked(), health(), weights()), *sound),
        "weights_chart": (
            lambda: health_charts.weights_chart(weights()), lambda: words.weights_words(weights()),
        ),
        "logged_chart": (lambda: log_charts.logged_chart(spiked(), "loss", "step"), *sound),
        "scaling_chart": (lambda: scaling_charts.scaling_chart(law), *scale),
        "contour_chart": (lambda: scaling_charts.contour_chart(law), *scale),
        "isoflop_chart": (lambda: scaling_charts.isoflop_chart(law), *scale),
        "residual_chart": (lambda: scaling_charts.residual_chart(law), *scale),
        "trust_chart": (
            lambda: trust_charts.trust_chart(past()), lambda: words.trust_words(backtested()),
        ),
    }  # fmt: skip


@cache
def schedules():
    from predictor.curves.schedule.plan import Schedule

    return [Schedule.cosine(1e-3, 1000), Schedule.linear(1e-3, 1000)], [2.5, 2.4]


def past():
    """Return forecasts and what then came, as the workspace keeps them."""
    cases = backtested().cases.dropna(subset=["value", "lower", "upper"])
    inside = (cases["lower"] <= cases["truth"]) & (cases["truth"] <= cases["upper"])
    return cases.assign(metric="val_loss", inside=inside)
