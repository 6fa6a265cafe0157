"""Fit a schedule law to several runs at once, and say how well its curve is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.curves.schedule.annealing import Falls, falls
from predictor.curves.schedule.laws import KNOWN, KNOWN_DROP, SCHEDULE_LAWS
from predictor.curves.schedule.observed import ObservedRun
from predictor.curves.schedule.plan import Schedule
from predictor.fitting.law import Array, Law
from predictor.fitting.problem import Prior
from predictor.fitting.solver import solve

#: Huber's delta of the paper, and the least noise of a logged loss that is believed (log scale).
LEAST_NOISE = 1e-3
_HUBER_TO_NOISE = 1.345 * 1.4826
#: Only a log that is this much noisier than the paper's gets a wider delta.
_CLEARLY = 2.0
#: Neighbours in a run err alike: it says as much as this many independent points, or a little more.
_FEWEST_INDEPENDENT = 8.0
_NO_FALLS = Falls(*(np.zeros(1, dtype=kind) for kind in (np.intp, float, float, float, float)))


@dataclass(frozen=True, eq=False)
class ScheduleFit:
    """A schedule law with its estimates.

    Parameters
    ----------
    law : str
        Name of the law.
    params : array, (parameters,)
        Estimates in the order of the law's names; rates in ``peak``, areas in steps at the peak.
    covariance : array, (parameters, parameters)
        Of the parameters, shapes on the log scale.
    peak : float
        Highest rate of the runs.
    reach : float
        Largest area under the rate of any point that was fitted.
    noise : float
        Standard deviation of a point about the curve, on the log scale.
    objective : float
        What was minimised: weighted Huber losses of log residuals, and the prior's share.
    converged : bool
        Whether the solver converged.
    """

    law: str
    params: Array
    covariance: Array
    peak: float
    reach: float
    noise: float
    objective: float
    converged: bool

    def value(self, schedule: Schedule, step: Array) -> Array:
        """Return the law's value at each step of a run under a schedule, (points,)."""
        law, area = _law_at(self.law, [schedule], [step], self.peak)
        return law.value(area, self.params[None])[0]

    def spread(self, schedule: Schedule, step: Array) -> Array:
        """Return the standard deviation of the logarithm of the curve at each step, (points,)."""
        law, area = _law_at(self.law, [schedule], [step], self.peak)
        slopes = _log_slopes(law, area, self.params)
        return np.sqrt(np.einsum("kn,kl,ln->n", slopes, self.covariance, slopes))

    def named(self) -> dict[str, float]:
        """Return the estimates by name in the papers' units: rates and areas as logged.

        The annealing law's ``C`` and ``lambda`` are those of its momentum form.
        """
        law = SCHEDULE_LAWS[self.law](_NO_FALLS)
        found = dict(zip(law.names, map(float, self.params), strict=True))
        found["A"] *= self.peak ** found["alpha"]
        found["B"] /= self.peak
        if self.law == "multi-power":
            found["C"] *= self.peak ** (found["gamma"] - 1)
            return found
        decay = float(np.exp(-1 / found.pop("tau")))
        slope = found.pop("B") * (1 - decay)
        return {**found, "lambda": decay, "C": slope}


def fit_runs(runs: Sequence[ObservedRun], law: str = "multi-power") -> ScheduleFit:
    """Fit a law to all runs together.

    Minimises the sum of weighted Huber losses of the log residuals plus what is known of the
    parameters beforehand (:data:`~predictor.curves.schedule.laws.KNOWN`). The surface is flat in C,
    beta and gamma; the lowest point of the runs at hand is a poor guide to others, and the prior
    chooses among the many that fit about as well.

    Parameters
    ----------
    runs : sequence of ObservedRun
        One or more.
    law : {"multi-power", "annealing"}
        Which law.
    """
    return fit_folds(runs, [np.ones(sum(len(r.step) for r in runs))], law)[0]


