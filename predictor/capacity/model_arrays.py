"""The rows that stand for their models, and their numbers as arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from predictor.capacity.table import Measurement

Array = NDArray[np.float64]


def last_checkpoints(rows: list[Measurement]) -> list[Measurement]:
    """Return the last checkpoint of every model on every data set."""
    last: dict[tuple[str, str], Measurement] = {}
    for row in rows:
        key = (row.model, row.dataset)
        if key not in last or (row.checkpoint or 0) >= (last[key].checkpoint or 0):
            last[key] = row
    return list(last.values())


def as_arrays(rows: list[Measurement]) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return log2 of FLOPs a token, gain in bits a token, and the series counted from 0."""
    names = list(dict.fromkeys(row.series for row in rows))
    x = np.log2([row.flops_per_token for row in rows])
    gain = np.array([row.compression.gain_bits_per_token for row in rows])
    groups = np.array([names.index(row.series) for row in rows], dtype=np.intp)
    return x, gain, groups
