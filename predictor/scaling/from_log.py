"""From training logs to a table of runs: parameters, tokens and the loss that each ended with."""

from __future__ import annotations

import pandas as pd

from predictor.errors import InputError
from predictor.logs.tables import RunLog
from predictor.scaling.table import RunsTable, runs_table


def table_of_log(log: RunLog, metric: str) -> RunsTable:
    """Return the last value of a metric of every run whose size and data are known.

    Parameters
    ----------
    log : RunLog
        Logs with ``params`` of each run, and ``tokens`` or ``flops`` of it or along its curve.
    metric : str
        The loss.

    Raises
    ------
    InputError
        If no run tells its parameters and its tokens or FLOPs.

    Examples
    --------
    >>> points = pd.DataFrame({"run": "a", "metric": "loss", "tokens": [1e6, 2e6], "value": [3, 2]})
    >>> runs = pd.DataFrame({"run": ["a"], "params": [1e5]})
    >>> table_of_log(RunLog.from_points(points, runs), "loss").flops
    array([1.2e+12])
    """
    chosen = log.points[log.points["metric"] == metric]
    last = chosen.groupby("run", sort=False).tail(1).set_index("run")
    frame = log.runs.set_index("run").reindex(last.index)
    known = pd.DataFrame({"run": last.index, metric: last["value"].to_numpy()}, index=last.index)
    for name in ("params", "tokens", "flops"):
        reached = last[name] if name in last else pd.Series(float("nan"), index=last.index)
        told = pd.to_numeric(frame[name], errors="coerce") if name in frame else reached
        known[name] = reached.fillna(told)
    known = known.dropna(axis=1, how="all")
    sized = [name for name in ("params", "tokens", "flops") if name in known]
    if "params" not in sized or len(sized) < 2:
        raise InputError(
            "no run tells its parameters and its tokens or FLOPs; give them on the page Runs, in "
            "the log, or upload a table of runs"
        )
    usable = known.dropna(subset=sized)
    return runs_table(usable.reset_index(drop=True), loss=metric, source="runs")
