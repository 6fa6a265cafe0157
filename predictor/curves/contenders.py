"""What is compared: single runs, or methods with several runs each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from predictor.curves.pace import Pace, pace_of
from predictor.curves.pareto import Better
from predictor.curves.prepared import PreparedCurve, prepare
from predictor.curves.question import curves_of
from predictor.curves.rates import Doubt, falling_doubt
from predictor.errors import CannotForecastError, InputError
from predictor.fitting.law import Array
from predictor.logs.tables import RunLog

#: A learning rate that is to fall by more than this share has not fallen yet.
_FALL = 0.1
_NO_RATES = (np.empty(0), np.empty(0))


@dataclass(frozen=True)
class Contender:
    """One run, or the repeats of one method.

    Parameters
    ----------
    name : str
        Its name.
    runs : tuple of str
        Names of its runs.
    x : array, (points,)
        Positive places, ascending.
    y : array, (runs, points)
        The metric there; NaN where a run has none.
    curve : PreparedCurve
        The mean over the runs, as it is forecast.
    pace : Pace or None
        What a place on the axis costs, where the log tells it.
    rates : (array, array)
        Places and learning rates there, of a single run.
    """

    name: str
    runs: tuple[str, ...]
    x: Array
    y: Array
    curve: PreparedCurve
    pace: Pace | None = None
    rates: tuple[Array, Array] = field(default=_NO_RATES)

    @property
    def last(self) -> float:
        """Its last logged place."""
        return float(self.x[-1])

    @property
    def mean(self) -> Array:
        """Mean of the runs at each place."""
        return np.asarray(np.nanmean(self.y, axis=0))

    @property
    def better(self) -> Better:
        """Which way the metric is better."""
        return "lower" if self.curve.kind.better == "lower" else "higher"

    @property
    def doubt(self) -> Doubt | None:
        """What speaks of its learning rate against laws that know no schedule."""
        return falling_doubt(self.name, *self.rates)

    def falls_after(self, place: float) -> bool:
        """Whether the learning rate still has to fall after a place, as far as it is logged."""
        places, rates = self.rates
        after = places >= place
        return bool(after.any()) and bool(rates[after].min() < (1 - _FALL) * rates[after][0])

    def cost(self, place: float) -> tuple[float, str] | None:
        """Return what getting to a place costs, and in which unit."""
        if self.pace is None:
            return None
        if self.pace.hours is not None:
            return place * self.pace.hours, "hours"
        return place * (self.pace.flops or 0.0), "flops"


def contenders_of(log: RunLog, metric: str, axis: str, by: str | None) -> list[Contender]:
    """Return what a log holds to be compared.

    Raises
    ------
    InputError
        If there are fewer than two, there is no such column, or it is not clear which way the
        metric is better.
    """
    found = list(_single(log, metric, axis) if by is None else _grouped(log, metric, axis, by))
    if len(found) < 2:
        what = "runs" if by is None else f"values of '{by}'"
        raise InputError(f"comparing '{metric}' needs two {what} that have it, not {len(found)}")
    if len({one.better for one in found}) > 1:
        raise InputError(f"which way is '{metric}' better? some runs rise, some fall")
    return found


def _single(log: RunLog, metric: str, axis: str) -> Iterator[Contender]:
    for run, (x, y) in zip(*curves_of(log, metric, axis), strict=True):
        order = np.argsort(x, kind="stable")
        order = order[x[order] > 0]
        if len(order):
            curve = prepare(x, y, metric, run)
            yield Contender(
                run, (run,), x[order], y[order][None], curve, _pace(log, run, axis),
                _rates(log, run, axis),
            )  # fmt: skip


def _grouped(log: RunLog, metric: str, axis: str, by: str) -> Iterator[Contender]:
    if by not in log.runs or by == "run":
        there = [c for c in log.runs.columns if c not in ("run", "format", "source")]
        raise InputError(f"the runs have no column '{by}'; they have {', '.join(there) or 'none'}")
    points = log.points[(log.points["metric"] == metric) & (log.points[axis] > 0)]
    method = log.runs.set_index("run")[by]
    for name, runs in method.dropna().astype(str).groupby(method, sort=False).groups.items():
        part = points[points["run"].isin(runs)]
        table = part.pivot_table(index="run", columns=axis, values="value", sort=False)
        table = table.reindex([run for run in runs if run in table.index]).sort_index(axis=1)
        # A mean over few of the repeats would jump where the others begin or end.
        table = table.loc[:, table.notna().sum() > len(table) / 2]
        if table.size:
            x, y = table.columns.to_numpy(dtype=float), table.to_numpy(dtype=float)
            curve = prepare(x, np.nanmean(y, axis=0), metric, str(name))
            yield Contender(str(name), tuple(table.index), x, y, curve)


def _pace(log: RunLog, run: str, axis: str) -> Pace | None:
    try:
        return pace_of(log, run, axis)
    except CannotForecastError:
        return None


def _rates(log: RunLog, run: str, axis: str) -> tuple[Array, Array]:
    points = log.points.loc[log.points["run"] == run, [axis, "lr"]].dropna()
    table = points.drop_duplicates(axis).sort_values(axis).to_numpy()
    return table[:, 0], table[:, 1]
