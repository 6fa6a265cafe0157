"""End-to-end laws: a benchmark's score over compute, without a look at its items."""

from __future__ import annotations

import numpy as np

from predictor.difficulty.cluster_law import CLUSTER_LAW, fit_clusters, log_size
from predictor.difficulty.draws import Draws
from predictor.difficulty.ladder import Ladder, Place
from predictor.difficulty.score_laws import EXPONENTIAL_PAIR, PASS_RATE
from predictor.fitting.broken_laws import BROKEN
from predictor.fitting.law import Array, Law
from predictor.fitting.solver import solve

_STARTS = 4


def forecast_exponential(ladder: Ladder, places: list[Place], draws: Draws) -> Array:
    """Forecast by ``g + (1 - g) exp(-a C^-b - c)`` on the whole benchmark's score.

    Returns
    -------
    array, (draws, places)
    """
    smallest = float(ladder.size[0])
    z, at = log_size(ladder.size, smallest), log_size(_sizes(places), smallest)
    params = fit_clusters(z, draws.score, ladder.chance, draws.rungs, n_starts=_starts(draws))
    return CLUSTER_LAW.value(at[None], params)


def forecast_pass_rate(ladder: Ladder, places: list[Place], draws: Draws) -> Array:
    """Forecast by ``exp(-a C^-b)``: the log of the score is a power law.

    Returns
    -------
    array, (draws, places)
    """
    z, at = centred_size(ladder, places)
    return _solved(PASS_RATE, [z], [at], draws.score, draws)


def forecast_broken(ladder: Ladder, places: list[Place], draws: Draws) -> Array:
    """Forecast by a broken neural scaling law of the error rate.

    Returns
    -------
    array, (draws, places)
    """
    z, at = centred_size(ladder, places)
    return 1 - _solved(BROKEN, [np.exp(z)], [np.exp(at)], 1 - draws.score, draws)


def forecast_pair(ladder: Ladder, places: list[Place], draws: Draws) -> Array:
    """Forecast by ``g + (1 - g) exp(-A N^-alpha - B D^-beta)``.

    Returns
    -------
    array, (draws, places)
        NaN where the place does not say parameters and tokens.
    """
    n, d, at_n, at_d = centred_pair(ladder, places)
    g = np.full_like(n, ladder.chance)
    at_g = np.full_like(at_n, ladder.chance)
    return _solved(EXPONENTIAL_PAIR, [n, d, g], [at_n, at_d, at_g], draws.score, draws)


def centred_pair(ladder: Ladder, places: list[Place]) -> tuple[Array, Array, Array, Array]:
    """Return log parameters and log tokens about their means: the ladder's, then the places'."""
    n, d = np.log(ladder.params), np.log(ladder.tokens)
    at_n = np.log([place.params for place in places])
    at_d = np.log([place.tokens for place in places])
    return n - n.mean(), d - d.mean(), at_n - n.mean(), at_d - d.mean()


def centred_size(ladder: Ladder, places: list[Place]) -> tuple[Array, Array]:
    """Return log sizes about the ladder's mean: the ladder's, then the places'."""
    z = np.log(ladder.size)
    return z - z.mean(), np.log(_sizes(places)) - z.mean()


def _sizes(places: list[Place]) -> Array:
    return np.array([place.size for place in places])


def _starts(draws: Draws) -> int:
    return _STARTS if draws.count == 1 else 1


def _solved(law: Law, x: list[Array], at: list[Array], y: Array, draws: Draws) -> Array:
    """Fit the data from many starts, the draws from there."""
    axes, places = [a[None] for a in x], [a[None] for a in at]
    first = solve(law, axes, y[:1], draws.rungs[:1], residual="linear", n_starts=_STARTS)
    params = first.params
    if draws.count > 1:
        starts = np.repeat(params[None], draws.count - 1, axis=0)
        rest = solve(law, axes, y[1:], draws.rungs[1:], residual="linear", starts=starts)
        params = np.concatenate([params, rest.params])
    with np.errstate(invalid="ignore", over="ignore"):
        return np.clip(law.value(places, params), 0.0, 1.0)
