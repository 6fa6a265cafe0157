"""Two steps: model size to task loss, task loss to score."""

from __future__ import annotations

import numpy as np

from predictor.difficulty.draws import Draws
from predictor.difficulty.end_to_end import centred_pair, centred_size
from predictor.difficulty.ladder import Ladder, Place
from predictor.difficulty.score_laws import SCORE_OF_LOSS, TASK_LOSS, TASK_LOSS_OF_COMPUTE
from predictor.fitting.law import Array, Law
from predictor.fitting.solver import solve

#: Huber's delta on log losses, as published: nearly absolute errors.
_DELTA = 1e-3
_STARTS = 6


def forecast_two_step(ladder: Ladder, places: list[Place], draws: Draws) -> Array:
    """Forecast task loss from parameters and tokens (or compute), and score from task loss.

    Step 1 is fitted to the models' last losses by Huber's loss on logs; step 2, a sigmoid, to all
    checkpoints that the ladder has, and to a loss of 0 that scores 1.

    Parameters
    ----------
    ladder : Ladder
        With task losses.
    places : list of Place
        Where; with parameters and tokens if those of the ladder vary apart.
    draws : Draws
        Bootstrap draws.

    Returns
    -------
    array, (draws, places)

    References
    ----------
    Bhagia et al., Establishing Task Scaling Laws via Compute-Efficient Model Ladders, arXiv
    2412.04403.
    """
    return score_of_loss(ladder, task_loss(ladder, places, draws), draws)


def task_loss(ladder: Ladder, places: list[Place], draws: Draws) -> Array:
    """Return the task loss forecast for each draw and place: step 1."""
    known = all(np.isfinite([place.params, place.tokens]).all() for place in places)
    if ladder.two_axes and known:
        n, d, at_n, at_d = centred_pair(ladder, places)
        return _first_step(TASK_LOSS, [n, d], [at_n, at_d], draws)
    z, at = centred_size(ladder, places)
    return _first_step(TASK_LOSS_OF_COMPUTE, [z], [at], draws)


def _first_step(law: Law, x: list[Array], at: list[Array], draws: Draws) -> Array:
    axes = [a[None] for a in x]
    first = solve(law, axes, draws.loss[:1], residual="log", delta=_DELTA, n_starts=_STARTS)
    params = first.params
    if draws.count > 1:
        starts = np.repeat(params[None], draws.count - 1, axis=0)
        weights = draws.rungs[1:]
        rest = solve(
            law, axes, draws.loss[1:], weights, residual="log", delta=_DELTA, starts=starts
        )
        params = np.concatenate([params, rest.params])
    return law.value([a[None] for a in at], params)


def score_of_loss(ladder: Ladder, loss: Array, draws: Draws) -> Array:
    """Return the score for each draw's losses, (draws, places): step 2.

    Parameters
    ----------
    ladder : Ladder
        With its history of checkpoints, or its models' last losses and scores.
    loss : array, (draws, places)
        Task losses.
    draws : Draws
        Weights of the models, each with all its checkpoints.
    """
    history = ladder.history
    if history is None:
        x, y, rung = ladder.loss, draws.score, np.arange(ladder.rungs)
    else:
        x, rung = history.loss, history.rung
        y = np.broadcast_to(history.score, (draws.count, len(x)))
    unit = x.mean()
    places = np.append(x / unit, 0.0)[None]
    scores = np.concatenate([y, np.ones((draws.count, 1))], axis=1)
    weights = np.concatenate([draws.rungs[:, rung], np.ones((draws.count, 1))], axis=1)
    law = SCORE_OF_LOSS
    params = solve(law, places, scores[:1], weights[:1], residual="linear", n_starts=_STARTS).params
    if draws.count > 1:
        starts = np.repeat(params[None], draws.count - 1, axis=0)
        rest = solve(law, places, scores[1:], weights[1:], residual="linear", starts=starts)
        params = np.concatenate([params, rest.params])
    return np.clip(law.value(loss / unit, params), 0.0, 1.0)
