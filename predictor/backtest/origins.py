"""Where to stand and what to forecast from there: rolling origins of every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictor.curves.batch import binned
from predictor.fitting.law import Array

#: Each origin lies this many times before the last one.
STEP_BACK = 2**0.5
#: Fewer points than that cannot be forecast from.
_FEWEST_POINTS = 4
#: A target may lie off the horizon by this share of it, on the log scale.
_OFF_HORIZON = 0.2


@dataclass(frozen=True)
class Origin:
    """A place in a run from which a later one is forecast.

    Parameters
    ----------
    run : str
        The run.
    seen : float
        The last place that the forecast may know of.
    at : float
        The place that is forecast.
    truth : float
        What was logged there.
    """

    run: str
    seen: float
    at: float
    truth: float


def rolling_origins(
    curves: Mapping[str, tuple[Array, Array]], horizon: float, count: int
) -> list[list[Origin]]:
    """Return origins of all runs, one list for each step back in time.

    The first lies so that the end of the run is the target, each next one a factor of
    :data:`STEP_BACK` earlier. Curves of more than 48 points are averaged in bins first, as they
    are for a forecast, so that a target is not a single noisy value.

    Parameters
    ----------
    curves : mapping of str to (x, y)
        By run, in any order of points.
    horizon : float
        How far ahead: place of the target over the last place seen, more than 1.
    count : int
        Number of origins.
    """
    tidy = {run: _tidy(x, y) for run, (x, y) in curves.items()}
    steps: list[list[Origin]] = []
    taken: set[tuple[str, float, float]] = set()
    for k in range(count):
        found = [_origin(run, *xy, horizon, STEP_BACK**k) for run, xy in tidy.items()]
        new = [o for o in found if o is not None and (o.run, o.seen, o.at) not in taken]
        taken |= {(o.run, o.seen, o.at) for o in new}
        steps.append(new)
    return [step for step in steps if step]


def _tidy(x: Array, y: Array) -> tuple[Array, Array]:
    known = np.isfinite(x) & np.isfinite(y) & (x > 0)
    order = np.argsort(x[known], kind="stable")
    x, y = x[known][order], y[known][order]
    return binned(x, y, reach=0.0) if len(x) else (x, y)


def _origin(run: str, x: Array, y: Array, horizon: float, back: float) -> Origin | None:
    if len(x) <= _FEWEST_POINTS:
        return None
    place = x[-1] / horizon / back * (1 + 1e-9)
    seen = int(np.searchsorted(x, place, side="right"))
    if seen < _FEWEST_POINTS or seen >= len(x):
        return None
    last = x[seen - 1]
    later = x[seen:]
    off = np.abs(np.log(later / (horizon * last)))
    target = int(off.argmin())
    if off[target] > _OFF_HORIZON * np.log(horizon):
        return None
    return Origin(run, float(last), float(later[target]), float(y[seen + target]))


def seen_from(points: pd.DataFrame, axis: str, origins: Sequence[Origin]) -> pd.DataFrame:
    """Return the points that were logged when each run was at its origin, and no other run's."""
    until = points["run"].map({o.run: o.seen for o in origins})
    return points[points[axis] <= until]
