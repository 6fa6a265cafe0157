"""How well siblings predict each other: every size left out once, against power laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from predictor.capacity.bias import shared_bias
from predictor.capacity.within_series import backtest_scores, predict_gain

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def power_law_at(place: float, log_flops: Array, gain: Array, exponent: float | None) -> float:
    """Return the gain at another size by a power law of FLOPs, fitted on log scales.

    Parameters
    ----------
    place : float
        log2 of FLOPs a token.
    log_flops, gain : array, (references,)
        References of the series.
    exponent : float or None
        A given exponent; None to fit the series' own, which takes two references.

    Returns
    -------
    float
        NaN where there are too few references.

    Examples
    --------
    >>> round(power_law_at(3.0, np.array([1.0, 2.0]), np.array([2.0, 4.0]), None), 9)
    8.0
    """
    y = np.log2(gain)
    if exponent is None:
        if len(np.unique(log_flops)) < 2:
            return np.nan
        slope, start = np.polyfit(log_flops, y, 1)
        return float(2 ** (start + slope * place))
    return float(2 ** (np.mean(y - exponent * log_flops) + exponent * place))


def shared_exponent(log_flops: Array, gain: Array, groups: NDArray[np.intp]) -> float:
    """Return one exponent of gain over FLOPs for all series, constants their own.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 1.0, 2.0])
    >>> float(shared_exponent(x, np.array([2.0, 4.0, 3.0, 6.0]), np.array([0, 0, 1, 1])))
    1.0
    """
    count = np.bincount(groups)
    x, y = (v - (np.bincount(groups, weights=v) / np.maximum(count, 1))[groups] for v in
            (log_flops, np.log2(gain)))  # fmt: skip
    return float(x @ y / (x @ x))


def leave_one_out(
    log_flops: Array, gain: Array, groups: NDArray[np.intp], bias: float | None, level: float
) -> pd.DataFrame:
    """Predict every size that has siblings without itself: bias, widths and all.

    Parameters
    ----------
    log_flops, gain : array, (models,)
        log2 of FLOPs a token; gain in bits a token.
    groups : array of int, (models,)
        Series of each model, counted from 0.
    bias : float or None
        b; None to fit it again each time.
    level : float
        Probability of the intervals.

    Returns
    -------
    DataFrame
        ``index`` (of the model), ``gain, predicted, lower, upper, inside``, and by power laws
        ``power_law`` (the series' own exponent) and ``power_law_shared`` (one for all).
    """
    import pandas as pd

    rows = []
    for index in range(len(gain)):
        kept = np.arange(len(gain)) != index
        own = kept & (groups == groups[index])
        rest = log_flops[kept], gain[kept], groups[kept]
        b = shared_bias(*rest) if bias is None else bias
        if not own.any() or np.isnan(b):
            continue
        references = log_flops[own], gain[own]
        scores = backtest_scores(*rest, bias)
        found = predict_gain(log_flops[[index]], *references, b, scores, level)
        low, high = float(found.lower[0]), float(found.upper[0])
        several = np.bincount(rest[2]).max() > 1
        exponent = shared_exponent(*rest) if several else None
        place = float(log_flops[index])
        rows.append(
            {
                "index": index,
                "gain": gain[index],
                "predicted": float(found.value[0]),
                "lower": low,
                "upper": high,
                "inside": low <= gain[index] <= high,
                "power_law": power_law_at(place, *references, None),
                "power_law_shared": power_law_at(place, *references, exponent),
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    "index", "gain", "predicted", "lower", "upper", "inside", "power_law", "power_law_shared",
]  # fmt: skip
