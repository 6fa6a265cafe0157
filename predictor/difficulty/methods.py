"""The registry of methods: all forecast from the same ladder, draws and places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from predictor.difficulty.cod import FEWEST_ITEMS, forecast_cod
from predictor.difficulty.draws import Draws
from predictor.difficulty.end_to_end import (
    forecast_broken,
    forecast_exponential,
    forecast_pair,
    forecast_pass_rate,
)
from predictor.difficulty.features import solved
from predictor.difficulty.ladder import Ladder, Place
from predictor.difficulty.observational import forecast_observational, lacking
from predictor.difficulty.two_step import forecast_two_step
from predictor.errors import InputError
from predictor.fitting.law import Array


@dataclass(frozen=True)
class Method:
    """A way to forecast a benchmark.

    Parameters
    ----------
    name : str
        As in the output.
    family : str
        As in ``--method``.
    title : str
        Name for people.
    source : str
        Where it comes from.
    prior : float
        Weight before any backtest, where the method's assumptions hold.
    missing : callable
        ``missing(ladder)``: what the ladder lacks for it, in words; empty where nothing.
    forecast : callable
        ``forecast(ladder, places, draws)``: array (draws, places), NaN where it cannot say.
    """

    name: str
    family: str
    title: str
    source: str
    prior: float
    missing: Callable[[Ladder], str]
    forecast: Callable[[Ladder, list[Place], Draws], Array]


def last_value(_ladder: Ladder, places: list[Place], draws: Draws) -> Array:
    """Forecast that nothing changes: the score of the largest model."""
    return np.repeat(draws.score[:, -1:], len(places), axis=1)


def _summed(ladder: Ladder, places: list[Place], draws: Draws) -> Array:
    return forecast_cod(ladder, places, draws, summed=True)


def _rungs(fewest: int) -> Callable[[Ladder], str]:
    def missing(ladder: Ladder) -> str:
        count = len(np.unique(ladder.size))
        return "" if count >= fewest else f"needs {fewest} sizes, there are {count}"

    return missing


def _items(fewest: int, *, scored: bool) -> Callable[[Ladder], str]:
    def missing(ladder: Ladder) -> str:
        if not ladder.has_items:
            return "needs results per item"
        count = int(solved(ladder.rates).sum())
        if count < FEWEST_ITEMS:
            return f"needs {FEWEST_ITEMS} items that some model solves, there are {count}"
        if scored and not ladder.scored_by_items:
            return "needs a score that is the items' mean"
        return _rungs(fewest)(ladder)

    return missing


def _loss(ladder: Ladder) -> str:
    known = np.isfinite(ladder.loss).all() and (ladder.loss > 0).all()
    return _rungs(3)(ladder) if known else "needs a task loss of every model"


def _pair(ladder: Ladder) -> str:
    if not ladder.two_axes:
        return "needs parameters and tokens that vary apart from each other"
    return _rungs(6)(ladder)


_COD = "Xu et al., arXiv 2502.17262v4"
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("cod", "cod", "Clustering on difficulty, predictable subset mapped to all", _COD,
               0.05, _items(4, scored=False), forecast_cod),
        Method("cod-sum", "cod", "Clustering on difficulty, laws of all clusters added",
               f"{_COD}, without the mapping", 1.2, _items(4, scored=True), _summed),
        Method("exp", "end-to-end", "Exponential of a power law of compute", _COD,
               0.25, _rungs(3), forecast_exponential),
        Method("pass-rate", "end-to-end", "Power law of the log score",
               "OpenAI, arXiv 2303.08774", 0.2, _rungs(2), forecast_pass_rate),
        Method("bnsl", "end-to-end", "Broken neural scaling law of the error",
               "Caballero et al., arXiv 2210.14891", 0.02, _rungs(7), forecast_broken),
        Method("exp-nd", "end-to-end", "Exponential of power laws of parameters and tokens",
               _COD, 0.2, _pair, forecast_pair),
        Method("two-step", "two-step", "Task loss, then score",
               "Bhagia et al., arXiv 2412.04403", 0.1, _loss, forecast_two_step),
        Method("observational", "observational", "Principal components of public models' scores",
               "Ruan et al., arXiv 2405.10938", 0.15, lacking, forecast_observational),
        Method("last", "last", "Score of the largest model, unchanged", "-", 0.05, _rungs(1),
               last_value),
    )
}  # fmt: skip
#: Clustering assumes one ratio of tokens to parameters; where it varies, that much is left of its
#: weight.
_RATIO_VARIES = 0.1
#: With fewer trials an item clusters sort luck: then ``auto`` does not ask them.
FEWEST_TRIALS = 5


def prior_of(method: Method, ladder: Ladder) -> float:
    """Return the weight of a method before any backtest on this ladder."""
    ratio = ladder.tokens / ladder.params
    varies = np.isfinite(ratio).all() and ratio.max() > 1.25 * ratio.min()
    return method.prior * (_RATIO_VARIES if varies and method.family == "cod" else 1.0)


def missing_for_auto(method: Method, ladder: Ladder) -> str:
    """Return what keeps a method out of ``auto``: what it lacks, or too few trials an item."""
    lacks = method.missing(ladder)
    if lacks or method.family != "cod":
        return lacks
    trials = float(np.median(ladder.trials[ladder.trials > 0]))
    few = f"{trials:.0f} trials an item: clusters would sort luck; --method cod asks it anyway"
    return few if trials < FEWEST_TRIALS else ""


FAMILIES = ("auto", *dict.fromkeys(method.family for method in METHODS.values()))


def methods_of(name: str) -> list[Method]:
    """Return the methods of a family (or all for "auto"), or the one of this name.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> [method.name for method in methods_of("cod")]
    ['cod', 'cod-sum']
    """
    if name == "auto":
        return list(METHODS.values())
    if name in METHODS and name not in FAMILIES:
        return [METHODS[name]]
    chosen = [method for method in METHODS.values() if method.family == name]
    if not chosen:
        known = ", ".join(dict.fromkeys([*FAMILIES, *METHODS]))
        raise InputError(f"method '{name}' is not known; there are {known}")
    return chosen
