"""Published tables of runs that the scaling benchmarks use, where they are found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from predictor.scaling.table import RunsTable, runs_table

SHARED = Path(os.environ.get("PREDICTOR_SHARED_DATA", Path(__file__).parents[2] / "shared/data"))
#: Outliers that the replication leaves out (arXiv 2404.10102).
_LEFT_OUT = 5


def chinchilla_points() -> RunsTable:
    """Return the 240 points of the replication."""
    points = pd.read_csv(SHARED / "chinchilla-points" / "points.csv")
    kept = points.sort_values("loss").iloc[:-_LEFT_OUT].sort_index()
    return runs_table(kept.reset_index(drop=True))


def overtrained() -> Iterator[tuple[str, RunsTable]]:
    """Yield the over-trained runs, a corpus at a time, with their loss on C4."""
    runs = pd.read_csv(SHARED / "overtrained-runs" / "runs.csv")
    for corpus, rows in runs.groupby("train_set", sort=True):
        columns = ["params", "tokens", "loss_c4_val"]
        yield f"over-trained, {corpus}", runs_table(rows[columns].reset_index(drop=True))


def repeated() -> Iterator[tuple[str, RunsTable]]:
    """Yield the runs with repeated data."""
    runs = pd.read_csv(SHARED / "data-constrained" / "runs.csv")
    columns = ["params", "tokens", "unique_tokens", "val_loss"]
    yield "repeated data", runs_table(runs[columns].dropna().reset_index(drop=True))


def isoflop() -> Iterator[tuple[str, RunsTable]]:
    """Yield the IsoFLOP points, one table for each set of conditions."""
    points = pd.read_csv(SHARED / "isoflop" / "points.csv.gz")
    conditions = ["dataset", "hparams", "warmup", "decay", "param_count", "val", "flop_count"]
    for named, rows in points.groupby(conditions, sort=True):
        table = pd.DataFrame(
            {
                "params": rows["n_params"],
                "tokens": rows["tokens"],
                "flops": rows["flops"],
                "loss": rows["loss"],
            }
        )
        table = table[np.isfinite(table).all(axis=1) & (table > 0).all(axis=1)]
        if len(table) >= 15:
            yield "IsoFLOP, " + " ".join(map(str, named)), runs_table(table.reset_index(drop=True))
