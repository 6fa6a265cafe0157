"""Which clusters can be extrapolated: the predictable part of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from predictor.difficulty.cluster_law import ceiling_gap, fit_clusters, log_size
from predictor.difficulty.meanshift import OUTLIER, Clustering, Labels
from predictor.fitting.law import Array

#: Thresholds of the paper, for compute in units in which the smallest model has 39.9.
STEEP, FAST, HIGH = 1.0, 0.1, 1.0
#: A cluster that stays within this of a guess on the whole ladder has not emerged.
_EMERGED = 0.05
#: Of a cluster without this rise, the law's parameters are those of noise.
_RISE = 0.05


class ClusterKind(StrEnum):
    """What can be said about a cluster's larger models."""

    EXTRAPOLATABLE = "extrapolatable"
    NON_EMERGENT = "non-emergent"
    NON_SCALABLE = "non-scalable"
    OUTLIERS = "outliers"
    UNSOLVED = "unsolved"


@dataclass(frozen=True)
class Curves:
    """Curves of clusters.

    Parameters
    ----------
    clustering : Clustering
        Which items belong together.
    rates : array, (clusters, rungs)
        Mean pass rates.
    sizes : array of int, (clusters,)
        Numbers of items.
    params : array, (clusters, 4)
        ``g, u, a, b`` of the law, see :mod:`predictor.difficulty.cluster_law`.
    kinds : tuple of ClusterKind
        What each is.
    """

    clustering: Clustering
    rates: Array
    sizes: Labels
    params: Array
    kinds: tuple[ClusterKind, ...]
    predictable: Labels = field(init=False)

    def __post_init__(self) -> None:
        wanted = [k for k, kind in enumerate(self.kinds) if kind is ClusterKind.EXTRAPOLATABLE]
        object.__setattr__(self, "predictable", np.array(wanted, dtype=np.intp))


def curves_of(clustering: Clustering, rates: Array, size: Array, chance: float = 0.0) -> Curves:
    """Fit every cluster's law and say which can be extrapolated.

    Parameters
    ----------
    clustering : Clustering
        Clusters of the items.
    rates : array, (items, rungs)
        Pass rates; NaN where a model was not asked.
    size : array, (rungs,)
        FLOPs or parameters.
    chance : float
        Score of a random guess.
    """
    means, counts = cluster_means(clustering.labels, clustering.count, rates)
    z = log_size(size, float(size[0]))
    params = fit_clusters(z, means, chance) if len(means) else np.empty((0, 4))
    kinds = tuple(_kind(mean, p, chance) for mean, p in zip(means, params, strict=True))
    return Curves(clustering, means, counts, params, kinds)


def cluster_means(labels: Labels, count: int, rates: Array) -> tuple[Array, Labels]:
    """Return mean pass rates (clusters, rungs) and numbers of items (clusters,)."""
    member = (labels[None, :] == np.arange(count)[:, None]).astype(float)
    asked = np.isfinite(rates)
    total = np.maximum(member @ asked, 1e-12)
    return member @ np.where(asked, rates, 0.0) / total, member.sum(axis=1).astype(np.intp)


def _kind(rates: Array, params: Array, chance: float) -> ClusterKind:
    _, _, a, b = params
    gap = float(ceiling_gap(params[None])[0])
    if rates.max() <= chance + _EMERGED:
        return ClusterKind.NON_EMERGENT
    if rates[-1] - rates[0] >= _RISE and a > STEEP and b > FAST and gap < HIGH:
        return ClusterKind.EXTRAPOLATABLE
    return ClusterKind.NON_SCALABLE


def predictable_score(sizes: Labels, values: Array, predictable: Labels) -> Array:
    """Return the size-weighted mean over the predictable clusters; clusters come second to last.

    Parameters
    ----------
    sizes : array, (clusters,)
        Numbers of items.
    values : array, (..., clusters, places)
        Pass rates.
    predictable : array of int
        Clusters to average over.
    """
    weights = sizes[predictable].astype(float)
    chosen: Array = np.einsum("k,...kp->...p", weights / weights.sum(), values[..., predictable, :])
    return chosen


def outlier_count(clustering: Clustering) -> int:
    """Return the number of items without a cluster."""
    return int((clustering.labels == OUTLIER).sum())
