"""The bias b of information capacity: given, published, or fitted so that sizes agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from predictor.errors import CannotForecastError

Array = NDArray[np.float64]

#: Constants of the source by what a data set's name holds, and what it takes for any other.
PUBLISHED = {"mixed_text": -24.0, "ch-fineweb-edu": -18.7}
PUBLISHED_OTHERWISE = -27.0


@dataclass(frozen=True)
class Bias:
    """The bias of one data set.

    Parameters
    ----------
    value : float
        b, in bits a token.
    source : {"given", "published", "fitted"}
        Where it is from.
    lower, upper : float or None
        Interval, where it was fitted and that many series can tell.
    level : float
        Probability of the interval.
    series, models : int
        Series of two or more sizes, and models in them, that it was fitted to or checked on.
    coefficient_of_variation : float or None
        Mean over those series of the standard deviation of IC over its mean.
    """

    value: float
    source: Literal["given", "published", "fitted"]
    lower: float | None
    upper: float | None
    level: float
    series: int
    models: int
    coefficient_of_variation: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the bias as plain values."""
        return dict(vars(self))


def published_bias(dataset: str) -> float:
    """Return the source's constant for a data set of this name.

    References
    ----------
    Yuan et al., arXiv 2511.08066; the file ``calc_ic.py`` of its repository.

    Examples
    --------
    >>> published_bias("mixed_text"), published_bias("my own")
    (-24.0, -27.0)
    """
    plain = dataset.casefold().replace(" ", "_")
    return next((b for name, b in PUBLISHED.items() if name in plain), PUBLISHED_OTHERWISE)


def shared_bias(log_flops: Array, gain: Array, groups: NDArray[np.intp]) -> float:
    """Fit b by least squares over series: ``g = -b + IC_s log2 F``, closed form.

    Given b, each series' best IC is a ratio; what it leaves is quadratic in b, so that
    ``b = -sum 1'Pg / sum 1'P1`` with ``P = I - x x' / x'x`` for the series' ``x = log2 F``.

    Parameters
    ----------
    log_flops, gain : array, (models,)
        log2 of FLOPs a token; gain in bits a token.
    groups : array of int, (models,)
        Series of each model, counted from 0; series of one size add nothing.

    Returns
    -------
    float
        b in bits a token; NaN where no series has two sizes.

    Examples
    --------
    >>> x = np.array([30.0, 32.0, 30.0, 34.0])
    >>> groups = np.array([0, 0, 1, 1])
    >>> round(shared_bias(x, 24 + np.array([0.2, 0.2, 0.1, 0.1]) * x, groups), 9)
    -24.0
    """
    by_series = (np.bincount(groups, weights=w) for w in (gain, log_flops, log_flops * gain))
    total, x, xg = by_series
    n, xx = np.bincount(groups), np.bincount(groups, weights=log_flops**2)
    xx = np.where(n > 0, xx, 1.0)
    tops, bottoms = total - x * xg / xx, n - x**2 / xx
    several = (n > 1) & (bottoms > 1e-12)
    return float(-tops[several].sum() / bottoms[several].sum()) if several.any() else np.nan


def spread_within(capacity: Array, groups: NDArray[np.intp]) -> float | None:
    """Return the mean over series of the coefficient of variation of IC.

    Examples
    --------
    >>> spread_within(np.array([0.2, 0.2, 0.1]), np.array([0, 0, 1]))
    0.0
    """
    found = [capacity[groups == g] for g in np.unique(groups)]
    several = [values for values in found if len(values) > 1]
    if not several:
        return None
    return float(np.mean([abs(v.std(ddof=1) / v.mean()) for v in several]))


def fit_bias(log_flops: Array, gain: Array, groups: NDArray[np.intp], level: float = 0.9) -> Bias:
    """Fit the bias, with an interval by leaving out one series at a time.

    Parameters
    ----------
    log_flops, gain, groups : array, (models,)
        As in :func:`shared_bias`.
    level : float
        Probability of the interval.

    Returns
    -------
    Bias
        Without interval where fewer than three series have two sizes.

    Raises
    ------
    CannotForecastError
        If no series has two sizes.

    References
    ----------
    Jackknife over clusters: Efron and Tibshirani, An Introduction to the Bootstrap, chapter 11.

    Examples
    --------
    >>> x = np.array([30.0, 32.0, 30.0, 34.0])
    >>> fit_bias(x, 20 + 0.2 * x, np.array([0, 0, 1, 1])).source
    'fitted'
    """
    value = shared_bias(log_flops, gain, groups)
    if np.isnan(value):
        raise CannotForecastError(
            "--bias fit: no series has two sizes on one data set, so nothing tells the bias; give "
            "--bias a number, or leave it out to take the published one"
        )
    sizes = np.bincount(groups)
    several = np.flatnonzero(sizes > 1)
    kept = np.isin(groups, several)
    without = np.array(
        [
            shared_bias(log_flops[groups != g], gain[groups != g], groups[groups != g])
            for g in several
        ]
    )
    half = _jackknife(without, level)
    return Bias(
        value=value,
        source="fitted",
        lower=None if half is None else value - half,
        upper=None if half is None else value + half,
        level=level,
        series=len(several),
        models=int(kept.sum()),
        coefficient_of_variation=spread_within((gain + value) / log_flops, groups),
    )


def _jackknife(without: Array, level: float) -> float | None:
    """Return the half width of the interval; None with fewer than three series."""
    from scipy.special import stdtrit

    count = len(without)
    if count < 3 or np.isnan(without).any():
        return None
    error = np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2))
    return float(error * stdtrit(count - 1, (1 + level) / 2))
