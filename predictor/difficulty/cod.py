"""Clustering on difficulty, from pass rates of items to a forecast of the benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.difficulty.cluster_law import CLUSTER_LAW, fit_clusters, log_size
from predictor.difficulty.draws import Draws, weighted_rates
from predictor.difficulty.features import feature_vectors, solved
from predictor.difficulty.ladder import Ladder, Place
from predictor.difficulty.mapping import Mapping, fit_mapping
from predictor.difficulty.meanshift import OUTLIER, Clustering, Labels, cluster_items
from predictor.difficulty.subset import Curves, curves_of, predictable_score
from predictor.fitting.law import Array

#: Bandwidths, over the chosen one, that draws are spread over: the clusters are uncertain too.
SPREAD = (1.0, 0.8, 1.25, 1.0)
#: Label of the items that no model has solved.
UNSOLVED = -2
#: Fewest items that may be clustered.
FEWEST_ITEMS = 10


@dataclass(frozen=True)
class Settings:
    """How to cluster.

    Parameters
    ----------
    bandwidth : float, optional
        Radius of the clusters; estimated where not given.
    quantile : float
        Share of items that are neighbours, for that estimate.
    smallest : int
        Fewest items of a cluster.
    anchor : (float, float), optional
        Scores of an outside model on the predictable subset and on all items.
    seed : int
        Seed.
    """

    bandwidth: float | None = None
    quantile: float = 0.1
    smallest: int = 10
    anchor: tuple[float, float] | None = None
    seed: int = 0


@dataclass(frozen=True)
class Chain:
    """Items to clusters to laws to subset to benchmark, for one clustering."""

    curves: Curves
    subset: Array
    mapping: Mapping | None

    @property
    def predictable_share(self) -> float:
        """Share of all items that lie in extrapolatable clusters."""
        chosen = self.curves.sizes[self.curves.predictable].sum()
        return float(chosen / len(self.curves.clustering.labels))


def cluster(ladder: Ladder, settings: Settings, *, times: float = 1.0, seed: int = 0) -> Clustering:
    """Cluster the items that any model has solved; the rest are outliers.

    Parameters
    ----------
    ladder : Ladder
        The ladder.
    settings : Settings
        How.
    times : float
        Factor on the bandwidth.
    seed : int
        Chooses the items centres are sought on, where there are very many.
    """
    some = solved(ladder.rates)
    points = feature_vectors(ladder.rates[some])
    labels = np.full(len(some), OUTLIER, dtype=np.intp)
    if len(points) < FEWEST_ITEMS:
        return Clustering(labels, np.empty((0, ladder.rungs)), settings.bandwidth or 0.0)

    def found(radius: float | None) -> Clustering:
        return cluster_items(
            points,
            bandwidth=radius,
            quantile=settings.quantile,
            smallest=settings.smallest,
            rng=settings.seed + seed,
        )

    own = found(settings.bandwidth)
    if times != 1.0:
        own = found(own.bandwidth * times)
    labels[some] = own.labels
    return Clustering(labels, own.centres, own.bandwidth)


def chain(ladder: Ladder, clustering: Clustering, settings: Settings) -> Chain:
    """Fit laws and mapping to a clustering."""
    curves = curves_of(clustering, ladder.rates, ladder.size, ladder.chance)
    if not len(curves.predictable):
        return Chain(curves, np.full(ladder.rungs, np.nan), None)
    subset = predictable_score(curves.sizes, curves.rates, curves.predictable)
    low = 0.0 if ladder.scored_by_items else ladder.chance
    return Chain(curves, subset, fit_mapping(subset, ladder.score, low, settings.anchor))


def forecast_chain(
    ladder: Ladder, one: Chain, places: list[Place], draws: Draws, *, summed: bool
) -> Array:
    """Take every draw through laws, subset and mapping, or through the sum of all laws.

    Returns
    -------
    array, (draws, places)
        NaN where no cluster can be extrapolated.
    """
    if summed:
        return _summed(ladder, one.curves, places, draws)
    if one.mapping is None:
        return np.full((draws.count, len(places)), np.nan)
    chosen = list(one.curves.predictable)
    rates, ahead, share = _drawn(ladder, one.curves.clustering.labels, chosen, places, draws)
    subset = np.einsum("dk,dkr->dr", share, rates)
    at = np.einsum("dk,dkp->dp", share, ahead)
    low = 0.0 if ladder.scored_by_items else ladder.chance
    values = np.empty_like(at)
    values[0] = one.mapping(at[0])
    for k in range(1, draws.count):
        values[k] = fit_mapping(subset[k], draws.score[k], low)(at[k])
    return values


def _summed(ladder: Ladder, curves: Curves, places: list[Place], draws: Draws) -> Array:
    """Add the laws of all clusters, of the outliers as one more, and of the unsolved items."""
    if not ladder.scored_by_items:
        return np.full((draws.count, len(places)), np.nan)
    labels = np.where(solved(ladder.rates), curves.clustering.labels, UNSOLVED)
    groups = [label for label in np.unique(labels) if label != UNSOLVED]
    if not groups:
        return np.full((draws.count, len(places)), np.nan)
    _, ahead, share = _drawn(ladder, labels, groups, places, draws)
    seen = 1 - draws.items[:, labels == UNSOLVED].sum(axis=1) / draws.items.sum(axis=1)
    total: Array = np.einsum("dk,dkp->dp", share, ahead) * seen[:, None]
    return total


def _drawn(
    ladder: Ladder, labels: Labels, groups: list[int], places: list[Place], draws: Draws
) -> tuple[Array, Array, Array]:
    """Return groups' rates (draws, groups, rungs), forecasts (.., places) and shares of items."""
    rng = np.random.default_rng(draws.seed)
    means, weights = [], []
    for group in groups:
        own = np.flatnonzero(labels == group)
        drawn = draws.items[:, own]
        mean = weighted_rates(ladder.rates[own], ladder.trials[own], drawn, rng)
        means.append(np.where(np.isfinite(mean), mean, mean[0]))
        weights.append(drawn.sum(axis=1))
    rates, share = np.stack(means, axis=1), np.stack(weights, axis=1).astype(float)
    share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
    smallest = float(ladder.size[0])
    z = log_size(ladder.size, smallest)
    first = fit_clusters(z, rates[0], ladder.chance)
    rest = fit_clusters(z, rates[1:].reshape(-1, ladder.rungs), ladder.chance, n_starts=1)
    params = np.concatenate([first, rest])
    at = log_size(np.array([place.size for place in places]), smallest)
    ahead = CLUSTER_LAW.value(at[None], params).reshape(*rates.shape[:2], len(places))
    return rates, ahead, share


def forecast_cod(
    ladder: Ladder,
    places: list[Place],
    draws: Draws,
    settings: Settings | None = None,
    *,
    summed: bool = False,
) -> Array:
    """Forecast by clustering on difficulty; draws are spread over several clusterings.

    Parameters
    ----------
    ladder, places, draws
        What to forecast from and where.
    settings : Settings, optional
        How to cluster.
    summed : bool
        Add the laws of all clusters instead of mapping the predictable subset to the whole.

    Returns
    -------
    array, (draws, places)
    """
    settings = settings or Settings()
    values = np.full((draws.count, len(places)), np.nan)
    blocks = np.array_split(np.arange(1, draws.count), len(SPREAD))
    for seed, (times, block) in enumerate(zip(SPREAD, blocks, strict=True)):
        if seed and not len(block):
            break
        one = chain(ladder, cluster(ladder, settings, times=times, seed=seed), settings)
        part = draws.take(np.concatenate([[0], block]), seed)
        own = forecast_chain(ladder, one, places, part, summed=summed)
        values[block] = own[1:]
        if seed == 0:
            values[0] = own[0]
    return values
