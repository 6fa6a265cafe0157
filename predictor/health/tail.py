"""How far noise reaches: the threshold that a signal's own tail exceeds at a given rate."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Where the tail of z begins.
_OVER = 2.0
#: What is assumed of it before a run has told: this share of points lies in it, exceeds its
#: beginning by so much on average, with this shape. Worth as much as so many excesses seen.
_TAIL, _EXCESS, _SHAPE, _WORTH = 0.035, 0.6, 0.1, 40
#: A shape no larger than this; so many excesses are looked at, the latest.
_HEAVIEST, _MOST = 0.5, 5_000
#: The shape is not known well: so many of its standard errors are added.
_DOUBT = 1.75
#: What one point may teach: one huge spike is no tail.
_LARGEST = 10.0


class Tail:
    """The threshold that noise like the clean points' own exceeds at a given rate.

    Excesses of z over 2 are taken as generalized Pareto (Pickands, 1975), fitted by
    probability-weighted moments (Hosking and Wallis, 1987) and drawn towards what losses usually
    have until there are many.

    Parameters
    ----------
    share : float
        Share of points that may exceed the threshold by chance, above 0.

    Examples
    --------
    >>> normal, heavy = Tail(1e-4), Tail(1e-4)
    >>> rng = np.random.default_rng(0)
    >>> normal.learn(rng.normal(size=100_000))
    >>> heavy.learn(rng.standard_t(4, size=100_000))
    >>> print(normal.threshold < 5 < 10 < heavy.threshold < 16)
    True
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._points = 0
        self._excesses = np.empty(0)
        self.threshold = self._told()

    def learn(self, z: Array) -> None:
        """Take in z of points that are no spike, or of a spike of one point."""
        self._points += len(z)
        over = np.minimum(z[z > _OVER] - _OVER, _LARGEST)
        if len(over):
            self._excesses = np.concatenate([self._excesses, over])[-_MOST:]
        self.threshold = self._told()

    def _told(self) -> float:
        count = len(self._excesses)
        mean = (self._excesses.sum() + _WORTH * _EXCESS) / (count + _WORTH)
        in_tail = (count + _WORTH) / (self._points + _WORTH / _TAIL)
        times = in_tail / self._share
        if times <= 1:
            return _OVER
        shape = (count * self._shape() + _WORTH * _SHAPE) / (count + _WORTH)
        shape += _DOUBT / (count + _WORTH) ** 0.5
        scale = mean * (1 - shape)
        return _OVER + scale * (log(times) if shape < 1e-6 else (times**shape - 1) / shape)

    def _shape(self) -> float:
        """Return the shape that the excesses have: 2 - b0 / (b0 - 2 b1), within bounds."""
        count = len(self._excesses)
        if count < 5:
            return 0.0
        rank = (np.arange(count) + 0.65) / count
        weighted = float(((1 - rank) * np.sort(self._excesses)).mean())
        plain = float(self._excesses.mean())
        shape = 2 - plain / max(plain - 2 * weighted, 1e-12)
        return min(max(shape, 0.0), _HEAVIEST)
