"""The predictive distribution of a curve's value at the places asked for.

Intervals at every level belong together: they are one distribution, symmetric about the forecast on
the scale of the residual (the logarithm of what is left to fall, or the metric itself). From it
come intervals at any level, the probability of passing a value, samples, and proper scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.curves.prepared import PreparedCurve
from predictor.fitting.law import Array

#: Levels at which half widths are known.
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)


@dataclass(frozen=True)
class Predictive:
    """What may come at each place.

    Between the known levels the half width is linear in the logarithm of what an interval leaves
    out, and beyond them it goes on so: tails are exponential.

    Parameters
    ----------
    curve : PreparedCurve
        The curve; it knows the way from the residual's scale to the metric.
    centre : array, (targets,)
        Median on the residual's scale; NaN where nothing can be said.
    widths : array, (levels, targets)
        Half widths of the intervals at :data:`LEVELS`, ascending, on the residual's scale.
    """

    curve: PreparedCurve
    centre: Array
    widths: Array

    def median(self) -> Array:
        """Return the forecast at each place, in the metric's units."""
        return self.curve.to_metric(self.centre)

    def half_width(self, level: float) -> Array:
        """Return half the width of the interval at this level, on the residual's scale."""
        return half_width_at(self.widths, level)

    def interval(self, level: float) -> tuple[Array, Array]:
        """Return both ends of the interval at this level, in the metric's units."""
        half = self.half_width(level)
        ends = [self.curve.to_metric(self.centre + side * half) for side in (-1, 1)]
        return np.minimum(*ends), np.maximum(*ends)

    def quantile(self, share: float) -> Array:
        """Return what the metric stays below with this probability, in (0, 1)."""
        lower, upper = self.interval(abs(2 * share - 1))
        return upper if share >= 0.5 else lower

    def probability_below(self, values: Array | float) -> Array:
        """Return the probability that the metric lies below a value, at each place.

        Parameters
        ----------
        values : float or array, broadcastable to (targets,)
            In the metric's units.
        """
        side = self.curve.from_metric(np.asarray(values, dtype=float)) - self.centre
        below = 0.5 + 0.5 * np.sign(side) * self._level_within(np.abs(side))
        return below if self.curve.kind.better == "lower" else 1 - below

    def log_density(self, values: Array | float) -> Array:
        """Return the natural logarithm of the density of what came, on the residual's scale.

        With log residuals that is the density of the logarithm of the metric (or of its distance
        to the ceiling).
        """
        distance = np.abs(self.curve.from_metric(np.asarray(values, dtype=float)) - self.centre)
        left, slope = self._tail(distance)
        # level = 1 - exp(-left), so the density on each side is half of exp(-left) * d left / d w.
        return np.log(0.5 * slope) - left

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Draw (count, targets) values; one draw lies equally high at all its places."""
        share = rng.uniform(size=count)
        return np.array([self.quantile(float(p)) for p in np.clip(share, 1e-9, 1 - 1e-9)])

    def _level_within(self, distance: Array) -> Array:
        return -np.expm1(-self._tail(distance)[0])

    def _tail(self, distance: Array) -> tuple[Array, Array]:
        """Return -log(1 - level) of intervals this wide, and its slope, at each place."""
        knots = np.concatenate([np.zeros((1, self.widths.shape[1])), self.widths])
        left_out = _left_out()
        steps = np.maximum(np.diff(knots, axis=0), 1e-12)
        piece = np.clip((distance >= knots).sum(axis=0) - 1, 0, len(steps) - 1)
        column = np.arange(knots.shape[1])
        slope = np.diff(left_out)[piece] / steps[piece, column]
        return left_out[piece] + slope * (distance - knots[piece, column]), slope


def half_width_at(widths: Array, level: float) -> Array:
    """Return the half width at any level from those at :data:`LEVELS` (first axis)."""
    knots = np.concatenate([np.zeros((1, *widths.shape[1:])), widths])
    left_out = _left_out()
    wanted = -np.log1p(-level)
    piece = int(np.clip(np.searchsorted(left_out, wanted) - 1, 0, len(left_out) - 2))
    share = (wanted - left_out[piece]) / (left_out[piece + 1] - left_out[piece])
    return np.asarray(knots[piece] + share * (knots[piece + 1] - knots[piece]))


def _left_out() -> Array:
    return -np.log1p(-np.array([0.0, *LEVELS]))
