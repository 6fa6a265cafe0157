"""A ladder: models of one family by rising size, and how they did on one benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from predictor.errors import InputError
from predictor.fitting.law import Array

#: From this spread of log(tokens / params) on, the two axes can be told apart.
_APART = 0.35


@dataclass(frozen=True)
class Place:
    """A model that is not trained yet.

    Parameters
    ----------
    size : float
        On the ladder's axis: FLOPs, or parameters where compute is unknown.
    params, tokens : float
        Parameters and training tokens; NaN where not given.
    at : dict
        The place as it was asked for, such as ``{"params": 7e9, "tokens": 2e12}``.
    """

    size: float
    params: float = float("nan")
    tokens: float = float("nan")
    at: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """Task loss and score of many checkpoints: what ties the one to the other.

    Parameters
    ----------
    loss, score : array, (checkpoints,)
        Task loss (bits per byte or nats, whichever) and score of each checkpoint.
    rung : array of int, (checkpoints,)
        Which model of the ladder each belongs to.
    """

    loss: Array
    score: Array
    rung: NDArray[np.intp]


@dataclass(frozen=True)
class Public:
    """Scores of models of all families, the ladder's own among them.

    Parameters
    ----------
    models : tuple of str
        Names.
    benchmarks : tuple of str
        Names.
    scores : array, (models, benchmarks)
        Scores; NaN where a model was not tested.
    """

    models: tuple[str, ...]
    benchmarks: tuple[str, ...]
    scores: Array

    def column(self, benchmark: str) -> Array:
        """Return the scores on one benchmark, (models,)."""
        return self.scores[:, self.benchmarks.index(benchmark)]

    def without(self, models: set[str]) -> Public:
        """Return the scores of all other models."""
        keep = [k for k, name in enumerate(self.models) if name not in models]
        return Public(tuple(self.models[k] for k in keep), self.benchmarks, self.scores[keep])


@dataclass(frozen=True)
class Ladder:
    """Models of one family on one benchmark, smallest first.

    Parameters
    ----------
    benchmark : str
        Name of the benchmark.
    models : tuple of str
        Names of the models, (rungs,).
    size : array, (rungs,)
        Training compute in FLOPs, or parameters where compute is unknown.
    axis : {"flops", "params"}
        What ``size`` is.
    score : array, (rungs,)
        Score in [0, 1]; the mean pass rate where the benchmark is scored so.
    params, tokens : array, (rungs,)
        NaN where unknown.
    rates : array, (items, rungs)
        Pass rate of each item; NaN where a model was not asked. No items: (0, rungs).
    trials : array, (items, rungs)
        Number of trials behind each pass rate; infinite where it is a probability.
    items : tuple of str
        Names of the items.
    loss : array, (rungs,)
        Task loss; NaN where unknown.
    chance : float
        Score of a random guess.
    history : History, optional
        Loss and score of all checkpoints.
    public : Public, optional
        Scores of models of all families on several benchmarks.

    Examples
    --------
    >>> ladder = Ladder("b", ("s", "m"), np.array([1e18, 4e18]), "flops", np.array([0.2, 0.5]))
    >>> float(ladder.place(flops=16e18).size / ladder.size[-1])
    4.0
    """

    benchmark: str
    models: tuple[str, ...]
    size: Array
    axis: str
    score: Array
    params: Array = field(default_factory=lambda: np.empty(0))
    tokens: Array = field(default_factory=lambda: np.empty(0))
    rates: Array = field(default_factory=lambda: np.empty((0, 0)))
    trials: Array = field(default_factory=lambda: np.empty((0, 0)))
    items: tuple[str, ...] = ()
    loss: Array = field(default_factory=lambda: np.empty(0))
    chance: float = 0.0
    history: History | None = None
    public: Public | None = None

    def __post_init__(self) -> None:
        count = len(self.models)
        for name in ("params", "tokens", "loss"):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(count, np.nan))
        if not self.rates.size:
            object.__setattr__(self, "rates", np.empty((0, count)))
            object.__setattr__(self, "trials", np.empty((0, count)))
        self._check()

    def _check(self) -> None:
        if not self.models:
            raise InputError(f"{self.benchmark}: no models")
        if not (np.isfinite(self.size).all() and (self.size > 0).all()):
            raise InputError(f"{self.benchmark}: every model needs a positive {self.axis}")
        if (np.diff(self.size) < 0).any():
            raise InputError(f"{self.benchmark}: models must come by rising {self.axis}")
        for name, values in (("score", self.score), ("pass rate", self.rates)):
            outside = values[(values < 0) | (values > 1)]
            if outside.size:
                raise InputError(
                    f"{self.benchmark}: a {name} of {outside.flat[0]:g}; they lie in [0, 1] "
                    "(divide percentages by 100)"
                )

    @property
    def rungs(self) -> int:
        """Number of models."""
        return len(self.models)

    @property
    def has_items(self) -> bool:
        """Whether pass rates of items are known."""
        return bool(self.rates.shape[0])

    @property
    def scored_by_items(self) -> bool:
        """Whether the score is the mean pass rate of the items."""
        return self.has_items and bool(np.allclose(mean_rates(self.rates), self.score, atol=1e-6))

    @property
    def two_axes(self) -> bool:
        """Whether parameters and tokens vary apart from each other."""
        if not (np.isfinite(self.params).all() and np.isfinite(self.tokens).all()):
            return False
        spread = np.log(np.stack([self.params, self.tokens]))
        spread = spread - spread.mean(axis=1, keepdims=True)
        return bool(np.linalg.svd(spread, compute_uv=False)[-1] / np.sqrt(self.rungs) > _APART)

    def take(self, rungs: NDArray[np.intp]) -> Ladder:
        """Return the ladder of these models only."""
        history = self.history
        if history is not None:
            keep = np.isin(history.rung, rungs)
            renumbered = np.searchsorted(rungs, history.rung[keep])
            history = History(history.loss[keep], history.score[keep], renumbered)
        left_out = set(self.models) - {self.models[k] for k in rungs}
        return replace(
            self,
            public=self.public.without(left_out) if self.public else None,
            models=tuple(self.models[k] for k in rungs),
            size=self.size[rungs],
            score=self.score[rungs],
            params=self.params[rungs],
            tokens=self.tokens[rungs],
            loss=self.loss[rungs],
            rates=self.rates[:, rungs],
            trials=self.trials[:, rungs],
            history=history,
        )

    def place(self, **at: float) -> Place:
        """Return a place by ``flops``, ``params``, ``tokens``; compute is 6 N D where not given.

        Raises
        ------
        InputError
            If the place does not say how large the model is on the ladder's axis.
        """
        params, tokens = at.get("params", np.nan), at.get("tokens", np.nan)
        size = at.get("params" if self.axis == "params" else "flops", np.nan)
        if self.axis == "flops" and not np.isfinite(size):
            size = 6 * params * tokens
            if not np.isfinite(size) and np.isfinite(params):
                size = self._as_on_ladder(params)
        if not (np.isfinite(size) and size > 0):
            need = "flops=..., or params=...,tokens=..." if self.axis == "flops" else "params=..."
            raise InputError(f"{self.benchmark}: the place needs {need}")
        return Place(float(size), float(params), float(tokens), dict(at))

    def _as_on_ladder(self, params: float) -> float:
        """Return the compute of a model trained on as many tokens a parameter as the largest."""
        last = self.size[-1] / self.params[-1]
        constant = np.allclose(self.size / self.params, last, rtol=0.05)
        return float(params * last if constant else last * params**2 / self.params[-1])

    def place_of(self, rung: int) -> Place:
        """Return the place of one of the ladder's own models."""
        return Place(float(self.size[rung]), float(self.params[rung]), float(self.tokens[rung]))


def mean_rates(rates: Array) -> Array:
    """Return each model's mean pass rate over the items it was asked, (rungs,)."""
    asked = np.isfinite(rates)
    return np.where(asked, rates, 0.0).sum(axis=0) / np.maximum(asked.sum(axis=0), 1)
