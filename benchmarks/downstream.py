"""Benchmarks forecast: ladders with a known larger model, each method beside ``auto``.

    python benchmarks/downstream.py                all tables (some minutes)
    python benchmarks/downstream.py synthetic      one of synthetic, model-ladder, item-losses,
                                                   pythia, code, clusterings, speed

Absolute errors are in points of the score. Coverage is that of 90 % intervals among the targets for
which one is given; "cannot say" counts the others.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from downstream_sets import (
    CODE_FAMILIES,
    DATA,
    ITEM_LOSSES,
    MODEL_LADDER,
    PUBLISHED_TARGET,
    TARGET_7B,
    code,
    item_losses,
    model_ladder,
    model_ladder_truth,
    pythia,
    synthetic,
)

from predictor.difficulty.ladder import Ladder, Place
from predictor.difficulty.outlook import outlook

SEEDS = 20
_STEPS = (2385, 11925, 23850, 47700, 83475)
_SHOTS = (0, 2, 4, 8, 16)
_COLUMNS = ["group", "name", "method", "said", "off", "inside", "width"]


def rows_of(group: str, name: str, ladder: Ladder, places: list[Place], truth: np.ndarray) -> list:
    """Forecast one ladder; return a row for ``auto``, each method and the last value, by target."""
    found = outlook(ladder, places, draws=100)
    rows = []
    for k, forecast in enumerate(found.forecasts):
        said = forecast.value
        row = {"group": group, "name": name, "method": "auto", "said": said is not None}
        if said is not None:
            inside = forecast.lower <= truth[k] <= forecast.upper
            row |= {"off": 100 * abs(said - truth[k]), "inside": inside}
            row |= {"width": 100 * (forecast.upper - forecast.lower)}
        rows.append(row)
        for method, values in found.each.items():
            off = 100 * abs(float(values[k]) - truth[k])
            rows.append({"group": group, "name": name, "method": method, "said": True, "off": off})
    return rows


def show(title: str, rows: list, by_group: bool = False) -> None:
    """Print mean absolute error, coverage and how often nothing was said, by method."""
    table = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    keys = ["group", "method"] if by_group else ["method"]
    grouped = table.groupby(keys, sort=False)
    found = pd.DataFrame(
        {
            "targets": grouped.size(),
            "cannot say": grouped["said"].agg(lambda said: int((~said).sum())),
            "mean off": grouped["off"].mean(),
            "median off": grouped["off"].median(),
            "coverage %": 100 * grouped["inside"].apply(lambda x: x.dropna().astype(float).mean()),
            "median width": grouped["width"].median(),
        }
    )
    print(f"\n{title}\n{found.round(2).to_string()}", flush=True)


def synthetic_table() -> None:
    """Ladders that satisfy the method's assumptions: eight compute levels, a target 27 times on."""
    rows = []
    for label, settings in {
        "as the method assumes": {},
        "no hidden items": {"hidden": 0.0, "capped": 0.0},
        "200 items, 10 trials": {"items": 200, "trials": 10},
        "half hidden": {"hidden": 0.5},
    }.items():
        for seed in range(SEEDS):
            ladder, truth, _ = synthetic(seed, **settings)
            place = [ladder.place(flops=PUBLISHED_TARGET)]
            rows += rows_of(label, str(seed), ladder, place, np.array([truth]))
    show(f"Synthetic ladders, {SEEDS} seeds each", rows, by_group=True)


def model_ladder_table() -> None:
    """Eight tasks: the 7B model from the runs of 190M to 1.3B."""
    rows = []
    for task in MODEL_LADDER:
        ladder = model_ladder(task)
        truth = np.array([model_ladder_truth(task)])
        rows += rows_of("7B", task, ladder, [ladder.place(**TARGET_7B)], truth)
    show("Model ladder, the 7B model's eight tasks", rows)
    auto = [row for row in rows if row["method"] in ("auto", "two-step")]
    table = pd.DataFrame(auto).pivot_table(index="name", columns="method", values="off", sort=False)
    published = [100 * abs(v[2] - model_ladder_truth(k)) for k, v in MODEL_LADDER.items()]
    print(table.assign(published=published).round(2).to_string())
    print(f"published two-step, mean off {np.mean(published):.2f}")


