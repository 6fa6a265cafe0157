"""When a curve reaches a target: the predictive distribution read the other way round.

At each place ahead the distribution says with what probability the target is reached there. One
draw of a curve lies equally high at all its places (:meth:`Predictive.sample`), so the probability
that it was reached by a place is the largest so far, and the place's quantiles lie where the edges
of the band cross the target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.curves.forecasting import CurveForecast
from predictor.curves.prepared import PreparedCurve
from predictor.errors import InputError
from predictor.fitting.law import Array
from predictor.fitting.laws import POWER, free_floor
from predictor.fitting.solver import solve

#: One per cent more of the axis, on its logarithm.
_PERCENT = float(np.log(1.01))


@dataclass(frozen=True)
class Reach:
    """When a target is reached.

    Parameters
    ----------
    value, lower, upper : float or None
        Median place and interval. None: not reached so far, with that probability.
    reachable : float or None
        Probability that it is reached up to ``horizon``; None where nothing can be said.
    horizon : float
        Farthest place that was looked at and that the data can speak of.
    logged : bool
        Whether the log has already reached it.
    """

    value: float | None
    lower: float | None
    upper: float | None
    reachable: float | None
    horizon: float
    logged: bool = False


def when_reached(outcome: CurveForecast, target: float, level: float) -> Reach:
    """Say when a curve reaches a target.

    Parameters
    ----------
    outcome : CurveForecast
        Forecasts of the curve on a fine grid of places, ascending from its last point.
    target : float
        Value of the metric, in its units.
    level : float
        Level of the interval, in (0, 1).

    Returns
    -------
    Reach

    Raises
    ------
    InputError
        If the metric cannot take this value.
    """
    curve, predictive, places = outcome.prepared, outcome.predictive, outcome.at
    _check_range(curve, target)
    wanted = float(curve.from_metric(np.array(target)))
    logged = _first_below(curve.x, _scaled(curve), wanted)
    if logged is not None:
        return Reach(logged, logged, logged, 1.0, float(places[-1]), logged=True)
    known = np.isfinite(predictive.centre)
    if not known.any():
        return Reach(None, None, None, None, float(places[-1]))
    half = predictive.half_width(level)
    value, lower, upper = (
        _first_below(places, predictive.centre + side * half, wanted) for side in (0.0, -1.0, 1.0)
    )
    better = predictive.probability_below(target)
    better = better if curve.kind.better == "lower" else 1.0 - better
    chance, horizon = float(better[known].max()), float(places[known][-1])
    return Reach(value, lower, upper, chance, horizon)


def stop_place(outcome: CurveForecast, least_gain: float, per: str = "percent") -> float | None:
    """Say from where on more training gains less than it must.

    The gain is the slope of a power law laid through the median forecasts.

    Parameters
    ----------
    outcome : CurveForecast
        Forecasts of the curve on a fine grid of places, ascending from its last point.
    least_gain : float
        Improvement of the metric, in its units, that must be gained.
    per : {"percent", "unit"}
        By one per cent more of the axis, or by one unit of it.

    Returns
    -------
    float or None
        The first place where the median forecast gains less; the last logged place where it
        already does; None where it still gains enough as far as the data can speak of.
    """
    curve, known = outcome.prepared, np.isfinite(outcome.predictive.centre)
    if known.sum() < len(POWER.names):
        return None
    places, centre = outcome.at[known], outcome.predictive.centre[known]
    path = np.exp(centre) if curve.kind.residual == "log" else centre
    # The median of the laws jumps where another law becomes the middle one: its own slope would.
    smooth = solve(free_floor(POWER), places[None], path[None], residual="linear")
    _, scale, exponent = smooth.params[0]
    per_log = curve.unit * scale * exponent * places**-exponent
    gain = per_log * _PERCENT if per == "percent" else per_log / places
    return _first_below(places, gain, least_gain)


def _check_range(curve: PreparedCurve, target: float) -> None:
    kind = curve.kind
    if not np.isfinite(target):
        raise InputError(f"the target must be a finite number, not {target}")
    if not kind.floor <= target <= kind.ceiling:
        bound = f"below {kind.floor:g}" if target < kind.floor else f"above {kind.ceiling:g}"
        raise InputError(f"the target {target:g} cannot be: this metric never lies {bound}")


def _scaled(curve: PreparedCurve) -> Array:
    return np.log(curve.z) if curve.kind.residual == "log" else curve.z


def _first_below(places: Array, path: Array, wanted: float) -> float | None:
    """Return where a path first gets down to a value, linear in the logarithm of the place."""
    below = np.flatnonzero(path <= wanted)
    if not len(below):
        return None
    k = int(below[0])
    if k == 0 or not np.isfinite(path[k - 1]) or not np.isfinite(wanted):
        return float(places[k])
    share = (path[k - 1] - wanted) / (path[k - 1] - path[k])
    return float(places[k - 1] * (places[k] / places[k - 1]) ** share)
