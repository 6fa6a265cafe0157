"""What readers return and what users get: RunLog, ItemLog, ResponseLog."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import pandas as pd

from predictor.errors import InputError
from predictor.findings import Finding

#: Places on which a value of a curve can stand, in the order of preference.
AXES = ("step", "tokens", "samples", "epoch", "flops", "wall_time")
#: Columns of ``RunLog.points``, in order; ``lr`` is a covariate, not an axis.
POINT_COLUMNS = ("run", "metric", *AXES, "lr", "value")
ITEM_COLUMNS = (
    "model",
    "params",
    "tokens",
    "flops",
    "checkpoint",
    "benchmark",
    "item",
    "trials",
    "passes",
)


@dataclass(frozen=True)
class RunLog:
    """Curves of training runs: a tidy table of points and one row a run.

    Parameters
    ----------
    points : DataFrame
        One row a logged value: ``run, metric, step, tokens, samples, epoch, flops, wall_time, lr,
        value``. Axes that were not logged are NaN. ``step`` in optimizer steps, ``samples`` in
        training examples, ``wall_time`` in seconds since the run's first record, ``lr`` the
        learning rate in force.
    runs : DataFrame
        One row a run: ``run, format, source`` and whatever stays fixed (``params, tokens, flops,
        batch_size, family, seed, ...``).
    findings : tuple of Finding
        What was noticed on reading.

    Examples
    --------
    >>> rows = {"run": "a", "metric": "loss", "step": [1, 2], "value": [3, 2]}
    >>> log = RunLog.from_points(pd.DataFrame(rows))
    >>> log.metrics, log.axes("a", "loss")
    (['loss'], ['step'])
    """

    points: pd.DataFrame
    runs: pd.DataFrame
    findings: tuple[Finding, ...] = field(default=())

    @classmethod
    def from_points(
        cls,
        points: pd.DataFrame,
        runs: pd.DataFrame | None = None,
        findings: Iterable[Finding] = (),
    ) -> Self:
        """Build a RunLog from a frame that holds at least run, metric, value and one axis.

        Raises
        ------
        InputError
            If a column is missing or an axis or value is not numeric.
        """
        missing = [name for name in ("run", "metric", "value") if name not in points]
        if missing or not set(AXES) & set(points.columns):
            wanted = ", ".join(missing) or f"an axis ({', '.join(AXES)})"
            raise InputError(f"a RunLog needs a column for {wanted}")
        points = points.reindex(columns=list(POINT_COLUMNS)).reset_index(drop=True)
        numeric = [name for name in POINT_COLUMNS if name not in ("run", "metric")]
        try:
            points[numeric] = points[numeric].astype("float64")
        except (TypeError, ValueError) as error:
            raise InputError(f"a RunLog's axes and values must be numbers: {error}") from None
        points[["run", "metric"]] = points[["run", "metric"]].astype(str)
        if runs is None:
            runs = pd.DataFrame({"run": points["run"].unique()})
        return cls(points, runs.reset_index(drop=True), tuple(findings))

    @property
    def run_names(self) -> list[str]:
        """Names of the runs, in order of appearance."""
        return list(self.runs["run"])

    @property
    def metrics(self) -> list[str]:
        """Names of all metrics, in order of appearance."""
        return list(self.points["metric"].unique())

    def curve(self, run: str, metric: str) -> pd.DataFrame:
        """Return the points of one metric of one run."""
        chosen = (self.points["run"] == run) & (self.points["metric"] == metric)
        return self.points[chosen]

    def axes(self, run: str, metric: str) -> list[str]:
        """Return the axes on which this curve can be read, best first."""
        curve = self.curve(run, metric)
        return [axis for axis in AXES if curve[axis].notna().any()]


@dataclass(frozen=True)
class ItemLog:
    """Results of models on the items of benchmarks.

    Parameters
    ----------
    items : DataFrame
        One row a model, checkpoint, benchmark and item: ``model, params, tokens, flops, checkpoint,
        benchmark, item, trials, passes``; ``passes / trials`` in [0, 1] is the pass rate. Further
        columns are kept.
    findings : tuple of Finding
        What was noticed on reading.
    """

    items: pd.DataFrame
    findings: tuple[Finding, ...] = field(default=())


@dataclass(frozen=True)
class ResponseLog:
    """Responses of several strategies, as scored by the model to be trained.

    Parameters
    ----------
    responses : DataFrame
        One row a strategy and example: ``strategy, example`` and any of ``tokens`` (count),
        ``log_likelihood`` (nats, summed over the response), ``similarity``, ``text``, ...
    findings : tuple of Finding
        What was noticed on reading.
    """

    responses: pd.DataFrame
    findings: tuple[Finding, ...] = field(default=())


Log = RunLog | ItemLog | ResponseLog
