"""Which points are worth their price: Pareto fronts, and speed-ups at equal quality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from predictor.errors import InputError
from predictor.fitting.law import Array

if TYPE_CHECKING:
    import pandas as pd

Better = Literal["lower", "higher"]
#: A point is dominated when another beats it with more than this bootstrap probability.
CERTAIN = 0.95


def pareto_front(
    cost: Array,
    quality: Array,
    *,
    better: Better = "higher",
    certain: float = CERTAIN,
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Say which points no other dominates.

    A point is dominated when another costs no more and is no worse, one of the two strictly. Where
    repeats tell how sure the qualities are, only when that holds with more than the probability
    ``certain`` over bootstrap draws of the repeats.

    Parameters
    ----------
    cost : array, (points,)
        Time, money, FLOPs or another price; less is better.
    quality : array, (points,) or (points, repeats)
        Quality; with repeats (such as seeds, not shared between points) NaN where one is missing.
    better : {"higher", "lower"}
        Which way quality is better.
    certain : float
        Probability that domination must exceed, with repeats.
    draws : int
        Number of bootstrap draws.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    DataFrame
        In the order given: ``cost, quality`` (mean of the repeats), ``on_front``, ``dominated_by``
        (the row that dominates it with the highest probability; -1 for none) and ``probability``
        (that the strongest rival is no worse at no more cost; 0 where there is none).

    Raises
    ------
    InputError
        If lengths differ, a cost is not finite, or a point has no quality.

    References
    ----------
    Portes et al., MosaicBERT, arXiv 2312.17482, 2023 (quality against training time over seeds);
    the rule with intervals is our own.

    Examples
    --------
    >>> front = pareto_front(np.array([1.0, 2.0, 3.0]), np.array([0.7, 0.6, 0.8]))
    >>> front["on_front"].tolist(), front["dominated_by"].tolist()
    ([True, False, True], [-1, 0, -1])
    """
    price, value = np.asarray(cost, dtype=float), np.asarray(quality, dtype=float)
    if price.ndim != 1 or len(value) != len(price) or value.ndim not in (1, 2):
        raise InputError(f"one quality a cost is needed, not {value.shape} for {price.shape}")
    if not np.isfinite(price).all():
        raise InputError("every cost must be a finite number")
    if not np.isfinite(value.reshape(len(price), -1)).any(axis=1).all():
        raise InputError("every point needs a quality that is a finite number")
    rng = np.random.default_rng(seed)
    drawn = value[:, None] if value.ndim == 1 else _bootstrap_means(value, draws, rng)
    mean = value if value.ndim == 1 else np.nanmean(value, axis=1)
    return front_of_draws(price, mean, drawn, better, certain if drawn.shape[1] > 1 else 0.0)


def front_of_draws(
    cost: Array, quality: Array, drawn: Array, better: Better, certain: float
) -> pd.DataFrame:
    """Return the front from draws of the qualities, (points, draws); see :func:`pareto_front`."""
    import pandas as pd

    sign = 1.0 if better == "higher" else -1.0
    rivals = np.array([_beats(cost, sign * drawn, k) for k in range(len(cost))])
    strongest = rivals.argmax(axis=1) if len(cost) else np.empty(0, dtype=int)
    probability = rivals.max(axis=1, initial=0.0)
    dominated = probability > certain
    return pd.DataFrame(
        {
            "cost": cost,
            "quality": quality,
            "on_front": ~dominated,
            "dominated_by": np.where(dominated, strongest, -1),
            "probability": probability,
        }
    )


def speed_up(
    first: tuple[Array, Array],
    second: tuple[Array, Array],
    *,
    at: float | None = None,
    better: Better = "lower",
) -> tuple[float, float] | None:
    """Return how many times less the second curve costs at a quality that both reach.

    Parameters
    ----------
    first, second : (array, array), each (points,)
        Costs (positive) and the quality there.
    at : float, optional
        The quality; the best one that both reach where not given.
    better : {"lower", "higher"}
        Which way quality is better.

    Returns
    -------
    (float, float) or None
        Cost of the first over cost of the second, by monotone interpolation (the best so far,
        linear over the logarithm of the cost), and the quality; None where not both reach it, or
        one is better from its first point on, so that its cost is not known.

    Examples
    --------
    >>> cost = np.array([1.0, 10.0, 100.0])
    >>> loss = np.array([3.0, 2.0, 1.0])
    >>> ratio, quality = speed_up((cost, loss), (cost / 4, loss))
    >>> round(ratio, 6), quality
    (4.0, 1.0)
    """
    sign = 1.0 if better == "lower" else -1.0
    curves = [
        _best_so_far(np.asarray(cost, float), sign * np.asarray(quality, float))
        for cost, quality in (first, second)
    ]
    wanted = max(float(best[-1]) for _, best in curves) if at is None else sign * at
    costs = [cost_at(cost, best, wanted) for cost, best in curves]
    if costs[0] is None or costs[1] is None:
        return None
    return costs[0] / costs[1], float(sign * wanted)


def _bootstrap_means(value: Array, draws: int, rng: np.random.Generator) -> Array:
    """Return means of resampled repeats, (points, draws); each point has repeats of its own."""
    rows = [row[np.isfinite(row)] for row in value]
    return np.array([rng.choice(row, (draws, len(row))).mean(axis=1) for row in rows])


def _beats(cost: Array, drawn: Array, k: int) -> Array:
    """Return with what probability each point dominates point k."""
    cheaper, no_dearer = cost < cost[k], cost <= cost[k]
    wins = np.where(cheaper[:, None], drawn >= drawn[k], drawn > drawn[k]).mean(axis=1)
    return np.where(no_dearer, wins, 0.0)


def _best_so_far(cost: Array, quality: Array) -> tuple[Array, Array]:
    known = np.isfinite(cost) & np.isfinite(quality) & (cost > 0)
    if not known.any():
        raise InputError("a curve needs a point at a positive cost")
    order = np.argsort(cost[known], kind="stable")
    return cost[known][order], np.minimum.accumulate(quality[known][order])


def cost_at(cost: Array, best: Array, quality: float) -> float | None:
    """Return what a quality costs on a curve that falls, linear over the logarithm of the cost.

    Parameters
    ----------
    cost, best : array, (points,)
        Ascending positive costs, and the best value so far at each, lower being better.
    quality : float
        The value that is to be reached.

    Returns
    -------
    float or None
        None where it is never reached, or the first point is better already.

    Examples
    --------
    >>> cost_at(np.array([1.0, 100.0]), np.array([3.0, 1.0]), 2.0)
    10.0
    """
    if best[-1] > quality or best[0] < quality:
        return None
    k = int((best <= quality).argmax())
    if k == 0:
        return float(cost[0])
    share = (best[k - 1] - quality) / (best[k - 1] - best[k])
    return float(cost[k - 1] * (cost[k] / cost[k - 1]) ** share)
