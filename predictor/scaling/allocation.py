"""What to train: sizes and amounts of data that a law finds best, for many draws at once.

Everything here asks a law only for its loss at parameters and tokens, so it serves any of them;
draws are one array axis, so an interval is one more call on the bootstrap refits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from predictor.errors import InputError
from predictor.fitting.law import Array, Law
from predictor.scaling.table import FLOPS_PER_PARAM_TOKEN, complete, law_axes

#: FLOPs of reading one token with one parameter, forward only (Kaplan et al. 2020).
FLOPS_PER_PARAM_TOKEN_READ = 2.0
#: The search for a size covers so many powers of ten to each side of a square allocation.
_DECADES, _GRID = 5.0, 201
_BISECTIONS = 60
_MOST_TOKENS, _FEWEST_TOKENS = 1e24, 1.0


@dataclass(frozen=True)
class Allocation:
    """How to spend a budget, with percentile intervals over the bootstrap draws.

    Parameters
    ----------
    flops : float
        Training compute in FLOPs.
    params, tokens : float
        Model size and training tokens.
    value, lower, upper : float or None
        Forecast loss there and its interval; None where it cannot be forecast.
    params_lower, params_upper, tokens_lower, tokens_upper : float
        Interval of the best size and of the best amount of data.
    level : float
        Probability of the intervals.
    epochs : float
        Passes over the data; 1 where the data do not run out.
    total_flops : float
        Training and, where asked for, inference.
    """

    flops: float
    params: float
    tokens: float
    value: float | None
    lower: float | None
    upper: float | None
    params_lower: float
    params_upper: float
    tokens_lower: float
    tokens_upper: float
    level: float
    epochs: float = 1.0
    total_flops: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the allocation as the JSON document has it."""
        return asdict(self)


def loss_at(
    law: Law, draws: Array, params: Array, tokens: Array, unique_tokens: float | None = None
) -> Array:
    """Return the loss of each draw at its own or shared places.

    Parameters
    ----------
    law : Law
        A law over parameters and tokens.
    draws : array, (draws, parameters)
        Estimates of the law.
    params, tokens : array, (places,) or (draws, places)
        Where.
    unique_tokens : float, optional
        Tokens there are; all are fresh where not given.

    Returns
    -------
    array, (draws, places)
    """
    shape = np.broadcast_shapes(np.shape(params), np.shape(tokens))
    size, data = (np.broadcast_to(a, shape).ravel() for a in (params, tokens))
    runs = complete({"params": size, "tokens": data})
    if unique_tokens is not None:
        runs["unique_tokens"] = np.minimum(data, unique_tokens)
    axes = [
        axis.reshape(1, -1) if len(shape) < 2 else axis.reshape(shape)
        for axis in law_axes(law, runs)
    ]
    with np.errstate(over="ignore", under="ignore"):
        return law.value(axes, draws)


def best_params(law: Law, draws: Array, flops: float, unique_tokens: float | None = None) -> Array:
    """Return the size that has the least loss for a training budget, one a draw.

    Minimises ``L(N, C / (6 N))`` over N.

    Parameters
    ----------
    law : Law
        A law over parameters and tokens.
    draws : array, (draws, parameters)
        Estimates of the law.
    flops : float
        Training budget C in FLOPs.
    unique_tokens : float, optional
        Tokens there are; more are read again.

    Returns
    -------
    array, (draws,)

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556, equation 4.

    Examples
    --------
    >>> from predictor.scaling.laws import CHINCHILLA
    >>> estimates = np.array([[1.8172, 482.01, 2085.43, 0.3478, 0.3658]])
    >>> best_params(CHINCHILLA, estimates, 5.76e23).round(-8)
    array([7.22e+10])
    """
    square = np.sqrt(flops / FLOPS_PER_PARAM_TOKEN)
    grid = np.log(square) + np.log(10) * np.linspace(-_DECADES, _DECADES, _GRID)
    size = np.exp(grid)
    loss = loss_at(law, draws, size, flops / (FLOPS_PER_PARAM_TOKEN * size), unique_tokens)
    return np.exp(_valley(grid, loss))


