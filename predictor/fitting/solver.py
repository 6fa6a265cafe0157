"""The batched solver: starts x bootstrap draws x curves are one array axis.

For given shape parameters the coefficients are a tiny least squares with signs, so the search for a
start is a few matrix products over a grid of shapes. From there a damped Newton method on all
parameters at once minimises the robust objective, every problem with its own damping; problems that
have converged leave the batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, combinations, product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from predictor.fitting.law import Array, Law, unchanged

Residual = Literal["log", "linear"]
#: Objective (P,), gradient (P, k), curvature (P, k, k) and damping diagonal (P, k).
Terms = tuple[Array, ...]
#: Array elements handled at a time: what fits the processor's cache.
_CHUNK_ELEMENTS = 100_000
_THREADS = min(4, os.cpu_count() or 1)
#: Batches of fewer parts are not worth the threads.
_FEWEST_PARTS = 2
_DAMPING = (1e-10, 1e10)  # lowest, hopeless
#: A start from the grid is near the optimum, one that was given may be anywhere.
_FIRST_DAMPING_GRID, _FIRST_DAMPING_GIVEN = 1e-6, 1e-2


@dataclass(frozen=True)
class Solution:
    """What the solver found, one row a problem.

    Parameters
    ----------
    params : array, (problems, parameters)
        Estimates in the order of ``law.names``, for x as given.
    objective : array, (problems,)
        Sum over points of weight times Huber loss of the residual.
    converged : array of bool, (problems,)
        Whether the last step could not improve the objective by the tolerance.
    at_bound : array of bool, (problems, parameters)
        Which parameters ended at a bound.
    iterations : int
        Iterations of the slowest problem.
    """

    params: Array
    objective: Array
    converged: NDArray[np.bool_]
    at_bound: NDArray[np.bool_]
    iterations: int


def solve(
    law: Law,
    x: Array | Sequence[Array],
    y: Array,
    weights: Array | None = None,
    *,
    residual: Residual = "log",
    delta: float | Array = np.inf,
    starts: Array | None = None,
    n_starts: int = 1,
    tolerance: float = 1e-8,
    max_iterations: int = 100,
) -> Solution:
    """Fit one law to many problems at once.

    Minimises ``sum_i w_i huber(r_i, delta)`` with ``r = log f - log y`` or ``r = f - y``.

    Parameters
    ----------
    law : Law
        The law to fit.
    x : array or sequence of arrays, (problems or 1, points)
        Inputs, one array an axis; a first dimension of 1 is shared by all problems.
    y : array, (problems or 1, points)
        Targets; positive where ``residual="log"`` and the weight is not 0.
    weights : array, (problems or 1, points), optional
        Weight of each point; 0 leaves it out (also how curves of unequal length are padded).
    residual : {"log", "linear"}
        Which residual is minimised.
    delta : float or array, (problems,)
        Huber's delta in units of the residual; infinite for least squares.
    starts : array, (starts, parameters) or (problems, starts, parameters), optional
        Where to start; from the law's own grid where not given. Of starts shared by all problems
        only the shape parameters count: the coefficients that go with them are computed.
    n_starts : int
        How many starts to take from the grid.
    tolerance : float
        Relative decrease of the objective, as predicted by the step, under which a problem is done.
    max_iterations : int
        Iterations after which a problem is given up.

    Returns
    -------
    Solution

    Examples
    --------
    >>> from predictor.fitting.laws import POWER
    >>> x = np.array([[1.0, 2.0, 4.0, 8.0, 16.0]])
    >>> solve(POWER, x, 1 + 2 * x**-0.5).params.round(6)
    array([[1. , 2. , 0.5]])
    """
    problem = _Problem.build(law, x, y, weights, residual, delta)
    units: list[Array] = []
    if law.rescale is not unchanged:
        problem, units = problem.in_units()
    with np.errstate(all="ignore"):
        begin = None if starts is None else _given_starts(problem, starts, units)
    parts = problem.chunks(_nodes(law) if begin is None else begin.shape[1])

    def one(part: slice) -> Solution:
        own = problem.take(part)
        with np.errstate(all="ignore"):
            if begin is None:
                found, damping = _grid_starts(own, n_starts), _FIRST_DAMPING_GRID
            else:
                found, damping = begin[part], _FIRST_DAMPING_GIVEN
            return _solve_from(own, found, damping, tolerance, max_iterations)

    solution = _joined(_mapped(one, parts))
    return replace(solution, params=law.rescale(solution.params, units)) if units else solution


def _mapped(work: Callable[[slice], Solution], parts: Sequence[slice]) -> list[Solution]:
    """Work on the parts, several at a time: NumPy lets other threads run while it computes."""
    if len(parts) < _FEWEST_PARTS or _THREADS < 2:
        return [work(part) for part in parts]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, parts))


def _joined(parts: Sequence[Solution]) -> Solution:
    if len(parts) == 1:
        return parts[0]
    return Solution(
        np.concatenate([part.params for part in parts]),
        np.concatenate([part.objective for part in parts]),
        np.concatenate([part.converged for part in parts]),
        np.concatenate([part.at_bound for part in parts]),
        max(part.iterations for part in parts),
    )


@dataclass(frozen=True)
class _Problem:
    """A batch of fits; arrays with first dimension 1 are shared by the batch."""

    law: Law
    axes: tuple[Array, ...]
    y: Array
    weights: Array
    residual: Residual
    delta: Array
    count: int

    @classmethod
    def build(
        cls,
        law: Law,
        x: Array | Sequence[Array],
        y: Array,
        weights: Array | None,
        residual: Residual,
        delta: float | Array,
    ) -> _Problem:
        axes = (x,) if isinstance(x, np.ndarray) else tuple(x)
        given = [np.atleast_2d(np.asarray(a, dtype=float)) for a in (*axes, y)]
        w = np.ones((1, given[-1].shape[1])) if weights is None else np.atleast_2d(weights)
        count = max(a.shape[0] for a in (*given, w))
        bounds = np.broadcast_to(np.asarray(delta, dtype=float), count)
        return cls(law, tuple(given[:-1]), given[-1], w, residual, bounds, count)

    def in_units(self) -> tuple[_Problem, list[Array]]:
        """Measure every axis in its geometric mean (or mean size), for conditioning."""
        total = self.weights.sum(axis=1)
        scaled, units = [], []
        for axis in self.axes:
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

    def _replaced(self, axes: tuple[Array, ...]) -> _Problem:
        return _Problem(self.law, axes, self.y, self.weights, self.residual, self.delta, self.count)

    @cached_property
    def log_y(self) -> Array:
        """Logarithm of the targets, taken once."""
        return np.log(self.y)

    @cached_property
    def negligible(self) -> Array:
        """Objective that is nothing but rounding."""
        size = 1.0 if self.residual == "log" else self.y**2
        return 1e-28 * (self.weights * size).sum(axis=1)

    def take(self, rows: NDArray[np.intp] | slice) -> _Problem:
        """Return the problems in these rows."""

        def taken(a: Array) -> Array:
            return a if a.shape[0] == 1 else a[rows]

        delta = self.delta[rows]
        return _Problem(
            self.law,
            tuple(taken(a) for a in self.axes),
            taken(self.y),
            taken(self.weights),
            self.residual,
            delta,
            len(delta),
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
            objective = _dot(self.weights * clipped, size - clipped / 2)
            pull = self.weights * np.copysign(clipped, r)
            softness = self.weights * (clipped / np.maximum(size, 1e-300))
            softness[size == 0] = 1.0
            curved = self.weights * inside
        else:
            pull = r if self.unweighted else self.weights * r
            objective = _dot(pull, r) / 2
            softness = curved = self.weights
        if not np.isfinite(objective).all():
            objective, pull, slopes = self._finite(r, pull, slopes, objective)
        weighted = slopes if self.unweighted and not self.huber else slopes * curved[:, None]
        gradient, curvature = _gram(slopes, pull, weighted)
        if self.huber:
            diagonal = np.stack([_dot(s * softness, s) for s in slopes.swapaxes(0, 1)], axis=1)
        else:
            diagonal = np.diagonal(curvature, axis1=1, axis2=2)
        return objective, gradient, curvature, diagonal

    def _finite(self, r: Array, pull: Array, slopes: Array, objective: Array) -> tuple[Array, ...]:
        """Let points without weight be anything; an impossible point makes its problem infinite."""
        bad = ~np.isfinite(r)
        pull, slopes = np.where(bad, 0.0, pull), np.where(np.isfinite(slopes), slopes, 0.0)
        if not self.huber:
            objective = _dot(pull, np.where(bad, 0.0, r)) / 2
        objective = np.where(np.isfinite(objective), objective, np.inf)
        return np.where((bad & (self.weights > 0)).any(axis=1), np.inf, objective), pull, slopes


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.vecdot(a, b))


def _gram(slopes: Array, pull: Array, weighted: Array) -> tuple[Array, Array]:
    """Gradient (P, k) and curvature (P, k, k) from slopes (P, k, n)."""
    size = slopes.shape[1]
    gradient = np.stack([_dot(slopes[:, i], pull) for i in range(size)], axis=1)
    curvature = np.empty((len(slopes), size, size))
    for i in range(size):
        for j in range(i + 1):
            curvature[:, i, j] = curvature[:, j, i] = _dot(weighted[:, i], slopes[:, j])
    return gradient, curvature


def _nodes(law: Law) -> int:
    return int(np.prod([len(shape.starts) for shape in law.shapes]))


def _given_starts(problem: _Problem, starts: Array, units: Sequence[Array]) -> Array:
    """Return starts (P, S, k) in the problem's units; shared ones get their coefficients."""
    starts = np.asarray(starts, dtype=float)
    own = starts.ndim == 3
    if not own:
        starts = np.broadcast_to(
            np.atleast_2d(starts), (problem.count, *np.atleast_2d(starts).shape)
        )
    if units:
        inverse = [1 / unit[:, None] for unit in units]
        starts = problem.law.rescale(np.array(starts), inverse)
    if own:
        return starts
    first = len(problem.law.coefficients)
    fitted = [
        np.concatenate([_coefficients(problem, start[:, first:]), start[:, first:]], axis=1)
        for start in starts.swapaxes(0, 1)
    ]
    return np.stack(fitted, axis=1)


