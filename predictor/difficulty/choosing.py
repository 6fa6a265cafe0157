"""Which method to believe: leave out the ladder's largest models, forecast them, compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.difficulty.draws import draw
from predictor.difficulty.ladder import Ladder
from predictor.difficulty.methods import Method
from predictor.fitting.law import Array

#: Before any backtest a forecast is believed to be off by so much per unit of distance, as if that
#: had been seen in so many backtests. Chosen on the public models, where 90 % intervals then hold
#: about nine in ten truths: benchmarks/downstream_public.py.
PRIOR_SCALE, PRIOR_BACKTESTS = 0.016, 3.0
#: Between methods smaller differences count: the scale that their likelihoods start from.
CHOICE_SCALE = 0.002
#: Distance is ``log(size ahead / largest size) + NEAR``: even next to the ladder models differ.
NEAR = 0.5
_FEWEST_RUNGS, _MOST_SPLITS = 3, 6
_APART = 1.1


def distance(ahead: Array | float, last: float) -> Array:
    """Return how far ahead of the largest model a size lies, never below that of a sibling."""
    return np.maximum(np.log(np.asarray(ahead, dtype=float) / last), 0.0) + NEAR


@dataclass(frozen=True)
class Backtests:
    """What each method would have said of the ladder's largest models from the smaller ones.

    Parameters
    ----------
    methods : tuple of str
        Methods that forecast from the whole ladder.
    errors : array, (methods, cases)
        Forecast minus truth; NaN where a method could not say.
    reach : array, (cases,)
        Distance of each case.
    split : array of int, (cases,)
        Which cases were forecast from the same models.
    weight : array, (splits,)
        How much each split tells: less where fewer models were left to forecast from.
    """

    methods: tuple[str, ...]
    errors: Array
    reach: Array
    split: NDArray[np.intp]
    weight: Array

    @property
    def splits(self) -> int:
        """Number of times models were left out."""
        return len(np.unique(self.split))

    def scaled(self) -> Array:
        """Return mean squared error per unit of distance, (methods, splits); NaN: could not say."""
        scaled = (self.errors / self.reach) ** 2
        groups = [scaled[:, self.split == s].mean(axis=1) for s in np.unique(self.split)]
        return np.stack(groups, axis=1) if groups else np.empty((len(self.methods), 0))


def backtest(ladder: Ladder, methods: Sequence[Method]) -> Backtests:
    """Leave out the largest models again and again and let every method forecast them."""
    errors, reach, split, weight = [], [], [], []
    for number, count in enumerate(_cuts(ladder.size)):
        shown, hidden = ladder.take(np.arange(count)), np.arange(count, ladder.rungs)
        hidden = hidden[ladder.size[hidden] >= _APART * ladder.size[count - 1]]
        places = [ladder.place_of(k) for k in hidden]
        plain = draw(shown, 0, np.random.default_rng(0))
        for_all = np.full((len(methods), len(hidden)), np.nan)
        for row, method in enumerate(methods):
            if not method.missing(shown):
                for_all[row] = method.forecast(shown, places, plain)[0] - ladder.score[hidden]
        errors.append(for_all)
        reach.append(distance(ladder.size[hidden], shown.size[-1]))
        split.append(np.full(len(hidden), number))
        weight.append((count / ladder.rungs) ** 2)
    names = tuple(method.name for method in methods)
    if not errors:
        none = np.empty(0)
        return Backtests(names, np.empty((len(names), 0)), none, none.astype(np.intp), none)
    joined = (np.concatenate(errors, axis=1), np.concatenate(reach), np.concatenate(split))
    return Backtests(names, *joined, np.array(weight))


def _cuts(size: Array) -> list[int]:
    """Return numbers of models to forecast from, at most six, where the next is clearly larger."""
    apart = [k for k in range(_FEWEST_RUNGS, len(size)) if size[k] >= _APART * size[k - 1]]
    chosen = np.linspace(0, len(apart) - 1, min(len(apart), _MOST_SPLITS)).round().astype(int)
    return [apart[k] for k in chosen]


def method_weights(
    tests: Backtests, priors: Array, reach: float, without: int | None = None
) -> Array:
    """Return the weight of each method: prior times likelihood of its backtest errors.

    With an inverse-gamma belief about each method's scale, errors have Student's t distribution;
    a method's weight is that likelihood.

    Parameters
    ----------
    tests : Backtests
        Backtests.
    priors : array, (methods,)
        Weights before.
    reach : float
        Distance of the forecast: backtests that reached less far count less.
    without : int, optional
        Leave out this split.

    Returns
    -------
    array, (methods,)
        Sum 1.
    """
    scaled, told = tests.scaled(), tests.weight.copy()
    if len(told):
        told *= np.minimum(tests.reach.mean() / reach, 1.0)
    if without is not None:
        told[without] = 0.0
    total = PRIOR_BACKTESTS * CHOICE_SCALE**2 + _filled(scaled) @ told
    log_weight = np.log(priors) - (PRIOR_BACKTESTS + told.sum()) / 2 * np.log(total)
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.sum())


def _filled(scaled: Array) -> Array:
    """Where a method could not say, count what the middle one of the others was off by.

    A split that none could say anything about tells nothing between them.
    """
    if not scaled.size:
        return scaled
    known = np.isfinite(scaled)
    middle = [
        np.median(column[own]) if own.any() else 0.0
        for column, own in zip(scaled.T, known.T, strict=True)
    ]
    return np.where(known, scaled, middle)


def weighted_median(values: Array, weights: Array) -> Array:
    """Return the weighted median of what the methods say, (places,).

    One method that is far off moves it less than a mean.

    Parameters
    ----------
    values : array, (methods, places)
        What each says.
    weights : array, (methods,)
        Weights.

    Examples
    --------
    >>> weighted_median(np.array([[0.1], [0.2], [0.9]]), np.array([1.0, 1.0, 1.0]))
    array([0.2])
    """
    order = np.argsort(values, axis=0, kind="stable")
    ranked = np.take_along_axis(values, order, axis=0)
    own = weights[order]
    below = (np.cumsum(own, axis=0) - own / 2) / weights.sum()
    return np.array([np.interp(0.5, below[:, k], ranked[:, k]) for k in range(values.shape[1])])


@dataclass(frozen=True)
class Scale:
    """How far off the stacked forecast was, per unit of distance.

    Parameters
    ----------
    value : float
        Scale of Student's t distribution.
    freedom : float
        Its degrees of freedom: prior backtests and real ones.
    backtests : int
        Number of real ones.
    """

    value: float
    freedom: float
    backtests: int

    def half_width(self, reach: Array | float, level: float) -> Array:
        """Return half the width of the interval at this distance."""
        from scipy.stats import t

        return np.asarray(t.ppf((1 + level) / 2, self.freedom) * self.value * reach)


def stacked_scale(tests: Backtests, priors: Array) -> Scale:
    """Return the scale of the stack's own backtest errors, each weighted without its own split."""
    squares, told = [], []
    for number, split in enumerate(np.unique(tests.split)):
        mine = tests.reach[tests.split == split]
        weights = method_weights(tests, priors, float(mine.mean()), without=number)
        own = tests.errors[:, tests.split == split]
        usable = np.isfinite(own).all(axis=1)
        if not usable.any():
            continue
        stacked = weighted_median(own[usable], weights[usable])
        told.append(tests.weight[number])
        squares.append(told[-1] * float(np.mean((stacked / mine) ** 2)))
    freedom = PRIOR_BACKTESTS + sum(told)
    value = np.sqrt((PRIOR_BACKTESTS * PRIOR_SCALE**2 + sum(squares)) / freedom)
    return Scale(float(value), freedom, len(squares))