def fit_folds(
    runs: Sequence[ObservedRun],
    seen: Sequence[Array],
    law: str = "multi-power",
    near: ScheduleFit | None = None,
) -> list[ScheduleFit]:
    """Fit a law several times, to the points that are seen (1) and not hidden (0) in each.

    Parameters
    ----------
    runs : sequence of ObservedRun
        One or more.
    seen : sequence of array, (points,)
        For each fit which of all runs' points it sees.
    law : {"multi-power", "annealing"}
        Which law.
    near : ScheduleFit, optional
        A fit to all points, to start from.
    """
    peak = max(run.schedule.peak for run in runs)
    form, area = _law_at(law, [r.schedule for r in runs], [r.step for r in runs], peak)
    y = np.concatenate([run.value for run in runs])
    label = np.repeat(np.arange(len(runs), dtype=np.intp), [len(run.step) for run in runs])
    even = np.concatenate([run.weight for run in runs])
    weight = np.stack([_shared_out(even * s, label, _FEWEST_INDEPENDENT) for s in seen])
    prior = _prior(form, float(np.median(y)), LEAST_NOISE)
    starts = _starts(form) if near is None else near.params[None]
    first = solve(form, area, y, weight, delta=LEAST_NOISE, starts=starts, prior=prior)
    fits = []
    for row, params in enumerate(first.params):
        residual = np.log(form.value(area, params[None])[0] / y)
        shown = weight[row] > 0
        noise = max(LEAST_NOISE, _HUBER_TO_NOISE * float(np.median(np.abs(residual[shown]))))
        objective, converged = float(first.objective[row]), bool(first.converged[row])
        here = weight[row]
        if noise > _CLEARLY * LEAST_NOISE:
            again = solve(
                form, area, y, here[None], delta=noise, starts=params[None, None],
                prior=_prior(form, float(np.median(y)), noise),
            )  # fmt: skip
            params, objective = again.params[0], float(again.objective[0])
            converged = bool(again.converged[0])
        covariance = _covariance(form, area, y, here, params, noise)
        reach = peak * float(area[0, shown].max())
        fits.append(ScheduleFit(law, params, covariance, peak, reach, noise, objective, converged))
    return fits


def _law_at(
    law: str, schedules: Sequence[Schedule], steps: Sequence[Array], peak: float
) -> tuple[Law, Array]:
    """Return the law at points, and the area up to each, (1, points)."""
    area = [s.area(np.asarray(t, dtype=float)) for s, t in zip(schedules, steps, strict=True)]
    return SCHEDULE_LAWS[law](falls(schedules, steps, peak)), np.concatenate(area)[None] / peak


def _shared_out(weight: Array, label: NDArray[np.intp], total: float) -> Array:
    """Scale weights so that each run has this total, or its number of points if that is less."""
    sums = np.bincount(label, weight)
    count = np.bincount(label, weight > 0)
    share = np.minimum(total, count) / np.where(sums > 0, sums, 1.0)
    return weight * share[label]


def _prior(law: Law, level: float, noise: float) -> Prior:
    """Return what is known beforehand in the units of an objective of residuals of such noise."""
    centre, precision = np.zeros(len(law.names)), np.zeros(len(law.names))
    for k, name in enumerate(law.names):
        if name in KNOWN:
            centre[k], precision[k] = np.log(KNOWN[name][0]), (noise / KNOWN[name][1]) ** 2
    drop = law.names.index("B")
    centre[drop], precision[drop] = KNOWN_DROP[0] * level, (noise / (KNOWN_DROP[1] * level)) ** 2
    return Prior(centre, precision)


def _starts(law: Law) -> Array:
    """Return starts: what is known beforehand, the second shape a little below and above."""
    middle = [KNOWN[shape.name][0] for shape in law.shapes]
    starts = np.array([[0.0] * len(law.coefficients) + middle] * 2)
    starts[:, len(law.coefficients) + 1] *= (0.5, 2.0)
    return starts


def _log_slopes(law: Law, area: Array, params: Array) -> Array:
    """Return derivatives of the log value by coefficients and logarithms of shapes."""
    value, slopes = law.value_and_slopes(area, params[None])
    first = len(law.coefficients)
    slopes[:, first:] *= params[first:, None]
    return slopes[0] / value[0]


def _covariance(
    law: Law, area: Array, y: Array, weight: Array, params: Array, noise: float
) -> Array:
    slopes = _log_slopes(law, area, params)
    residual = np.abs(np.log(law.value(area, params[None])[0] / y))
    softened = weight * np.minimum(1.0, noise / np.maximum(residual, 1e-12))
    precision = (slopes * softened) @ slopes.T / noise**2
    known = _prior(law, float(np.median(y)), noise).precision / noise**2
    scale = 1 / np.sqrt(np.diag(precision) + known + 1e-12)
    system = (precision + np.diag(known)) * scale * scale[:, None]
    return np.linalg.pinv(system, rcond=1e-12) * scale * scale[:, None]
