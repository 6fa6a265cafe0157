"""Which strategy is best, how sure that is, and what more examples would tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Beyond so many examples a difference is none that one would log for.
_MOST_EXAMPLES = 1_000_000


@dataclass(frozen=True)
class Decision:
    """Strategies ranked by one score.

    Parameters
    ----------
    strategies : tuple of str
        Names, in the order of all arrays here.
    score, lower, upper : array, (strategies,)
        Score and its interval.
    rank : array of int, (strategies,)
        1 for the best.
    p_best : array, (strategies,)
        Probability that the strategy has the best score, over examples like these. It is not the
        probability that training on it gives the best model.
    regret : array, (strategies,)
        How much worse than the best the score is expected to be.
    best_set : tuple of str
        The fewest strategies that hold the best one with the level asked for, the likeliest first.
    decisive : bool
        Whether that is a single one, the first.
    further_examples : int or None
        How many more examples would tell the first two apart at that level, if they differ as
        measured; 0 where they are apart; None where no number would, or there is one strategy.
    examples : array of int, (strategies,)
        Number of examples each score is from.
    level : float
        Probability of intervals and of ``best_set``.
    rival : str or None
        A strategy that would be first if all responses had one length.
    """

    strategies: tuple[str, ...]
    score: Array
    lower: Array
    upper: Array
    rank: NDArray[np.int64]
    p_best: Array
    regret: Array
    best_set: tuple[str, ...]
    decisive: bool
    further_examples: int | None
    examples: NDArray[np.int64]
    level: float
    rival: str | None = None

    def doubted(self, rival: str) -> Decision:
        """Return it as not decisive, with a rival that could be the best just as well."""
        held = self.best_set if rival in self.best_set else (*self.best_set, rival)
        return replace(self, best_set=held, decisive=False, rival=rival)

    @property
    def noisy(self) -> bool:
        """Whether no strategy is the best with the level asked for."""
        return float(self.p_best.max()) < self.level

    @property
    def order(self) -> NDArray[np.int64]:
        """Indices from the best to the worst."""
        return np.argsort(self.rank, kind="stable")

    @property
    def best(self) -> str:
        """Name of the first strategy."""
        return self.strategies[int(self.order[0])]


def decide(
    strategies: tuple[str, ...],
    score: Array,
    draws: Array,
    examples: NDArray[np.int64],
    *,
    lower_is_better: bool,
    level: float,
) -> Decision:
    """Rank strategies by a score and its draws.

    Parameters
    ----------
    strategies : tuple of str, (strategies,)
        Names.
    score : array, (strategies,)
        Score on the examples as logged.
    draws : array, (draws, strategies)
        Scores over examples like them.
    examples : array of int, (strategies,)
        Number of examples.
    lower_is_better : bool
        Direction.
    level : float
        Probability of intervals and of the set of the best.

    Returns
    -------
    Decision

    Examples
    --------
    >>> draws = np.array([[1.0, 2.0], [1.1, 1.9], [2.0, 1.5], [1.2, 2.2]])
    >>> score, examples = np.array([1.2, 1.9]), np.array([9, 9])
    >>> found = decide(("a", "b"), score, draws, examples, lower_is_better=True, level=0.7)
    >>> found.p_best.tolist(), found.best_set
    ([0.75, 0.25], ('a',))
    """
    sign = 1.0 if lower_is_better else -1.0
    signed = sign * draws
    least = signed.min(axis=1, keepdims=True)
    wins = signed == least
    p_best = (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)
    order = np.lexsort((-p_best, sign * score))
    rank = np.empty(len(score), dtype=np.int64)
    rank[order] = np.arange(1, len(score) + 1)
    tail = (1 - level) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail], axis=0)
    chosen = _best_set(p_best, rank, level)
    decisive = chosen == [int(order[0])] and len(score) > 1
    return Decision(
        strategies, score, np.minimum(lower, score), np.maximum(upper, score), rank, p_best,
        (signed - least).mean(axis=0), tuple(strategies[i] for i in chosen), decisive,
        0 if decisive else _further(score, draws, order, examples, level), examples, level,
    )  # fmt: skip


def _best_set(p_best: Array, rank: NDArray[np.int64], level: float) -> list[int]:
    likeliest = np.lexsort((rank, -p_best))
    held = np.cumsum(p_best[likeliest])
    count = int(np.searchsorted(held, level * (1 - 1e-12))) + 1
    return [int(i) for i in likeliest[:count]]


def _further(
    score: Array, draws: Array, order: NDArray[np.int64], examples: NDArray[np.int64], level: float
) -> int | None:
    """Return how many more examples it takes: errors fall with the root of their number."""
    if len(score) < 2:
        return None
    first, second = order[:2]
    apart = abs(float(score[second] - score[first]))
    error = float(np.std(draws[:, second] - draws[:, first]))
    if error == 0:
        return 0 if apart > 0 else None
    have = int(min(examples[first], examples[second]))
    if apart * _MOST_EXAMPLES**0.5 <= error * have**0.5:
        return None
    needed = have * (NormalDist().inv_cdf(level) * error / apart) ** 2
    return max(0, ceil(needed - have))


def noise_in_words(decision: Decision) -> str:
    """Return what to make of differences within noise, in a sentence.

    Examples
    --------
    >>> same = np.ones((2, 2))
    >>> one = decide(("a", "b"), same[0], same, np.array([9, 9]), lower_is_better=True, level=0.9)
    >>> noise_in_words(one).partition("; ")[0]
    'differences within noise: any of a, b'
    """
    more, level = decision.further_examples, f"{100 * decision.level:g} %"
    told = f"some {more or 0:,} more examples would separate the first two at {level}"
    if more is None:
        told = f"no number of examples would separate the first two at {level}"
    elif more == 0:
        told = f"the first two are apart at {level}, the first and all others together are not"
    return f"differences within noise: any of {', '.join(decision.best_set)}; {told}"
