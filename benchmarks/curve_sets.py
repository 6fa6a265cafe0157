"""Curves whose ends are known, cut where a forecast is asked for: bundled ones and published ones.

Published curves are read where they lie (``PREDICTOR_SHARED_DATA``); nothing of them is copied.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from predictor.bundle import dataset_path

SHARED = Path(
    os.environ.get("PREDICTOR_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")
)


@dataclass(frozen=True)
class CutCurve:
    """The part of a curve that is shown, and what is hidden, in order."""

    family: str
    name: str
    metric: str
    x: np.ndarray
    y: np.ndarray
    hidden_x: np.ndarray
    hidden_y: np.ndarray

    @property
    def end_x(self) -> float:
        """Place of the last point."""
        return float(self.hidden_x[-1])

    @property
    def end_y(self) -> float:
        """Value of the last point."""
        return float(self.hidden_y[-1])

    def targets(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return places and values of so many hidden points, evenly chosen, the last among them."""
        chosen = np.linspace(len(self.hidden_x) - 1, 0, count + 1)[:-1].round().astype(int)
        return self.hidden_x[chosen], self.hidden_y[chosen]


def cut(family: str, name: str, metric: str, x: np.ndarray, y: np.ndarray, at: float) -> CutCurve:
    """Show the points up to ``at`` and hide the rest."""
    shown = x <= at
    return CutCurve(family, name, metric, x[shown], y[shown], x[~shown], y[~shown])


def bundled_learning_curves(metric: str = "error") -> list[CutCurve]:
    """Return learning curves over training-set size, the upper half (log axis) hidden."""
    table = pd.read_csv(dataset_path("learning_curves"))
    curves = []
    for name, part in table.groupby("run", sort=False):
        part = part.sort_values("samples")
        x, y = part["samples"].to_numpy(float), part[metric].to_numpy()
        curves.append(cut(part["dataset"].iloc[0], name, metric, x, y, np.sqrt(x[0] * x[-1])))
    return curves


def bundled_runs() -> list[CutCurve]:
    """Return validation losses of the bundled training runs, the second half hidden."""
    from predictor.logs.reading import read_logs

    points = read_logs([dataset_path("mlp_runs")]).points
    curves = []
    for name, part in points[points["metric"] == "val_loss"].groupby("run", sort=False):
        part = part[part["step"] > 0].sort_values("step")
        x, y = part["step"].to_numpy(), part["value"].to_numpy()
        curves.append(cut("mlp_runs", name, "val_loss", x, y, x[-1] / 2))
    return curves


def published() -> Iterator[CutCurve]:
    """Every published curve that is found here."""
    if not SHARED.is_dir():
        return
    yield from extrapolation()
    yield from _histories()
    yield from _repeats()
    yield from _schedules()


def extrapolation() -> Iterator[CutCurve]:
    """Return the curves of the published extrapolation benchmark, cut where it cuts them."""
    folder = SHARED / "extrapolation-benchmark"
    names = {"BB": "big-bench", "NMT": "translation"}
    for domain in ("vision", "language"):
        table = pd.read_csv(folder / f"{domain}.csv.gz").drop_duplicates()
        for name, part in table.groupby(["Domain", "Task", "Model"]):
            part = part.rename(columns={"Seen Examples": "x", "Loss": "y", "Training": "training"})
            family = "vision" if domain == "vision" else names.get(name[0], name[0])
            metric = "error" if domain == "vision" else "loss"
            yield _marked(family, " ".join(name), metric, part)
    table = pd.read_csv(folder / "nanogpt.csv").rename(columns={"n_embd": "x", "val_loss": "y"})
    for name, part in table.groupby("curve"):
        yield _marked("nanogpt", name, "val_loss", part)
    table = pd.read_csv(folder / "double_descent.csv")
    for name, part in table.groupby("curve"):
        yield _marked("double descent", name, part["y_label"].iloc[0].lower(), part)


def _marked(family: str, name: str, metric: str, part: pd.DataFrame) -> CutCurve:
    part = part.sort_values("x", kind="stable")
    x, y = part["x"].to_numpy(float), part["y"].to_numpy(float)
    shown = part["training"].to_numpy() == 1
    return CutCurve(family, name, metric, x[shown], y[shown], x[~shown], y[~shown])


def _histories() -> Iterator[CutCurve]:
    table = pd.read_csv(SHARED / "loss-histories" / "histories.csv.gz")
    for name, part in table.groupby("model"):
        part = part.sort_values("tokens_seen")
        x, y = part["tokens_seen"].to_numpy(), part["loss"].to_numpy()
        yield cut("loss histories", name, "loss", x, y, x[(part["training"] == 1).to_numpy()].max())


def _repeats() -> Iterator[CutCurve]:
    table = pd.read_csv(SHARED / "repeated-runs" / "val_curves.csv.gz").dropna()
    for name, part in table[table["step"] > 0].groupby("run"):
        part = part.sort_values("step")
        x, y = part["step"].to_numpy(float), part["val_loss"].to_numpy()
        if len(x) >= 12:
            yield cut("repeated runs", str(name), "val_loss", x, y, x[-1] / 2)


def ladder() -> Iterator[CutCurve]:
    """Return validation losses of a published model ladder, the second half hidden.

    They take no part in any calibration.
    """
    for path in sorted((SHARED / "model-ladder").glob("[0-9]*.csv")):
        table = pd.read_csv(path, usecols=["_step", "eval/c4_en-validation/CrossEntropyLoss"])
        x, y = table.dropna().query("_step > 0").sort_values("_step").to_numpy().T
        yield cut("ladder", path.stem, "loss", x, y, x[-1] / 2)


def _schedules() -> Iterator[CutCurve]:
    for path in sorted((SHARED / "lr-schedule-curves").glob("csv_*/*.csv")):
        table = pd.read_csv(path)
        x, y = table["step"].to_numpy(float), table["loss"].to_numpy()
        yield cut("schedules", path.stem, "loss", x, y, x[-1] / 2)
