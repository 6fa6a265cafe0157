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

import numpy as np
from numpy.typing import NDArray

from predictor.fitting.law import Array, Law, unchanged
from predictor.fitting.problem import Prior, Problem, Residual, Terms, eliminate
from predictor.fitting.starts import given_starts, grid_size, grid_starts

_THREADS = min(4, os.cpu_count() or 1)
#: Batches of fewer parts are not worth the threads.
_FEWEST_PARTS = 2
_DAMPING = (1e-10, 1e10)  # lowest, hopeless
#: A start from the grid is near the optimum, one that was given may be anywhere.
_FIRST_DAMPING_NEAR, _FIRST_DAMPING_GIVEN = 1e-6, 1e-2


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
    near: bool = False,
    thorough: bool = True,
    prior: Prior | None = None,
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
    near : bool
        Whether the starts that are given lie near the optimum, as those of a bootstrap do: the
        first steps are then whole ones.
    thorough : bool
        Whether a step that went uphill is mended by letting the coefficients follow the shapes. It
        takes half of the time and pays in the last digits, or where the optimum is far.
    prior : Prior, optional
        What is known of the parameters beforehand; for laws that do not rescale them.
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
    problem = Problem.build(law, x, y, weights, residual, delta, prior)
    units: list[Array] = []
    if law.rescale is not unchanged:
        problem, units = problem.in_units()
    with np.errstate(all="ignore"):
        begin = None if starts is None else given_starts(problem, starts, units)
    parts = problem.chunks(grid_size(law) if begin is None else begin.shape[1])

    def one(part: slice) -> Solution:
        own = problem.take(part)
        with np.errstate(all="ignore"):
            if begin is None:
                found, damping = grid_starts(own, n_starts), _FIRST_DAMPING_NEAR
            else:
                found = begin[part]
                damping = _FIRST_DAMPING_NEAR if near else _FIRST_DAMPING_GIVEN
            return minimise(own, found, damping, tolerance, max_iterations, thorough)

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


def minimise(
    problem: Problem,
    starts: Array,
    damping: float,
    tolerance: float,
    max_iterations: int,
    thorough: bool = True,
) -> Solution:
    """Minimise from every start and keep the best end of each problem."""
    count, per_problem, size = starts.shape
    rows = np.repeat(np.arange(count), per_problem)
    flat = problem if per_problem == 1 else problem.take(rows)
    begin = starts.reshape(-1, size)
    params, objective, converged, iterations = _minimise(
        flat, begin, damping, tolerance, max_iterations, thorough
    )
    best = objective.reshape(count, per_problem).argmin(axis=1) + np.arange(count) * per_problem
    params = params[best]
    lower, upper = problem.law.bounds
    at_bound = (params <= lower) | (params >= upper)
    return Solution(params, objective[best], converged[best], at_bound, iterations)


def _minimise(
    problem: Problem,
    start: Array,
    first_damping: float,
    tolerance: float,
    max_iterations: int,
    thorough: bool,
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
        if thorough:
            there, tried = _on_valley_floor(active, terms[0], there, tried)
        better = tried[0] <= terms[0]
        here = np.where(better[:, None], there, here)
        terms = tuple(_where(better, new, old) for new, old in zip(tried, terms, strict=True))
        damping = np.where(better, np.maximum(damping / 10, _DAMPING[0]), damping * 30)
    return params, objective, converged, iteration


def _on_valley_floor(
    problem: Problem, before: Array, there: Array, tried: Terms
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
    step = eliminate(system, right)
    gain = 0.5 * (step * right).sum(axis=0)
    return step.T * scale, gain
