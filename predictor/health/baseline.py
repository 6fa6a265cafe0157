"""What a signal does while it is clean: where its next point is expected, and how surely."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from predictor.health.tail import Tail

Array = NDArray[np.float64]
#: Clean points whose errors tell the noise, and those that tell the level.
WINDOW, _LEVEL = 128, 32
#: A spike begins above so many robust standard deviations.
BEGINS = 6.0
#: Few clean points tell little of the noise: the threshold grows by so many points' worth.
_SCARCE = 6.0
#: Makes a median absolute deviation a standard deviation of normal noise.
MAD = 1.4826
#: Noise is taken to be no less than this share of the level.
_LEAST_NOISE = 1e-3


class Baseline:
    """What a signal's clean points tell: where the next one is expected, and how surely.

    Parameters
    ----------
    first : array, (points,)
        The first clean points, eight or so.
    share : float
        Share of clean points that may exceed the threshold by chance.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> base = Baseline(3 + 0.1 * rng.normal(size=100), 1e-4)
    >>> expected, scale, _ = base.look(np.array([3.0]))
    >>> round(float(expected[0]), 1), round(float(scale[0]), 1)
    (3.0, 0.1)
    """

    def __init__(self, first: Array, share: float) -> None:
        self.clean = first
        # A loss falls about evenly over the logarithm of its points.
        self.place = np.log(1.0 + np.arange(len(first)))
        self.points = len(first)
        self.errors = first - _line(first[None], self.place[None], self.place[None].T)[:, 0]
        self.tail = Tail(share)

    def look(self, ahead: Array) -> tuple[Array, Array, Array]:
        """Return where points are expected if those before are clean, the scale, and errors."""
        level = self._level(ahead, _LEVEL)
        errors = ahead - level
        past = _windows(self.errors, errors, WINDOW)
        bias = np.median(past, axis=1)
        scale = MAD * np.median(np.abs(past - bias[:, None]), axis=1)
        # Digits end: a signal that repeats itself has noise too.
        least = _LEAST_NOISE * np.abs(level) + 1e-12
        return level + bias, np.maximum(scale, least), errors

    def usual(self, ahead: Array) -> Array:
        """Return where points are expected by the last 128, which a short dip does not lower."""
        return self._level(ahead, WINDOW)

    def take(self, clean: Array, errors: Array, z: Array) -> None:
        """Take points in as clean."""
        place = np.log(1.0 + self.points + np.arange(len(clean)))
        self.points += len(clean)
        self.clean = np.concatenate([self.clean, clean])[-WINDOW:]
        self.place = np.concatenate([self.place, place])[-WINDOW:]
        self.errors = np.concatenate([self.errors, errors])[-WINDOW:]
        self.tail.learn(z)

    def _level(self, ahead: Array, width: int) -> Array:
        place = np.log(1.0 + self.points + np.arange(len(ahead)))
        windows = _windows(self.clean, ahead, width), _windows(self.place, place, width)
        return _line(*windows, place[:, None])[:, 0]

    @property
    def threshold(self) -> float:
        """How large z must be; more where few clean points tell little of the noise."""
        return max(BEGINS, self.tail.threshold) * (1 + _SCARCE / len(self.errors))


def _windows(before: Array, ahead: Array, width: int) -> Array:
    """Return what lies before each point ahead, (points, up to width)."""
    width = min(width, len(before))
    whole = np.concatenate([before[-width:], ahead[:-1]])
    return np.lib.stride_tricks.sliding_window_view(whole, width)


def _line(value: Array, place: Array, at: Array) -> Array:
    """Return a robust line through each window at given places: level and slope by medians.

    Only falls go on: a rise that went on would hide a slow divergence.
    """
    half = value.shape[1] // 2
    rise = np.median(value[:, -half:], axis=1) - np.median(value[:, :half], axis=1)
    run = np.median(place[:, -half:], axis=1) - np.median(place[:, :half], axis=1)
    slope = np.minimum(rise / run, 0.0)[:, None]
    level = np.median(value - slope * place, axis=1)[:, None]
    return level + slope * at