def _solve_from(
    problem: _Problem, starts: Array, damping: float, tolerance: float, max_iterations: int
) -> Solution:
    """Minimise from every start and keep the best end of each problem."""
    count, per_problem, size = starts.shape
    rows = np.repeat(np.arange(count), per_problem)
    flat = problem if per_problem == 1 else problem.take(rows)
    begin = starts.reshape(-1, size)
    params, objective, converged, iterations = _minimise(
        flat, begin, damping, tolerance, max_iterations
    )
    best = objective.reshape(count, per_problem).argmin(axis=1) + np.arange(count) * per_problem
    params = params[best]
    lower, upper = problem.law.bounds
    at_bound = (params <= lower) | (params >= upper)
    return Solution(params, objective[best], converged[best], at_bound, iterations)


def _minimise(
    problem: _Problem, start: Array, first_damping: float, tolerance: float, max_iterations: int
) -> tuple[Array, Array, NDArray[np.bool_], int]:
    """Damped Newton steps, projected on the bounds, until every problem has converged."""
    lower, upper = problem.law.bounds
    params = np.clip(start, lower, upper)
    terms = problem.objective_terms(params)
    objective = terms[0].copy()
    converged = np.zeros(problem.count, dtype=bool)
    rows, open_ = np.arange(problem.count), np.ones(problem.count, dtype=bool)
    active, here, damping = problem, params.copy(), np.full(problem.count, first_damping)
    iteration = 0
    for iteration in range(1, max_iterations + 1):
        step, gain = _step(terms, here, damping, lower, upper)
        there = np.clip(_moved(here, step, problem.logarithmic), lower, upper)
        done = gain <= np.maximum(tolerance * terms[0], active.negligible)
        done |= (damping >= _DAMPING[1]) | ~np.isfinite(terms[0])
        ended = open_ & (done | (iteration == max_iterations))
        if ended.any():
            # What the last step gains is below the tolerance: it is taken, but not worth a look.
            last = done & (damping < 1)
            params[rows[ended]] = np.where(last[:, None], there, here)[ended]
            objective[rows[ended]] = (terms[0] - np.where(last, gain, 0.0))[ended]
            converged[rows[ended]] = (done & np.isfinite(terms[0]))[ended]
            open_ &= ~ended
        if not open_.any():
            break
        if 4 * open_.sum() <= 3 * len(rows):
            keep = np.flatnonzero(open_)
            rows, here, there, damping = rows[keep], here[keep], there[keep], damping[keep]
            active, terms, open_ = active.take(keep), tuple(t[keep] for t in terms), open_[keep]
        tried = active.objective_terms(there)
        there, tried = _on_valley_floor(active, terms[0], there, tried)
        better = tried[0] <= terms[0]
        here = np.where(better[:, None], there, here)
        terms = tuple(_where(better, new, old) for new, old in zip(tried, terms, strict=True))
        damping = np.where(better, np.maximum(damping / 10, _DAMPING[0]), damping * 30)
    return params, objective, converged, iteration


