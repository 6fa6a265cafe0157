"""Spikes and divergence of a logged signal, against what was clean before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from predictor.errors import InputError

Array = NDArray[np.float64]
Kind = Literal["narrow", "wide", "divergence"]
#: Clean points that a point is compared with, and how many there must be.
WINDOW, FEWEST = 128, 8
#: Where there are fewer, but so many, a loss must rise by a quarter; a norm tells nothing yet.
_FIRST, _FIRST_RISE = 3, 0.25
#: A spike begins above the first and ends below the second, in robust standard deviations.
_BEGINS, _ENDS = 6.0, 3.0
#: A loss must rise by so much of its median; a logarithm (of a gradient norm) by so much.
_LEAST_RISE, _LEAST_LOG_RISE = 0.02, 0.25
#: Few clean points tell little of the noise: the threshold grows by so many points' worth.
_SCARCE = 6.0
#: Logged points up to which a spike is narrow.
_NARROW = 5
_MAD = 1.4826
#: Where the tail of z begins. Beforehand it is known to hold this share of points and to exceed that
#: by so much on average; this counts as much as so many excesses.
_OVER, _TAIL, _EXCESS, _WORTH = 2.0, 0.05, 0.7, 40
#: A tail no heavier than this; so many excesses are looked at, the latest.
_HEAVIEST, _MOST_EXCESSES = 0.5, 5_000
#: Points looked at together.
_BLOCK = 512
#: Slow rises: medians of so many points, against the lowest such median before.
_RUNG, _LEAST_CLIMB = 32, 0.05


@dataclass(frozen=True)
class Spike:
    """A stretch of a run that lies above what was clean before.

    Parameters
    ----------
    start, end : float
        Steps of its first and last point.
    kind : {"narrow", "wide", "divergence"}
        Up to five logged points; more; or to the end of the log without coming back.
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

    ``z = (value - median_W) / (1.4826 MAD_W)`` over the last 128 points W that lie in no spike, a
    falling slope within W taken off. A spike begins where z exceeds the threshold and the rise
    exceeds 2 % of the median (a gradient norm: a quarter), and ends where z is under 3 again. Only
    points before it decide whether a point begins a spike, so it would have been found at that
    step of the run.

    The threshold is 6, or more where the run's own noise asks for it: the tail of the size of z
    over the clean points so far is taken as generalized Pareto, and what exceeds the threshold by
    chance is to come up no oftener than ``false_alarms`` in 10,000 points. With few clean points it is
    higher; of the first eight points only a loss that rises by a quarter is told.

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


def _expected(windows: Array) -> tuple[Array, Array]:
    """Return where the next point of each window is expected, and its robust deviation."""
    width = windows.shape[1]
    half = width // 2
    slope = (np.median(windows[:, -half:], axis=1) - np.median(windows[:, :half], axis=1)) / (
        width - half
    )
    # Only falls go on: a rise that went on would hide a slow divergence.
    falling = np.minimum(slope, 0.0)[:, None]
    level = windows - falling * (np.arange(width) - width)
    centre = np.median(level, axis=1)
    scale = _MAD * np.median(np.abs(level - centre[:, None]), axis=1)
    return centre, np.maximum(scale, 1e-6 * np.maximum(np.abs(centre), 1e-12))


