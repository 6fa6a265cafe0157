"""What another size of a series would gain, from its siblings' information capacity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.capacity.bias import shared_bias
from predictor.fitting.conformal import conformal_quantile

Array = NDArray[np.float64]

#: Doublings of compute below which an error does not shrink further: the noise of a model.
_NEAR = 1.0
#: Sizes left out at most; of more models as many are taken, evenly through the table.
_MOST_BACKTESTS = 500
#: Root mean square of error over scale, leaving out one size at a time, on the values published
#: for six series of two or more sizes; printed by benchmarks/information_capacity.py.
PUBLISHED_SPREAD = 0.031


@dataclass(frozen=True)
class Gain:
    """Predicted gain in bits a token, with its interval.

    Parameters
    ----------
    value, lower, upper : array, (places,)
        Gain TS - NLL.
    doublings : array, (places,)
        Distance to the nearest reference in doublings of FLOPs.
    backtests : int
        Sizes left out and predicted that the interval's width is from; 0 where it is the spread of
        published series.
    """

    value: Array
    lower: Array
    upper: Array
    doublings: Array
    backtests: int


def gain_at(places: Array, log_flops: Array, gain: Array, bias: float) -> Array:
    """Return the gain at other sizes: ``g = -b + IC log2 F`` with the references' IC.

    Of several references each counts with the inverse square of its distance in doublings, for
    capacity drifts with size, and neighbours agree better than the ends of a series.

    Parameters
    ----------
    places : array, (places,)
        log2 of FLOPs a token.
    log_flops, gain : array, (references,)
        References of the series.
    bias : float
        b.

    Examples
    --------
    >>> float(gain_at(np.array([32.0]), np.array([30.0]), np.array([30.0]), -24.0)[0])
    30.4
    """
    distance = np.abs(places[:, None] - log_flops)
    weights = 1 / np.maximum(distance, 1e-6) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ ((gain + bias) / log_flops) * places - bias


def nearest(places: Array, log_flops: Array) -> Array:
    """Return the distance to the nearest reference, in doublings of FLOPs."""
    return np.abs(places[:, None] - log_flops).min(axis=1)


def error_scale(doublings: Array) -> Array:
    """Return how an error grows with distance: flat at first, then in proportion.

    Examples
    --------
    >>> error_scale(np.array([0.0, 3.0])).round(2).tolist()
    [1.0, 3.16]
    """
    return np.hypot(_NEAR, doublings)


def backtest_scores(
    log_flops: Array, gain: Array, groups: NDArray[np.intp], bias: float | None
) -> Array:
    """Return error over scale of every size that has a sibling, predicted without itself.

    Parameters
    ----------
    log_flops, gain : array, (models,)
        All models of a data set.
    groups : array of int, (models,)
        Series of each.
    bias : float or None
        b; None to fit it again without the model that is left out.
    """
    scores = []
    count = min(len(gain), _MOST_BACKTESTS)
    for left_out in np.unique(np.linspace(0, len(gain) - 1, count).astype(int)):
        kept = np.arange(len(gain)) != left_out
        siblings = kept & (groups == groups[left_out])
        b = shared_bias(log_flops[kept], gain[kept], groups[kept]) if bias is None else bias
        if not siblings.any() or np.isnan(b):
            continue
        place = log_flops[[left_out]]
        predicted = gain_at(place, log_flops[siblings], gain[siblings], b)[0]
        scale = error_scale(nearest(place, log_flops[siblings]))[0]
        scores.append((predicted - gain[left_out]) / scale)
    return np.array(scores)


def half_width(scores: Array, level: float) -> tuple[float, int]:
    """Return the interval's half width in scales, and the number of backtests it is from.

    With too few backtests to calibrate on, the wider of the published spread and their own.

    Examples
    --------
    >>> half_width(np.linspace(-0.1, 0.1, 19), 0.9)[1]
    19
    """
    from scipy.special import ndtri, stdtrit

    quantile = conformal_quantile(np.abs(scores), level)
    if quantile is not None:
        return quantile, len(scores)
    width = PUBLISHED_SPREAD * float(ndtri((1 + level) / 2))
    if len(scores) > 1:
        own = float(np.sqrt(np.mean(scores**2)) * stdtrit(len(scores), (1 + level) / 2))
        width = max(width, own)
    return width, 0


def predict_gain(
    places: Array, log_flops: Array, gain: Array, bias: float, scores: Array, level: float
) -> Gain:
    """Predict the gain at other sizes of a series, with an interval.

    Parameters
    ----------
    places : array, (places,)
        log2 of FLOPs a token.
    log_flops, gain : array, (references,)
        References of the series.
    bias : float
        b.
    scores : array
        From :func:`backtest_scores`.
    level : float
        Probability of the interval.
    """
    value = gain_at(places, log_flops, gain, bias)
    distance = nearest(places, log_flops)
    width, backtests = half_width(scores, level)
    half = width * error_scale(distance)
    return Gain(value, value - half, value + half, distance, backtests)
