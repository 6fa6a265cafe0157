"""Which runs to make next: those that tell most of the forecast that matters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from predictor.errors import InputError
from predictor.fitting.law import Array
from predictor.scaling.allocation import loss_at
from predictor.scaling.scaling_law import ScalingLaw
from predictor.scaling.table import FLOPS_PER_PARAM_TOKEN

_SIZES, _RATIOS = 9, 9
#: Candidates have this many tokens a parameter.
_TOKENS_PER_PARAM = (1.0, 500.0)
_SMALLEST_SHARE = 1e-3


def next_runs(
    law: ScalingLaw, target: Mapping[str, float], flops: float, *, runs: int = 3
) -> pd.DataFrame:
    """Return the runs within a budget that shrink the interval of a forecast most.

    A run that is made tells its loss, give or take the scatter of the table about the law. Over the
    bootstrap draws, how a candidate's loss goes with the target's says how much of the target's
    spread it takes away; the best candidate is taken, its loss held as known, and so on.

    Parameters
    ----------
    law : ScalingLaw
        Fitted, with some hundred draws.
    target : mapping
        ``params`` and ``tokens`` of the forecast that matters.
    flops : float
        Compute for all of the new runs together.
    runs : int
        How many at most.

    Returns
    -------
    DataFrame
        One row a run, in the order in which to make them: ``params, tokens, flops, spread_before``
        and ``spread_after`` (standard deviation of the target's loss over the draws, relative) and
        ``reduction``, the share taken away so far.

    Raises
    ------
    InputError
        If the budget is not positive, or the target has no params and tokens.

    References
    ----------
    Chaloner and Verdinelli 1995, Bayesian Experimental Design, Statistical Science 10.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> n, d = np.meshgrid(np.geomspace(1e7, 1e8, 4), np.geomspace(1e9, 1e10, 4))
    >>> n, d = n.ravel(), d.ravel()
    >>> loss = (1.8 + 480 / n**0.35 + 2100 / d**0.37) * np.exp(0.003 * rng.normal(size=16))
    >>> law = ScalingLaw("chinchilla", draws=200).fit(n, d, loss)
    >>> found = next_runs(law, {"params": 1e10, "tokens": 2e11}, 1e20, runs=2)
    >>> bool((found["spread_after"] < found["spread_before"]).all())
    True
    """
    if not (np.isfinite(flops) and flops > 0):
        raise InputError(f"a budget is a positive number of FLOPs, not {flops:g}")
    if not {"params", "tokens"} <= set(target):
        raise InputError("the target needs params and tokens, such as params=7e9,tokens=2e12")
    law._check_splittable()
    draws = law.fit_.draws
    sizes, tokens = _candidates(flops)
    runs_there = law.table_.runs
    # Smaller runs than any there would ask the law about what it has not seen.
    known = (sizes >= runs_there["params"].min()) & (tokens >= runs_there["tokens"].min())
    if not known.any():
        raise InputError(f"{flops:g} FLOPs buy no run as large as the smallest in the table")
    sizes, tokens = sizes[known], tokens[known]
    said = np.log(loss_at(law.fit_.law, draws, sizes, tokens))
    size, data = (np.array([float(target[name])]) for name in ("params", "tokens"))
    aim = np.log(loss_at(law.fit_.law, draws, size, data))[:, 0]
    usable = np.isfinite(said).all(axis=0)
    sizes, tokens, said = sizes[usable], tokens[usable], said[:, usable]
    noise = max(float(law.ensemble_.noise[-1]), 1e-6) ** 2
    left, first = flops, _robust_variance(aim)
    rows = []
    for _ in range(runs):
        cost = FLOPS_PER_PARAM_TOKEN * sizes * tokens
        gain = np.where(cost <= left, _taken_away(said, aim, noise), -np.inf)
        best = int(gain.argmax())
        before = _robust_variance(aim)
        if not np.isfinite(gain[best]) or gain[best] <= 1e-3 * before:
            break
        aim, said = _known(said, aim, best, noise)
        left -= float(cost[best])
        after = _robust_variance(aim)
        rows.append(
            {
                "params": sizes[best],
                "tokens": tokens[best],
                "flops": cost[best],
                "spread_before": np.sqrt(before),
                "spread_after": np.sqrt(after),
                "reduction": 1 - np.sqrt(after / first),
            }
        )
    columns = ["params", "tokens", "flops", "spread_before", "spread_after", "reduction"]
    return pd.DataFrame(rows, columns=columns)


def _candidates(flops: float) -> tuple[Array, Array]:
    """Return sizes and tokens of candidate runs, from a thousandth of the budget to all of it."""
    budgets = flops * np.geomspace(_SMALLEST_SHARE, 1.0, _SIZES)
    ratios = np.geomspace(*_TOKENS_PER_PARAM, _RATIOS)
    budget, ratio = (grid.ravel() for grid in np.meshgrid(budgets, ratios))
    size = np.sqrt(budget / (FLOPS_PER_PARAM_TOKEN * ratio))
    return size, ratio * size * (1 - 1e-12)


def _taken_away(said: Array, aim: Array, noise: float) -> Array:
    """Return how much of the target's variance each candidate takes away."""
    centred = said - said.mean(axis=0)
    cross = centred.T @ (aim - aim.mean()) / (len(aim) - 1)
    return np.asarray(cross**2 / (centred.var(axis=0, ddof=1) + noise))


def _known(said: Array, aim: Array, chosen: int, noise: float) -> tuple[Array, Array]:
    """Return what is left of the target's and the candidates' spread once one is known."""
    seen = said[:, chosen] - said[:, chosen].mean()
    weight = 1 / (seen.var(ddof=1) + noise)

    # A share of the regression, so that the variance left is that after a noisy observation.
    def rest(values: Array) -> Array:
        off = values - values.mean(axis=0)
        slope = (seen @ off) / (len(seen) - 1)
        full = seen.var(ddof=1)
        share = (1 - np.sqrt(max(1 - full * weight, 0.0))) / max(full, 1e-300)
        return np.asarray(values - share * np.multiply.outer(seen, slope).reshape(values.shape))

    return rest(aim), rest(said)


def _robust_variance(values: Array) -> float:
    return float(values.var(ddof=1))
