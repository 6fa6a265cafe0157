"""Conformal calibration: what past forecasts missed by says how wide an interval must be."""

from __future__ import annotations

from math import ceil

import numpy as np

from predictor.fitting.law import Array


def fewest_backtests(level: float) -> int:
    """Return how many backtests the level needs: with fewer, calibration is not applicable.

    Examples
    --------
    >>> fewest_backtests(0.9)
    9
    """
    return max(1, ceil(round(1 / (1 - level), 9)) - 1)


def conformal_quantile(scores: Array, level: float) -> float | None:
    """Return the ``ceil((n + 1) level)``-th smallest score, or None where there are too few.

    An interval of that many scales around a new forecast holds the truth with probability ``level``
    or more, if the new case is exchangeable with the past ones.

    Parameters
    ----------
    scores : array, (n,)
        Absolute errors of past forecasts, each over its own scale; NaN is left out.
    level : float
        Probability in (0, 1).

    References
    ----------
    Lei et al., Distribution-Free Predictive Inference for Regression, JASA 113, 2018.

    Examples
    --------
    >>> conformal_quantile(np.arange(1.0, 20.0), 0.9)
    18.0
    >>> conformal_quantile(np.ones(5), 0.9) is None
    True
    """
    known = np.sort(np.asarray(scores, dtype=float)[np.isfinite(scores)])
    if len(known) < fewest_backtests(level):
        return None
    rank = ceil(round((len(known) + 1) * level, 9))
    return float(known[min(rank, len(known)) - 1])
