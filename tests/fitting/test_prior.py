"""A prior in the solver: what is known beforehand counts as data does."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.fitting.law import Coefficient, Law, Shape
from predictor.fitting.problem import Prior
from predictor.fitting.solver import solve

LINE = Law("line", "Line", "a x", "-", (Coefficient("a"),), (), lambda x: (x,), lambda *_: ())
POWER = Law(
    "p", "Power", "a x^-b", "-", (Coefficient("a", 0.0),),
    (Shape("b", 0.01, 5.0, (0.3, 0.6, 1.2)),),
    basis=lambda x, b: (np.exp(-b * np.log(x)),),
)  # fmt: skip
X = np.array([1.0, 2.0, 3.0])


def test_linear_parameter_is_the_weighted_mean():
    # Least squares: minimise sum (a x - 2 x)^2 / 2 + 14 / 2 (a - 1)^2, and sum x^2 is 14.
    prior = Prior(np.array([1.0]), np.array([14.0]))
    assert solve(LINE, X, 2 * X, residual="linear", prior=prior).params[0, 0] == pytest.approx(1.5)


def test_no_precision_changes_nothing():
    y = 3 * X**-0.7
    nothing = Prior(np.zeros(2), np.zeros(2))
    one, other = (solve(POWER, X, y, prior=prior).params for prior in (None, nothing))
    np.testing.assert_allclose(one, other)


def test_great_precision_holds_a_shape_at_the_logarithm_of_its_centre():
    prior = Prior(np.array([0.0, np.log(1.2)]), np.array([0.0, 1e9]))
    found = solve(POWER, X, 3 * X**-0.7, prior=prior)
    assert found.params[0, 1] == pytest.approx(1.2, rel=1e-6)
    assert found.converged.all()


def test_every_problem_of_a_batch_has_it():
    prior = Prior(np.array([1.0]), np.array([14.0]))
    y = np.stack([2 * X, 4 * X])
    found = solve(LINE, X[None], y, residual="linear", prior=prior)
    np.testing.assert_allclose(found.params[:, 0], [1.5, 2.5])
