"""Scaling laws: the published fit again, speed against SciPy, and the largest runs held out.

    python benchmarks/scaling_laws.py

Needs the published tables (``PREDICTOR_SHARED_DATA``), but for the bundled one. The peer of the
speed part is the published procedure: SciPy's L-BFGS-B with analytic gradients on the sum of Huber
terms, started at the optimum for each bootstrap draw, and from 4,500 starts for the fit; a part of
it is timed and scaled.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parent))

from scaling_tables import SHARED, chinchilla_points, isoflop, overtrained, repeated

from predictor import CannotForecastError, InputError, dataset_path
from predictor.scaling.approaches import isoflop as isoflop_optima
from predictor.scaling.comparing import held_out_errors
from predictor.scaling.scaling_law import ScalingLaw
from predictor.scaling.table import RunsTable, read_runs

LAWS = ("auto", "chinchilla", "overtrained", "kaplan", "data-constrained", "compute", "bnsl")
DRAWS, STARTS = 4_000, 4_500
#: Published standard errors (arXiv 2404.10102, by bootstrap with 4,000 draws).
PUBLISHED = {
    "E": (1.8172, 0.03), "A": (482.01, 124.58), "B": (2085.43, 1293.23),
    "alpha": (0.3478, 0.02), "beta": (0.3658, 0.02),
}  # fmt: skip
BUDGET = 5.76e23
_TIMED_DRAWS, _TIMED_STARTS, _DELTA = 40, 20, 1e-3


def published_fit(points: RunsTable) -> None:
    """Print the fit beside the published one, and the best size for Chinchilla's budget."""
    law = ScalingLaw("chinchilla", draws=DRAWS).fit(points)
    table = pd.DataFrame({"estimate": law.params, "standard error": law.bse})
    table["published"] = [PUBLISHED[name][0] for name in table.index]
    table["published error"] = [PUBLISHED[name][1] for name in table.index]
    print(f"\nChinchilla points, {len(points)} runs: objective {law.fit_.objective:.8f}")
    print("(published parameters: 0.00102284)")
    print(table.round(4).to_string())
    best = law.allocate(BUDGET)
    e, a, b, alpha, beta = (PUBLISHED[name][0] for name in ("E", "A", "B", "alpha", "beta"))
    gain = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
    theirs = gain * (BUDGET / 6) ** (beta / (alpha + beta))
    print(
        f"best size for {BUDGET:.3g} FLOPs: {best.params:.3g} parameters (90 % interval "
        f"{best.params_lower:.3g} to {best.params_upper:.3g}); by the published parameters "
        f"{theirs:.3g}; Chinchilla itself 7e+10 (E {e:g})"
    )


def objective(theta: np.ndarray, n: np.ndarray, d: np.ndarray, loss: np.ndarray, w: np.ndarray):
    """Return the published objective and its gradient: Huber terms of log-sum-exp, summed."""
    a, b, e, alpha, beta = theta
    terms = np.stack([a - alpha * n, b - beta * d, np.full_like(n, e)])
    top = terms.max(axis=0)
    share = np.exp(terms - top)
    total = share.sum(axis=0)
    off = top + np.log(total) - loss
    share /= total
    clipped = np.clip(off, -_DELTA, _DELTA)
    value = w * np.where(np.abs(off) <= _DELTA, off**2 / 2, _DELTA * (np.abs(off) - _DELTA / 2))
    pull = w * clipped
    slopes = (share[0], share[1], share[2], -share[0] * n, -share[1] * d)
    return value.sum(), np.array([(pull * slope).sum() for slope in slopes])


