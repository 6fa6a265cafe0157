"""How many hours, or FLOPs, a run spends on one unit of an axis: what a place on it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from predictor.architecture.cost import FLOPS_PER_PARAMETER_AND_TOKEN, Cost, Rates
from predictor.architecture.cost import cost_of_flops as _cost_of_flops
from predictor.architecture.cost import cost_of_hours as _cost_of_hours
from predictor.errors import CannotForecastError
from predictor.logs.tables import RunLog

Basis = Literal["auto", "wall_time", "flops", "params"]
BASES: tuple[Basis, ...] = ("auto", "wall_time", "flops", "params")
BY_PARAMS = "6 x params x tokens"
#: Facts of a run that tell how many tokens a step takes.
_TOKENS_A_STEP = ("tokens_per_step", "tokens_per_batch", "batch_size_in_tokens")


@dataclass(frozen=True)
class Pace:
    """What one unit of an axis takes.

    Parameters
    ----------
    hours, flops : float or None
        Hours of wall-clock time, or FLOPs, for one unit; one of the two.
    basis : str
        Where it comes from, in words.
    """

    hours: float | None
    flops: float | None
    basis: str

    def cost(self, units: float, rates: Rates) -> Cost:
        """Return what so many units cost; FLOPs need an accelerator in the rates."""
        if self.hours is not None:
            return _cost_of_hours(units * self.hours, rates)
        return _cost_of_flops(units * (self.flops or 0.0), rates)


def pace_of(log: RunLog, run: str, axis: str, basis: Basis = "auto") -> Pace:
    """Return what one unit of an axis took in a run.

    Parameters
    ----------
    log : RunLog
        The log.
    run : str
        The run.
    axis : str
        The axis.
    basis : {"auto", "wall_time", "flops", "params"}
        Logged times, logged FLOPs, or 6 x parameters x tokens; "auto" takes the first of them
        that the log holds.

    Returns
    -------
    Pace

    Raises
    ------
    CannotForecastError
        If the log does not hold it; what is missing is said.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"run": "a", "metric": "loss", "step": [1, 2, 3], "wall_time": [36.0, 72.0, 108.0]}
    >>> log = RunLog.from_points(pd.DataFrame({**rows, "value": [3.0, 2.0, 1.0]}))
    >>> pace_of(log, "a", "step").hours
    0.01
    """
    ways = {"wall_time": _by_time, "flops": _by_flops, "params": _by_params}
    for name, way in ways.items():
        if basis in ("auto", name) and (pace := way(log, run, axis)) is not None:
            return pace
    if basis != "auto":
        raise CannotForecastError(f"cost cannot be told: the log does not hold {_NEEDS[basis]}")
    raise CannotForecastError(
        f"cost cannot be told: the log holds neither wall_time nor flops nor {_NEEDS['params']}"
    )


_NEEDS = {
    "wall_time": "wall_time",
    "flops": "flops",
    "params": "params together with tokens",
}


def _by_time(log: RunLog, run: str, axis: str) -> Pace | None:
    seconds = _per_unit(log, run, axis, "wall_time")
    return None if seconds is None else Pace(seconds / 3600, None, "logged wall_time")


def _by_flops(log: RunLog, run: str, axis: str) -> Pace | None:
    logged = _per_unit(log, run, axis, "flops")
    if logged is not None:
        return Pace(None, logged, "logged flops")
    total, tokens = _fact(log, run, "flops"), _fact(log, run, "tokens")
    per_unit = _tokens_per_unit(log, run, axis)
    if total is not None and tokens is not None and per_unit is not None:
        return Pace(None, total / tokens * per_unit, "the run's flops over its tokens")
    return _by_flops_so_far(log, run, axis, total)


def _by_flops_so_far(log: RunLog, run: str, axis: str, total: float | None) -> Pace | None:
    """Spread the total of a trainer state, which is that up to its last step."""
    formats = log.runs.loc[log.runs["run"] == run].get("format")
    end = float(log.points.loc[log.points["run"] == run, axis].max())
    if total is None or formats is None or set(formats) != {"trainer-state"} or not end > 0:
        return None
    return Pace(None, total / end, "the trainer's total flops over its steps")


def _by_params(log: RunLog, run: str, axis: str) -> Pace | None:
    params, tokens = _fact(log, run, "params"), _tokens_per_unit(log, run, axis)
    if params is None or tokens is None:
        return None
    flops = FLOPS_PER_PARAMETER_AND_TOKEN * params * tokens
    return Pace(None, flops, BY_PARAMS)


def _tokens_per_unit(log: RunLog, run: str, axis: str) -> float | None:
    logged = _per_unit(log, run, axis, "tokens")
    if logged is not None or axis != "step":
        return logged
    return next((t for name in _TOKENS_A_STEP if (t := _fact(log, run, name)) is not None), None)


def _per_unit(log: RunLog, run: str, axis: str, other: str) -> float | None:
    """Return how much of another axis goes with one unit of this one, pauses left out.

    The median over stretches of half the log: a pause or a restart touches few of them.
    """
    if axis == other:
        return 1.0
    points = log.points.loc[log.points["run"] == run, [axis, other]].dropna()
    table = points.drop_duplicates(axis).sort_values(axis).to_numpy()
    if len(table) < 2:
        return None
    apart = len(table) // 2
    ahead = table[apart:] - table[:-apart]
    rate = float(np.median(ahead[:, 1] / ahead[:, 0]))
    return rate if np.isfinite(rate) and rate > 0 else None


def _fact(log: RunLog, run: str, name: str) -> float | None:
    if name not in log.runs:
        return None
    try:
        value = float(log.runs.loc[log.runs["run"] == run, name].iloc[0])
    except (TypeError, ValueError, IndexError):
        return None
    return value if np.isfinite(value) and value > 0 else None
