"""Spikes and divergence of a logged signal, against what was clean before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from predictor.errors import InputError
from predictor.health.baseline import BEGINS, MAD, WINDOW, Baseline

Array = NDArray[np.float64]
Kind = Literal["narrow", "wide", "divergence"]
#: So few clean points tell no noise; where there are so many, a loss must rise by a quarter and a
#: norm tells nothing yet.
FEWEST, _FIRST, _FIRST_RISE = 8, 3, 0.25
#: A spike ends below so many robust standard deviations.
_ENDS = 3.0
#: A loss must rise by so much of its median; a logarithm (of a gradient norm) by so much.
_LEAST_RISE, _LEAST_LOG_RISE = 0.02, 0.25
#: Logged points up to which a spike is narrow.
_NARROW = 5
#: Points looked at together.
_BLOCK = 512
#: Slow rises: medians of so many points, against the lowest such median before.
_RUNG, _LEAST_CLIMB = 32, 0.05
#: The noise of that median is told by so many before it.
_RUNGS = 8
#: What has not come back by the end of the log is a divergence if it is over five points and the
#: last of them still lie so far above, or two points and more this far.
_STAYS, _STEEP = 0.05, 0.25


@dataclass(frozen=True)
class Spike:
    """A stretch of a run that lies above what was clean before.

    Parameters
    ----------
    start, end : float
        Steps of its first and last point.
    kind : {"narrow", "wide", "divergence"}
        Up to five logged points; more; or to the end of the log, where it still lies 5 % or more
        above what was expected (with five points or fewer: a quarter, more than once).
    signal : str
        The metric it is seen in.
    height : float
        Its highest point, in robust standard deviations above what was expected.
    clean : float
        What was expected where it begins.
    peak : float
        Its highest value.
    """

    start: float
    end: float
    kind: Kind
    signal: str
    height: float
    clean: float
    peak: float


@dataclass
class _Stretch:
    first: int
    last: int
    height: float
    level: float
    back: bool


def find_spikes(
    step: Array,
    value: Array,
    *,
    signal: str = "loss",
    log_scale: bool = False,
    false_alarms: float = 1.0,
) -> list[Spike]:
    """Find spikes by a robust z over the last clean points.

    Each point is expected on the line of medians through the last 32 clean points, clean being
    what lies in no spike; the error is ``e = value - expected``, and ``z = (e - median_W) /
    (1.4826 MAD_W)`` over the errors of the last 128 clean points W. A spike begins where z exceeds
    the threshold, the rise exceeds 2 % of what was expected (a gradient norm: a quarter), and half
    of that over the line through the last 128 clean points; it ends where z is under 3 again. Only
    points before it decide whether a point begins a spike, so it would have been found at that
    step of the run.

    The threshold is 6, or more where the run's own noise asks for it: the tail of z over the clean
    points so far is taken as generalized Pareto, and chance is to exceed the threshold no oftener
    than ``false_alarms`` in 10,000 points. With few clean points it is higher; of the first eight
    points only a loss that rises by a quarter is told.

    A rise of a loss too slow for that is found in medians of 32 points: a divergence from where
    they leave their lowest by 5 % and by more than their noise.

    Parameters
    ----------
    step, value : array, (points,)
        One logged signal in the order of steps; NaN where a step was skipped.
    signal : str
        Its name.
    log_scale : bool
        Compare logarithms, as for gradient norms.
    false_alarms : float
        Allowed spikes in 10,000 logged points without any, above 0.

    Returns
    -------
    list of Spike
        In order.

    Raises
    ------
    InputError
        If the rate is not above 0.

    References
    ----------
    Narrow and wide spikes: Ling team, Every FLOP Counts, arXiv 2503.05139; no threshold is given
    there.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> value = 2 + 0.01 * rng.normal(size=400)
    >>> value[300:303] += 1
    >>> [(spike.start, spike.end, spike.kind) for spike in find_spikes(np.arange(400.0), value)]
    [(300.0, 302.0, 'narrow')]
    """
    if not false_alarms > 0:
        raise InputError(f"false alarms {false_alarms:g}: a rate above 0 in 10,000 points")
    known = np.isfinite(value) & ((value > 0) | (not log_scale))
    at, raw = step[known], value[known]
    series = np.log(raw) if log_scale else raw
    if len(series) <= _FIRST:
        return []
    least = _LEAST_LOG_RISE if log_scale else None
    stretches = list(_stretches(series, false_alarms, least))
    # Gradient norms rise slowly in sound runs too.
    if not log_scale and (climb := _climb(series, stretches)) is not None:
        stretches = [one for one in stretches if one.first < climb.first]
        if not stretches or stretches[-1].back:
            stretches.append(climb)
    return [_described(at, raw, one, signal, log_scale) for one in stretches]


def _stretches(series: Array, false_alarms: float, least: float | None) -> Iterator[_Stretch]:
    """Yield stretches above what was expected; only what lies before a point decides on it."""
    clean, i = series[:_FIRST], _FIRST
    while i < len(series) and len(clean) < FEWEST:
        level = float(clean[-2:].mean())
        needed = abs(level) * _FIRST_RISE
        if least is None and series[i] - level > needed:
            yield (stretch := _until_back(series, i, level, needed / BEGINS, needed))
            i = stretch.last + 1
        else:
            clean, i = np.append(clean, series[i]), i + 1
    base = Baseline(clean, false_alarms / 1e4)
    while i < len(series):
        ahead = series[i : i + (_BLOCK if base.points >= WINDOW else 1 + base.points // 8)]
        expected, scale, errors = base.look(ahead)
        rise = ahead - expected
        z = rise / scale
        needs = np.abs(expected) * _LEAST_RISE if least is None else np.full(len(z), least)
        above = np.flatnonzero((z > base.threshold) & (rise > needs))
        if len(above):
            usual = np.maximum(expected, base.usual(ahead))
            above = above[(ahead - usual)[above] > needs[above] / 2]
        hit = int(above[0]) if len(above) else len(ahead)
        base.take(ahead[:hit], errors[:hit], z[:hit])
        i += hit
        if hit < len(ahead):
            yield (stretch := _until_back(series, i, usual[hit], scale[hit], needs[hit]))
            i = stretch.last + 1
            if stretch.last == stretch.first:
                base.tail.learn(z[hit : hit + 1])


def _until_back(series: Array, first: int, level: float, scale: float, needed: float) -> _Stretch:
    """Return the stretch from a point to where the signal is down again."""
    after = series[first:] - level
    down = (after < _ENDS * scale) | (after < needed / 2)
    back = bool(down.any())
    length = int(np.argmax(down)) if back else len(after)
    height = float(after[:length].max() / scale)
    return _Stretch(first, first + length - 1, height, float(level), back)


def _climb(series: Array, stretches: list[_Stretch]) -> _Stretch | None:
    """Return a slow rise that lasts to the end of the log, seen in medians of 32 points."""
    inside = np.zeros(len(series), dtype=bool)
    for one in stretches:
        if one.back:
            inside[one.first : one.last + 1] = True
    place = np.flatnonzero(~inside)
    rungs = len(place) // _RUNG
    if rungs < 3:
        return None
    grid = place[len(place) - rungs * _RUNG :].reshape(rungs, _RUNG)
    values = series[grid]
    medians = np.median(values, axis=1)
    lowest = int(np.argmin(medians))
    if lowest == rungs - 1:
        return None
    deviations = np.median(np.abs(values - medians[:, None]), axis=1)
    noise = MAD * float(np.median(deviations[max(0, lowest - _RUNGS) : lowest + 1]))
    floor = abs(medians[lowest]) * _LEAST_CLIMB
    margin = max(floor, BEGINS * noise * 1.2533 / np.sqrt(_RUNG))
    above = medians[lowest + 1 :] > medians[lowest] + margin
    if not above[-1]:
        return None
    # From where it stays above to the end; a median is known at its last point.
    stays = len(above) - int(np.argmin(above[::-1])) if not above.all() else 0
    first = int(grid[lowest + 1 + stays, -1])
    scale = max(noise, 1e-300)
    height = float((series[first:].max() - medians[lowest]) / scale)
    return _Stretch(first, len(series) - 1, height, float(medians[lowest]), False)


def _described(at: Array, raw: Array, one: _Stretch, signal: str, log_scale: bool) -> Spike:
    inside = raw[one.first : one.last + 1]
    clean = float(np.exp(one.level)) if log_scale else one.level
    kind: Kind = "narrow" if len(inside) <= _NARROW else "wide"
    if not one.back and _is_lasting(inside, clean):
        kind = "divergence"
    return Spike(
        float(at[one.first]), float(at[one.last]), kind, signal, one.height, clean,
        float(inside.max()),
    )  # fmt: skip


def _is_lasting(inside: Array, clean: float) -> bool:
    """Return whether what has not come back by the end of the log is more than a slow return."""
    if len(inside) <= _NARROW:
        return len(inside) > 1 and bool(inside[1:].min() > clean + _STEEP * abs(clean))
    ending = inside[-max(_NARROW, len(inside) // 4) :]
    return bool(np.median(ending) > clean + _STAYS * abs(clean))