def _stretches(series: Array, false_alarms: float, least: float | None) -> Iterator[_Stretch]:
    """Yield stretches above what was expected; only what lies before a point decides on it."""
    clean = series[:_FIRST]
    tail = _Tail(false_alarms)
    i = _FIRST
    while i < len(series):
        if len(clean) < FEWEST:
            level = float(np.median(clean[-_FIRST:]))
            needs = abs(level) * _FIRST_RISE
            if least is None and series[i] - level > needs:
                stretch = _until_back(series, i, level, needs / _BEGINS, needs)
                yield stretch
                i = stretch.last + 1
            else:
                clean = np.append(clean, series[i])
                i += 1
            continue
        room = _BLOCK if len(clean) >= WINDOW else 1 + len(clean) // 8
        ahead = series[i : i + room]
        width = min(WINDOW, len(clean))
        whole = np.concatenate([clean[-width:], ahead[:-1]])
        windows = np.lib.stride_tricks.sliding_window_view(whole, width)
        centre, scale = _expected(windows)
        rise = ahead - centre
        z = rise / scale
        needed = np.abs(centre) * _LEAST_RISE if least is None else np.full(len(z), least)
        above = (z > tail.threshold(len(clean))) & (rise > needed)
        if not above.any():
            tail.learn(z)
            clean = np.concatenate([clean[-2 * WINDOW :], ahead])
            i += len(ahead)
            continue
        hit = int(np.argmax(above))
        tail.learn(z[:hit])
        clean = np.concatenate([clean[-2 * WINDOW :], ahead[:hit]])
        stretch = _until_back(series, i + hit, centre[hit], scale[hit], needed[hit])
        yield stretch
        i = stretch.last + 1


class _Tail:
    """The threshold that noise like the clean points' own exceeds at a given rate.

    Excesses of the size of z over 2 are taken as generalized Pareto (Pickands, 1975), fitted by
    probability-weighted moments (Hosking and Wallis, 1987); until there are many, as exponential
    with a mean that usual noise has.
    """

    def __init__(self, false_alarms: float) -> None:
        self._share = false_alarms / 1e4
        self._points = 0
        self._excesses = np.empty(0)
        self._reached = self._told()

    def learn(self, z: Array) -> None:
        size = np.abs(z)
        self._points += len(z)
        over = size[size > _OVER] - _OVER
        if len(over):
            self._excesses = np.concatenate([self._excesses, over])[-_MOST_EXCESSES:]
        self._reached = self._told()

    def threshold(self, points: int) -> float:
        return max(_BEGINS, self._reached) * (1 + _SCARCE / min(points, WINDOW))

    def _told(self) -> float:
        count = len(self._excesses)
        mean = (self._excesses.sum() + _WORTH * _EXCESS) / (count + _WORTH)
        share = (count + _WORTH) / (self._points + _WORTH / _TAIL)
        times = share / self._share
        if times <= 1:
            return _OVER
        shape = 0.0
        if count >= _WORTH:
            rank = (np.arange(count) + 0.65) / count
            weighted = float(((1 - rank) * np.sort(self._excesses)).mean())
            plain = float(self._excesses.mean())
            shape = 2 - plain / max(plain - 2 * weighted, 1e-12)
            shape = min(max(shape, 0.0), _HEAVIEST) * count / (count + _WORTH)
        scale = mean * (1 - shape)
        return _OVER + scale * (log(times) if shape < 1e-6 else (times**shape - 1) / shape)


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
    noise = _MAD * np.median(np.abs(values - medians[:, None]), axis=1).max()
    floor = abs(medians[lowest]) * _LEAST_CLIMB
    margin = max(floor, _BEGINS * noise * 1.2533 / np.sqrt(_RUNG))
    above = medians[lowest + 1 :] > medians[lowest] + margin
    if not above[-1]:
        return None
    # From where it stays above to the end.
    stays = len(above) - int(np.argmin(above[::-1])) if not above.all() else 0
    first = int(grid[lowest + 1 + stays, 0])
    scale = max(noise, 1e-300)
    height = float((series[first:].max() - medians[lowest]) / scale)
    return _Stretch(first, len(series) - 1, height, float(medians[lowest]), False)


def _described(at: Array, raw: Array, one: _Stretch, signal: str, log_scale: bool) -> Spike:
    points = one.last - one.first + 1
    kind: Kind = "narrow" if points <= _NARROW else "wide"
    if not one.back and points > _NARROW:
        kind = "divergence"
    clean = float(np.exp(one.level)) if log_scale else one.level
    peak = float(raw[one.first : one.last + 1].max())
    return Spike(float(at[one.first]), float(at[one.last]), kind, signal, one.height, clean, peak)
