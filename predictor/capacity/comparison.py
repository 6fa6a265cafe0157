"""Which model is ahead, by how much, owing to what, and which ones nobody beats at their cost."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictor.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def ranks(value: Array, draws: dict[int, Array], level: float) -> tuple[Array, list[list[int]]]:
    """Rank models by a value, the highest first, with those each is tied with.

    Two models are tied where the interval of their difference, from paired bootstrap draws, holds
    zero. Without draws of both nothing tells, and no tie is claimed.

    Parameters
    ----------
    value : array, (models,)
        Information capacities.
    draws : dict of int to array, (draws,)
        Bootstrap draws of those models whose samples were logged.
    level : float
        Probability of the interval.

    Returns
    -------
    rank : array, (models,)
        1 for the highest value.
    ties : list of list of int
        Indices of the models that each is tied with.

    Examples
    --------
    >>> draws = {0: np.array([0.19, 0.21]), 1: np.array([0.2, 0.2]), 2: np.array([0.1, 0.1])}
    >>> ranks(np.array([0.2, 0.2, 0.1]), draws, 0.9)[1]
    [[1], [0], []]
    """
    order = np.argsort(-value, kind="stable")
    rank = np.empty(len(value))
    rank[order] = np.arange(1, len(value) + 1)
    tail = (1 - level) / 2
    ties: list[list[int]] = [[] for _ in value]
    if not draws:
        return rank, ties
    known, drawn = list(draws), np.stack(list(draws.values()))
    for i, own in zip(known, drawn, strict=True):
        low, high = np.quantile(own - drawn, [tail, 1 - tail], axis=1)
        around_zero = (low <= 0) & (high >= 0)
        ties[i] = [j for j, tied in zip(known, around_zero, strict=True) if tied and j != i]
    return rank, ties


class Decomposition(NamedTuple):
    """Where a difference in information capacity is from; the parts add up to it.

    Parameters
    ----------
    first, second : str
        Models; the difference is first minus second.
    difference : float
        In information capacity.
    tokenizer : float
        More text a token, at the same bits per byte.
    prediction : float
        Fewer bits per byte.
    compute : float
        Fewer FLOPs a token.
    """

    first: str
    second: str
    difference: float
    tokenizer: float
    prediction: float
    compute: float


def decompose(
    first: tuple[str, float, float, float], second: tuple[str, float, float, float], bias: float
) -> Decomposition:
    """Split a difference in information capacity among tokenizer, prediction and compute.

    With B bytes a token and r bits per byte, ``IC = (B (8 - r) + b) / log2 F``. Each of B, r and F
    is exchanged for the other model's in every order, and its mean effect is its share (Shapley).

    Parameters
    ----------
    first, second : tuple of (name, bytes a token, bits per byte, log2 FLOPs)
        The models.
    bias : float
        b.

    References
    ----------
    Shapley, A Value for n-Person Games, 1953; as an attribution: Lundberg and Lee, arXiv
    1705.07874.

    Examples
    --------
    >>> parts = decompose(("a", 4.0, 0.8, 32.0), ("b", 4.0, 0.8, 34.0), -24.0)
    >>> round(parts.compute, 5), parts.tokenizer, parts.prediction
    (0.00882, 0.0, 0.0)
    """

    def capacity(values: list[float]) -> float:
        size, bits, log_flops = values
        return (size * (8 - bits) + bias) / log_flops

    shares = np.zeros(3)
    for order in permutations(range(3)):
        values = list(second[1:])
        for name in order:
            before = capacity(values)
            values[name] = first[1:][name]
            shares[name] += (capacity(values) - before) / 6
    difference = capacity(list(first[1:])) - capacity(list(second[1:]))
    return Decomposition(first[0], second[0], difference, *(float(share) for share in shares))


def pareto_front(cost: Array, quality: Array) -> NDArray[np.bool_]:
    """Return which models no other beats: none costs less, or as little, and is better.

    Parameters
    ----------
    cost : array, (models,)
        Less is better.
    quality : array, (models,)
        More is better.

    Examples
    --------
    >>> pareto_front(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])).tolist()
    [True, True, False]
    """
    no_dearer = cost[:, None] <= cost
    no_worse = quality[:, None] >= quality
    better = (cost[:, None] < cost) | (quality[:, None] > quality)
    return np.logical_not(np.any(no_dearer & no_worse & better, axis=0))


class Crossing(NamedTuple):
    """Where two series, or two runs in training, have the same value.

    Parameters
    ----------
    first, second : str
        Their names.
    place : float
        FLOPs a token, or the checkpoint.
    value : float
        Gain in bits a token, or information capacity, there.
    ahead : str
        Which is ahead beyond.
    extrapolated : bool
        Whether it lies outside what both have measured.
    axis : {"flops_per_token", "checkpoint"}
        What the place is on.
    """

    first: str
    second: str
    place: float
    value: float
    ahead: str
    extrapolated: bool
    axis: str


def line_crossing(
    first: tuple[str, Array, Array], second: tuple[str, Array, Array]
) -> Crossing | None:
    """Return where two series' straight lines of gain over log2 FLOPs meet, if anywhere near.

    With the bias shared, lines of one IC each meet nowhere; each series' own least-squares line
    (two or more sizes) shows how it drifts. More than ten doublings beyond the sizes measured
    nothing is said.

    Examples
    --------
    >>> x = np.array([30.0, 34.0])
    >>> found = line_crossing(("a", x, np.array([30.0, 31.0])), ("b", x, np.array([29.0, 31.0])))
    >>> round(float(np.log2(found.place)), 6), found.ahead, found.extrapolated
    (34.0, 'b', False)
    """
    (name, x, y), (other, u, v) = first, second
    if len(np.unique(x)) < 2 or len(np.unique(u)) < 2:
        return None
    slope, start = np.polyfit(x, y, 1)
    slope_2, start_2 = np.polyfit(u, v, 1)
    if abs(slope - slope_2) < 1e-9:
        return None
    place = (start_2 - start) / (slope - slope_2)
    least, most = min(x.min(), u.min()), max(x.max(), u.max())
    if not least - 10 <= place <= most + 10:
        return None
    within = max(x.min(), u.min()) - 1e-9 <= place <= min(x.max(), u.max()) + 1e-9
    return Crossing(
        name, other, float(2.0**place), float(start + slope * place),
        name if slope > slope_2 else other, not within, "flops_per_token",
    )  # fmt: skip


def curve_crossings(
    first: tuple[str, Array, Array], second: tuple[str, Array, Array]
) -> list[Crossing]:
    """Return where two curves over checkpoints meet, interpolated between those both have passed.

    Examples
    --------
    >>> x = np.array([1.0, 3.0])
    >>> curve_crossings(("a", x, np.array([0.0, 2.0])), ("b", x, np.array([1.0, 1.0])))[0].place
    2.0
    """
    (name, x, y), (other, u, v) = first, second
    low, high = max(x.min(), u.min()), min(x.max(), u.max())
    grid = np.union1d(x, u)
    grid = grid[(grid >= low) & (grid <= high)]
    if len(grid) < 2:
        return []
    difference = np.interp(grid, x, y) - np.interp(grid, u, v)
    found = []
    for left in np.flatnonzero(difference[:-1] * difference[1:] < 0):
        share = difference[left] / (difference[left] - difference[left + 1])
        place = grid[left] + share * (grid[left + 1] - grid[left])
        ahead = name if difference[left + 1] > 0 else other
        value = float(np.interp(place, x, y))
        found.append(Crossing(name, other, float(place), value, ahead, False, "checkpoint"))
    return found


def cost_column(models: pd.DataFrame, cost: str) -> Array:
    """Return the costs of models, all known.

    Raises
    ------
    InputError
        If there is no such cost or it is not known of any model.
    """
    names = {"flops": "flops_per_token", "memory": "memory_bytes", "latency": "latency"}
    if cost not in names:
        raise InputError(f"cost '{cost}': there are {', '.join(names)}")
    values = models[names[cost]].to_numpy(dtype=float, na_value=np.nan)
    if np.isnan(values).all():
        told = {
            "memory": "give config or memory_bytes", "latency": "log a column 'latency'",
            "flops": "give flops_per_token",
        }  # fmt: skip
        raise InputError(f"cost '{cost}': not known of any model; {told[cost]}")
    return np.asarray(values, dtype=float)
