"""Speed of the batched solver against loops of SciPy's, in one run. Ours may use two threads.

    python benchmarks/fit_speed.py

SciPy's loops are timed on a part and scaled up; every line prints how far the objectives differ.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import curve_fit, least_squares

from predictor.fitting.laws import POWER
from predictor.fitting.solver import solve

POINTS, DRAWS, CURVES = 50, 2_000, 10_000
NOISE = 0.01
LOWER, UPPER = POWER.bounds


def curves(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return x (points,) and y (count, points) of noisy power laws with asymptotes."""
    x = np.geomspace(10, 1000, POINTS)
    c, a, b = (rng.uniform(*span, size=(count, 1)) for span in ((0.5, 2), (1, 5), (0.2, 1.2)))
    return x, (c + a * x**-b) * np.exp(NOISE * rng.normal(size=(count, POINTS)))


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the shortest time of several calls."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def power(x: np.ndarray, c: float, a: float, b: float) -> np.ndarray:
    return c + a * x**-b


def power_slopes(x: np.ndarray, _c: float, a: float, b: float) -> np.ndarray:
    fall = x**-b
    return np.stack([np.ones_like(x), fall, -a * np.log(x) * fall], axis=1)


def bootstrap_against_least_squares(rng: np.random.Generator) -> None:
    """2,000 robust refits of one curve: ours in one call, SciPy warm-started in a loop."""
    x, y = curves(1, rng)
    y, delta = y[0], 1.345 * NOISE
    full = solve(POWER, x, y, delta=delta, n_starts=4)
    weights = rng.multinomial(POINTS, np.full(POINTS, 1 / POINTS), size=DRAWS).astype(float)
    warm = np.repeat(full.params[None], DRAWS, axis=0)
    ours = seconds(lambda: solve(POWER, x, y, weights, delta=delta, starts=warm))
    found = solve(POWER, x, y, weights, delta=delta, starts=warm)

    def one(row: int) -> float:
        # SciPy's Huber looks at the weighted residual: points drawn k times are given k times.
        again = np.repeat(np.arange(POINTS), weights[row].astype(int))
        u, log_y = x[again], np.log(y[again])
        end = least_squares(
            lambda p: np.log(power(u, *p)) - log_y,
            full.params[0],
            jac=lambda p: power_slopes(u, *p) / power(u, *p)[:, None],
            bounds=(LOWER, UPPER), loss="huber", f_scale=delta, x_scale=full.params[0],
            ftol=1e-10, xtol=1e-10, gtol=1e-12,
        )  # fmt: skip
        return float(end.cost)

    part = 100
    peer = seconds(lambda: [one(row) for row in range(part)], repeats=2) * DRAWS / part
    excess = max(found.objective[row] / one(row) - 1 for row in range(part))
    report(f"{DRAWS:,} bootstrap refits of {POINTS} points", ours, peer, "least_squares", excess)


def many_against_curve_fit(rng: np.random.Generator) -> None:
    """10,000 curves: ours in one call, ``curve_fit`` in a loop, both plain least squares."""
    x, y = curves(CURVES, rng)
    ours = seconds(lambda: solve(POWER, x, y, residual="linear"))
    found = solve(POWER, x, y, residual="linear")
    part = 300

    def plain(row: int) -> np.ndarray:
        return curve_fit(power, x, y[row], maxfev=5_000)[0]

    def well_started(row: int) -> np.ndarray:
        return curve_fit(power, x, y[row], p0=(y[row].min(), 1.0, 0.5), maxfev=5_000)[0]

    def bounded(row: int) -> np.ndarray:
        start = (y[row].min(), 1.0, 0.5)
        return curve_fit(power, x, y[row], p0=start, bounds=(LOWER, UPPER))[0]

    peers = {
        "curve_fit": plain,
        "curve_fit started near the end": well_started,
        "curve_fit with our bounds": bounded,
    }
    for name, fit in peers.items():
        peer = seconds(lambda fit=fit: [fit(row) for row in range(part)], repeats=2) * CURVES / part
        costs = [((power(x, *fit(row)) - y[row]) ** 2).sum() / 2 for row in range(part)]
        excess = float(np.max(found.objective[:part] / np.array(costs) - 1))
        report(f"{CURVES:,} curves of {POINTS} points", ours, peer, name, excess)


def report(what: str, ours: float, peer: float, name: str, excess: float) -> None:
    """Print one line: times, ratio, and our objective over the peer's (negative: ours is lower)."""
    print(
        f"{what}: {ours:.3f} s, {name} {peer:.1f} s, ratio {peer / ours:.0f}; "
        f"largest relative excess over its optimum {excess:.1e}"
    )


if __name__ == "__main__":
    generator = np.random.default_rng(0)
    bootstrap_against_least_squares(generator)
    many_against_curve_fit(generator)
