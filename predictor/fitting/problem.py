"""A batch of fits of one law: its data, its robust objective and the derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from predictor.fitting.law import Array, Law

Residual = Literal["log", "linear"]
#: Objective (P,), gradient (P, k), curvature (P, k, k) and damping diagonal (P, k).
Terms = tuple[Array, ...]
#: Array elements handled at a time: what fits the processor's cache.
_CHUNK_ELEMENTS = 100_000


@dataclass(frozen=True)
class Prior:
    """What is known of parameters beforehand: ``precision / 2 (parameter - centre)^2`` is added.

    Parameters
    ----------
    centre : array, (parameters,)
        Where each parameter is expected; its logarithm where its lower bound is positive.
    precision : array, (parameters,)
        Weight of the squared distance, in the units of the objective; 0 knows nothing.
    """

    centre: Array
    precision: Array


@dataclass(frozen=True)
class Problem:
    """A batch of fits; arrays with first dimension 1 are shared by the batch."""

    law: Law
    axes: tuple[Array, ...]
    y: Array
    weights: Array
    residual: Residual
    delta: Array
    count: int
    prior: Prior | None = None

    @classmethod
    def build(
        cls,
        law: Law,
        x: Array | Sequence[Array],
        y: Array,
        weights: Array | None,
        residual: Residual,
        delta: float | Array,
        prior: Prior | None = None,
    ) -> Problem:
        """Build a batch from what a caller gives, see :func:`predictor.fitting.solver.solve`."""
        axes = (x,) if isinstance(x, np.ndarray) else tuple(x)
        given = [np.atleast_2d(np.asarray(a, dtype=float)) for a in (*axes, y)]
        w = np.ones((1, given[-1].shape[1])) if weights is None else np.atleast_2d(weights)
        count = max(a.shape[0] for a in (*given, w))
        bounds = np.broadcast_to(np.asarray(delta, dtype=float), count)
        return cls(law, tuple(given[:-1]), given[-1], w, residual, bounds, count, prior)

    def in_units(self) -> tuple[Problem, list[Array]]:
        """Measure every axis in its geometric mean (or mean size), for conditioning."""
        total = self.weights.sum(axis=1)
        scaled, units = [], []
        for name, axis in zip(self.law.axes, self.axes, strict=True):
            if name in self.law.dimensionless:
                scaled.append(axis)
                units.append(np.ones(self.count))
                continue
            size = np.log(axis) if (axis > 0).all() else np.log(np.abs(axis) + 1e-300)
            positive = (axis > 0).all()
            mean = (self.weights * size).sum(axis=1) / total
            unit = np.exp(mean) if positive else np.maximum(np.abs(axis).mean(axis=1), 1e-300)
            if axis.shape[0] == 1:
                unit = unit[:1]
            scaled.append(axis / unit[:, None])
            units.append(np.broadcast_to(unit, self.count))
        return self._replaced(tuple(scaled)), units

    @property
    def huber(self) -> bool:
        """Whether any problem has a finite delta."""
        return bool(np.isfinite(self.delta).any())

    @cached_property
    def unweighted(self) -> bool:
        """Whether every weight is 1."""
        return bool((self.weights == 1).all())

    @property
    def logarithmic(self) -> list[int]:
        """Positions of the parameters that are always positive: they are searched by their logs."""
        return [k for k, lower in enumerate(self.law.bounds[0]) if lower > 0]

    def _replaced(self, axes: tuple[Array, ...]) -> Problem:
        return replace(self, axes=axes)

    @cached_property
    def log_y(self) -> Array:
        """Logarithm of the targets, taken once."""
        return np.log(self.y)

    @cached_property
    def negligible(self) -> Array:
        """Objective that is nothing but rounding."""
        size = 1.0 if self.residual == "log" else self.y**2
        return 1e-28 * (self.weights * size).sum(axis=1)

    def take(self, rows: NDArray[np.intp] | slice) -> Problem:
        """Return the problems in these rows."""

        def taken(a: Array) -> Array:
            return a if a.shape[0] == 1 else a[rows]

        delta = self.delta[rows]
        return Problem(
            self.law,
            tuple(taken(a) for a in self.axes),
            taken(self.y),
            taken(self.weights),
            self.residual,
            delta,
            len(delta),
            self.prior,
        )

    def chunks(self, copies: int = 1) -> list[slice]:
        """Return parts of the batch whose arrays, so many copies of them, stay in the cache."""
        size = max(1, _CHUNK_ELEMENTS // max(1, self.y.shape[1]))
        if copies > 1 and any(a.shape[0] > 1 for a in self.axes):
            size = max(1, size // copies)
        return [slice(k, k + size) for k in range(0, self.count, size)]

    def objective_terms(self, params: Array) -> Terms:
        """Return the objective, its gradient and curvature, and the damping, see ``Terms``."""
        value, slopes = self.law.value_and_slopes(self.axes, params)
        for k in self.logarithmic:
            slopes[:, k] *= params[:, k, None]
        if self.residual == "log":
            r = np.log(value) - self.log_y
            slopes /= value[:, None]
        else:
            r = value - self.y
        if self.huber:
            size, delta = np.abs(r), self.delta[:, None]
            inside = size <= delta
            clipped = np.minimum(size, delta)
            objective = dot(self.weights * clipped, size - clipped / 2)
            pull = self.weights * np.copysign(clipped, r)
            softness = self.weights * (clipped / np.maximum(size, 1e-300))
            softness[size == 0] = 1.0
            curved = self.weights * inside
        else:
            pull = r if self.unweighted else self.weights * r
            objective = dot(pull, r) / 2
            softness = curved = self.weights
        if not np.isfinite(objective).all():
            objective, pull, slopes = self._finite(r, pull, slopes, objective)
        weighted = slopes if self.unweighted and not self.huber else slopes * curved[:, None]
        gradient, curvature = _gram(slopes, pull, weighted)
        if self.huber:
            diagonal = np.stack([dot(s * softness, s) for s in slopes.swapaxes(0, 1)], axis=1)
        else:
            diagonal = np.diagonal(curvature, axis1=1, axis2=2)
        if self.prior is not None:
            return self._with_prior(params, objective, gradient, curvature, diagonal)
        return objective, gradient, curvature, diagonal

    def _with_prior(
        self, params: Array, objective: Array, gradient: Array, curvature: Array, diagonal: Array
    ) -> Terms:
        assert self.prior is not None
        place = params.copy()
        place[:, self.logarithmic] = np.log(params[:, self.logarithmic])
        off = place - self.prior.centre
        pull = self.prior.precision * off
        return (
            objective + dot(pull, off) / 2,
            gradient + pull,
            curvature + np.diag(self.prior.precision),
            diagonal + self.prior.precision,
        )

    def _finite(self, r: Array, pull: Array, slopes: Array, objective: Array) -> tuple[Array, ...]:
        """Let points without weight be anything; an impossible point makes its problem infinite."""
        bad = ~np.isfinite(r)
        pull, slopes = np.where(bad, 0.0, pull), np.where(np.isfinite(slopes), slopes, 0.0)
        if not self.huber:
            objective = dot(pull, np.where(bad, 0.0, r)) / 2
        objective = np.where(np.isfinite(objective), objective, np.inf)
        return np.where((bad & (self.weights > 0)).any(axis=1), np.inf, objective), pull, slopes


def dot(a: Array, b: Array) -> Array:
    """Sum the products of two arrays over their last axis."""
    return np.asarray(np.vecdot(a, b))


def _gram(slopes: Array, pull: Array, weighted: Array) -> tuple[Array, Array]:
    """Gradient (P, k) and curvature (P, k, k) from slopes (P, k, n)."""
    size = slopes.shape[1]
    gradient = np.stack([dot(slopes[:, i], pull) for i in range(size)], axis=1)
    curvature = np.empty((len(slopes), size, size))
    for i in range(size):
        for j in range(i + 1):
            curvature[:, i, j] = curvature[:, j, i] = dot(weighted[:, i], slopes[:, j])
    return gradient, curvature


def eliminate(system: Array, right: Array) -> Array:
    """Solve many small positive definite systems, (k, k, P) and (k, P), by elimination."""
    size = len(right)
    rows, x = [list(row) for row in system], list(right)
    for i in range(size):
        for m in range(i + 1, size):
            factor = rows[m][i] / rows[i][i]
            for j in range(i + 1, size):
                rows[m][j] = rows[m][j] - factor * rows[i][j]
            x[m] = x[m] - factor * x[i]
    for i in reversed(range(size)):
        for j in range(i + 1, size):
            x[i] = x[i] - rows[i][j] * x[j]
        x[i] = x[i] / rows[i][i]
    return np.stack(x)
