"""ClusteringOnDifficulty: the method as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predictor.difficulty.cluster_law import CLUSTER_LAW, ceiling_gap, log_size
from predictor.difficulty.cod import Settings, chain, cluster, forecast_cod
from predictor.difficulty.draws import Draws
from predictor.difficulty.features import solved, trials_behind
from predictor.difficulty.ladder import Ladder, Place
from predictor.difficulty.mapping import Mapping as SubsetMapping
from predictor.difficulty.meanshift import rand_index
from predictor.difficulty.methods import methods_of
from predictor.difficulty.outlook import Outlook, outlook
from predictor.difficulty.subset import ClusterKind
from predictor.errors import CannotForecastError, InputError
from predictor.findings import Finding
from predictor.fitting.estimator import Estimator
from predictor.fitting.forecast import Forecasts
from predictor.fitting.law import Array

if TYPE_CHECKING:
    import pandas as pd

#: Bandwidths, over the chosen one, at which the clusters are looked at again.
_TIMES = (0.6, 0.8, 1.0, 1.25, 1.6)
_STABLE = 0.5


class ClusteringOnDifficulty(Estimator):
    """Forecast a benchmark by clustering its items on how hard small models find them.

    Items are clustered by their pass rates over rising compute (improved mean shift); each
    cluster's mean follows ``g + (1 - g) exp(-a C^-b - c)``; the clusters that can be extrapolated
    make the predictable subset; a monotone spline maps its score to the benchmark's.

    Parameters
    ----------
    mapped : bool
        Map the predictable subset to the whole, as published. Otherwise the laws of all clusters
        are added, outliers as one more: better where clusters with a low ceiling are no small part.
    bandwidth : float, optional
        Radius of the clusters; estimated where not given.
    quantile : float
        Share of the items that count as neighbours in that estimate.
    smallest : int
        Fewest items of a cluster.
    chance : float
        Score of a random guess.
    anchor : (float, float), optional
        Scores of an outside, stronger model on the predictable subset and on all items.
    draws : int
        Bootstrap draws of items and trials.
    random_state : int
        Seed.

    Attributes
    ----------
    ladder_ : Ladder
        What was fitted.
    labels_ : array of int, (items,)
        Cluster of each item, from the hardest; -1 for an outlier.
    clusters_ : DataFrame
        One row a cluster: items, mean pass rates, parameters ``g, a, b, c``, kind, predictable.
    predictable_share_ : float
        Share of the items in extrapolatable clusters.
    subset_score_ : array, (models,)
        Score of the models on the predictable subset.
    mapping_ : Mapping or None
        From the subset's score to the benchmark's.
    stability_ : DataFrame
        Bandwidths around the chosen one: clusters found, adjusted Rand index with the chosen.
    findings_ : tuple of Finding
        What was noticed.

    References
    ----------
    Xu et al., Unveiling Downstream Performance Scaling of LLMs: A Clustering-Based Perspective,
    arXiv 2502.17262v4.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> flops = np.geomspace(1e19, 1e22, 8)
    >>> hardness = np.repeat([1.0, 4.0], 60)[:, None]
    >>> true = np.exp(-hardness * (flops / 1e19) ** -0.3)
    >>> model = ClusteringOnDifficulty(draws=20, quantile=0.5)
    >>> model = model.fit(rng.binomial(100, true) / 100, flops)
    >>> model.clusters_["items"].tolist()
    [60, 60]
    >>> round(float(model.predict(np.array([1e23]))[0]), 1)
    0.9
    """

    def __init__(
        self,
        *,
        mapped: bool = True,
        bandwidth: float | None = None,
        quantile: float = 0.1,
        smallest: int = 10,
        chance: float = 0.0,
        anchor: tuple[float, float] | None = None,
        draws: int = 200,
        random_state: int = 0,
    ) -> None:
        self.mapped = mapped
        self.bandwidth = bandwidth
        self.quantile = quantile
        self.smallest = smallest
        self.chance = chance
        self.anchor = anchor
        self.draws = draws
        self.random_state = random_state

    def fit(self, X: ArrayLike | Ladder, y: ArrayLike | None = None) -> Self:
        """Cluster the items and fit every cluster's law.

        Parameters
        ----------
        X : array, (items, models), or Ladder
            Pass rates in [0, 1]; NaN where a model was not asked.
        y : array, (models,)
            Training compute of the models in FLOPs; not needed with a Ladder.

        Raises
        ------
        InputError
            If rates or compute are out of range, or shapes do not fit.
        CannotForecastError
            If there are fewer than ten items that any model solves, or no cluster at all.
        """
        self.ladder_ = self._ladder(X, y)
        settings = self._settings()
        clustering = cluster(self.ladder_, settings)
        if not clustering.count:
            count = int(solved(self.ladder_.rates).sum())
            raise CannotForecastError(
                f"{count} items that some model solves make no cluster of {self.smallest}; "
                "more items, or an end-to-end law ('predictor downstream --method end-to-end')"
            )
        self._chain = chain(self.ladder_, clustering, settings)
        self.labels_ = clustering.labels
        self.bandwidth_ = clustering.bandwidth
        self.clusters_ = self._cluster_table()
        self.predictable_share_ = self._chain.predictable_share
        self.subset_score_: Array = self._chain.subset
        self.mapping_: SubsetMapping | None = self._chain.mapping
        self.stability_ = self._stability(settings)
        self.findings_ = tuple(self._noticed())
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Return the benchmark's score at compute X (FLOPs); NaN where it cannot be forecast."""
        said = self._outlook(X).forecasts
        return np.array([np.nan if f.value is None else f.value for f in said])

    def predict_interval(self, X: ArrayLike, level: float = 0.9) -> Array:
        """Return lower and upper ends at compute X, (places, 2); NaN where not forecastable."""
        said = self._outlook(X, level).forecasts
        return np.array([(np.nan, np.nan) if f.lower is None else (f.lower, f.upper) for f in said])

    def forecast(self, at: Mapping[str, float], level: float = 0.9) -> Forecasts:
        """Forecast at a place such as ``{"flops": 1e24}``."""
        self._check_fitted()
        place = self.ladder_.place(**at)
        return self._asked([place], level).forecasts

    def outlook(self, at: Mapping[str, float], level: float = 0.9) -> Outlook:
        """Return the forecast with its backtests and band, for charts."""
        self._check_fitted()
        return self._asked([self.ladder_.place(**at)], level)

    def items_of(self, number: int) -> list[str]:
        """Return the names of a cluster's items; -1 for the outliers."""
        self._check_fitted()
        names = self.ladder_.items or tuple(map(str, range(len(self.labels_))))
        return [names[k] for k in np.flatnonzero(self.labels_ == number)]

    def curve(self, number: int, flops: ArrayLike) -> Array:
        """Return a cluster's law at compute, (places,)."""
        self._check_fitted()
        z = log_size(np.asarray(flops, dtype=float), float(self.ladder_.size[0]))
        return CLUSTER_LAW.value(z[None], self._chain.curves.params[[number]])[0]

    def summary(self) -> str:
        """Return the clusters as a table, with what was noticed."""
        self._check_fitted()
        table = self.clusters_.drop(columns="rates").to_string(float_format=lambda v: f"{v:.3g}")
        share = f"Predictable: {100 * self.predictable_share_:.0f} % of the items"
        return "\n".join([table, share, *(f"{f.code} {f.message}" for f in self.findings_)])

    def _settings(self) -> Settings:
        return Settings(
            self.bandwidth, self.quantile, self.smallest, self.anchor, self.random_state
        )

    def _ladder(self, X: ArrayLike | Ladder, y: ArrayLike | None) -> Ladder:
        if isinstance(X, Ladder):
            return X
        rates, size = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
        if rates.ndim != 2 or size.shape != rates.shape[1:]:
            raise InputError(
                f"pass rates must be (items, models) and compute (models,); these are "
                f"{rates.shape} and {size.shape}"
            )
        order = np.argsort(size, kind="stable")
        rates = rates[:, order]
        asked = np.isfinite(rates)
        if not asked.any(axis=0).all():
            raise InputError("a model has no pass rate at all; leave it out")
        score = np.where(asked, rates, 0.0).sum(axis=0) / asked.sum(axis=0)
        return Ladder(
            "benchmark",
            tuple(f"model {k}" for k in order),
            size[order],
            "flops",
            score,
            rates=rates,
            trials=np.where(asked, trials_behind(rates, np.ones_like(rates)), 0.0),
            items=tuple(map(str, range(len(rates)))),
            chance=self.chance,
        )

    def _cluster_table(self) -> pd.DataFrame:
        import pandas as pd

        curves = self._chain.curves
        g, _, a, b = curves.params.T
        return pd.DataFrame(
            {
                "items": curves.sizes,
                "first": curves.rates[:, 0],
                "last": curves.rates[:, -1],
                "g": g,
                "a": a,
                "b": b,
                "c": ceiling_gap(curves.params),
                "kind": [kind.value for kind in curves.kinds],
                "predictable": [kind is ClusterKind.EXTRAPOLATABLE for kind in curves.kinds],
                "rates": list(curves.rates),
            }
        ).rename_axis("cluster")

    def _stability(self, settings: Settings) -> pd.DataFrame:
        import pandas as pd

        rows = []
        for times in _TIMES:
            again = cluster(self.ladder_, settings, times=times)
            same = rand_index(self.labels_, again.labels)
            rows.append((again.bandwidth, again.count, same))
        return pd.DataFrame(rows, columns=["bandwidth", "clusters", "rand_index"])

    def _noticed(self) -> list[Finding]:
        found = []
        worst = float(self.stability_["rand_index"].min())
        if worst < _STABLE:
            low, high = self.stability_["clusters"].min(), self.stability_["clusters"].max()
            message = f"{low} to {high} clusters over bandwidths, Rand index down to {worst:.2f}"
            found.append(Finding("PRED411", message))
        if self.mapping_ is None:
            found.append(Finding("PRED407", "no cluster can be extrapolated"))
        elif self.anchor is not None and not self.mapping_.anchored:
            message = f"the ladder's own curve misses {self.anchor} by more than 5 points"
            found.append(Finding("PRED412", message))
        found += self._unidentified()
        return found

    def _unidentified(self) -> list[Finding]:
        lower, upper = CLUSTER_LAW.bounds
        params = self._chain.curves.params
        held = (params <= lower) | (params >= upper)
        names = np.array(CLUSTER_LAW.names)
        rows = [f"{k}: {', '.join(names[own])}" for k, own in enumerate(held) if own.any()]
        if not rows:
            return []
        return [Finding("PRED413", f"parameters at a bound (cluster: names): {'; '.join(rows)}")]

    def _outlook(self, X: ArrayLike, level: float = 0.9) -> Outlook:
        self._check_fitted()
        sizes: NDArray[np.float64] = np.atleast_1d(np.asarray(X, dtype=float))
        if not ((sizes > 0) & np.isfinite(sizes)).all():
            raise InputError("compute must be positive and finite")
        return self._asked([Place(float(s), at={"flops": float(s)}) for s in sizes], level)

    def _asked(self, places: list[Place], level: float) -> Outlook:
        name = "cod" if self.mapped else "cod-sum"
        method = [one for one in methods_of("cod") if one.name == name]
        bound = [replace(one, forecast=self._method) for one in method]
        return outlook(
            self.ladder_, places, bound, level=level, draws=self.draws, seed=self.random_state
        )

    def _method(self, ladder: Ladder, places: list[Place], draws: Draws) -> Array:
        return forecast_cod(ladder, places, draws, self._settings(), summed=not self.mapped)
