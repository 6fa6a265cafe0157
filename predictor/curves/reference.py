"""How wide an interval must be: learned from reference curves whose ends are known.

The scale of a forecast's error is put together from what can be seen of the curve: how far the laws
disagree, what they missed by in the curve's own past, the noise, how far there is still to fall,
how far ahead the target lies::

    scale^2 = sum_k (coefficient_k * feature_k)^2

The coefficients, and the quantiles of error over scale, were fitted on the curves that
``reference.json`` names, by ``benchmarks/calibrate_curves.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from predictor.fitting.law import Array

FEATURES = ("spread", "median_spread", "past", "noise", "gain", "distance")
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
_FILE = Path(__file__).with_name("reference.json")


@dataclass(frozen=True)
class Reference:
    """Coefficients of the scale, and how many scales an interval spans.

    Parameters
    ----------
    coefficients : dict of float
        One a feature of :data:`FEATURES`.
    quantiles : dict of tuple of float
        By law ("auto" for the ensemble): error over scale not exceeded at each level of
        :data:`LEVELS`.
    curves : int
        Number of reference curves.
    """

    coefficients: dict[str, float]
    quantiles: dict[str, tuple[float, ...]]
    curves: int

    def scale(self, features: dict[str, Array]) -> Array:
        """Return the scale of the forecast error, in the units of the features."""
        terms = [(self.coefficients[name] * features[name]) ** 2 for name in FEATURES]
        return np.sqrt(sum(terms[1:], start=terms[0]))

    def width(self, law: str, level: float) -> float:
        """Return how many scales the interval spans on each side at this level."""
        known = self.quantiles[law]
        # Linear in the logarithm of what is left out: tails are heavy.
        place = np.interp(-np.log1p(-level), -np.log1p(-np.array(LEVELS)), np.arange(len(LEVELS)))
        low = int(np.floor(place))
        high = min(low + 1, len(LEVELS) - 1)
        share = float(place) - low
        width = known[low] * (1 - share) + known[high] * share
        return width * level / LEVELS[0] if level < LEVELS[0] else width


@cache
def shipped_reference() -> Reference:
    """Return the reference that comes with the package."""
    content = json.loads(_FILE.read_text(encoding="utf-8"))
    quantiles = {law: tuple(values) for law, values in content["quantiles"].items()}
    return Reference(content["coefficients"], quantiles, content["curves"])


def fit_reference(
    features: dict[str, dict[str, Array]],
    errors: dict[str, Array],
    families: Array,
    level: float = 0.9,
) -> Reference:
    """Fit a reference to curves whose ends are known.

    The quantiles come from families that had no part in the coefficients they are measured with: a
    user's curves are of a family of their own.

    Parameters
    ----------
    features : dict of dict of array, (curves,)
        Features of each law's forecasts, by law and name; "auto" must be among the laws.
    errors : dict of array, (curves,)
        Error of each law's forecast on the scale of the residual.
    families : array of str, (curves,)
        Family of each curve; families count alike, however many curves they have.
    level : float
        Level at which the interval score is minimised.

    Returns
    -------
    Reference

    References
    ----------
    Gneiting and Raftery, Strictly Proper Scoring Rules, JASA 102, 2007 (the interval score).
    """
    weight = _family_weights(families)
    out_of_family = {law: np.empty(len(families)) for law in errors}
    names = np.unique(families)
    for name in names if len(names) > 1 else ():
        rest, left_out = families != name, families == name
        part = _fit_scale(
            _rows(features["auto"], rest), errors["auto"][rest], families[rest], level
        )
        for law, error in errors.items():
            scale = part.scale(_rows(features[law], left_out))
            out_of_family[law][left_out] = np.abs(error[left_out]) / scale
    fitted = _fit_scale(features["auto"], errors["auto"], families, level)
    if len(names) == 1:
        for law, error in errors.items():
            out_of_family[law] = np.abs(error) / fitted.scale(features[law])
    quantiles = {law: tuple(_weighted_quantiles(s, weight)) for law, s in out_of_family.items()}
    return replace(fitted, quantiles=quantiles)


def _rows(features: dict[str, Array], chosen: Array) -> dict[str, Array]:
    return {name: values[chosen] for name, values in features.items()}


def _fit_scale(
    features: dict[str, Array], error: Array, families: Array, level: float
) -> Reference:
    table = np.stack([features[name] for name in FEATURES])
    miss = np.abs(error)
    weight, typical = _family_weights(families), _typical(miss, families)
    found = _least_interval_score(table, miss / typical, weight, typical, 2 / (1 - level))
    return Reference(dict(zip(FEATURES, map(float, found), strict=True)), {}, len(miss))


def _family_weights(families: Array) -> Array:
    _, family, count = np.unique(families, return_inverse=True, return_counts=True)
    return 1.0 / count[family] / len(count)


def _typical(miss: Array, families: Array) -> Array:
    typical = np.empty_like(miss)
    for name in np.unique(families):
        typical[families == name] = np.median(miss[families == name])
    return typical


def _least_interval_score(
    table: Array, miss: Array, weight: Array, typical: Array, penalty: float
) -> Array:
    from scipy.optimize import minimize

    def score(logs: Array) -> float:
        half = np.sqrt((np.exp(2 * logs)[:, None] * table**2).sum(axis=0)) / typical
        worth = np.minimum(2 * half + penalty * np.maximum(miss - half, 0), 100.0)
        return float((weight * worth).sum() + 1e-3 * np.exp(logs).sum())

    starts = np.random.default_rng(0).normal(-0.7, 0.7, size=(3, len(table)))
    bounds = [(-6.0, 2.0)] * len(table)
    ends = [minimize(score, start, method="Powell", bounds=bounds) for start in starts]
    return np.asarray(np.exp(min(ends, key=lambda end: end.fun).x))


def _weighted_quantiles(scores: Array, weight: Array) -> list[float]:
    order = np.argsort(scores)
    share = np.cumsum(weight[order])
    return [
        float(scores[order][np.searchsorted(share, level).clip(0, len(share) - 1)])
        for level in LEVELS
    ]
