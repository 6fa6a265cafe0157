"""Observational laws: what public models of all families tell about capability and score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.difficulty.draws import Draws
from predictor.difficulty.ladder import Ladder, Place
from predictor.fitting.law import Array

COMPONENTS = 3
#: Fewest models that make principal components, and fewest benchmarks beside the target.
FEWEST_MODELS, FEWEST_BENCHMARKS = 8, 3
_NEAR_END, _RIDGE, _IMPUTING = 0.01, 1e-3, 50


@dataclass(frozen=True)
class Capabilities:
    """Principal components of benchmark scores.

    Parameters
    ----------
    values : array, (models, components)
        Capabilities of each model, standardised benchmarks projected.
    explained : array, (components,)
        Share of variance each explains.
    """

    values: Array
    explained: Array


def capabilities(scores: Array, components: int = COMPONENTS) -> Capabilities:
    """Return principal components of models' scores, gaps filled by the components themselves.

    Parameters
    ----------
    scores : array, (models, benchmarks)
        Scores; NaN where a model was not tested.
    components : int
        How many.

    Returns
    -------
    Capabilities

    References
    ----------
    Ruan et al., Observational Scaling Laws and the Predictability of Language Model Performance,
    arXiv 2405.10938.

    Examples
    --------
    >>> size = np.linspace(0, 1, 9)
    >>> found = capabilities(np.stack([size, 2 * size, size**2], axis=1), 1)
    >>> bool(found.explained[0] > 0.95)
    True
    """
    mean, spread = np.nanmean(scores, axis=0), np.nanstd(scores, axis=0)
    known = np.isfinite(scores)
    standard = np.where(known, (scores - mean) / np.maximum(spread, 1e-9), 0.0)
    filled = standard.copy()
    for _ in range(_IMPUTING if not known.all() else 1):
        left, size, right = np.linalg.svd(filled, full_matrices=False)
        guess = left[:, :1] * size[:1] @ right[:1]
        filled = np.where(known, standard, guess)
    left, size, _ = np.linalg.svd(filled - filled.mean(axis=0), full_matrices=False)
    kept = min(components, len(size))
    values = left[:, :kept] * size[:kept] / np.sqrt(len(scores))
    return Capabilities(values, size[:kept] ** 2 / (size**2).sum())


def lacking(ladder: Ladder) -> str:
    """Return in words what the ladder lacks for an observational forecast; empty where nothing."""
    public = ladder.public
    if public is None:
        return "needs scores of many models, of several families, on several benchmarks"
    others = [name for name in public.benchmarks if name != ladder.benchmark]
    scored = np.isfinite(public.column(ladder.benchmark)).sum()
    if len(others) < FEWEST_BENCHMARKS or scored < FEWEST_MODELS:
        return (
            f"needs {FEWEST_MODELS} models with a score and {FEWEST_BENCHMARKS} other benchmarks; "
            f"there are {scored} and {len(others)}"
        )
    return "" if len(np.unique(ladder.size)) > 1 else "needs two sizes of the family"


def forecast_observational(ladder: Ladder, places: list[Place], draws: Draws) -> Array:
    """Forecast by capabilities: compute to capability in the family, capability to score in all.

    Capabilities are principal components of all other benchmarks. Within the family they are
    linear in log compute; over all models the target's logit is linear in them.

    Returns
    -------
    array, (draws, places)
        In draws the models are weighted anew.
    """
    public = ladder.public
    assert public is not None
    others = [k for k, name in enumerate(public.benchmarks) if name != ladder.benchmark]
    found = capabilities(public.scores[:, others]).values
    target = public.column(ladder.benchmark)
    known = np.isfinite(target)
    own = np.array([public.models.index(model) for model in ladder.models])
    ahead = _along_compute(ladder, found[own], places, draws)
    shift = np.concatenate([np.ones((len(found), 1)), found], axis=1)
    slopes = _logit_fit(shift[known], target[known], ladder.chance, draws)
    lifted = np.concatenate([np.ones((*ahead.shape[:2], 1)), ahead], axis=2)
    logit = np.einsum("dpk,dk->dp", lifted, slopes)
    return np.asarray(ladder.chance + (1 - ladder.chance) / (1 + np.exp(-logit)))


def _along_compute(ladder: Ladder, own: Array, places: list[Place], draws: Draws) -> Array:
    """Return capabilities at the places by a line in log compute, (draws, places, components)."""
    z = np.log(ladder.size)
    line = np.stack([np.ones_like(z), z - z.mean()], axis=1)
    slopes = _least_squares(line, np.broadcast_to(own, (draws.count, *own.shape)), draws.rungs)
    at = np.log([place.size for place in places]) - z.mean()
    return np.asarray(slopes[:, None, 0] + at[None, :, None] * slopes[:, None, 1])


def _logit_fit(x: Array, target: Array, chance: float, draws: Draws) -> Array:
    """Return weighted least squares of the target's logit, (draws, components + 1)."""
    share = np.clip((target - chance) / (1 - chance), _NEAR_END, 1 - _NEAR_END)
    rng = np.random.default_rng(draws.seed)
    weights = rng.exponential(size=(draws.count, len(x)))
    weights[0] = 1.0
    # The logit's noise grows towards the ends as 1 / (p (1 - p)).
    weights = weights * (share * (1 - share)) ** 2
    y = np.broadcast_to(np.log(share / (1 - share))[:, None], (draws.count, len(x), 1))
    return _least_squares(x, y, weights)[..., 0]


def _least_squares(x: Array, y: Array, weights: Array) -> Array:
    """Solve weighted least squares for every draw: x (n, k), y (draws, n, m), w (draws, n)."""
    normal = np.einsum("dn,ni,nj->dij", weights, x, x)
    right = np.einsum("dn,ni,dnm->dim", weights, x, y)
    ridge = _RIDGE * weights.sum(axis=1)[:, None, None] * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(normal + ridge * (x**2).mean(), right))
