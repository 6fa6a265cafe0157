"""From a logged curve to one that the laws can be fitted to, with what had to be left out said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.curves.batch import binned
from predictor.curves.metric import MetricKind, kind_of
from predictor.curves.regimes import Regime, last_regime
from predictor.findings import Finding
from predictor.fitting.law import Array


@dataclass(frozen=True)
class PreparedCurve:
    """A falling curve, and the way back to the metric.

    Parameters
    ----------
    x, z : array, (bins,)
        Places and falling values, averaged in bins.
    kind : MetricKind
        Direction and range of the metric.
    offset, unit : float
        With linear residuals ``z = (falling - offset) / unit``; 0 and 1 with log residuals.
    points : int
        Number of logged points behind the bins.
    findings : tuple of Finding
        What was left out, and why.
    regime : Regime
        Whether the curve is past a peak (points before it are left out), rises, or has diverged.
    """

    x: Array
    z: Array
    kind: MetricKind
    offset: float
    unit: float
    points: int
    findings: tuple[Finding, ...]
    regime: Regime

    @property
    def constant(self) -> bool:
        """Whether the curve never changes."""
        return bool(np.ptp(self.z) == 0)

    def to_metric(self, scaled: Array) -> Array:
        """Turn values on the scale of the residual back into the metric."""
        if self.kind.residual == "log":
            return self.kind.from_fall(np.exp(scaled))
        return self.kind.from_fall(scaled * self.unit + self.offset)

    def falling(self) -> Array:
        """Return the curve in the metric's units, written falling."""
        return self.z if self.kind.residual == "log" else self.z * self.unit + self.offset

    def from_metric(self, values: Array) -> Array:
        """Turn values of the metric into values on the scale of the residual."""
        return self.scaled(self.kind.to_fall(values))

    def scaled(self, falling: Array) -> Array:
        """Turn falling values in the metric's units into values on the scale of the residual."""
        if self.kind.residual == "log":
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.log(np.maximum(falling, 0.0))
        return (falling - self.offset) / self.unit


def prepare(x: Array, y: Array, metric: str, run: str | None = None) -> PreparedCurve:
    """Prepare one curve for fitting.

    Parameters
    ----------
    x, y : array, (points,)
        Places and values of the metric, in any order.
    metric : str
        Name of the metric; it tells direction and range.
    run : str, optional
        Name of the run, for the findings.

    Returns
    -------
    PreparedCurve
        With no points where none can be used.
    """
    findings = []
    known = np.isfinite(x) & np.isfinite(y)
    placed = known & (x > 0)
    if left_out := int(known.sum() - placed.sum()):
        message = f"{left_out} points at 0 or below left out: laws need a positive place"
        findings.append(Finding("PRED105", message, run))
    order = np.argsort(x[placed], kind="stable")
    x, y = x[placed][order], y[placed][order]
    if not len(x):
        return PreparedCurve(x, y, MetricKind("lower"), 0.0, 1.0, 0, tuple(findings), Regime())
    kind = kind_of(metric, y)
    falling = kind.to_fall(y)
    place, z = binned(x, falling)
    if kind.residual == "log":
        z, offset, unit = _positive(z), 0.0, 1.0
    else:
        offset = float(z[-1])
        unit = float(np.ptp(z[len(z) // 2 :]) or np.ptp(z) or abs(offset) or 1.0)
        z = (z - offset) / unit
    regime = last_regime(np.log(z) if kind.residual == "log" else z)
    if regime.start:
        at = float(place[regime.start])
        place, z, x = place[regime.start :], z[regime.start :], x[x >= at]
        message = f"the curve peaked at {at:g} (double descent); it is forecast from there on"
        findings.append(Finding("PRED111", message, run))
    return PreparedCurve(place, z, kind, offset, unit, len(x), tuple(findings), regime)


def _positive(z: Array) -> Array:
    """Replace zeros by half the smallest positive value: 0 means 'less than can be seen'."""
    positive = z[z > 0]
    return np.maximum(z, positive.min() / 2) if len(positive) else np.full_like(z, 1e-6)
