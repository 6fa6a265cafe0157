"""What past runs with known ends say of early signals: weights, Kendall's tau, whether to stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predictor.findings import Finding

Array = NDArray[np.float64]
#: Stopping is advised only where the past ranks runs better than this, with so many runs.
STOP_TAU, STOP_RUNS = 0.5, 6
#: So many past runs can teach weights at all.
FEWEST_PAST = 4
#: A run is left behind where another in flight ends better with this probability.
BEHIND = 0.9
PUBLISHED: Mapping[str, float] = MappingProxyType({"loss": 1.0, "log_grad_norm": -1.0})
#: Without past runs each signal is taken to move the end by half a standard deviation per
#: standard deviation of its own; that counts as much as so many runs.
_PRIOR, _WORTH = 0.5, 2.0
_DRAWS = 1_000


@dataclass(frozen=True)
class Evidence:
    """A score for each run, and how far past runs carry it.

    Parameters
    ----------
    score : array, (runs,)
        Higher is better.
    weights : mapping of str to float
        Of z(loss) and z(log gradient norm); their sizes add up to 2.
    tau, lower, upper : float or None
        Kendall's tau of the past runs, each left out in turn, and its 90 % interval.
    expected : array, (runs,), or None
        Where each run is expected to end.
    behind : array, (runs,), or None
        Probability that the best run in flight ends better; NaN for past runs.
    findings : tuple of Finding
        What the evidence does not carry.
    """

    score: Array
    weights: Mapping[str, float]
    tau: float | None = None
    lower: float | None = None
    upper: float | None = None
    expected: Array | None = None
    behind: Array | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def may_stop(self) -> bool:
        """Whether past runs rank well enough to advise stopping others."""
        return self.tau is not None and not self.findings


def weigh(features: Array, final: pd.Series | None, sign: float, seed: int) -> Evidence:
    """Score runs by their early signals, with weights learned from past runs where there are some.

    With ``t`` the standardised ends of past runs and ``x`` their signals, the weights minimise
    ``|t - x w|^2 + 2 |w - w0|^2``, where ``w0`` has the published signs: few runs move them
    little. Tau compares ends with what weights learned from the other runs say of each.

    Parameters
    ----------
    features : array, (runs, 2)
        z(loss) and minus z(log gradient norm).
    final : Series, (runs,), optional
        Ends of past runs, NaN for runs in flight.
    sign : float
        1 where higher ends are better, -1 where lower ones are.
    seed : int
        For the interval of tau.

    Returns
    -------
    Evidence

    Examples
    --------
    >>> x = np.column_stack([np.arange(8.0), np.arange(8.0)]) / 2.3 - 1.5
    >>> said = weigh(x, pd.Series([1.0, 2, 3, 4, 5, 6, np.nan, np.nan]), 1.0, 0)
    >>> round(said.tau, 3), said.may_stop, round(float(said.expected[7]), 1)
    (1.0, True, 7.7)
    """
    plain = features.sum(axis=1)
    if final is None:
        return Evidence(plain, PUBLISHED, findings=(_unknown(),))
    end = final.to_numpy(np.float64)
    past = np.isfinite(end)
    if past.sum() < FEWEST_PAST or np.ptp(end[past]) == 0:
        return Evidence(plain, PUBLISHED, findings=(_too_few(int(past.sum())),))
    x, target = features[past], sign * end[past]
    slope = _slope(x, target)
    expected = target.mean() + (features - x.mean(axis=0)) @ slope
    weights = slope * 2 / max(float(np.abs(slope).sum()), 1e-300)
    tau, lower, upper = _tau_interval(_left_out(x, target, level=False), target, seed)
    spread = float(np.std(_left_out(x, target, level=True) - target, ddof=1))
    carries = tau > STOP_TAU and lower > 0 and past.sum() >= STOP_RUNS
    return Evidence(
        features @ weights, {"loss": float(weights[0]), "log_grad_norm": -float(weights[1])},
        tau, lower, upper, sign * expected, _behind(expected, spread, ~past),
        () if carries else (_too_weak(int(past.sum()), tau, lower, upper),),
    )  # fmt: skip


def _slope(x: Array, target: Array) -> Array:
    """Return the change of the end per unit of each signal."""
    spread = float(target.std())
    if spread == 0:
        return np.zeros(x.shape[1])
    centred = x - x.mean(axis=0)
    left = centred.T @ centred + _WORTH * np.eye(x.shape[1])
    right = centred.T @ (target - target.mean()) / spread + _WORTH * _PRIOR
    slope: Array = spread * np.linalg.solve(left, right)
    return slope


def _left_out(x: Array, target: Array, *, level: bool) -> Array:
    """Return what is said of each run by weights learned without it; ``level``: its end."""
    said = np.empty(len(target))
    for i in range(len(target)):
        others = np.arange(len(target)) != i
        slope = _slope(x[others], target[others])
        said[i] = x[i] @ slope
        if level:
            said[i] += target[others].mean() - x[others].mean(axis=0) @ slope
    return said


def _tau_interval(said: Array, target: Array, seed: int) -> tuple[float, float, float]:
    """Return Kendall's tau-b and the 90 % interval of draws of runs with replacement."""
    count = len(target)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(count, np.full(count, 1 / count), size=_DRAWS).astype(np.float64)
    times = np.concatenate([np.ones((1, count)), draws])
    first, second = (np.sign(np.subtract.outer(values, values)) for values in (said, target))

    def pairs(sign: Array) -> Array:
        return ((times @ sign) * times).sum(axis=1)

    told = np.sqrt(pairs(np.abs(first)) * pairs(np.abs(second)))
    tau = np.divide(pairs(first * second), told, out=np.zeros(len(times)), where=told > 0)
    low, high = np.quantile(tau[1:], [0.05, 0.95])
    return float(tau[0]), float(low), float(high)


def _behind(expected: Array, spread: float, flying: NDArray[np.bool_]) -> Array:
    """Return the probability that the best run in flight ends better than each one."""
    from scipy.stats import norm

    gap = expected[flying].max(initial=-np.inf) - expected
    told: Array = norm.cdf(gap / (np.sqrt(2.0) * max(spread, 1e-300)))
    return np.where(flying, told, np.nan)


def _unknown() -> Finding:
    return Finding("PRED611", "no past runs with final scores: whether this ranking tells "
                   "anything here is not known; give them by --past")  # fmt: skip


def _too_few(runs: int) -> Finding:
    return Finding("PRED611", f"{runs} past runs with different final scores are too few to tell; "
                   f"{FEWEST_PAST} are needed, and {STOP_RUNS} to advise stopping")  # fmt: skip


def _too_weak(runs: int, tau: float, lower: float, upper: float) -> Finding:
    return Finding("PRED611", f"past runs do not carry advice to stop: Kendall's tau {tau:.2f} "
                   f"({lower:.2f} to {upper:.2f}) of {runs} runs; over {STOP_TAU} of {STOP_RUNS} "
                   "or more is asked for")  # fmt: skip
