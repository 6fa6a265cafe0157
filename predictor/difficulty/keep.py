"""Which items to keep: the fewest that give the full score, for cheap evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.difficulty.cod import Settings, cluster
from predictor.difficulty.features import feature_vectors
from predictor.difficulty.ladder import Ladder
from predictor.errors import CannotForecastError, InputError
from predictor.fitting.law import Array


@dataclass(frozen=True)
class KeptItems:
    """A small benchmark that stands for the large one.

    Parameters
    ----------
    items : tuple of str
        Names of the items.
    rows : array of int, (kept,)
        Their positions on the ladder.
    weights : array, (kept,)
        Weight of each in the score; sum 1.
    error : float
        Largest difference to the full score over models that had no part in the choice.
    share : float
        Kept items over all.
    """

    items: tuple[str, ...]
    rows: NDArray[np.intp]
    weights: Array
    error: float
    share: float

    def score(self, rates: Array) -> Array:
        """Return the full score as estimated from pass rates of the kept items, (kept, ...)."""
        return np.tensordot(self.weights, rates, axes=(0, 0))


def keep_items(ladder: Ladder, tolerance: float = 0.01, seed: int = 0) -> KeptItems:
    """Choose the fewest items whose weighted score is the full one within a tolerance.

    Items are taken from every cluster in proportion to its size and spread, those first whose
    pass rates are nearest to their share of the cluster; each stands for as many items as its
    stratum has. A number of items is accepted if, with each model in turn left out of clustering
    and choice, that model's score is met within the tolerance.

    Parameters
    ----------
    ladder : Ladder
        With items, and at least three models.
    tolerance : float
        Largest accepted difference, in (0, 1): 0.01 is one point.
    seed : int
        Seed.

    Returns
    -------
    KeptItems

    Raises
    ------
    InputError
        If the tolerance is out of range or the ladder has no items.
    CannotForecastError
        If there are fewer than three models to check the choice on.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rates = np.exp(-rng.uniform(0, 4, (300, 1)) * np.array([1.0, 0.7, 0.5, 0.3]))
    >>> ladder = Ladder("b", tuple("abcd"), np.array([1.0, 2, 4, 8]) * 1e18, "flops",
    ...                 rates.mean(axis=0), rates=rates, trials=np.full(rates.shape, 100.0))
    >>> kept = keep_items(ladder, 0.01)
    >>> kept.share < 0.3 and bool(np.abs(kept.score(rates[kept.rows]) - ladder.score).max() < 0.01)
    True
    """
    if not 0 < tolerance < 1:
        raise InputError(f"the tolerance must lie between 0 and 1, not {tolerance:g}")
    if not ladder.has_items:
        raise InputError(f"{ladder.benchmark}: no results per item to choose from")
    if ladder.rungs < 3:
        raise CannotForecastError(
            f"{ladder.benchmark}: {ladder.rungs} models; three are needed to check a choice"
        )
    rates = feature_vectors(ladder.rates)
    rounds = [np.delete(np.arange(ladder.rungs), k) for k in range(ladder.rungs)]
    strata = [_strata(ladder.take(kept), seed) for kept in rounds]
    everything = _strata(ladder, seed)
    for count in _counts(len(rates), len(np.unique(everything))):
        errors = []
        for left_out, (kept, labels) in enumerate(zip(rounds, strata, strict=True)):
            rows, weights = _chosen(rates[:, kept], labels, count)
            truth = rates[:, left_out].mean()
            errors.append(abs(float(weights @ rates[rows, left_out]) - truth))
        if max(errors) <= tolerance:
            break
    rows, weights = _chosen(rates, everything, count)
    names = ladder.items or tuple(map(str, range(len(rates))))
    chosen = tuple(names[k] for k in rows)
    return KeptItems(chosen, rows, weights, float(max(errors)), len(rows) / len(rates))


def _counts(items: int, strata: int) -> list[int]:
    """Return numbers of items to try, a fifth more each time."""
    counts, count = [], float(max(strata, 5))
    while count < items:
        counts.append(int(count))
        count *= 1.2
    return [*counts, items]


def _strata(ladder: Ladder, seed: int) -> NDArray[np.intp]:
    """Return the cluster of each item, outliers as one more."""
    labels = cluster(ladder, Settings(seed=seed)).labels
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)


def _chosen(rates: Array, labels: NDArray[np.intp], count: int) -> tuple[NDArray[np.intp], Array]:
    """Return rows and weights of so many items: from every stratum in turn of difficulty."""
    sizes = np.bincount(labels).astype(float)
    spread = np.array([rates[labels == k].std(axis=0).mean() for k in range(len(sizes))])
    shares = sizes * np.maximum(spread, 0.02)
    numbers = np.minimum(np.maximum(np.round(count * shares / shares.sum()), 1), sizes)
    rows, weights = [], []
    for label, number in enumerate(numbers.astype(int)):
        own = np.flatnonzero(labels == label)
        ordered = own[np.lexsort((own, rates[own].mean(axis=1)))]
        for part in np.array_split(ordered, number):
            centre = rates[part].mean(axis=0)
            nearest = part[((rates[part] - centre) ** 2).sum(axis=1).argmin()]
            rows.append(nearest)
            weights.append(len(part) / len(rates))
    return np.array(rows, dtype=np.intp), np.array(weights)