def _on_valley_floor(
    problem: _Problem, before: Array, there: Array, tried: Terms
) -> tuple[Array, Terms]:
    """Where a step of all parameters went uphill, let the coefficients follow the shapes.

    Shapes and coefficients often trade off along a narrow bent valley. A straight step along it
    climbs its wall; the best coefficients for the new shapes lead back to its floor (variable
    projection).
    """
    linear = len(problem.law.coefficients)
    worse = np.flatnonzero((tried[0] > before) & np.isfinite(tried[0]))
    if not len(worse) or not linear or linear == there.shape[1]:
        return there, tried
    lower, upper = problem.law.bounds
    stuck, place = tuple(t[worse] for t in tried), there[worse]
    step, _ = _step(stuck, place, np.full(len(worse), _DAMPING[0]), lower, upper, linear)
    place = np.clip(place + step, lower, upper)
    mended = problem.take(worse).objective_terms(place)
    there, tried = there.copy(), tuple(t.copy() for t in tried)
    there[worse] = place
    for whole, part in zip(tried, mended, strict=True):
        whole[worse] = part
    return there, tried


def _moved(here: Array, step: Array, logarithmic: Sequence[int]) -> Array:
    there = here + step
    for k in logarithmic:
        there[:, k] = here[:, k] * np.exp(np.clip(step[:, k], -3.0, 3.0))
    return there


