"""Gates that compare with a baseline: false alarms among repeats, and worsenings caught.

    python benchmarks/gate_alarms.py

Repeats of identical runs: each in turn is judged against others of its group as the baseline (1, 3
and 8 of them), from the whole run and from its first half. Then the same run with all of its losses
made worse by a known share. Published repeats where they are found (``PREDICTOR_SHARED_DATA``), and
the bundled seeds. A gate of default level fails a check when a true worsening is 95 % probable.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from predictor import RunLog, check_gates, load_dataset
from predictor.gates.checks import Check
from predictor.gates.comparing import allowed, differences
from predictor.gates.curves import Views, curve_views

BASELINES = (1, 3, 8)
SHARED = Path(os.environ.get("PREDICTOR_SHARED_DATA", Path(__file__).parents[2] / "shared/data"))
#: Groups with this many repeats or more; so many of each are judged.
_FEWEST, _JUDGED = 9, 12
#: Worsening that is to be caught, by the share of the run that is seen.
WORSE = {1.0: 1.01, 0.5: 1.03}


def published_groups() -> Iterator[tuple[str, RunLog]]:
    """Yield groups of identical finished runs."""
    folder = SHARED / "repeated-runs"
    if not folder.is_dir():
        print(f"no published repeats: {folder} is not there")
        return
    runs = pd.read_csv(folder / "runs.csv")
    curves = pd.read_csv(folder / "val_curves.csv.gz").rename(columns={"val_loss": "value"})
    finished = runs[(runs["finished"] == 1) & runs["same_curve_as"].isna()]
    for (record, steps), group in finished.groupby(["record", "last_val_step"]):
        points = curves[curves["run"].isin(group["run"]) & (curves["step"] > 0)]
        long = points.groupby("run")["step"].transform("size") >= 8
        points = points[long].assign(metric="val_loss", run=lambda p: "run-" + p["run"].astype(str))
        if points["run"].nunique() >= _FEWEST:
            yield f"{record} ({steps:.0f} steps)", RunLog.from_points(points)


def bundled_groups() -> Iterator[tuple[str, RunLog]]:
    """Yield the bundled runs that differ by their seed alone."""
    points = load_dataset("mlp_runs").points
    points = points[points["metric"] == "val_loss"]
    for width in ("width-16-seed", "width-128-seed"):
        yield width, RunLog.from_points(points[points["run"].str.startswith(width)])


def judged(log: RunLog, baselines: int, share: float, factor: float) -> list[bool]:
    """Judge repeats of one group; return for each whether the check fails."""
    end = float(log.points["step"].max())
    check = Check(name="b", logs=["-"], metric="val_loss", at=f"step={end:.0f}", baseline=True)
    names, rng, failed = list(log.run_names), np.random.default_rng(0), []
    if len(names) <= baselines:
        return []
    for name in names[:_JUDGED]:
        others = [other for other in names if other != name]
        chosen = rng.choice(others, size=baselines, replace=False)
        base = curve_views(RunLog.from_points(_of(log, list(chosen))), check).curves
        own = _of(log, [name])
        own = own[own["step"] <= share * end].assign(value=lambda p: p["value"] * factor)
        if len(own) < 4:
            continue
        views: Views = curve_views(RunLog.from_points(own), check)
        (found,) = differences(views, base, check)
        if found is not None:
            worse = found.probability_worse(allowed(check, found))
            failed.append(worse >= check.level_of_failure)
    return failed


def _of(log: RunLog, names: list[str]) -> pd.DataFrame:
    return log.points[log.points["run"].isin(names)]


def table(groups: list[tuple[str, RunLog]]) -> pd.DataFrame:
    """Return false alarms and worsenings caught, by how much is seen and of how many baselines."""
    rows = []
    for share, worse in WORSE.items():
        for count in BASELINES:
            alarms = [f for _, log in groups for f in judged(log, count, share, 1.0)]
            caught = [f for _, log in groups for f in judged(log, count, share, worse)]
            if alarms:
                rows.append(
                    {
                        "seen": "whole run" if share == 1 else "first half",
                        "baseline runs": count,
                        "judged": len(alarms),
                        "false alarms %": 100 * np.mean(alarms),
                        "worsening": f"{100 * (worse - 1):.0f} %",
                        "caught %": 100 * np.mean(caught),
                    }
                )
    return pd.DataFrame(rows)


def speed(folder: Path) -> float:
    """Return seconds for a gate over twenty runs, each forecast to four times its length."""
    points = load_dataset("learning_curves").points
    points = points[points["metric"] == "error"]
    chosen = points[points["run"].isin(points["run"].unique()[:20])]
    path = folder / "twenty.csv"
    chosen[["run", "samples", "value"]].rename(columns={"value": "error"}).to_csv(path, index=False)
    gate = {"checks": [{"name": "end", "logs": [str(path)], "at": "samples=5000", "upper": 0.5}]}
    begin = perf_counter()
    check_gates(gate)
    return perf_counter() - begin


def main() -> None:
    from tempfile import TemporaryDirectory

    for title, groups in (
        ("Published repeats", list(published_groups())),
        ("Bundled seeds", list(bundled_groups())),
    ):
        if groups:
            shown = table(groups).round(1).to_string(index=False)
            print(f"\n{title}: {len(groups)} groups\n{shown}")
    with TemporaryDirectory() as folder:
        print(f"\ngate over 20 runs: {speed(Path(folder)):.1f} s without the process's start")


if __name__ == "__main__":
    main()
