"""Tables of runs that the tests of scaling laws share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from predictor.scaling.table import runs_table

TRUTH = {"E": 1.8, "A": 480.0, "B": 2100.0, "alpha": 0.35, "beta": 0.37}


def loss_of(n, d):
    """Return the loss by the law that the tables follow."""
    return TRUTH["E"] + TRUTH["A"] / n ** TRUTH["alpha"] + TRUTH["B"] / d ** TRUTH["beta"]


def runs(noise=0.0, sizes=5, amounts=5, seed=0):
    """Return a grid of runs as a frame."""
    n, d = np.meshgrid(np.geomspace(1e7, 1e9, sizes), np.geomspace(5e8, 5e10, amounts))
    n, d = n.ravel(), d.ravel()
    loss = loss_of(n, d) * np.exp(noise * np.random.default_rng(seed).normal(size=len(n)))
    return pd.DataFrame({"params": n, "tokens": d, "loss": loss})


def table(**settings):
    """Return the same as a table of runs."""
    return runs_table(runs(**settings))
