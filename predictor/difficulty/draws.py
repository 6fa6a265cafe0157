"""Bootstrap draws of a ladder: items drawn again, trials noisy again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.difficulty.ladder import Ladder
from predictor.fitting.law import Array


@dataclass(frozen=True)
class Draws:
    """Draws of a ladder; the first one is the ladder as it is.

    Parameters
    ----------
    items : array, (draws, items)
        Weight of each item.
    rungs : array, (draws, rungs)
        Weight of each model.
    score, loss : array, (draws, rungs)
        Score and task loss of each model.
    seed : int
        Seed of the noise of trials, where a method averages over fewer items.
    """

    items: Array
    rungs: Array
    score: Array
    loss: Array
    seed: int

    @property
    def count(self) -> int:
        """Number of draws, the first included."""
        return len(self.score)

    def take(self, rows: NDArray[np.intp], more_seed: int = 0) -> Draws:
        """Return some of the draws."""
        return Draws(
            self.items[rows],
            self.rungs[rows],
            self.score[rows],
            self.loss[rows],
            self.seed + more_seed,
        )


def draw(ladder: Ladder, count: int, rng: np.random.Generator) -> Draws:
    """Draw a ladder ``count`` times over, and put the ladder itself first.

    Items are drawn with replacement (Poisson weights). Their trials are drawn again by the normal
    limit of the binomial. Where no items are known, models are drawn instead (Bayesian bootstrap).
    """
    # Half the memory: counts of items are small whole numbers.
    weights: Array = np.ones((count + 1, ladder.rates.shape[0]), dtype=np.float32)
    rungs = np.ones((count + 1, ladder.rungs))
    score = np.tile(ladder.score, (count + 1, 1))
    loss = np.tile(ladder.loss, (count + 1, 1))
    if ladder.has_items:
        weights[1:] = rng.poisson(1.0, (count, weights.shape[1]))
        if ladder.scored_by_items:
            score = weighted_rates(ladder.rates, ladder.trials, weights, rng)
        else:
            spread = np.sqrt(ladder.score * (1 - ladder.score) / weights.shape[1])
            score[1:] += spread * rng.normal(size=(count, 1)) * 0.5
    elif ladder.rungs > _FEW_RUNGS:
        rungs[1:] = rng.exponential(size=(count, ladder.rungs))
    return Draws(weights, rungs, np.clip(score, 0, 1), loss, int(rng.integers(2**31)))


#: So few models cannot be drawn again: too often too few different ones are left.
_FEW_RUNGS = 5


def weighted_rates(rates: Array, trials: Array, weights: Array, rng: np.random.Generator) -> Array:
    """Return mean pass rates of drawn items, trials drawn again but for the first draw.

    Parameters
    ----------
    rates, trials : array, (items, rungs)
        Pass rates (NaN: not asked) and trials behind them.
    weights : array, (draws, items)
        How often each item was drawn.
    rng : Generator
        For the trials.

    Returns
    -------
    array, (draws, rungs)
        NaN where no drawn item was asked.
    """
    asked = np.isfinite(rates)
    known = np.where(asked, rates, 0.0)
    spread = np.where(asked, known * (1 - known) / np.maximum(trials, 1.0), 0.0)
    total = weights @ asked.astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weights @ known.astype(np.float32)) / total
        noise = np.sqrt((weights**2) @ spread.astype(np.float32)) / total
    noise[0] = 0.0
    mean = mean.astype(float) + noise * rng.normal(size=mean.shape)
    mean[0] = known.sum(axis=0) / np.maximum(asked.sum(axis=0), 1)
    return np.clip(mean, 0.0, 1.0)