def _where(better: NDArray[np.bool_], new: Array, old: Array) -> Array:
    return np.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)


def _step(
    terms: Terms, here: Array, damping: Array, lower: Array, upper: Array, parameters: int = -1
) -> tuple[Array, Array]:
    """Solve the damped system for the free parameters; return the step and its predicted gain.

    With ``parameters`` only so many, the first ones, may move.
    """
    _, gradient, curvature, diagonal = terms
    pinned = ((here <= lower) & (gradient > 0)) | ((here >= upper) & (gradient < 0))
    if parameters >= 0:
        pinned[:, parameters:] = True
    scale = 1 / np.sqrt(np.maximum(diagonal, 1e-300))
    scale[pinned | (diagonal <= 0)] = 0.0
    # Parameter axes first: elimination then runs over contiguous arrays.
    system = np.moveaxis(curvature * scale[:, :, None] * scale[:, None, :], 0, -1).copy()
    right = np.ascontiguousarray((-gradient * scale).T)
    for k in range(len(right)):
        system[k, k] += damping + (scale[:, k] == 0)
    step = _eliminate(system, right)
    gain = 0.5 * (step * right).sum(axis=0)
    return step.T * scale, gain


def _grid_starts(problem: _Problem, n_starts: int) -> Array:
    """Return the best points of the law's grid, (problems, starts, parameters)."""
    law = problem.law
    nodes = list(product(*(shape.starts for shape in law.shapes)))
    grid = np.array(nodes, dtype=float).reshape(len(nodes), len(law.shapes))
    coefficients, loss = _profile(problem, grid)
    loss = np.where(np.isfinite(loss), loss, np.inf)
    blocks = np.array_split(np.arange(len(grid)), min(n_starts, len(grid)))
    starts = []
    for block in blocks:
        best = block[loss[:, block].argmin(axis=1)]
        if len(law.shapes) == 1 and law.shapes[0].lower > 0 and law.coefficients:
            shapes = _between_nodes(grid[:, 0], loss, best)[:, None]
            chosen = _coefficients(problem, shapes)
        else:
            shapes = grid[best]
            chosen = np.take_along_axis(coefficients, best[:, None, None], axis=1)[:, 0]
        starts.append(np.concatenate([chosen, shapes], axis=1))
    return np.stack(starts, axis=1)


def _between_nodes(grid: Array, loss: Array, best: NDArray[np.intp]) -> Array:
    """Return the minimum of the parabola through the best node and its neighbours, in logs."""
    middle = np.clip(best, 1, len(grid) - 2)
    low, here, high = (np.take_along_axis(loss, (middle + k)[:, None], 1)[:, 0] for k in (-1, 0, 1))
    bend = low - 2 * here + high
    shift = np.where(bend > 0, (low - high) / (2 * np.where(bend > 0, bend, 1.0)), best - middle)
    spacing = np.log(grid[middle + 1] / grid[middle - 1]) / 2
    return grid[middle] * np.exp(np.clip(np.nan_to_num(shift), -1, 1) * spacing)


def _coefficients(problem: _Problem, shapes: Array) -> Array:
    """Return each problem's best coefficients for its own shape parameters, (P, J)."""
    if not problem.law.coefficients:
        return np.empty((problem.count, 0))
    theta = [shapes[:, k, None] for k in range(shapes.shape[1])]
    wide = (problem.count, problem.y.shape[1])
    phi = [np.broadcast_to(p, wide) for p in problem.law.basis(*problem.axes, *theta)]
    scaled = _relative_weights(problem)
    normal = np.empty((problem.count, len(phi), len(phi)))
    target = np.empty((problem.count, len(phi)))
    for i, one in enumerate(phi):
        weighted = scaled * one
        target[:, i] = _dot(weighted, problem.y)
        for j in range(i, len(phi)):
            normal[:, i, j] = normal[:, j, i] = _dot(weighted, phi[j])
    power = np.broadcast_to(_dot(scaled * problem.y, problem.y), problem.count)
    return _signed_least_squares(
        normal, target, power, *(b[: len(phi)] for b in problem.law.bounds)
    )[0]


