"""Runs with known trouble, and checkpoints written by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from predictor.logs.tables import RunLog


def falling(points=1000, noise=0.02, seed=0):
    """Return a loss that falls as a power of the step, with noise."""
    rng = np.random.default_rng(seed)
    return 2 + 4 * (1 + np.arange(points)) ** -0.4 + noise * rng.normal(size=points)


def log_of(runs, **columns):
    """Return a log of runs: names to metrics to values, at steps 0, 1, 2, ..."""
    parts = []
    for run, metrics in runs.items():
        for metric, value in metrics.items():
            part = {"run": run, "metric": metric, "step": np.arange(len(value)), "value": value}
            parts.append(pd.DataFrame(part | columns))
    return RunLog.from_points(pd.concat(parts))


def write_checkpoint(path, tensors):
    """Write arrays (BF16: a pair of "BF16" and 16-bit words) as a safetensors file."""
    kinds = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32"}
    header, body = {}, b""
    for name, array in tensors.items():
        if isinstance(array, tuple):
            kind, array = array
        else:
            kind = kinds[array.dtype.str[1:]]
        raw = np.ascontiguousarray(array).tobytes()
        places = [len(body), len(body) + len(raw)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": places}
        body += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


def bfloat16(array):
    """Return the upper halves of 32-bit floats."""
    return ("BF16", (array.astype("<f4").view("<u4") >> 16).astype("<u2"))


@pytest.fixture
def normal():
    """Return a matrix as a network is initialised with."""
    return np.random.default_rng(0).normal(0, 0.02, size=(512, 256)).astype("f4")
