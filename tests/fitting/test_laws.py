"""What every law of the registry promises; a new law is tested by being registered."""

from __future__ import annotations

import re
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from predictor.errors import InputError
from predictor.fitting.law import Coefficient, Law, Shape
from predictor.fitting.laws import LAWS, POWER, free_floor, law_named
from predictor.fitting.solver import solve

EACH_LAW = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
X = np.geomspace(0.1, 30, 17)


def some_params(law, count=6):
    """Return parameters inside the bounds, (count, parameters)."""
    rng = np.random.default_rng(0)
    linear = rng.uniform(0.5, 3, (count, len(law.coefficients)))
    shapes = [np.exp(rng.uniform(*np.log([max(s.lower, 0.1), min(s.upper, 5)]), count))
              for s in law.shapes]  # fmt: skip
    return np.concatenate([linear, *(s[:, None] for s in shapes)], axis=1)


@EACH_LAW
def test_declared_slopes_equal_complex_steps(law):
    params = some_params(law)
    value, slopes = law.value_and_slopes(X[None], params)
    expected_value, expected = replace(law, slopes=None).value_and_slopes(X[None], params)
    assert law.slopes is not None
    np.testing.assert_array_equal(value, expected_value)
    np.testing.assert_allclose(slopes, expected, rtol=1e-10, atol=1e-13)


@EACH_LAW
def test_slopes_equal_differences(law):
    params, step = some_params(law), 1e-6
    _, slopes = law.value_and_slopes(X[None], params)
    for k in range(params.shape[1]):
        up, down = params.copy(), params.copy()
        up[:, k] += step
        down[:, k] -= step
        difference = (law.value(X[None], up) - law.value(X[None], down)) / (2 * step)
        np.testing.assert_allclose(slopes[:, k], difference, rtol=1e-5, atol=1e-7)


@EACH_LAW
def test_declaration_is_complete(law):
    assert LAWS[law.name] is law
    assert len(law.source) > 10
    assert law.title
    assert len(set(law.names)) == len(law.names)
    words = set(re.findall(r"[A-Za-z]+\d*", law.formula))
    assert set(law.names) <= words
    assert words <= {*law.names, *law.axes, "exp", "log", "u"}
    for shape in law.shapes:
        assert shape.lower < shape.upper
        assert all(shape.lower <= start <= shape.upper for start in shape.starts)


@EACH_LAW
def test_basis_falls(law):
    params = some_params(law)
    phi = law.value(X[None], params)
    assert (np.diff(phi, axis=1) <= 0).all()
    assert (phi[:, 0] > phi[:, -1]).all()


@EACH_LAW
@pytest.mark.parametrize("unit", [1e-6, 3.0, 1e9])
def test_params_found_in_another_unit_predict_the_same(law, unit):
    params = some_params(law)
    rescaled = law.rescale(params, [np.full(len(params), unit)])
    np.testing.assert_allclose(
        law.value(unit * X[None], rescaled), law.value(X[None], params), rtol=1e-9
    )


@EACH_LAW
@pytest.mark.parametrize("unit", [1e-3, 1e9])
def test_fit_does_not_depend_on_the_unit_of_x(law, unit):
    rng = np.random.default_rng(1)
    y = law.value(X[None], some_params(law))[1] + 5
    y = y * np.exp(rng.normal(scale=0.01, size=len(X)))
    plain, scaled = (solve(law, x, y, n_starts=3, delta=0.02) for x in (X, unit * X))
    assert scaled.objective[0] == pytest.approx(plain.objective[0], rel=1e-8)
    np.testing.assert_allclose(
        law.value(unit * X[None], scaled.params), law.value(X[None], plain.params), rtol=1e-6
    )


def test_names_are_those_of_the_command_line():
    assert all(re.fullmatch(r"[a-z]+\d?(-[a-z0-9]+)*", name) for name in LAWS)


@pytest.mark.parametrize(
    ("given", "near"), [("powr", "power"), ("exponental", "exponential"), ("weibul", "weibull")]
)
def test_unknown_law_suggests_near_names(given, near):
    with pytest.raises(InputError, match=f"'{given}' is not known; did you mean.*{near}"):
        law_named(given)


def test_name_like_no_other_lists_them_all():
    with pytest.raises(InputError, match=" or ".join(LAWS)):
        law_named("zzz")


def test_with_bounds_changes_only_what_is_named():
    law = POWER.with_bounds(c=(1.0, 2.0), b=(0.4, 0.6))
    lower, upper = law.bounds
    assert lower.tolist() == [1.0, 0.0, 0.4]
    assert upper.tolist() == [2.0, inf, 0.6]
    assert POWER.bounds[0].tolist() == [0.0, 0.0, 0.01]


def test_with_bounds_refuses_an_unknown_parameter():
    with pytest.raises(KeyError, match=r"power has no parameter \['z'\]; it has \('c', 'a', 'b'\)"):
        POWER.with_bounds(z=(0.0, 1.0))


@EACH_LAW
def test_free_floor_opens_the_floor_alone(law):
    free = free_floor(law)
    if "c" not in law.names:
        assert free is law
        return
    assert free.bounds[0][0] == -inf
    np.testing.assert_array_equal(free.bounds[0][1:], law.bounds[0][1:])


def test_value_by_hand_and_constant_law_has_the_shape_of_x():
    x = np.array([[1.0, 4.0, 16.0]])
    np.testing.assert_allclose(POWER.value(x, np.array([[1.0, 2.0, 0.5]])), [[3.0, 2.0, 1.5]])
    flat = Law("flat", "-", "c", "-", (Coefficient("c"),), (), basis=lambda x: (1.0,))
    np.testing.assert_array_equal(flat.value(x, np.array([[2.0], [5.0]])), [[2.0] * 3, [5.0] * 3])


def test_law_that_declares_no_rescaling_is_fitted_in_the_units_of_x():
    both = (Coefficient("c"), Coefficient("a"))
    line = Law("line", "Straight line", "c + a x", "-", both, (), basis=lambda x: (1.0, x))
    rate = Law(
        "decay", "-", "a exp(-k x)", "-", (Coefficient("a"),),
        (Shape("k", 1e-6, 10.0, (0.001, 0.01, 0.1)),), basis=lambda x, k: (np.exp(-k * x),),
    )  # fmt: skip
    x = np.linspace(1, 100, 20)
    np.testing.assert_allclose(solve(line, x, 1 + 2 * x).params[0], [1, 2], rtol=1e-6)
    found = solve(rate, x, 3 * np.exp(-0.02 * x), n_starts=3)
    np.testing.assert_allclose(found.params[0], [3, 0.02], rtol=1e-6)
