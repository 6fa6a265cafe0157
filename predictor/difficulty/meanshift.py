"""Improved mean shift: clusters of items of like difficulty, and what is like no other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.fitting.law import Array

Labels = NDArray[np.intp]
OUTLIER = -1
#: Centres are sought on no more points than this; all points are then given to them.
MOST_POINTS = 2_500
_MOST_SEEDS = 300
_MOST_STEPS, _MOST_ROUNDS = 100, 20
#: The greatest bandwidth as a share of the greatest possible distance.
_WIDEST = 0.1


@dataclass(frozen=True)
class Clustering:
    """Clusters of items.

    Parameters
    ----------
    labels : array of int, (items,)
        Cluster of each item, from 0; -1 for an outlier.
    centres : array, (clusters, features)
        Centres of the clusters.
    bandwidth : float
        Radius of the clusters.
    """

    labels: Labels
    centres: Array
    bandwidth: float

    @property
    def count(self) -> int:
        """Number of clusters."""
        return len(self.centres)


def estimate_bandwidth(points: Array, quantile: float = 0.1) -> float:
    """Return the mean distance of a point to its ``quantile * n``-th nearest, itself counted.

    As scikit-learn's function of that name.

    Examples
    --------
    >>> estimate_bandwidth(np.arange(10.0)[:, None], quantile=0.2)
    1.0
    """
    neighbours = max(1, int(len(points) * quantile))
    distances = np.sqrt(_squared_distances(points, points))
    return float(np.partition(distances, neighbours - 1, axis=1)[:, neighbours - 1].mean())


def mean_shift(points: Array, bandwidth: float) -> Clustering:
    """Cluster by mean shift with a flat kernel; points farther than the bandwidth are outliers.

    Parameters
    ----------
    points : array, (n, d)
        The points.
    bandwidth : float
        Radius of the kernel.

    Returns
    -------
    Clustering
        Most crowded cluster first.

    References
    ----------
    Comaniciu and Meer, Mean Shift: A Robust Approach Toward Feature Space Analysis, IEEE
    Transactions on Pattern Analysis and Machine Intelligence 24, 2002.

    Examples
    --------
    >>> points = np.array([[0.0], [0.1], [0.2], [1.0], [1.1], [5.0]])
    >>> mean_shift(points, 0.3).labels.tolist()
    [0, 0, 0, 1, 1, 2]
    """
    places, crowd = _places(points)
    step = max(1, len(places) // _MOST_SEEDS)
    ends, weight = _climb(
        places[np.argsort(-crowd, kind="stable")[::step]], places, crowd, bandwidth
    )
    centres = _told_apart(ends, weight, bandwidth)
    return Clustering(nearest(points, centres, bandwidth), centres, bandwidth)


def _places(points: Array) -> tuple[Array, Array]:
    """Return the different points and how many there are of each."""
    places, counts = np.unique(np.round(points, 6), axis=0, return_counts=True)
    return places, counts.astype(float)


def _climb(seeds: Array, points: Array, weights: Array, bandwidth: float) -> tuple[Array, Array]:
    """Move every seed to the mean of the points around it until it stays."""
    here, crowd = seeds.copy(), np.zeros(len(seeds))
    moving = np.arange(len(seeds))
    for _ in range(_MOST_STEPS):
        near = (_squared_distances(here[moving], points) <= bandwidth**2) * weights
        total = near.sum(axis=1)
        there = near @ points / np.maximum(total, 1e-12)[:, None]
        there = np.where(total[:, None] > 0, there, here[moving])
        moved = np.linalg.norm(there - here[moving], axis=1)
        here[moving], crowd[moving] = there, total
        moving = moving[moved > 1e-3 * bandwidth]
        if not len(moving):
            break
    return here, crowd


def _told_apart(ends: Array, crowd: Array, bandwidth: float) -> Array:
    """Keep the most crowded of ends that lie within a bandwidth of each other."""
    order = np.lexsort((*ends.T[::-1], crowd))[::-1]
    kept: list[int] = []
    for k in order:
        if not kept or _squared_distances(ends[[k]], ends[kept]).min() >= bandwidth**2:
            kept.append(k)
    return ends[kept]


def nearest(points: Array, centres: Array, within: float) -> Labels:
    """Return each point's nearest centre, -1 where none is within reach."""
    if not len(centres):
        return np.full(len(points), OUTLIER, dtype=np.intp)
    distances = _squared_distances(points, centres)
    labels = distances.argmin(axis=1)
    return np.where(distances.min(axis=1) <= within**2, labels, OUTLIER).astype(np.intp)


