"""Where the search starts: the best points of a law's grid of shapes.

For given shapes the coefficients are a tiny least squares with signs, so a whole grid costs a few
matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations, product

import numpy as np
from numpy.typing import NDArray

from predictor.fitting.law import Array, Law
from predictor.fitting.problem import Problem, dot, eliminate


def grid_size(law: Law) -> int:
    """Return the number of points of the law's grid."""
    return int(np.prod([len(shape.starts) for shape in law.shapes]))


def given_starts(problem: Problem, starts: Array, units: Sequence[Array]) -> Array:
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


def grid_starts(problem: Problem, n_starts: int) -> Array:
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


def _coefficients(problem: Problem, shapes: Array) -> Array:
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
        target[:, i] = dot(weighted, problem.y)
        for j in range(i, len(phi)):
            normal[:, i, j] = normal[:, j, i] = dot(weighted, phi[j])
    power = np.broadcast_to(dot(scaled * problem.y, problem.y), problem.count)
    return _signed_least_squares(
        normal, target, power, *(b[: len(phi)] for b in problem.law.bounds)
    )[0]


def _relative_weights(problem: Problem) -> Array:
    """Weights of squares of ``f - y`` that come near the objective: relative ones for logs."""
    weights = problem.weights
    if problem.residual == "linear":
        return weights
    return np.where(weights > 0, weights / problem.y**2, 0.0)


def _profile(problem: Problem, grid: Array) -> tuple[Array, Array]:
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
        loss = power[open_] - dot(c, target[open_])
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
    return eliminate(system, np.ascontiguousarray(target[:, free].T)).T
