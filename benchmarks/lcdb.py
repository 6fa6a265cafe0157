"""Learning curves of 20 learners on 246 data sets (LCDB): how well their ends are forecast.

    pip install --no-deps --target FOLDER lcdb==0.1.0       (480 MB; a benchmark's dependency only)
    LCDB_FOLDER=FOLDER python benchmarks/lcdb.py [--every N]

Protocol: mean of the test score over seeds for every data set, learner and size; curves with at
least six sizes up to a fourth, an eighth, a sixteenth of the largest; fit on those, forecast the
score at the largest. Only data sets of odd number, and nothing here was learned from any of them.
Error rates in percentage points, log loss in nats. M1 to M4, the broken power law and
Morgan-Mercer-Flodin are plain least-squares fits of logarithms.

Reference: Mohr et al. 2022, LCDB 1.0, ECML PKDD; package ``lcdb`` (MIT).
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from curve_sets import CutCurve, cut

from predictor.curves.batch import CurveBatch
from predictor.curves.forecasting import forecast_curves
from predictor.curves.prepared import prepare
from predictor.fitting.laws import LAWS
from predictor.fitting.solver import solve

FOLDER = Path(os.environ.get("LCDB_FOLDER", "lcdb-data"))
CACHE = Path(tempfile.gettempdir()) / "predictor-lcdb"
FILES = {"error": "database-accuracy.csv", "log_loss": "database-logloss.csv"}
STARTS = {"m4": 4, "bnsl": 6}
PLAIN = ("power", "m1", "m3", "m4", "bnsl", "mmf")
FEWEST = 6


def means(metric: str) -> pd.DataFrame:
    """Return the mean test score of every data set, learner and size; kept in a small file."""
    kept = CACHE / f"{metric}.parquet"
    if kept.exists():
        return pd.read_parquet(kept)
    keys = ["openmlid", "learner", "size_train"]
    table = pd.read_csv(FOLDER / "lcdb" / FILES[metric], usecols=[*keys, "score_test"])
    table = table.groupby(keys)["score_test"].mean().reset_index()
    if metric == "error":
        table["score_test"] = 1 - table["score_test"]
    CACHE.mkdir(exist_ok=True)
    table.to_parquet(kept)
    return table


def curves(metric: str, fold: float, every: int = 1) -> list[CutCurve]:
    """Return the curves of data sets of odd number, cut at the largest size over ``fold``."""
    table = means(metric)
    table = table[table["openmlid"] % 2 == 1]
    found = []
    for (data_set, learner), part in table.groupby(["openmlid", "learner"]):
        part = part.sort_values("size_train")
        x, y = part["size_train"].to_numpy(float), part["score_test"].to_numpy()
        if (x <= x[-1] / fold).sum() >= FEWEST and np.isfinite(y).all():
            one = cut(str(data_set), f"{learner} on {data_set}", metric, x, y, x[-1] / fold)
            found.append(one)
    return found[::every]


def plain(law: str, found: Sequence[CutCurve]) -> np.ndarray:
    """Fit one law to all curves and return its forecasts of their ends."""
    batch = CurveBatch.from_curves([(c.x, np.maximum(c.y, 1e-6)) for c in found])
    fitted = solve(
        LAWS[law],
        batch.x,
        batch.z,
        batch.used,
        n_starts=STARTS.get(law, 1),
        max_iterations=200,
    )
    at = np.array([[c.end_x] for c in found])
    return LAWS[law].value(at, fitted.params)[:, 0]


def auto(found: Sequence[CutCurve]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Forecast every curve alone; return values and intervals, NaN where nothing is said."""
    said = []
    for curve in found:
        prepared = prepare(curve.x, curve.y, curve.metric, curve.name)
        (one,) = forecast_curves([prepared], [np.array([curve.end_x])])
        said.append((one.value[0], one.lower[0], one.upper[0]))
    value, lower, upper = np.array(said).T
    return value, lower, upper


def table(metric: str, found: Sequence[CutCurve]) -> pd.DataFrame:
    """Return absolute errors of each forecast over the curves, and what ``auto`` covers.

    Where ``auto`` says nothing it is charged with the last value.
    """
    truth, last = (np.array([getter(c) for c in found]) for getter in (_end, _last))
    value, lower, upper = auto(found)
    known = np.isfinite(value)
    inside = (lower <= truth) & (truth <= upper)
    forecasts = {"auto": np.where(known, value, last)}
    forecasts |= {law: plain(law, found) for law in PLAIN} | {"last value": last}
    if metric == "error":
        forecasts = {how: np.clip(said, 0, 1) for how, said in forecasts.items()}
    unit = 100 if metric == "error" else 1
    rows = {}
    for how, said in forecasts.items():
        off = unit * np.abs(said - truth)
        rows[how] = {"mean": off.mean(), "median": np.median(off), "90 %": np.quantile(off, 0.9)}
    rows["auto"] |= {"coverage %": 100 * inside[known].mean(), "cannot say": (~known).sum()}
    return pd.DataFrame(rows).T


def _end(curve: CutCurve) -> float:
    return curve.end_y


def _last(curve: CutCurve) -> float:
    return float(curve.y[-1])


def main() -> None:
    if not FOLDER.is_dir() and not CACHE.is_dir():
        print(f"no LCDB at {FOLDER}: pip install --no-deps --target FOLDER lcdb==0.1.0")
        return
    every = int(sys.argv[sys.argv.index("--every") + 1]) if "--every" in sys.argv else 1
    for metric in FILES:
        for fold in (4, 8, 16):
            found = curves(metric, fold, every)
            sets = len({c.family for c in found})
            unit = "points" if metric == "error" else "nats"
            print(f"\n{metric}, {fold}-fold: {len(found)} curves of {sets} data sets ({unit})")
            print(table(metric, found).round(3).to_string(na_rep=""), flush=True)


if __name__ == "__main__":
    main()
