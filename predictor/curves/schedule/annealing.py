"""The falls of the learning rate that each point of a curve has behind it.

Both laws add up ``(lr_{k-1} - lr_k) G(...)`` over the steps k before a point. Only steps at which
the rate changes count, and a smooth change is cut in panels with two nodes each (Gauss-Legendre),
so that a point costs some hundred terms however long the run is. A rise, as in the warm-up, is a
fall with the other sign; a run without one rises to its first rate at once, so that runs with and
without a warm-up follow one law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.curves.schedule.plan import Schedule
from predictor.fitting.law import Array

#: A panel holds at most this share of all that the rate goes up and down.
_SHARE = 1 / 96
_NODES = 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3)
#: A rate of 0 is taken as this share of the peak: the law has it in a denominator.
_LEAST_RATE = 1e-6


@dataclass(frozen=True)
class Falls:
    """Falls of the rate behind the points of one or more curves, point after point.

    Parameters
    ----------
    first : array of int, (points,)
        Where each point's falls begin; each point has one at least: the rise at the start.
    height : array, (falls,)
        How far the rate fell.
    log_rate : array, (falls,)
        Logarithm of the rate it fell to.
    log_area : array, (falls,)
        Logarithm of the sum of the rate from the fall to the point.
    steps : array, (falls,)
        Steps from the fall to the point.
    """

    first: NDArray[np.intp]
    height: Array
    log_rate: Array
    log_area: Array
    steps: Array

    def summed(self, share: Array) -> Array:
        """Sum height times share over each point's falls, (problems, falls) to (.., points)."""
        return np.asarray(np.add.reduceat(self.height * share, self.first, axis=-1))


def falls(schedules: Sequence[Schedule], steps: Sequence[Array], peak: float = 1.0) -> Falls:
    """Return the falls behind the points of several curves, rates measured in ``peak``.

    Parameters
    ----------
    schedules : sequence of Schedule
        Schedule of each curve.
    steps : sequence of array, (points,)
        Steps of each curve's points.
    peak : float
        Unit of the learning rate.

    Examples
    --------
    >>> jump = Schedule(np.array([0.0, 9.0, 10.0, 20.0]), np.array([2.0, 2.0, 1.0, 1.0]))
    >>> found = falls([jump], [np.array([5.0, 10.0, 14.0])])
    >>> found.summed(np.ones_like(found.height)).tolist()
    [-2.0, -1.0, -1.0]
    """
    parts = [
        _of_curve(s, np.asarray(t, dtype=float)) for s, t in zip(schedules, steps, strict=True)
    ]
    counts = np.concatenate([part[0] for part in parts])
    height, rate, area, since = (np.concatenate([p[k] for p in parts]) for k in range(1, 5))
    first = np.r_[0, np.cumsum(counts)[:-1]].astype(np.intp)
    rate = np.maximum(rate / peak, _LEAST_RATE)
    return Falls(first, height / peak, np.log(rate), np.log(area / peak), since)


def _of_curve(schedule: Schedule, at: Array) -> tuple[Array, ...]:
    """Return the number of falls behind each point, and height, rate, area and steps of each."""
    edges = _panels(schedule)
    left, right = edges[:-1], edges[1:]
    sudden = right - left <= 1
    # Where a point lies inside a panel, only the part before it counts.
    stop = np.minimum(right, at[:, None])
    behind = (stop > left) & (schedule.rate(left) != schedule.rate(right))
    point, panel = np.nonzero(behind)
    begin, end = left[panel], stop[point, panel]
    height = (schedule.rate(begin) - schedule.rate(end)) / 2
    rates, areas = [], []
    for node in _NODES:
        middle = np.where(sudden[panel], begin + 0.5, begin + node * (end - begin))
        # What falls at step k has been summed from k on: half a step to both sides of the node.
        rates.append(schedule.rate(np.where(sudden[panel], end, middle)))
        areas.append(schedule.area(at[point]) - schedule.area(np.maximum(middle - 0.5, 0.0)))
    since = [at[point] - begin - node * (end - begin) + 0.5 for node in _NODES]
    start, every = schedule.lr[0], np.ones(len(at))
    owner = np.concatenate([point, point, np.arange(len(at))])
    order = np.argsort(owner, kind="stable")
    columns = (
        [height, height, -start * every],
        [*rates, start * every],
        [*areas, schedule.area(at)],
        [*since, at],
    )
    parts = [np.concatenate(column)[order] for column in columns]
    parts[2] = np.maximum(parts[2], _LEAST_RATE * schedule.peak)
    return np.bincount(owner, minlength=len(at)), *parts


def _panels(schedule: Schedule) -> Array:
    """Return the edges between which the rate changes by a small share of all its changes."""
    step, width, change = schedule.step, np.diff(schedule.step), np.diff(schedule.lr)
    unit = _SHARE * np.abs(change).sum()
    if unit == 0:
        return step[[0, -1]]
    # Short pieces of a slope are joined, long ones are cut.
    gone = np.floor(np.r_[0.0, np.cumsum(np.abs(change))] / unit)
    way = np.sign(change)
    kept = np.r_[True, (np.diff(gone[:-1]) > 0) | (way[1:] != way[:-1])]
    count = np.clip(np.ceil(np.abs(change) / unit), 1, np.maximum(width, 1)).astype(np.intp)
    piece = np.repeat(np.arange(len(count)), count)
    part = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    cuts = step[piece] + part / count[piece] * width[piece]
    return np.r_[cuts[(part > 0) | kept[piece]], step[-1]]
