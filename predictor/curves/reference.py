"""How wide an interval must be: learned from reference curves whose ends are known.

The scale of a forecast's error is put together from what can be seen of the curve: how far the laws
disagree, what they missed by in the curve's own past, the noise, how far there is still to fall,
how far ahead the target lies, and from how few points::

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

from predictor.curves.predictive import LEVELS, half_width_at
from predictor.fitting.law import Array

FEATURES = ("spread", "median_spread", "past", "noise", "gain", "distance", "few")
#: Forecasts that look ahead less than this (log distance; 3.3 times) are calibrated apart.
_NEAR = 1.2
_FILE = Path(__file__).with_name("reference.json")


@dataclass(frozen=True)
class Reference:
    """Coefficients of the scale, and how many scales an interval spans.

    Parameters
    ----------
    coefficients : dict of float
        One a feature of :data:`FEATURES`.
    distances : tuple of float
        Log distances ahead at which the quantiles are known, ascending.
    quantiles : dict of tuple of tuple of float
        By law ("auto" for the ensemble), for each distance: error over scale not exceeded at each
        level of :data:`LEVELS`.
    cases : int
        Number of hidden points of reference curves.
    trace_factor : float
        What forecasts by a learning trace are wider by than the power law's, put together with how
        far the two are apart.
    """

    coefficients: dict[str, float]
    distances: tuple[float, ...]
    quantiles: dict[str, tuple[tuple[float, ...], ...]]
    cases: int
    trace_factor: float = 1.0

    def scale(self, features: dict[str, Array]) -> Array:
        """Return the scale of the forecast error, in the units of the features."""
        terms = [(self.coefficients[name] * features[name]) ** 2 for name in FEATURES]
        return np.sqrt(sum(terms[1:], start=terms[0]))

    def widths(self, law: str, features: dict[str, Array]) -> Array:
        """Return half widths of the intervals at :data:`LEVELS` (first axis), as the features."""
        scale = self.scale(features)
        known = np.array(self.quantiles[law])
        spans = [np.interp(features["distance"], self.distances, column) for column in known.T]
        return np.stack(spans) * scale

    def half_width(self, law: str, level: float, features: dict[str, Array]) -> Array:
        """Return half the width of the interval at this level, in the units of the features."""
        return half_width_at(self.widths(law, features), level)


@cache
def shipped_reference() -> Reference:
    """Return the reference that comes with the package."""
    content = json.loads(_FILE.read_text(encoding="utf-8"))
    quantiles = {law: tuple(map(tuple, rows)) for law, rows in content["quantiles"].items()}
    distances = tuple(content["distances"])
    return Reference(
        content["coefficients"], distances, quantiles, content["cases"], content["trace_factor"]
    )


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
    scores = _out_of_family(features, errors, families, level)
    fitted = _fit_scale(features["auto"], errors["auto"], families, level)
    ahead = features["auto"]["distance"]
    groups = [g for g in (ahead < _NEAR, ahead >= _NEAR) if g.any()]
    quantiles = {
        law: tuple(weighted_quantiles(score[g], families[g]) for g in groups)
        for law, score in scores.items()
    }
    distances = tuple(float(np.median(ahead[g])) for g in groups)
    return replace(fitted, distances=distances, quantiles=quantiles)


def _out_of_family(
    features: dict[str, dict[str, Array]],
    errors: dict[str, Array],
    families: Array,
    level: float,
) -> dict[str, Array]:
    """Return error over scale of each law, with a scale that was fitted on the other families."""
    scores = {law: np.empty(len(families)) for law in errors}
    names = np.unique(families)
    for name in names:
        left_out = families == name
        rest = ~left_out if len(names) > 1 else left_out
        part = _fit_scale(
            _rows(features["auto"], rest), errors["auto"][rest], families[rest], level
        )
        for law, error in errors.items():
            scale = part.scale(_rows(features[law], left_out))
            scores[law][left_out] = np.abs(error[left_out]) / scale
    return scores


def _rows(features: dict[str, Array], chosen: Array) -> dict[str, Array]:
    return {name: values[chosen] for name, values in features.items()}


def _fit_scale(
    features: dict[str, Array], error: Array, families: Array, level: float
) -> Reference:
    table = np.stack([features[name] for name in FEATURES])
    miss = np.abs(error)
    weight, typical = _family_weights(families), _by_family(miss, families)
    found = _least_interval_score(table, miss / typical, weight, typical, 2 / (1 - level))
    return Reference(dict(zip(FEATURES, map(float, found), strict=True)), (), {}, len(miss))


def _family_weights(families: Array) -> Array:
    _, family, count = np.unique(families, return_inverse=True, return_counts=True)
    return 1.0 / count[family] / len(count)


def _by_family(values: Array, families: Array) -> Array:
    """Return for each curve the median of its family."""
    medians = np.empty_like(values)
    for name in np.unique(families):
        medians[families == name] = np.median(values[families == name])
    return medians


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


def weighted_quantiles(scores: Array, families: Array) -> tuple[float, ...]:
    """Return the scores not exceeded at each level, families counting alike.

    A new family is one more draw from the families there are: of what is left out, one share in
    (families + 1) is kept in reserve for it, as conformal quantiles do for a new point.
    """
    weight = _family_weights(families)
    count = len(np.unique(families))
    order = np.argsort(scores)
    share = np.cumsum(weight[order])
    levels = 1 - (1 - np.array(LEVELS)) * count / (count + 1)
    places = np.minimum(np.searchsorted(share, levels), len(share) - 1)
    return tuple(float(score) for score in scores[order][places])
