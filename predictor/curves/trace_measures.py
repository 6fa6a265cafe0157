"""How good learning traces are: the measures of the literature.

References
----------
Vilares Ferro et al. 2017, arXiv 2402.02515, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictor.errors import InputError
from predictor.fitting.law import Array


def percentage_error(forecast: Array, truth: Array) -> Array:
    """Return ``100 |forecast - truth| / truth`` at each control point.

    Parameters
    ----------
    forecast, truth : array, (points,)
        Values of the metric, in any unit; no truth may be 0.

    Raises
    ------
    InputError
        If shapes differ or a truth is 0.

    Examples
    --------
    >>> percentage_error(np.array([97.0, 1.1]), np.array([100.0, 1.0])).round(6)
    array([ 3., 10.])
    """
    said, came = np.asarray(forecast, dtype=float), np.asarray(truth, dtype=float)
    if said.shape != came.shape:
        raise InputError(f"forecast and truth differ in shape: {said.shape} and {came.shape}")
    if (came == 0).any():
        raise InputError("a percentage error needs truths other than 0")
    return np.asarray(100 * np.abs(said - came) / np.abs(came))


def mape(forecast: Array, truth: Array) -> float:
    """Return the mean absolute percentage error over the control points.

    Parameters
    ----------
    forecast, truth : array, (points,)
        As for :func:`percentage_error`.

    Examples
    --------
    >>> round(mape(np.array([97.0, 1.1]), np.array([100.0, 1.0])), 6)
    6.5
    """
    return float(percentage_error(forecast, truth).mean())


def decision_making_reliability(forecasts: Array, truths: Array) -> float:
    """Return the share of pairs of runs that were put in the right order, in percent (DMR).

    Parameters
    ----------
    forecasts, truths : array, (runs, points)
        What was forecast for each run at the same control points, and what came. A pair counts at
        a point where the truths differ; forecasts that tie are wrong there.

    Raises
    ------
    InputError
        If shapes differ, or there are fewer than two runs.

    Examples
    --------
    >>> truths = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    >>> said = np.array([[1.0, 1.0], [2.0, 4.0], [3.0, 3.0]])
    >>> round(decision_making_reliability(said, truths), 1)
    83.3
    """
    said = np.atleast_2d(np.asarray(forecasts, dtype=float))
    came = np.atleast_2d(np.asarray(truths, dtype=float))
    if said.shape != came.shape or len(said) < 2:
        raise InputError(
            f"two runs or more on the same points are needed, not {said.shape} and {came.shape}"
        )
    first, second = np.triu_indices(len(said), 1)
    true_order, order = (np.sign(a[first] - a[second]) for a in (came, said))
    counted = true_order != 0
    if not counted.any():
        raise InputError("no two runs differ at any control point")
    return float(100 * (order == true_order)[counted].mean())


def robustness_rate(asymptotes: Sequence[float] | Array) -> float:
    """Return the share of levels at which a backbone keeps falling, in percent (RR).

    Parameters
    ----------
    asymptotes : array, (levels,)
        Asymptotes of a rising metric (for a loss their negatives) from the working level to the
        convergence level.

    Raises
    ------
    InputError
        If there are fewer than two.

    Examples
    --------
    >>> robustness_rate([98.0, 97.5, 97.6, 97.2, 97.1])
    75.0
    """
    backbone = np.asarray(asymptotes, dtype=float)
    if len(backbone) < 2:
        raise InputError(f"a robustness rate needs two levels or more, not {len(backbone)}")
    return float(100 * np.mean(np.diff(backbone) <= 1e-9 * np.ptp(backbone)))