def speed(points: RunsTable) -> None:
    """Print seconds and ratios against the loop of SciPy fits."""
    n, d, loss = (np.log(points.runs[name].to_numpy()) for name in ("params", "tokens", "loss"))
    known = ScalingLaw("chinchilla", draws=2).fit(points).params
    best = np.array([np.log(known["A"]), np.log(known["B"]), np.log(known["E"]), *known[-2:]])
    settings = {"jac": True, "method": "L-BFGS-B", "options": {"ftol": 1e-15, "gtol": 1e-10}}
    rng = np.random.default_rng(0)
    begin = process_time()
    for _ in range(_TIMED_DRAWS):
        weights = rng.multinomial(len(n), np.full(len(n), 1 / len(n))).astype(float)
        minimize(objective, best, (n, d, loss, weights), **settings)
    refits = (process_time() - begin) / _TIMED_DRAWS * DRAWS
    grid = [(0, 5, 10, 15, 20, 25), (0, 5, 10, 15, 20, 25), (-1, -0.5, 0, 0.5, 1)]
    grid += [(0, 0.5, 1, 1.5, 2)] * 2
    starts = np.array(np.meshgrid(*grid)).reshape(5, -1).T
    begin = process_time()
    for start in starts[rng.integers(0, len(starts), _TIMED_STARTS)]:
        minimize(objective, start, (n, d, loss, np.ones(len(n))), **settings)
    search = (process_time() - begin) / _TIMED_STARTS * STARTS
    wall, begin = perf_counter(), process_time()
    ScalingLaw("chinchilla", draws=DRAWS).fit(points)
    ours, wall = process_time() - begin, perf_counter() - wall
    begin = process_time()
    ScalingLaw("chinchilla", draws=2).fit(points)
    fit = process_time() - begin
    print(f"\nSpeed, CPU seconds: {DRAWS} refits {ours - fit:.2f}, SciPy's loop {refits:.1f}")
    print(f"  ratio {refits / (ours - fit):.0f}")
    print(f"whole procedure {ours:.2f} ({wall:.2f} s of time), published {refits + search:.0f}")
    print(f"  ratio {(refits + search) / ours:.0f}")


def trust(points: RunsTable) -> None:
    """Print errors and coverage where the half and the quarter with the most compute are hidden."""
    rows = []
    for share in (0.5, 0.25):
        for law in ("auto", "chinchilla", "overtrained"):
            found = held_out_errors(points, law, share=share, level=0.95)
            rows.append((f"{100 * (1 - share):.0f} %", law, *_scores(found)))
    columns = ["fitted", "law", "hidden", "median off %", "mean off %", "coverage of 95 % %"]
    print("\nChinchilla points, forecast from those with the least compute")
    print(pd.DataFrame(rows, columns=columns).round(2).to_string(index=False))


def held_out(title: str, tables: Iterable[tuple[str, RunsTable]]) -> None:
    """Print, by law, what is missed on the largest fifth of each table."""
    named, rows = list(tables), []
    for law in LAWS:
        parts = []
        for _, table in named:
            try:
                parts.append(held_out_errors(table, law))
            except (CannotForecastError, InputError):
                continue
        if parts:
            rows.append((law, *_scores(pd.concat(parts))))
    columns = ["law", "hidden", "median off %", "mean off %", "coverage of 90 % %"]
    print(f"\n{title}: {len(named)} tables, the fifth with the most compute hidden")
    print(pd.DataFrame(rows, columns=columns).round(2).to_string(index=False))


def _scores(found: pd.DataFrame) -> tuple[int, float, float, float]:
    off = 100 * found["off"]
    return len(found), float(off.median()), float(off.mean()), 100 * float(found["inside"].mean())


def exponents() -> None:
    """Print how the best size grows with compute, beside the published fits."""
    fits = pd.read_csv(SHARED / "isoflop" / "fits.csv").query("fit == 'basic'")
    conditions = ["dataset", "hparams", "warmup", "decay", "param_count", "val", "flop_count"]
    fits.index = ["IsoFLOP, " + " ".join(map(str, row)) for row in fits[conditions].to_numpy()]
    rows = []
    for name, table in isoflop():
        ours, theirs = isoflop_optima(table), float(fits.loc[name, "n_exponent"])
        ends = ours.exponent_lower, ours.exponent_upper
        inside = ends[0] <= theirs <= ends[1]
        rows.append((name.removeprefix("IsoFLOP, "), ours.exponent, *ends, theirs, inside))
    columns = ["conditions", "exponent", "lower", "upper", "published", "inside"]
    print("\nN_opt ~ C^a by IsoFLOP parabolas, 90 % intervals")
    print(pd.DataFrame(rows, columns=columns).round(3).to_string(index=False))


def main() -> None:
    if (SHARED / "chinchilla-points").is_dir():
        points = chinchilla_points()
        published_fit(points)
        speed(points)
        trust(points)
        held_out("Over-trained runs", overtrained())
        held_out("Repeated data", repeated())
        held_out("IsoFLOP points", isoflop())
        exponents()
    else:
        print(f"no published tables at {SHARED}: set PREDICTOR_SHARED_DATA")
    held_out("Bundled networks", [("bundled", read_runs(dataset_path("mlp_scaling")))])


if __name__ == "__main__":
    main()
