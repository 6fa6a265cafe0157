"""Where losses go beyond the largest run: laws in an ensemble, weighted by their past.

A member is a law, a recency and a tilt. With recency ``r`` a run counts ``(C / C_largest)^r``: the
smallest runs say little about the largest. With a tilt above 1 a run that ended above the law
counts less than one that ended below it: a badly tuned run is worse than the law, never better.
Members are judged by what they miss when the runs with the largest compute are hidden, and the
forecast is their weighted median. One law by itself is an ensemble of one member, recency 0 and no
tilt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predictor.fitting.conformal import conformal_quantile
from predictor.fitting.law import Array, Law
from predictor.fitting.solver import solve
from predictor.scaling.laws import SCALING_LAWS
from predictor.scaling.table import RunsTable, law_axes

#: Huber's delta on log losses (Hoffmann et al. 2022): nearly least absolute deviations.
DELTA = 1e-3
RECENCIES = (0.0, 0.5, 1.0, 2.0)
TILT = 2.0
#: Shares of the runs, in order of compute, that are kept when later ones are forecast.
ORIGINS = (0.5, 0.6, 0.7, 0.8, 0.9)
_TILTING_ROUNDS, _STARTS, _ITERATIONS = 5, 6, 60
_MAD_TO_SD = 1.4826
#: Largest deviation that counts, on the log scale, and the smallest scale of an error.
_FAR, _TINY = 0.5, 1e-9


@dataclass(frozen=True)
class Ensemble:
    """Laws fitted to a table and to its past.

    Parameters
    ----------
    table : RunsTable
        The runs, in order of compute.
    seen : array of bool, (origins, runs)
        What each origin was fitted to; the last origin is the whole table.
    params : dict of array, (origins, recencies, parameters)
        Estimates by law.
    """

    table: RunsTable
    seen: NDArray[np.bool_]
    params: dict[str, Array]

    def members(self, runs: pd.DataFrame) -> Array:
        """Return the log loss that each member says, (members, origins, runs)."""
        said = []
        for name, estimates in self.params.items():
            law = SCALING_LAWS[name]
            flat = estimates.reshape(-1, estimates.shape[-1])
            with np.errstate(all="ignore"):
                value = np.log(law.value(law_axes(law, runs), flat))
            value = np.nan_to_num(value, nan=_FAR, posinf=_FAR, neginf=-_FAR)
            said.append(value.reshape(*estimates.shape[:2], -1).swapaxes(0, 1))
        return np.concatenate(said)

    @cached_property
    def errors(self) -> Array:
        """Error of each member on the hidden runs, (members, past origins, runs), NaN elsewhere."""
        missed = self.members(self.table.runs)[:, :-1] - np.log(self.table.loss)
        return np.where(self.seen[:-1], np.nan, missed)

    @cached_property
    def weights(self) -> Array:
        """Weight of each member, (members,): its median error on hidden runs to the power -2."""
        if self.errors.shape[1] == 0 or self.errors.shape[0] == 1:
            return np.full(len(self.errors), 1 / len(self.errors))
        miss = np.nanmedian(np.abs(self.errors), axis=2).mean(axis=1)
        weights = 1 / (miss + 1e-3 * np.median(miss) + _TINY) ** 2
        return np.asarray(weights / weights.sum())

    @cached_property
    def backtests(self) -> Array:
        """Error of the ensemble on hidden runs, (past origins, runs), NaN elsewhere."""
        said = weighted_median(self.members(self.table.runs)[:, :-1], self.weights)
        return np.where(self.seen[:-1], np.nan, said - np.log(self.table.loss))

    @cached_property
    def noise(self) -> Array:
        """Scatter of the seen runs about the ensemble, (origins,): a robust standard deviation."""
        said = weighted_median(self.members(self.table.runs), self.weights)
        off = np.where(self.seen, np.abs(said - np.log(self.table.loss)), np.nan)
        return np.asarray(_MAD_TO_SD * np.nanmedian(off, axis=1))

    def forecast(self, runs: pd.DataFrame) -> tuple[Array, Array]:
        """Return the log loss at these places and the scale of its error, both (places,)."""
        said = self.members(runs)[:, -1]
        centre = weighted_median(said, self.weights)
        ahead = np.log(np.maximum(runs["flops"].to_numpy() / self.table.flops.max(), 1.0))
        return centre, self._scale(said, centre, ahead, self.noise[-1])

    def scores(self) -> Array:
        """Return the past errors over their scales, (n,): what intervals are calibrated on."""
        said = self.members(self.table.runs)[:, :-1]
        found = []
        for k, seen in enumerate(self.seen[:-1]):
            hidden = ~seen
            flops = self.table.flops
            ahead = np.log(np.maximum(flops[hidden] / flops[seen].max(), 1.0))
            centre = weighted_median(said[:, k, hidden], self.weights)
            scale = self._scale(said[:, k, hidden], centre, ahead, self.noise[k])
            found.append(np.abs(self.backtests[k, hidden]) / scale)
        return np.concatenate(found) if found else np.empty(0)

    def factor(self, level: float) -> tuple[float, bool]:
        """Return how many scales an interval spans to each side, and whether that is calibrated."""
        from scipy.stats import norm, t

        asked = conformal_quantile(self.scores(), level)
        if asked is None:
            free = max(1, len(self.table) - max(p.shape[-1] for p in self.params.values()))
            return float(t.ppf((1 + level) / 2, free)), False
        return max(asked, float(norm.ppf((1 + level) / 2))), True

    def _scale(self, said: Array, centre: Array, ahead: Array, noise: float) -> Array:
        """Noise, growing with the distance ahead, and how far the members are apart."""
        apart = np.minimum(np.abs(said - centre), _FAR)
        spread = (self.weights[:, None] * apart**2).sum(axis=0)
        return np.sqrt(noise**2 * (1 + ahead**2) + spread) + _TINY


def fit_ensemble(
    table: RunsTable,
    laws: Sequence[str],
    *,
    recencies: Sequence[float] = RECENCIES,
    tilt: float = TILT,
    delta: float = DELTA,
) -> Ensemble:
    """Fit laws to a table and to the parts of it with the least compute.

    Parameters
    ----------
    table : RunsTable
        The runs.
    laws : sequence of str
        Names of laws.
    recencies : sequence of float
        Powers of compute by which runs count.
    tilt : float
        How much more a run below the law counts than one above it.
    delta : float
        Huber's delta on log losses.

    Returns
    -------
    Ensemble
    """
    table = table.take(np.argsort(table.flops, kind="stable"))
    most = max(len(SCALING_LAWS[name].names) for name in laws)
    seen = _seen(table.flops, most + 1)
    weights = _recent(table.flops, seen, recencies)
    shape = (len(seen), len(recencies), -1)
    params = {
        name: _tilted(SCALING_LAWS[name], table, weights, tilt, delta).reshape(shape)
        for name in laws
    }
    return Ensemble(table, seen, params)


def weighted_median(values: Array, weights: Array) -> Array:
    """Return the weighted median over the first axis, weights (members,)."""
    order = np.argsort(values, axis=0, kind="stable")
    ranked = np.take_along_axis(values, order, axis=0)
    share = np.cumsum(weights[order], axis=0)
    middle = (share >= share[-1] / 2).argmax(axis=0)
    return np.take_along_axis(ranked, middle[None], axis=0)[0]


def _seen(flops: Array, fewest: int) -> NDArray[np.bool_]:
    """Return which runs each origin is fitted to; runs of one compute are hidden together."""
    rows: list[NDArray[np.bool_]] = []
    for share in ORIGINS:
        last = max(fewest, round(share * len(flops))) - 1
        seen = flops <= flops[min(last, len(flops) - 1)]
        if not seen.all() and not any((seen == row).all() for row in rows):
            rows.append(seen)
    return np.array([*rows, np.ones(len(flops), dtype=bool)])


def _recent(flops: Array, seen: NDArray[np.bool_], recencies: Sequence[float]) -> Array:
    largest = np.where(seen, flops, 0.0).max(axis=1, keepdims=True)
    share = np.where(seen, flops / largest, 0.0)
    return np.concatenate(
        [[np.where(s, x**r, 0.0) for r in recencies] for s, x in zip(seen, share, strict=True)]
    )


def _tilted(law: Law, table: RunsTable, weights: Array, tilt: float, delta: float) -> Array:
    """Fit, then let runs above the law count less, until that settles."""
    axes, loss = table.axes(law), table.loss[None]
    found = solve(
        law, axes, loss, weights, delta=delta, n_starts=_STARTS, max_iterations=_ITERATIONS
    ).params
    for _ in range(_TILTING_ROUNDS if tilt != 1 else 0):
        below = law.value(axes, found) > loss
        tilted = weights * np.where(below, tilt, 1.0)
        found = solve(
            law, axes, loss, tilted, delta=delta, starts=found[:, None], max_iterations=_ITERATIONS
        ).params
    return found
