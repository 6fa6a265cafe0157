"""What to forecast, and where, when nobody says; and what a log said earlier on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from predictor.curves.question import choose_metric, planned_ends
from predictor.errors import InputError
from predictor.logs.tables import RunLog

if TYPE_CHECKING:
    import pandas as pd

#: Times the last logged place, where a run does not tell its planned end.
_AHEAD = 2.0


def default_metric(log: RunLog) -> str:
    """Return the metric most likely meant, the first where none is, to begin a choice with.

    Raises
    ------
    InputError
        If the log holds no value.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"run": "a", "metric": ["x", "y"], "step": 1, "value": 2.0})
    >>> default_metric(RunLog.from_points(points))
    'x'
    """
    try:
        return choose_metric(log, None)
    except InputError:
        if not log.metrics:
            raise
        return log.metrics[0]


def default_places(log: RunLog, metric: str, axis: str) -> dict[str, float]:
    """Return where to forecast each run: its planned end, or twice as far as it has got.

    Parameters
    ----------
    log : RunLog
        The log.
    metric, axis : str
        What is to be forecast, and on which axis.

    Returns
    -------
    dict of str to float
        By run; runs that do not log the metric on this axis are left out.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"run": "a", "metric": "loss", "step": [1, 50], "value": [3, 2]})
    >>> default_places(RunLog.from_points(points), "loss", "step")
    {'a': 100.0}
    """
    last = last_places(log, metric, axis)
    ends = planned_ends(log, axis)
    return {run: ends.get(run, _AHEAD * place) for run, place in last.items()}


def last_places(log: RunLog, metric: str, axis: str) -> dict[str, float]:
    """Return how far each run has got with this metric on this axis.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"run": "a", "metric": "loss", "step": [1, 50], "value": [3, 2]})
    >>> last_places(RunLog.from_points(points), "loss", "step")
    {'a': 50.0}
    """
    chosen = log.points[log.points["metric"] == metric]
    last = chosen.groupby("run", sort=False)[axis].max().dropna()
    return {str(run): float(place) for run, place in last.items() if place > 0}


def seen_share(log: RunLog, metric: str, axis: str, share: float) -> RunLog:
    """Return the log as it was when each run had got this share of the way that it has now.

    Parameters
    ----------
    log : RunLog
        The log.
    metric, axis : str
        What tells how far a run has got.
    share : float
        In (0, 1].

    Raises
    ------
    InputError
        If nothing was logged by then.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"run": "a", "metric": "loss", "step": [1, 20, 50], "value": 2.0})
    >>> len(seen_share(RunLog.from_points(points), "loss", "step", 0.5).points)
    2
    """
    if share >= 1:
        return log
    reached = log.points["run"].map(last_places(log, metric, axis)) * share
    seen = log.points[~(log.points[axis] > reached)]
    if seen[seen["metric"] == metric].empty:
        raise InputError(f"the first {100 * share:g} % of the runs hold no value of '{metric}'")
    return replace(log, points=seen)


def hidden_share(log: RunLog, metric: str, axis: str, share: float) -> pd.DataFrame:
    """Return what :func:`seen_share` leaves out of a metric.

    Returns
    -------
    DataFrame
        Columns ``run, place, value``.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"run": "a", "metric": "loss", "step": [1, 20, 50], "value": 2.0})
    >>> hidden_share(RunLog.from_points(points), "loss", "step", 0.5)["place"].tolist()
    [50.0]
    """
    chosen = log.points[log.points["metric"] == metric]
    later = chosen[chosen[axis] > chosen["run"].map(last_places(log, metric, axis)) * share]
    return later.rename(columns={axis: "place"})[["run", "place", "value"]]
