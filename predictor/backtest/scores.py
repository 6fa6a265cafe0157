"""Proper scores of forecasts: how near, how wide, how honest.

References
----------
Gneiting and Raftery 2007, Strictly Proper Scoring Rules, Prediction, and Estimation, JASA 102.
"""

from __future__ import annotations

import numpy as np

from predictor.errors import InputError
from predictor.fitting.law import Array


def interval_score(lower: Array, upper: Array, truth: Array, level: float = 0.9) -> Array:
    """Return the width of each interval, plus what it missed by times ``2 / (1 - level)``.

    Parameters
    ----------
    lower, upper, truth : array, (cases,)
        In the metric's units.
    level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    array, (cases,)
        In the metric's units; lower is better, and an honest interval has the lowest mean.

    Raises
    ------
    InputError
        If the level is not in (0, 1).

    Examples
    --------
    >>> interval_score(np.array([1.0, 1.0]), np.array([2.0, 2.0]), np.array([1.5, 2.5])).round(6)
    array([ 1., 11.])
    """
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, such as 0.9, not {level:g}")
    missed = np.maximum(lower - truth, 0.0) + np.maximum(truth - upper, 0.0)
    return np.asarray(upper - lower + 2 / (1 - level) * missed)


def crps(quantiles: Array, truth: Array) -> Array:
    """Return the continuous ranked probability score of distributions given by quantiles.

    Parameters
    ----------
    quantiles : array, (shares, cases)
        Quantiles at the middles of equal shares: at ``(k + 1/2) / shares`` for k = 0, 1, ...
    truth : array, (cases,)
        What came, in the same units.

    Returns
    -------
    array, (cases,)
        Twice the mean pinball loss, in the metric's units; for a forecast that is one number, its
        absolute error.

    Examples
    --------
    >>> crps(np.array([[1.0], [1.0]]), np.array([3.0]))
    array([2.])
    """
    shares = (np.arange(len(quantiles)) + 0.5) / len(quantiles)
    off = np.asarray(truth) - quantiles
    pinball = np.maximum(shares[:, None] * off, (shares[:, None] - 1) * off)
    return np.asarray(2 * pinball.mean(axis=0))


def rmsle(forecast: Array, truth: Array) -> float:
    """Return the root mean square of ``ln forecast - ln truth``, over positive values.

    Parameters
    ----------
    forecast, truth : array, (cases,)
        In the metric's units; cases in which one is not positive do not count.

    Returns
    -------
    float
        NaN where no case counts.

    Examples
    --------
    >>> rmsle(np.array([np.e, 1.0]), np.array([1.0, np.e]))
    1.0
    """
    said, came = np.asarray(forecast, dtype=float), np.asarray(truth, dtype=float)
    both = (said > 0) & (came > 0)
    if not both.any():
        return float("nan")
    return float(np.sqrt(np.mean(np.log(said[both] / came[both]) ** 2)))
