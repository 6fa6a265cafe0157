"""Which metrics of a log are losses, gradient norms, and counters of trouble."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predictor.logs.tables import AXES, RunLog

Array = NDArray[np.float64]
_LOSS = re.compile(
    r"loss|entropy|nll|perplexity|(^|[^a-z])ppl|bits_?per|bpb|(^|[^a-z])ce($|[^a-z])"
)
#: Neither are benchmarks: their bits per byte wander.
_NO_LOSS = re.compile(r"scale|_std|count|weight|time|acc|downstream|benchmark|shot")
_HELD_OUT = re.compile(r"val|eval|test|held")
_NORM = re.compile(r"grad(ient)?s?[ _/.-]*(l2[ _-]*)?(global[ _-]*)?norm|norm.*grad|gnorm")
_SKIPPED = re.compile(r"skip\w*[ _-]*(iteration|step|batch)|(iteration|step|batch)\w*[ _-]*skip")
_NAN = re.compile(r"nan[ _-]*(iteration|step|batch)|num[ _-]*nans?")
_SCALE = re.compile(r"loss[ _-]*scale|grad[ _-]*scale")


@dataclass(frozen=True)
class Signal:
    """One logged curve.

    Parameters
    ----------
    metric : str
        Its name in the log.
    axis : str
        What ``at`` counts: step, tokens, samples, epoch, flops or wall_time.
    at, value : array, (points,)
        In order of places.
    lr, clock : array, (points,)
        Learning rate and seconds since the start, NaN where not logged.
    """

    metric: str
    axis: str
    at: Array
    value: Array
    lr: Array
    clock: Array


def losses(metrics: list[str]) -> list[str]:
    """Return the metrics that are losses, those of training first.

    Examples
    --------
    >>> losses(["grad_norm", "eval/loss", "lm loss", "loss scale", "accuracy"])
    ['lm loss', 'eval/loss']
    """
    found = [m for m in metrics if _LOSS.search(m.lower()) and not _NO_LOSS.search(m.lower())]
    return sorted(found, key=lambda m: bool(_HELD_OUT.search(m.lower())))


def norms(metrics: list[str]) -> list[str]:
    """Return the metrics that are gradient norms.

    Examples
    --------
    >>> norms(["gradnorm", "train/grad_norm", "grad norm", "norm/weights"])
    ['gradnorm', 'train/grad_norm', 'grad norm']
    """
    return [m for m in metrics if _NORM.search(m.lower())]


def skipped(metrics: list[str]) -> list[str]:
    """Return counters of skipped steps."""
    return [m for m in metrics if _SKIPPED.search(m.lower())]


def nan_steps(metrics: list[str]) -> list[str]:
    """Return counters of steps whose loss or gradient was not a number."""
    return [m for m in metrics if _NAN.search(m.lower())]


def loss_scales(metrics: list[str]) -> list[str]:
    """Return the scales that mixed-precision training multiplies its loss by."""
    return [m for m in metrics if _SCALE.search(m.lower())]


def signal(log: RunLog, run: str, metric: str) -> Signal | None:
    """Return a run's curve on the axis that the run's log has most of; None where it has none."""
    curve = log.curve(run, metric)
    axes = [axis for axis in AXES if curve[axis].notna().any()]
    if not axes:
        return None
    axis = axes[0]
    curve = curve[curve[axis].notna()].sort_values(axis, kind="stable")
    columns = (axis, "value", "lr", "wall_time")
    at, value, lr, clock = (pd.to_numeric(curve[c]).to_numpy(np.float64) for c in columns)
    return Signal(metric, axis, at, value, lr, clock)