def _relative_weights(problem: _Problem) -> Array:
    """Weights of squares of ``f - y`` that come near the objective: relative ones for logs."""
    weights = problem.weights
    if problem.residual == "linear":
        return weights
    return np.where(weights > 0, weights / problem.y**2, 0.0)


def _profile(problem: _Problem, grid: Array) -> tuple[Array, Array]:
    """For each problem and grid point the best coefficients (P, G, J) and their loss (P, G)."""
    law, points = problem.law, problem.y.shape[1]
    shared = all(a.shape[0] == 1 for a in problem.axes)
    copies = 1 if shared else problem.count
    axes = [
        np.repeat(np.broadcast_to(a, (copies, points)), len(grid), axis=0) for a in problem.axes
    ]
    theta = [np.tile(grid[:, k], copies)[:, None] for k in range(grid.shape[1])]
    phi = [
        np.broadcast_to(p, (copies * len(grid), points)).reshape(copies, len(grid), points)
        for p in law.basis(*axes, *theta)
    ]
    relative = problem.residual == "log"
    weights = np.broadcast_to(problem.weights, (problem.count, points))
    y = np.broadcast_to(problem.y, (problem.count, points))
    if not law.coefficients:
        value = phi[0]
        r = np.log(value) - np.log(y)[:, None] if relative else value - y[:, None]
        return np.empty((problem.count, len(grid), 0)), (weights[:, None] * r**2).sum(axis=2)
    scaled = np.broadcast_to(_relative_weights(problem), weights.shape)
    normal = _products(phi, scaled)
    target = np.stack([_weighted(scaled * y, p) for p in phi], axis=-1)
    power = np.broadcast_to((scaled * y**2).sum(axis=1)[:, None], target.shape[:-1])
    return _signed_least_squares(normal, target, power, *(b[: len(phi)] for b in law.bounds))


def _weighted(weights: Array, phi: Array) -> Array:
    """Sum over points of weights (P, n) times phi (1 or P, G, n): (P, G)."""
    if phi.shape[0] == 1:
        return weights @ phi[0].T
    return np.matmul(phi, weights[:, :, None])[:, :, 0]


def _products(phi: Sequence[Array], weights: Array) -> Array:
    size = len(phi)
    first = _weighted(weights, phi[0] * phi[0])
    normal = np.empty((*first.shape, size, size))
    for i in range(size):
        for j in range(i, size):
            normal[..., i, j] = normal[..., j, i] = (
                first if i == j == 0 else _weighted(weights, phi[i] * phi[j])
            )
    return normal


def _signed_least_squares(
    normal: Array, target: Array, power: Array, lower: Array, upper: Array
) -> tuple[Array, Array]:
    """Least squares with signs, by trying every set of coefficients held at zero."""
    size = target.shape[-1]
    bounded = [j for j in range(size) if lower[j] == 0 or upper[j] == 0]
    normal, target = normal.reshape(-1, size, size), target.reshape(-1, size)
    shape, power = power.shape, power.reshape(-1)
    best_c, best_loss = np.zeros_like(target), np.full(len(target), np.inf)
    open_ = np.arange(len(target))
    held_sets = chain.from_iterable(combinations(bounded, k) for k in range(size))
    for held in held_sets:
        free = [j for j in range(size) if j not in held]
        c = np.zeros((len(open_), size))
        c[:, free] = _least_squares(normal[open_], target[open_], free)
        loss = power[open_] - _dot(c, target[open_])
        better = loss < best_loss[open_]
        for j in bounded:
            better &= (c[:, j] >= lower[j]) & (c[:, j] <= upper[j])
        best_c[open_[better]], best_loss[open_[better]] = c[better], loss[better]
        if not held:
            open_ = open_[~better]  # where no sign is violated, this is the least there is
        if not len(open_):
            break
    return best_c.reshape(*shape, size), best_loss.reshape(shape)


def _least_squares(normal: Array, target: Array, free: Sequence[int]) -> Array:
    system = np.moveaxis(normal[:, free][:, :, free], 0, -1).copy()
    k = np.arange(len(free))
    system[k, k] *= 1 + 1e-13
    return _eliminate(system, np.ascontiguousarray(target[:, free].T)).T


def _eliminate(system: Array, right: Array) -> Array:
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
