"""Bootstrap by weights: a draw is a row of weights, so a thousand refits are one batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from predictor.fitting.law import Array

Labels = NDArray[np.intp]


def multinomial_weights(groups: Labels, draws: int, rng: np.random.Generator) -> Array:
    """Draw how often each group of points is resampled.

    Points of one run are not independent: give each run (or seed) as a group, and it is resampled
    whole; give :func:`blocks` where there is one run.

    Parameters
    ----------
    groups : array of int, (points,)
        Group of each point, counted from 0.
    draws : int
        Number of bootstrap draws.
    rng : Generator
        Source of randomness.

    Returns
    -------
    array, (draws, points)
        Weight of each point: how often its group was drawn.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 10.

    Examples
    --------
    >>> weights = multinomial_weights(np.array([0, 0, 1]), 2, np.random.default_rng(0))
    >>> weights[:, 0].tolist() == weights[:, 1].tolist()
    True
    """
    labels = np.asarray(groups, dtype=np.intp)
    count = int(labels.max()) + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    return drawn[:, labels].astype(float)


def exponential_weights(groups: Labels, draws: int, rng: np.random.Generator) -> Array:
    """Draw smooth weights, mean 1, one a group: the Bayesian bootstrap.

    For few groups, where a multinomial draw often leaves too few different ones to fit.

    Parameters
    ----------
    groups : array of int, (points,)
        Group of each point, counted from 0.
    draws : int
        Number of draws.
    rng : Generator
        Source of randomness.

    Returns
    -------
    array, (draws, points)
        Weight of each point.

    References
    ----------
    Rubin, The Bayesian Bootstrap, Annals of Statistics 9, 1981.

    Examples
    --------
    >>> exponential_weights(np.arange(3), 2, np.random.default_rng(0)).shape
    (2, 3)
    """
    labels = np.asarray(groups, dtype=np.intp)
    return rng.exponential(size=(draws, int(labels.max()) + 1))[:, labels]


def blocks(points: int, length: int) -> Labels:
    """Group neighbouring points of one run in blocks, as its points are autocorrelated.

    Examples
    --------
    >>> blocks(5, 2).tolist()
    [0, 0, 1, 1, 2]
    """
    return np.arange(points, dtype=np.intp) // length