def _squared_distances(a: Array, b: Array) -> Array:
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.maximum(squares, 0.0)


def cluster_items(
    points: Array,
    *,
    bandwidth: float | None = None,
    quantile: float = 0.1,
    smallest: int = 10,
    rng: np.random.Generator | int = 0,
) -> Clustering:
    """Cluster items by improved mean shift.

    Mean shift on the items without a cluster, again and again until no label changes; items farther
    than the bandwidth from their centre lose their label, and clusters of too few items dissolve.

    Parameters
    ----------
    points : array, (items, features)
        Difficulty features in [0, 1]; see :mod:`predictor.difficulty.features`.
    bandwidth : float, optional
        Radius; by default ``min(estimate_bandwidth(points, quantile), sqrt(features) / 10)``.
    quantile : float
        For the estimate of the bandwidth.
    smallest : int
        Fewest items of a cluster.
    rng : Generator or int
        Chooses the items that centres are sought on, where there are more than 2,500.

    Returns
    -------
    Clustering

    References
    ----------
    Xu et al., arXiv 2502.17262v4, algorithm 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> easy, hard = rng.normal([0.9, 1.0], 0.01, (30, 2)), rng.normal([0.0, 0.2], 0.01, (20, 2))
    >>> found = cluster_items(np.vstack([easy, hard, [[0.5, 0.5]]]))
    >>> found.count, found.labels[-1].item()
    (2, -1)
    """
    sample = _sample(len(points), np.random.default_rng(rng))
    seen = points[sample]
    fewest = max(2, round(smallest * len(seen) / len(points)))
    radius = bandwidth_of(seen, quantile) if bandwidth is None else bandwidth
    centres = _repeated(seen, radius, fewest)
    labels = nearest(points, centres, radius)
    return _without_small(points, labels, centres, radius, smallest)


def bandwidth_of(points: Array, quantile: float = 0.1) -> float:
    """Return the bandwidth of the improved mean shift."""
    widest = _WIDEST * np.sqrt(points.shape[1])
    return max(min(estimate_bandwidth(points, quantile), float(widest)), 1e-3)


def _sample(count: int, rng: np.random.Generator) -> Labels:
    if count <= MOST_POINTS:
        return np.arange(count)
    return np.sort(rng.choice(count, MOST_POINTS, replace=False))


def _repeated(points: Array, radius: float, fewest: int) -> Array:
    """Return the centres that mean shift finds, round after round on what is left."""
    left, centres = points, np.empty((0, points.shape[1]))
    for _ in range(_MOST_ROUNDS):
        if len(left) < fewest:
            break
        found = mean_shift(left, radius)
        sizes = np.bincount(found.labels[found.labels >= 0], minlength=found.count)
        kept = np.flatnonzero(sizes >= fewest)
        if not len(kept):
            break
        centres = np.concatenate([centres, found.centres[kept]])
        left = left[~np.isin(found.labels, kept)]
    return centres


def _without_small(
    points: Array, labels: Labels, centres: Array, radius: float, smallest: int
) -> Clustering:
    """Dissolve small clusters and name the rest from the hardest to the easiest."""
    sizes = np.bincount(labels[labels >= 0], minlength=len(centres))
    kept = np.flatnonzero(sizes >= smallest)
    means = np.array([points[labels == k].mean() for k in kept])
    order = kept[np.argsort(means, kind="stable")]
    renamed = np.full(len(centres) + 1, OUTLIER, dtype=np.intp)
    renamed[order] = np.arange(len(order))
    return Clustering(renamed[labels], centres[order], radius)


def rand_index(a: Labels, b: Labels) -> float:
    """Return the adjusted Rand index of two clusterings: 1 the same, 0 as by chance.

    References
    ----------
    Hubert and Arabie, Comparing Partitions, Journal of Classification 2, 1985.

    Examples
    --------
    >>> rand_index(np.array([0, 0, 1, 1]), np.array([5, 5, 3, 3]))
    1.0
    """
    table = np.zeros((a.max() - a.min() + 1, b.max() - b.min() + 1))
    np.add.at(table, (a - a.min(), b - b.min()), 1)

    def pairs(counts: Array) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, left, right = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = left * right / max(pairs(np.array([float(len(a))])), 1.0)
    most = (left + right) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)
