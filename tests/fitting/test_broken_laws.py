"""Broken power laws and M1 to M4: values by hand, limits, curves recovered."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.fitting.broken_laws import BROKEN, M1, M3, M4, TWICE_BROKEN
from predictor.fitting.laws import LAWS, MORGAN_MERCER_FLODIN, POWER
from predictor.fitting.solver import solve

X = np.geomspace(1, 1000, 40)[None]


def test_values_by_hand():
    x = np.array([[4.0]])
    assert M1.value(x, np.array([[3.0, 0.5]])).item() == pytest.approx(1.5)
    assert M3.value(x, np.array([[3.0, 0.75, 2.0]])).item() == pytest.approx(3.0)
    broken = np.array([[1.0, 2.0, 0.5, 1.0, 4.0, 0.25]])  # at the break: (1 + 1)^(-1 / 4)
    assert BROKEN.value(x, broken).item() == pytest.approx(1 + 2 / 2 * 2**-0.25)


def test_m4_solves_its_equation():
    c, a, s, b, k = params = np.array([0.5, 2.0, 30.0, 0.8, 2.5])
    y = M4.value(X, params[None])
    share = (y - c) / a
    np.testing.assert_allclose(share / (1 - share) ** k, (X / s) ** -b, rtol=1e-9)


def test_m4_with_k_1_is_morgan_mercer_flodin():
    four = M4.value(X, np.array([[0.5, 2.0, 30.0, 0.8, 1.0]]))
    np.testing.assert_allclose(
        four, MORGAN_MERCER_FLODIN.value(X, np.array([[0.5, 2.0, 30.0, 0.8]])), rtol=1e-12
    )


def test_m2_is_the_power_law_under_its_name():
    params = np.array([[0.5, 2.0, 0.3]])
    np.testing.assert_array_equal(LAWS["m2"].value(X, params), POWER.value(X, params))


def test_slopes_before_and_after_a_break():
    y = BROKEN.value(X * 1e-3, np.array([[0.0, 1.0, 0.3, 0.7, 1.0, 0.05]]))
    before = np.diff(np.log(y[0, :5])) / np.diff(np.log(X[0, :5]))
    np.testing.assert_allclose(before, -0.3, atol=1e-3)
    y = BROKEN.value(X * 1e3, np.array([[0.0, 1.0, 0.3, 0.7, 1.0, 0.05]]))
    after = np.diff(np.log(y[0, -5:])) / np.diff(np.log(X[0, -5:]))
    np.testing.assert_allclose(after, -1.0, atol=1e-3)


@pytest.mark.parametrize(
    ("law", "truth", "starts"),
    [
        (BROKEN, [0.5, 2.0, 0.2, 0.6, 30.0, 0.2], 12),
        (BROKEN, [0.5, 2.0, 0.6, -1.2, 30.0, 0.3], 12),  # rises after the break
        (M3, [2.0, 0.02, 0.5], 4),
        (M4, [0.5, 2.0, 30.0, 0.8, 2.5], 8),
    ],
)
def test_noiseless_curves_are_recovered(law, truth, starts):
    y = law.value(X, np.array([truth]))
    found = solve(law, X, y, n_starts=starts, max_iterations=300)
    np.testing.assert_allclose(law.value(X, found.params), y, rtol=1e-4)


def test_two_breaks_are_found_from_near():
    truth = np.array([[0.5, 4.0, 0.4, -0.9, 10.0, 0.2, 1.6, 60.0, 0.2]])
    y = TWICE_BROKEN.value(X, truth)
    found = solve(TWICE_BROKEN, X, y, starts=truth * 1.1, max_iterations=500)
    np.testing.assert_allclose(TWICE_BROKEN.value(X, found.params), y, rtol=1e-3)
