"""Learning traces: what they forecast, whether their verdicts hold, and how fast the batch is.

    python benchmarks/learning_traces.py

On the bundled learning curves (upper half of the log sizes hidden, the largest forecast) and, where
they are found, on published loss histories at half-way: median error and coverage of the 90 %
interval of the trace, beside ``auto`` and the power law. Then the verdicts: of the curves that a
trace would have stopped, how often more than the tolerance was gained after all. Last the time of
one batched trace against a loop of ``scipy.optimize.least_squares`` (trust region reflective).
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

sys.path.insert(0, str(Path(__file__).parent))

from curve_forecasts import forecasts, table
from curve_sets import CutCurve, bundled_learning_curves, bundled_runs, published

from predictor.curves.learning_trace import LearningTrace, trace_forecast
from predictor.curves.outlook import FEWEST_POINTS
from predictor.curves.trace import FIRST_LEVEL, trace_curve


def traced(curves: Sequence[CutCurve]) -> pd.DataFrame:
    """Forecast hidden ends by the trace, as :func:`curve_forecasts.forecasts` does by a law."""
    rows = []
    for c in curves:
        found = trace_forecast(
            c.x, c.y, np.array([c.end_x]), metric=c.metric, axis="x", tolerance=None, level=0.9,
            seed=0, run=c.name,
        )  # fmt: skip
        if len(found.prepared.x) >= FEWEST_POINTS:
            ends = (found.value[0], found.lower[0], found.upper[0])
            rows.append((c.family, "trace", c.end_y, *ends, c.y[-1]))
    return pd.DataFrame(rows, columns=["family", "law", "truth", "value", "lower", "upper", "last"])


def verdicts(curves: Sequence[CutCurve], tolerance: float) -> dict[str, float]:
    """Let traces stop whole curves; return how many were stopped, where, and how many too early."""
    stopped, early, robust_early, saved = 0, [], [], []
    for c in curves:
        x, y = np.append(c.x, c.hidden_x), np.append(c.y, c.hidden_y)
        trace = LearningTrace(metric=c.metric, tolerance=tolerance).fit(x, y)
        level = trace.trace_.convergence
        if level is None or level >= len(trace.curve_.x):
            continue
        falling = trace.curve_.falling()
        stopped += 1
        early.append(bool(falling[level - 1] - falling[-1] > tolerance))
        if trace.trace_.robustness >= 0.5:
            robust_early.append(early[-1])
        saved.append(1 - trace.curve_.x[level - 1] / x[-1])
    share = {"curves": len(curves), "stopped": stopped}
    if stopped:
        share |= {"too early %": 100 * np.mean(early), "median saved %": 100 * np.median(saved)}
    if robust_early:
        share |= {"with RR >= 50 %": len(robust_early), "of them %": 100 * np.mean(robust_early)}
    return share


def loop(x: np.ndarray, z: np.ndarray) -> float:
    """Fit every prefix by SciPy, each started at the trend before; return seconds."""
    begin, start = time.perf_counter(), np.array([z.min() / 2, np.ptp(z) * x[0] ** 0.5, 0.5])
    for level in range(FIRST_LEVEL, len(x) + 1):
        seen, aim = x[:level], z[:level]
        start = least_squares(
            lambda p, seen=seen, aim=aim: p[0] + p[1] * seen ** -p[2] - aim,
            np.clip(start, [-np.inf, 1e-12, 0.011], [np.inf, np.inf, 5.9]),
            bounds=([-np.inf, 0, 0.01], [np.inf, np.inf, 6]),
            method="trf",
            x_scale="jac",
        ).x
    return time.perf_counter() - begin


def speed(levels: int = 100) -> tuple[float, float]:
    """Return seconds of a batched trace and of the loop over levels."""
    x = np.arange(1.0, levels + 1)
    z = 2 + 3 * x**-0.5 + np.random.default_rng(0).normal(0, 0.01, levels)
    trace_curve(x, z)
    begin = time.perf_counter()
    for _ in range(5):
        trace_curve(x, z)
    return (time.perf_counter() - begin) / 5, loop(x, z)


def main() -> None:
    sets = {
        "bundled error": bundled_learning_curves("error"),
        "bundled log loss": bundled_learning_curves("log_loss"),
        "mlp_runs": bundled_runs(),
        "loss histories": [c for c in published() if c.family == "loss histories"],
    }
    sets = {name: curves for name, curves in sets.items() if curves}
    parts = []
    for name, curves in sets.items():
        said = [traced(curves), forecasts(curves, "auto", None), forecasts(curves, "power", None)]
        parts.append(table(pd.concat(said), "law").assign(curves_of=name))
    print("Hidden ends\n", pd.concat(parts).round(2).to_string(), sep="")
    rows = {
        f"{name}, {tolerance:g}": verdicts(curves, tolerance)
        for name, curves in sets.items()
        for tolerance in (0.01, 0.03, 0.1)
    }
    print(
        "\nVerdicts on whole curves, by tolerance\n",
        pd.DataFrame(rows).T.round(1).to_string(na_rep=""),
        sep="",
    )
    batched, looped = speed()
    print(f"\nTrace of 100 levels: {1e3 * batched:.1f} ms batched, {1e3 * looped:.0f} ms in a loop")
    print(f"ratio {looped / batched:.0f}")


if __name__ == "__main__":
    main()
