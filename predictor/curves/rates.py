"""What speaks of learning rates against laws that know no schedule.

Such laws carry on as a run has gone. A rate that has begun to fall makes it go faster; how much,
they cannot know. So it is said, and where the fall is steep the interval is widened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from predictor.curves.regimes import quickens
from predictor.findings import Finding
from predictor.fitting.law import Array
from predictor.logs.tables import RunLog

#: From this on a rate falls steeply: ``-d ln rate / d ln step`` at the end of the log. A cosine
#: stays below it but for its last tenth, a decay at the end of a plateau lies far above.
_STEEP = 4.0
#: Steep decays of real runs ended up to 2.4 interval halves below the forecast.
_WIDER = 3.0
#: Share of the logged rates that the steepness at the end is taken from.
_END = 0.05
_SHAPES = ("lr_scheduler_type", "lr_scheduler", "lr_schedule", "lr_decay_style", "scheduler")
_STEADY = ("constant", "none", "nan")


@dataclass(frozen=True)
class Doubt:
    """Why a law that knows no schedule may err on a run.

    Parameters
    ----------
    finding : Finding
        PRED108 where a logged rate falls, PRED127 where none is logged.
    widen : float
        Factor for the interval.
    """

    finding: Finding
    widen: float = 1.0


def rate_doubts(log: RunLog, curves: Mapping[str, tuple[Array, Array]]) -> dict[str, Doubt]:
    """Return the runs whose learning rate falls, or seems to and is not logged.

    Parameters
    ----------
    log : RunLog
        The logs.
    curves : mapping of str to (place, log of what falls)
        By run, as they are fitted.
    """
    rated = log.points.loc[log.points["lr"].notna(), ["run", "step", "lr"]]
    logged = {str(run): rows for run, rows in rated.groupby("run")}
    shapes = _shapes(log)
    found = {}
    for run, (place, falling) in curves.items():
        if run in logged:
            rows = logged[run]
            doubt = falling_doubt(run, rows["step"].to_numpy(float), rows["lr"].to_numpy(float))
        else:
            doubt = _unlogged(run, shapes.get(run, ""), place, falling)
        if doubt is not None:
            found[run] = doubt
    return found


def falling_doubt(run: str, place: Array, rate: Array) -> Doubt | None:
    """Return PRED108 where a logged rate goes down in the later half of its log.

    Parameters
    ----------
    run : str
        Name of the run.
    place, rate : array, (points,)
        Where the rate was logged, ascending, and the rate there.
    """
    later = rate[len(rate) // 2 :]
    if len(later) < 2 or later.min() >= 0.98 * rate.max():
        return None
    message = "the learning rate falls, and these laws do not know its schedule"
    if _steepness(place, rate) < _STEEP:
        return Doubt(Finding("PRED108", message, run))
    message += f"; it falls steeply, so the interval is {_WIDER:g} times as wide"
    return Doubt(Finding("PRED108", message, run), _WIDER)


def _steepness(step: Array, rate: Array) -> float:
    """Return ``-d ln rate / d ln step`` over the last rates."""
    back = max(1, round(_END * len(rate)))
    if len(rate) <= back or min(rate[-1], rate[-1 - back], step[-1 - back]) <= 0:
        return 0.0
    run = np.log(step[-1] / step[-1 - back])
    return float(np.log(rate[-1 - back] / rate[-1]) / run) if run > 0 else 0.0


def _unlogged(run: str, shape: str, place: Array, falling: Array) -> Doubt | None:
    if len(place) and quickens(place, falling):
        message = (
            "it falls faster of late than before, as when a learning rate falls; none is logged, "
            f"so the interval is {_WIDER:g} times as wide"
        )
        return Doubt(Finding("PRED127", message, run), _WIDER)
    if shape:
        message = f"its settings name a learning rate of shape '{shape}', and none is logged"
        return Doubt(Finding("PRED127", message, run))
    return None


def _shapes(log: RunLog) -> dict[str, str]:
    """Return the shape of the rate that the settings of each run name, where it is not constant."""
    columns = [name for name in _SHAPES if name in log.runs]
    found: dict[str, str] = {}
    for row in log.runs[["run", *columns]].astype(str).to_dict("records"):
        named = [row[name] for name in columns if not row[name].lower().startswith(_STEADY)]
        named = [shape for shape in named if shape.strip()]
        if named:
            found[row["run"]] = named[0][:40]
    return found
