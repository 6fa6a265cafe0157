"""How much each law is believed: learned from reference curves whose ends are known.

A member of the ensemble is a law fitted with a recency, the power with which recent points count
more. The logarithm of its weight is linear in what can be seen of a curve: how many points it has,
and whether it bends on log-log axes of late. What the member missed by in the curve's own past
lowers it::

    log w = law . features + recency . features - exp(evidence . features) * log(relative miss)

The coefficients of ``ensemble.json`` were fitted by ``benchmarks/learn_ensemble.py``, held near a
hand-set prior.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from predictor.curves.batch import CurveBatch
from predictor.fitting.law import Array

#: What the weights depend on; scaled so that they are of the size of 1.
FEATURES = ("one", "points", "bend")
#: Members further than this from their median count as that far, on the log scale.
REACH = 1.0
_SOFT = 0.1
#: A member that misses by many times what the best one does, and the least that counts, is out.
_MANY_TIMES, _LEAST_MISS = 5.0, 1e-3
_FILE = Path(__file__).with_name("ensemble.json")
_Members = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Ensemble:
    """Coefficients of the weights, one row of :data:`FEATURES` for each name.

    Parameters
    ----------
    laws : dict of array, (features,)
        By name of the law; a law that is not there weighs as the least believed one.
    recencies : dict of array, (features,)
        By recency.
    evidence : array, (features,)
        How much a miss in the past counts.
    """

    laws: dict[str, Array]
    recencies: dict[float, Array]
    evidence: Array

    def log_weights(self, members: _Members, features: Array, miss: Array) -> Array:
        """Return logarithms of weights, not yet normalised.

        Parameters
        ----------
        members : sequence of (str, float)
            Law and recency of each member.
        features : array, (curves, features)
            From :func:`curve_features`.
        miss : array, (members, curves, targets)
            From :func:`relative_miss`.
        """
        least = min(self.laws.values(), key=lambda row: float(row[0]))
        rows = [self.laws.get(law, least) + self.recencies[recency] for law, recency in members]
        belief = np.stack(rows) @ features.T
        evidence = np.exp(np.clip(features @ self.evidence, -6.0, 2.0))
        return belief[:, :, None] - evidence[:, None] * miss


def normalised(log_weights: Array) -> Array:
    """Return weights that sum to 1 over the first axis."""
    weights = np.exp(log_weights - log_weights.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0))


def within_reach(members: Array) -> Array:
    """Bring members that are far from all others near, so that none can carry the mean away."""
    middle = np.median(members, axis=0)
    return np.asarray(np.clip(members, middle - REACH, middle + REACH))


def relative_miss(errors: Array) -> Array:
    """Return the logarithm of each member's mean past error over the typical member's.

    Where one member was nearly exact, the others' rises steeply: noiseless curves are rare, but
    then the law is known.

    Parameters
    ----------
    errors : array, (members, origins, curves, targets)
        Errors when later points were hidden; NaN where there was no such test.

    Returns
    -------
    array, (members, curves, targets)
        0 where there was no test.
    """
    valid = np.isfinite(errors).all(axis=0)
    count = np.maximum(valid.sum(axis=0), 1)
    miss = np.where(valid, np.minimum(np.abs(errors), 2.0), 0.0).sum(axis=1) / count
    typical = np.median(miss, axis=0)
    relative = np.log((miss + _SOFT * typical + 1e-9) / ((1 + _SOFT) * typical + 1e-9))
    best = miss.min(axis=0) + _LEAST_MISS
    return np.asarray(relative + np.log1p((miss / (_MANY_TIMES * best)) ** 2))


def curve_features(batch: CurveBatch) -> Array:
    """Return what the weights depend on, (curves, features)."""
    ones = np.ones(len(batch.x))
    bend = np.zeros(len(batch.x))
    if batch.residual == "log":
        place = np.log(batch.x)
        end = np.log(batch.last_x)[:, None]
        span = end - place[:, :1]
        late = place >= end - np.maximum(0.25 * span, 0.7)
        more = place >= end - np.maximum(0.6 * span, 1.4)
        bend = 4 * np.clip(_slope(batch, late) - _slope(batch, more), -0.5, 0.5)
    return np.stack([ones, 2 * np.log(batch.counts / 20.0), bend], axis=1)


def _slope(batch: CurveBatch, chosen: NDArray[np.bool_]) -> Array:
    """Return how steeply the chosen points, but at least the last three, fall on log-log axes."""
    last_three = np.arange(batch.x.shape[1]) >= batch.counts[:, None] - 3
    weight = batch.used * (chosen | last_three)
    x, z = np.log(batch.x), np.log(batch.z)
    total = weight.sum(axis=1, keepdims=True)
    x = x - (weight * x).sum(axis=1, keepdims=True) / total
    power = (weight * x * x).sum(axis=1)
    return np.asarray(-(weight * x * z).sum(axis=1) / np.maximum(power, 1e-9))


@cache
def shipped_ensemble() -> Ensemble:
    """Return the ensemble that comes with the package."""
    content = json.loads(_FILE.read_text(encoding="utf-8"))
    return Ensemble(
        {law: np.array(row) for law, row in content["laws"].items()},
        {float(recency): np.array(row) for recency, row in content["recencies"].items()},
        np.array(content["evidence"]),
    )


def fit_ensemble(
    prior: Ensemble,
    members: _Members,
    said: Array,
    miss: Array,
    features: Array,
    truth: Array,
    families: Array,
    ridge: float = 0.05,
) -> Ensemble:
    """Fit the coefficients to curves whose ends are known.

    Minimises the mean over families of the smooth absolute error, each in units of what the prior
    misses by there, plus ``ridge`` times the squared distance from the prior.

    Parameters
    ----------
    prior : Ensemble
        Where to start, and to stay near.
    members : sequence of (str, float)
        Law and recency of each member.
    said, miss : array, (members, cases)
        What each member forecasts, and its relative miss in the past.
    features : array, (cases, features)
        Of each case's curve.
    truth : array, (cases,)
        What came.
    families : array of str, (cases,)
        Family of each case; families count alike.
    ridge : float
        Strength of the pull to the prior.

    Returns
    -------
    Ensemble
    """
    from scipy.optimize import minimize

    laws, recencies = list(prior.laws), list(prior.recencies)
    law_of = np.array([laws.index(law) for law, _ in members])
    recency_of = np.array([recencies.index(recency) for _, recency in members])
    said = within_reach(said)
    start = np.concatenate([*prior.laws.values(), *prior.recencies.values(), prior.evidence])

    def forecast(flat: Array) -> tuple[Array, Array, Array]:
        by_law, by_recency, evidence = _split(flat, len(laws), len(recencies))
        strength = np.exp(np.clip(features @ evidence, -6.0, 2.0))
        belief = (by_law @ features.T)[law_of] + (by_recency @ features.T)[recency_of]
        weights = normalised(belief - strength * miss)
        return (weights * said).sum(axis=0), weights, strength

    share, typical = _family_scales(np.abs(forecast(start)[0] - truth), families)

    def objective(flat: Array) -> tuple[float, Array]:
        centre, weights, strength = forecast(flat)
        off = (centre - truth) / typical
        smooth = np.sqrt(off**2 + 0.05)
        pull = flat - start
        slope = weights * (said - centre) * (share * off / smooth / typical)
        by_law, by_recency = (
            np.zeros((len(laws), len(truth))),
            np.zeros((len(recencies), len(truth))),
        )
        np.add.at(by_law, law_of, slope)
        np.add.at(by_recency, recency_of, slope)
        parts = [by_law @ features, by_recency @ features]
        evidence = (-(slope * miss).sum(axis=0) * strength) @ features
        gradient = np.concatenate([*(part.ravel() for part in parts), evidence])
        return float((share * smooth).sum() + ridge * pull @ pull), gradient + 2 * ridge * pull

    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    by_law, by_recency, evidence = _split(found, len(laws), len(recencies))
    return Ensemble(
        dict(zip(laws, by_law, strict=True)),
        dict(zip(recencies, by_recency, strict=True)),
        evidence,
    )


def _split(flat: Array, laws: int, recencies: int) -> tuple[Array, Array, Array]:
    table = flat.reshape(-1, len(FEATURES))
    return table[:laws], table[laws : laws + recencies], table[-1]


def _family_scales(miss: Array, families: Array) -> tuple[Array, Array]:
    """Return each case's share of the objective, and what is typically missed by in its family."""
    names, family, count = np.unique(families, return_inverse=True, return_counts=True)
    typical = np.array([max(miss[families == name].mean(), 1e-3) for name in names])
    return 1.0 / count[family] / len(count), typical[family]