def item_losses_table() -> None:
    """Five benchmarks: models above 1.5B from those below 600M, at five steps of training."""
    for target in ("accuracy", "probability"):
        rows = []
        for name in ITEM_LOSSES:
            for step in _STEPS:
                ladder = item_losses(name, step, target)
                small = np.flatnonzero(ladder.params < 6e8)
                large = np.flatnonzero(ladder.params > 1.5e9)
                places = [ladder.place_of(k) for k in large]
                rows += rows_of(name, str(step), ladder.take(small), places, ladder.score[large])
        show(f"Item losses, {target}, models above 1.5B", rows)


def pythia_table() -> None:
    """Arithmetic: each larger model from the smaller ones."""
    rows = []
    for shots in _SHOTS:
        ladder = pythia(shots)
        for count in (3, 4, 5):
            places, truth = [ladder.place_of(count)], ladder.score[[count]]
            name = ladder.models[count]
            rows += rows_of(name, f"{shots} shots", ladder.take(np.arange(count)), places, truth)
    show("Pythia arithmetic, the next larger model", rows, by_group=True)


def code_table() -> None:
    """Programming problems: the largest model of each family from the others."""
    rows = []
    for name, families in CODE_FAMILIES.items():
        for family in families:
            ladder = code(name, family)
            for count in range(2, ladder.rungs):
                places, truth = [ladder.place_of(count)], ladder.score[[count]]
                rows += rows_of(name, family, ladder.take(np.arange(count)), places, truth)
    show("Code, the next larger model of each family", rows, by_group=True)


def clusterings() -> None:
    """Clusters against the true groups: adjusted Rand index of the clustered items."""
    from sklearn.cluster import DBSCAN, KMeans

    from predictor.difficulty.features import feature_vectors
    from predictor.difficulty.meanshift import cluster_items, rand_index

    rows = []
    for trials in (20, 100, 400):
        for seed in range(5):
            ladder, _, groups = synthetic(seed, trials=trials)
            points = feature_vectors(ladder.rates)
            ours = cluster_items(points)
            found = {"improved mean shift": ours.labels}
            means = KMeans(10, n_init=3, random_state=0).fit(points)
            found["k-means, the true number"] = means.labels_
            crowds = DBSCAN(eps=ours.bandwidth, min_samples=10).fit(points)
            found["DBSCAN, the same radius"] = crowds.labels_
            for name, labels in found.items():
                kept = labels >= 0
                index = rand_index(labels[kept], groups[kept]) if kept.any() else np.nan
                rows.append((trials, name, index, 100 * kept.mean(), len(set(labels[kept]))))
    columns = ["trials", "clusters by", "Rand index", "clustered %", "clusters"]
    table = pd.DataFrame(rows, columns=columns).groupby(columns[:2], sort=False).mean()
    print(f"\nClusters against the true ten groups, 5 seeds\n{table.round(2).to_string()}")


def speed() -> None:
    """20,000 items, ten models, the whole chain with 500 draws."""
    rng = np.random.default_rng(0)
    size = np.geomspace(1e18, 1e22, 10)
    start = rng.uniform(-2, 10, 20_000)
    rates = np.exp(-np.exp(-0.4 * (np.log(size / size[0])[None] - start[:, None])))
    seen = rng.binomial(20, rates) / 20
    ladder = Ladder(
        "speed", tuple(f"m{k}" for k in range(10)), size, "flops", seen.mean(axis=0), rates=seen,
        trials=np.full(seen.shape, 20.0), items=tuple(map(str, range(20_000))),
    )  # fmt: skip
    begin = perf_counter()
    found = outlook(ladder, [ladder.place(flops=2.7e23)], draws=500)
    seconds = perf_counter() - begin
    peak = getrusage(RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\n20,000 items x 10 models, 500 draws: {seconds:.1f} s, peak memory {peak:.2f} GiB")
    print(found.forecasts.summary())


PARTS = {
    "synthetic": synthetic_table,
    "model-ladder": model_ladder_table,
    "item-losses": item_losses_table,
    "pythia": pythia_table,
    "code": code_table,
    "clusterings": clusterings,
    "speed": speed,
}
_OWN = ("synthetic", "clusterings", "speed")


def main() -> None:
    chosen = sys.argv[1:] or list(PARTS)
    for name in chosen:
        if name not in _OWN and not DATA.is_dir():
            print(f"{name}: no published ladders at {DATA}: set PREDICTOR_SHARED_DATA")
            continue
        PARTS[name]()


if __name__ == "__main__":
    main()