def tokens_for_loss(
    law: Law, draws: Array, params: Array, loss: float, unique_tokens: float | None = None
) -> Array:
    """Return the tokens with which each size reaches a loss; infinite where it cannot.

    Parameters
    ----------
    law : Law
        A law over parameters and tokens.
    draws : array, (draws, parameters)
        Estimates of the law.
    params : array, (places,)
        Model sizes.
    loss : float
        Target.
    unique_tokens : float, optional
        Tokens there are.

    Returns
    -------
    array, (draws, places)
    """
    shape = (len(draws), len(params))
    low = np.full(shape, np.log(_FEWEST_TOKENS))
    high = np.full(shape, np.log(_MOST_TOKENS))
    size = np.broadcast_to(params, shape)
    reachable = loss_at(law, draws, size, np.exp(high), unique_tokens) <= loss
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        enough = loss_at(law, draws, size, np.exp(middle), unique_tokens) <= loss
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reachable, np.exp(high), np.inf)


def cheapest_for_loss(
    law: Law, draws: Array, loss: float, inference_tokens: float = 0.0
) -> tuple[Array, Array]:
    """Return size and tokens that reach a loss with the least compute, one a draw.

    Minimises ``6 N D + 2 N D_inference`` with ``L(N, D) = loss`` over N.

    Parameters
    ----------
    law : Law
        A law over parameters and tokens.
    draws : array, (draws, parameters)
        Estimates of the law.
    loss : float
        Target.
    inference_tokens : float
        Tokens that the model will read and write once it is in use.

    Returns
    -------
    params, tokens : array, (draws,)
        NaN where no size reaches the loss.

    References
    ----------
    Sardana et al. 2024, arXiv 2401.00448, equation 2.
    """
    grid = np.log(10) * np.linspace(3, 16, 2 * _GRID)
    tokens = tokens_for_loss(law, draws, np.exp(grid), loss)
    flops = np.exp(grid) * (
        FLOPS_PER_PARAM_TOKEN * tokens + FLOPS_PER_PARAM_TOKEN_READ * inference_tokens
    )
    reached = np.isfinite(flops).any(axis=1)
    cost = np.where(np.isfinite(flops), np.log(flops), 1e3)
    size = _valley(grid, cost)
    between = np.stack(
        [
            np.interp(n, grid, t)
            for n, t in zip(size, np.log(np.minimum(tokens, _MOST_TOKENS)), strict=True)
        ]
    )
    return np.where(reached, np.exp(size), np.nan), np.where(reached, np.exp(between), np.nan)


def _valley(grid: Array, height: Array) -> Array:
    """Return the place of the lowest point of each row, between nodes by a parabola."""
    best = height.argmin(axis=1)
    middle = np.clip(best, 1, len(grid) - 2)[:, None]
    low, here, high = (np.take_along_axis(height, middle + k, 1)[:, 0] for k in (-1, 0, 1))
    bend = low - 2 * here + high
    shift = np.where(bend > 0, (low - high) / np.where(bend > 0, 2 * bend, 1.0), 0.0)
    inside = (best > 0) & (best < len(grid) - 1)
    step = grid[1] - grid[0]
    return np.where(inside, grid[middle[:, 0]] + np.clip(shift, -1, 1) * step, grid[best])


def need_both_axes(law: Law) -> None:
    """Refuse a law of compute alone: it does not say how to split a budget.

    Raises
    ------
    InputError
        If the law knows compute only.
    """
    if law.axes == ("flops",):
        raise InputError(
            f"law '{law.name}' knows compute only and cannot split a budget into parameters and "
            "tokens; use chinchilla, overtrained, kaplan or data-constrained"
        )


def frontier(law: Law, draws: Array, flops: Array) -> pd.DataFrame:
    """Return the Pareto front of loss against training compute, one row a budget.

    Parameters
    ----------
    law : Law
        A law over parameters and tokens.
    draws : array, (draws, parameters)
        Estimates; the first row is the fit, the columns hold its values.
    flops : array, (budgets,)
        Training budgets in FLOPs.

    Returns
    -------
    DataFrame
        Columns ``flops, params, tokens, loss``.
    """
    rows = []
    for budget in np.asarray(flops, dtype=float):
        size = best_params(law, draws[:1], budget)[0]
        data = budget / (FLOPS_PER_PARAM_TOKEN * size)
        loss = loss_at(law, draws[:1], np.array([size]), np.array([data]))[0, 0]
        rows.append((budget, size, data, loss))
    return pd.DataFrame(rows, columns=["flops", "params", "tokens", "loss"])
