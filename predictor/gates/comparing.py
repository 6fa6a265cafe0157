"""Runs against a baseline or a rival: whether they differ by more than repeats do.

Both sides are seen from the same place: of a run that is half way, the baseline's first half is
forecast too, so that what a law errs by cancels. What is left is the noise between repeats. How
large that is, the baseline's own repeats tell; with few of them, what repeats of real runs differ
by (``benchmarks/gate_alarms.py``) has its say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictor.curves.metric import MetricKind, kind_of
from predictor.errors import InputError
from predictor.fitting.law import Array
from predictor.gates.checks import Check
from predictor.gates.curves import Views, outcomes_of
from predictor.logs.tables import RunLog

#: Repeats differ by this on the log scale: at a place that is logged, and more a unit of log
#: distance ahead. Real repeats differ by a quarter of it to twice as much.
_LOGGED_NOISE, _NOISE_AHEAD = 0.0025, 0.0075
#: So many repeats weigh as much as that experience.
_WORTH = 4.0

Curves = dict[str, tuple[Array, Array]]


@dataclass(frozen=True)
class Difference:
    """How much worse a run is than others at a place.

    Parameters
    ----------
    run : str
        The run.
    worse : float
        How much worse it is, on the log scale of what is left to fall (or in the metric's units
        where that has no bound); negative where it is better.
    noise : float
        Standard deviation of that difference among repeats.
    freedom : float
        Degrees of freedom that ``noise`` is known with.
    reference : float
        What the others are, in the metric's units.
    kind : MetricKind
        Direction and range of the metric.
    repeats : int
        Number of others.
    """

    run: str
    worse: float
    noise: float
    freedom: float
    reference: float
    kind: MetricKind
    repeats: int

    def probability_worse(self, allowed: float) -> float:
        """Return the probability that the run is truly worse by more than is allowed."""
        from scipy.stats import t

        return float(t.sf((allowed - self.worse) / self.noise, self.freedom))

    def detectable(self, allowed: float, level: float) -> float:
        """Return the difference, in the metric's units, from which on the check would fail."""
        from scipy.stats import t

        return self.in_metric(allowed + self.noise * float(t.ppf(level, self.freedom)))

    def in_metric(self, worse: float) -> float:
        """Turn a difference into the metric's units, positive where it is worse."""
        if self.kind.residual == "linear":
            return worse
        left = float(self.kind.to_fall(np.array([self.reference]))[0])
        return left * float(np.expm1(worse))

    def from_metric(self, worse: float) -> float:
        """Turn a difference in the metric's units into one on the scale of ``worse``."""
        if self.kind.residual == "linear":
            return worse
        left = float(self.kind.to_fall(np.array([self.reference]))[0])
        return float(np.log1p(worse / left))


def allowed(check: Check, difference: Difference) -> float:
    """Return how much worse a run may be, on the difference's scale: the largest tolerance."""
    given = [0.0]
    if check.tolerance is not None:
        given.append(difference.from_metric(check.tolerance))
    if check.tolerance_percent is not None:
        share = check.tolerance_percent / 100 * abs(difference.reference)
        given.append(difference.from_metric(share))
    if check.tolerance_sd is not None:
        one = difference.noise / np.sqrt(1 + 1 / difference.repeats)
        given.append(check.tolerance_sd * one)
    return max(given)


def differences(views: Views, others: Curves, check: Check) -> list[Difference | None]:
    """Compare every run with the others, seen from where it is; None where nothing can be said.

    Parameters
    ----------
    views : Views
        The runs to judge.
    others : mapping of str to (x, y)
        What they are compared with, on the same axis.

    Raises
    ------
    InputError
        If there is nothing to compare with.
    """
    if not others:
        raise InputError("there is nothing to compare with")
    last = views.last
    found: dict[str, Difference | None] = {}
    for seen in sorted(set(last.values())):
        same = [run for run in views.curves if last[run] == seen]
        for at in sorted({views.at[run] for run in same}):
            runs = [run for run in same if views.at[run] == at]
            found |= _seen_from(views, runs, others, seen, at, check)
    return [found[run] for run in views.curves]


def _seen_from(
    views: Views, runs: Sequence[str], others: Curves, seen: float, at: float, check: Check
) -> dict[str, Difference | None]:
    theirs = {f"other/{name}": _until(x, y, seen) for name, (x, y) in others.items()}
    theirs = {name: xy for name, xy in theirs.items() if len(xy[0])}
    ours = {f"run/{name}": _until(*views.curves[name], seen) for name in runs}
    values = _at_place(ours | theirs, views, at, check)
    kind = next(iter(values.values()))[1]
    rest = np.array([value for name, (value, _) in values.items() if name in theirs])
    rest = rest[np.isfinite(rest)]
    return {
        run: _difference(run, values[f"run/{run}"][0], rest, kind, np.log(at / seen))
        for run in runs
    }


def _at_place(
    curves: Curves, views: Views, at: float, check: Check
) -> dict[str, tuple[float, MetricKind]]:
    """Return each curve's value at the place on the scale of differences, and the metric's kind."""
    everything = np.concatenate([y for _, y in curves.values()])
    kind = kind_of(views.metric, everything[np.isfinite(everything)])
    frames = [
        pd.DataFrame({"run": name, "metric": views.metric, views.axis: x, "value": y})
        for name, (x, y) in curves.items()
    ]
    log = RunLog.from_points(pd.concat(frames, ignore_index=True))
    there = Views(log, views.metric, views.axis, curves, dict.fromkeys(curves, at), views.better)
    found = {}
    for name, outcome in outcomes_of(there, check).items():
        left = kind.to_fall(outcome.value)
        with np.errstate(all="ignore"):
            scaled = np.log(left) if kind.residual == "log" else left
        found[name] = (float(scaled[0]), kind)
    return found


def _difference(
    run: str, value: float, rest: Array, kind: MetricKind, ahead: float
) -> Difference | None:
    count = len(rest)
    if not count or not np.isfinite(value):
        return None
    middle = float(rest.mean())
    reference = np.exp(middle) if kind.residual == "log" else middle
    size = 1.0 if kind.residual == "log" else max(abs(middle), 1e-12)
    usual = size * np.hypot(_LOGGED_NOISE, _NOISE_AHEAD * max(float(ahead), 0.0))
    freedom = _WORTH + count - 1
    variance = (_WORTH * usual**2 + ((rest - middle) ** 2).sum()) / freedom
    return Difference(
        run,
        float(value - middle),
        float(np.sqrt(variance * (1 + 1 / count))),
        freedom,
        float(kind.from_fall(np.array([reference]))[0]),
        kind,
        count,
    )


def _until(x: Array, y: Array, place: float) -> tuple[Array, Array]:
    seen = np.isfinite(x) & (x <= place * (1 + 1e-9))
    return x[seen], y[seen]
