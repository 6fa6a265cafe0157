"""One number a strategy from its examples', and its draws when other examples had been logged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from predictor.errors import InputError

Array = NDArray[np.float64]
Aggregation = Literal["median", "mean", "geometric"]
#: Weights held at once: few enough to stay in a processor's cache.
_CELLS = 5e5
_MOST_DRAWS, _FEWEST_DRAWS = 2_000, 300


def check_aggregation(name: str) -> None:
    """Refuse an aggregation that there is not.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in get_args(Aggregation):
        raise InputError(f"aggregation '{name}': there are {', '.join(get_args(Aggregation))}")


def aggregate(values: Array, weights: Array, how: Aggregation) -> Array:
    """Return weighted means, medians or geometric means over examples.

    Parameters
    ----------
    values : array, (examples, strategies)
        NaN where a strategy has no score for an example.
    weights : array, (draws, examples)
        How much each example counts, at least 0.
    how : {"median", "mean", "geometric"}
        Geometric means are of positive values.

    Returns
    -------
    array, (draws, strategies)
        NaN for a strategy without any value.

    Examples
    --------
    >>> values = np.array([[1.0], [2.0], [16.0]])
    >>> [float(aggregate(values, np.ones((1, 3)), how)[0, 0]) for how in ("median", "mean")]
    [2.0, 6.333333333333333]
    """
    return _aggregator(values, how)(weights)


def _aggregator(values: Array, how: Aggregation) -> Callable[[Array], Array]:
    """Return what aggregates these values by weights; what is sorted is sorted once."""
    if how == "median":
        each = [_weighted_median(column) for column in values.T]
        return lambda weights: np.stack([median(weights) for median in each], axis=1)
    return lambda weights: _weighted_mean(values, weights, how)


def _weighted_mean(values: Array, weights: Array, how: Aggregation) -> Array:
    there = np.isfinite(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = np.log(values) if how == "geometric" else values
        mean = (weights @ np.where(there, plain, 0.0)) / (weights @ there)
    return np.exp(mean) if how == "geometric" else mean


def _weighted_median(values: Array) -> Callable[[Array], Array]:
    """Return what gives the value that halves the weight; between two where it falls there."""
    there = np.flatnonzero(np.isfinite(values))
    if len(there) == 0:
        return lambda weights: np.full(len(weights), np.nan)
    order = there[np.argsort(values[there], kind="stable")]
    rising = values[order]

    def median(weights: Array) -> Array:
        passed = np.cumsum(np.take(weights, order, axis=1), axis=1)
        half = passed[:, -1] / 2
        at = np.array(
            [
                np.searchsorted(row, middle * (1 - 1e-12))
                for row, middle in zip(passed, half, strict=True)
            ]
        )
        at = np.minimum(at, len(order) - 1)
        just = np.isclose(passed[np.arange(len(weights)), at], half, rtol=1e-12, atol=0)
        after = np.minimum(at + 1, len(order) - 1)
        return np.where(just, (rising[at] + rising[after]) / 2, rising[at])

    return median


def draw_count(examples: int, strategies: int) -> int:
    """Return how many draws to make: fewer where each costs more and tells as much."""
    return int(np.clip(1.2e8 / max(examples * strategies, 1), _FEWEST_DRAWS, _MOST_DRAWS))


def drawn_aggregates(
    values: list[Array], hows: list[Aggregation], draws: int, rng: np.random.Generator
) -> list[Array]:
    """Return draws of several scores' aggregates, all with the same weights of examples.

    The Bayesian bootstrap: each example counts with an exponential weight, the same for all
    strategies that have it, so that what is easy for all does not blur their differences.

    Parameters
    ----------
    values : list of array, (examples, strategies)
        Scores of the same examples.
    hows : list of {"median", "mean", "geometric"}
        Aggregation of each.
    draws : int
        Number of draws.
    rng : Generator
        Source of weights.

    Returns
    -------
    list of array, (draws, strategies)

    References
    ----------
    Rubin, The Bayesian Bootstrap, Annals of Statistics 9, 1981.
    """
    count = len(values[0])
    at_once = max(1, int(_CELLS / max(count, 1)))
    each = [_aggregator(one, how) for one, how in zip(values, hows, strict=True)]
    found: list[list[Array]] = [[] for _ in values]
    for start in range(0, draws, at_once):
        weights = rng.standard_exponential((min(at_once, draws - start), count))
        for kept, aggregated in zip(found, each, strict=True):
            kept.append(aggregated(weights))
    return [np.concatenate(kept) for kept in found]
