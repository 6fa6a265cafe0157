"""Ten thousand curves in one call: time, memory, and the same answers on one core as on all.

    python benchmarks/many_curves.py           10,000 curves of 100 points, 200 draws each
    python benchmarks/many_curves.py 2000      as many

The peer is SciPy's ``curve_fit`` of one power law to each curve, started near its optimum, without
any draws, backtests or interval; it is timed on a part and scaled.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from time import perf_counter

import numpy as np
import pandas as pd

from predictor import RunLog, forecast_many
from predictor.curves.outlook import DRAWS

STEP = np.arange(1, 101) * 100
TARGET = 20_000.0
_PEER_PART = 200


def sweep(count: int) -> tuple[RunLog, np.ndarray]:
    """Return noisy power laws as a log, and what each is at the target."""
    rng = np.random.default_rng(0)
    floor = 1.5 + rng.random(count)
    exponent = 0.2 + 0.4 * rng.random(count)
    fall = floor[:, None] + 5 * STEP ** -exponent[:, None]
    noisy = fall * np.exp(0.01 * rng.normal(size=fall.shape))
    points = pd.DataFrame(
        {
            "run": np.repeat([f"run-{k}" for k in range(count)], len(STEP)),
            "metric": "loss",
            "step": np.tile(STEP, count),
            "value": noisy.ravel(),
        }
    )
    return RunLog.from_points(points), floor + 5 * TARGET**-exponent


def peer(log: RunLog) -> float:
    """Return seconds that ``curve_fit`` needs for one curve."""
    from scipy.optimize import curve_fit

    def power(x: np.ndarray, c: float, a: float, b: float) -> np.ndarray:
        return c + a * x**-b

    values = log.points["value"].to_numpy().reshape(-1, len(STEP))[:_PEER_PART]
    begin = perf_counter()
    for value in values:
        try:
            curve_fit(power, STEP, value, p0=(2.0, 5.0, 0.4))
        except RuntimeError:
            continue
    return (perf_counter() - begin) / len(values)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    log, truth = sweep(count)
    begin = perf_counter()
    found = forecast_many(log, "loss", "step", TARGET, n_jobs=-1)
    seconds = perf_counter() - begin
    peak = (getrusage(RUSAGE_SELF).ru_maxrss + getrusage(RUSAGE_CHILDREN).ru_maxrss) / 2**20
    inside = [f.lower <= t <= f.upper for f, t in zip(found, truth, strict=True) if f.trusted]
    print(f"{count} curves of {len(STEP)} points, {DRAWS} draws each, {os.cpu_count()} cores")
    print(f"seconds {seconds:.1f}, milliseconds a curve {1e3 * seconds / count:.1f}")
    print(
        f"peak memory {peak:.2f} GiB; truths within 90 % intervals: {100 * np.mean(inside):.0f} %"
    )
    print(f"as many curve_fit calls, one law, no interval: {count * peer(log):.1f} seconds")
    few, _ = sweep(450)
    same = (
        forecast_many(few, "loss", "step", TARGET).to_dict()
        == forecast_many(few, "loss", "step", TARGET, n_jobs=2).to_dict()
    )
    print(f"the same numbers in one process and in two: {same}")


if __name__ == "__main__":
    main()
