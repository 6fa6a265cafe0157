"""Curves of more than one regime: which part of them a forecast may start from.

No law here rises and then falls. A test error that peaks where models or data just fit (double
descent) is forecast from the last peak on; one that has begun to rise, or blew up, is said so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.fitting.law import Array

#: A rise is one where it exceeds this on the log scale, and so many times the noise.
_RISE, _NOISES = 0.03, 4.0
#: Fewest points that a regime must have to be forecast from.
_FEWEST = 5
#: A curve that ends so much above its lowest, and still rises, has diverged.
_DIVERGED = 0.4


@dataclass(frozen=True)
class Regime:
    """The part of a curve that still goes on.

    Parameters
    ----------
    start : int
        First point of it.
    peak : bool
        Whether it begins at a peak: the curve had been lower before (double descent).
    rises : bool
        Whether the curve has been rising of late.
    diverged : bool
        Whether it has risen so far that no law of learning describes it.
    plateau : bool
        Whether it fell before, but by no more than its noise over the last half of the points.
    """

    start: int = 0
    peak: bool = False
    rises: bool = False
    diverged: bool = False
    plateau: bool = False


def last_regime(values: Array) -> Regime:
    """Find the regime that a falling curve is in.

    Parameters
    ----------
    values : array, (points,)
        The curve in order, on a scale on which noise is even (a logarithm).

    Returns
    -------
    Regime

    Examples
    --------
    >>> import numpy as np
    >>> fall = np.linspace(1, 0, 11)
    >>> last_regime(np.concatenate([fall, fall + 0.5])).peak
    True
    """
    if len(values) < _FEWEST:
        return Regime()
    least = max(_NOISES * roughness(values), _RISE)
    smooth = _without_spikes(values)
    above = smooth - np.minimum.accumulate(smooth)
    peak = int(above.argmax())
    rises = bool(above[-1] > least and smooth[peak] - smooth[-1] < least)
    if rises:
        return Regime(rises=True, diverged=bool(above[-1] > _DIVERGED))
    if above[peak] > least and len(values) - peak >= _FEWEST:
        return Regime(start=peak, peak=True, plateau=_levels_off(values[peak:]))
    return Regime(plateau=_levels_off(values))


def _levels_off(values: Array) -> bool:
    late = values[len(values) // 2 :]
    third = len(late) // 3
    if third < 2:
        return False
    noise = roughness(values)
    fell = float(late[:third].mean() - late[-third:].mean())
    return values[0] - values[-1] > 10 * noise > 0 and fell < 2 * noise * np.sqrt(2 / third)


def _without_spikes(values: Array) -> Array:
    """Return running medians of five points, then means of three: a short spike is no regime."""
    padded = np.pad(values, 2, mode="edge")
    medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    return np.convolve(np.pad(medians, 1, mode="edge"), np.ones(3) / 3, mode="valid")


#: The last e-fold quarter of a curve against what came before, on log-log axes: so many times
#: steeper, and by so many of its standard errors, is no power law any more.
_LATE, _BEFORE = 0.25, 1.2
_STEEPER, _SURE = 1.2, 3.0
_FEWEST_LATE, _FEWEST_BEFORE = 3, 4


def quickens(place: Array, log_z: Array) -> bool:
    """Return whether a curve falls faster of late than before, beyond its noise.

    Curves of learning slow down; one that quickens at its end mostly follows a learning rate that
    has begun to fall.

    Parameters
    ----------
    place : array, (points,)
        Ascending positive places.
    log_z : array, (points,)
        Logarithm of what falls.

    Examples
    --------
    >>> x = np.geomspace(100, 10_000, 60)
    >>> fall = np.log(2 + 5 * x**-0.5)
    >>> quickens(x, fall), quickens(x, fall - 0.05 * np.maximum(x - 8_000, 0) / 2_000)
    (False, True)
    """
    x = np.log(place)
    late = x >= x[-1] - _LATE
    before = ~late & (x >= x[-1] - _BEFORE)
    if late.sum() < _FEWEST_LATE or before.sum() < _FEWEST_BEFORE:
        return False
    slope, level = np.polyfit(x[before], log_z[before], 1)
    noise = max(float(np.std(log_z[before] - slope * x[before] - level)), roughness(log_z))
    last = float(np.polyfit(x[late], log_z[late], 1)[0])
    error = noise / (np.std(x[late]) * np.sqrt(late.sum()))
    return bool(last < _STEEPER * min(slope, 0.0) and slope - last > _SURE * error)


def roughness(values: Array) -> float:
    """Return the noise of a curve as its second differences show it, whatever its trend."""
    if len(values) < 3:
        return 0.0
    return float(1.4826 * np.median(np.abs(np.diff(values, 2))) / np.sqrt(6))
