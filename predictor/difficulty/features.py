"""Difficulty features: an item's pass rates by rising compute."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from predictor.fitting.law import Array

#: Pass rates are shares of so few trials that the least common number can be found.
_MOST_TRIALS = 200


def solved(rates: Array) -> NDArray[np.bool_]:
    """Return which items any model has solved once: the others have no difficulty to speak of.

    Examples
    --------
    >>> solved(np.array([[0.0, 0.0], [0.0, 0.1], [np.nan, 1.0]])).tolist()
    [False, True, True]
    """
    return np.nan_to_num(rates).max(axis=1, initial=0.0) > 0


def feature_vectors(rates: Array) -> Array:
    """Return pass rates without gaps, (items, rungs).

    Where a model was not asked an item, the pass rate between its neighbours on the ladder is
    taken (or of the nearest one, at an end).

    Examples
    --------
    >>> feature_vectors(np.array([[0.0, np.nan, 0.5], [np.nan, 1.0, 1.0]])).tolist()
    [[0.0, 0.25, 0.5], [1.0, 1.0, 1.0]]
    """
    filled = rates.copy()
    rungs = np.arange(rates.shape[1])
    for row in np.flatnonzero(np.isnan(rates).any(axis=1)):
        known = np.isfinite(rates[row])
        filled[row] = np.interp(rungs, rungs[known], rates[row, known]) if known.any() else 0.0
    return filled


def trials_behind(rates: Array, logged: Array) -> Array:
    """Return the number of trials behind pass rates, where a log knows only the share.

    A share strictly between 0 and 1 does not come from one trial: the fewest trials that give
    every share of a model are taken, and infinitely many where none up to 200 do (a probability).

    Parameters
    ----------
    rates : array, (items, rungs)
        Pass rates.
    logged : array, (items, rungs)
        Trials as logged; 1 may mean that only a share was.

    Examples
    --------
    >>> probabilities = np.linspace(0.1, 0.9, 40) ** 1.7
    >>> rates = np.stack([np.repeat([0.1, 0.5], 20), np.repeat([1.0, 0.0], 20), probabilities])
    >>> trials_behind(rates.T, np.ones((40, 3)))[0].tolist()
    [10.0, 1.0, inf]
    """
    trials = logged.astype(float)
    for rung in range(rates.shape[1]):
        own = rates[np.isfinite(rates[:, rung]), rung]
        if np.nanmax(logged[:, rung], initial=1.0) <= 1 and ((own > 0) & (own < 1)).any():
            trials[:, rung] = _fewest_trials(own)
    return trials


def _fewest_trials(shares: Array) -> float:
    for count in range(2, _MOST_TRIALS + 1):
        passes = shares * count
        if np.abs(passes - np.round(passes)).max() < 1e-3 * count:
            return float(count)
    return float("inf")


def averaged_checkpoints(order: Array, values: Array, trials: Array) -> tuple[Array, Array]:
    """Average a model's last checkpoint with its neighbours, weighted by trials.

    Only checkpoints that saw at least four fifths as much as the last one count as its neighbours:
    farther back the model was another one.

    Parameters
    ----------
    order : array, (checkpoints,)
        Steps or tokens, rising.
    values, trials : array, (checkpoints, items)
        Pass rates and trials; NaN and 0 where an item was not asked.

    Returns
    -------
    rates, trials : array, (items,)

    Examples
    --------
    >>> rates = np.array([[0.0], [0.4], [0.6]])
    >>> averaged_checkpoints(np.array([10.0, 90.0, 100.0]), rates, np.full((3, 1), 5.0))
    (array([0.5]), array([10.]))
    """
    near = (order >= 0.8 * order[-1]) & (np.arange(len(order)) >= len(order) - 3)
    weight = np.where(np.isfinite(values[near]), trials[near], 0.0)
    total = weight.sum(axis=0)
    endless = np.isinf(weight)
    weight = np.where(endless.any(axis=0), endless.astype(float), weight)
    passes = (np.nan_to_num(values[near]) * weight).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return passes / weight.sum(axis=0), total
