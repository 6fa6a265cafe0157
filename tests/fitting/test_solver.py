"""The batched solver against SciPy, and what a batch promises."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from scipy.optimize import least_squares

from predictor.fitting.law import Coefficient, Law, Shape
from predictor.fitting.laws import LAWS, POWER, free_floor, law_named
from predictor.fitting.solver import solve

TRUTH = {
    "power": (1.5, 4.0, 0.6),
    "moderate-power": (1.5, 4.0, 0.5),
    "exponential": (1.5, 4.0, 6.0),
    "logarithmic": (12.0, 1.2),
    "weibull": (1.5, 4.0, 3.0, 0.7),
    "mmf": (1.5, 4.0, 3.0, 1.4),
    "inverse-sqrt": (1.5, 4.0),
    "m1": (4.0, 0.4),
    "m2": (1.5, 4.0, 0.6),
    "m3": (4.0, 0.05, 0.6),
    "m4": (1.5, 4.0, 3.0, 1.4, 0.7),
    "bnsl": (1.5, 4.0, 0.3, 0.7, 6.0, 0.2),
}
#: Laws with several optima need more starts.
STARTS = {"m4": 8, "bnsl": 12}


def _surface_units(params, units):
    scaled = params.copy()
    for k, unit in enumerate(units):
        scaled[..., 1 + k] *= unit ** params[..., 3 + k]
    return scaled


SURFACE = Law(
    "surface",
    "Loss over parameters and tokens",
    "E + A N^-alpha + B D^-beta",
    "Hoffmann et al. 2022, arXiv 2203.15556, approach 3",
    tuple(Coefficient(name, 0.0) for name in ("E", "A", "B")),
    tuple(Shape(name, 0.01, 3.0, (0.1, 0.2, 0.4, 0.8)) for name in ("alpha", "beta")),
    basis=lambda n, d, alpha, beta: (1.0, n**-alpha, d**-beta),
    rescale=_surface_units,
    axes=("params", "tokens"),
)

#: c + a x^-b, said to be non-linear in all three.
NO_COEFFICIENTS = Law(
    "bare",
    "Power law without coefficients",
    "c + a x^-b",
    "-",
    (),
    (
        Shape("c", 0.0, inf, (0.0, 1.0)),
        Shape("a", 0.0, inf, (1.0, 5.0)),
        Shape("b", 0.01, 6.0, (0.3, 1.0)),
    ),
    basis=lambda x, c, a, b: (c + a * np.exp(-b * np.log(x)),),
    rescale=POWER.rescale,
)


def noisy(law, params, x, rng, sd=0.02):
    """Return targets on the law, with noise on the log scale and a few outliers."""
    noise = rng.normal(scale=sd, size=np.shape(x))
    noise[rng.choice(len(x), 2, replace=False)] += 10 * sd
    return law.value(x[None], np.array([params]))[0] * np.exp(noise)


def objective(law, params, x, y, w, residual, delta):
    """Return the documented objective, written out."""
    value = law.value(x[None], np.asarray(params)[None])[0]
    r = np.abs(np.log(value) - np.log(y) if residual == "log" else value - y)
    huber = np.where(r <= delta, r**2 / 2, delta * (r - delta / 2)) if delta < inf else r**2 / 2
    return float((w * huber).sum())


def scipy_objective(law, x, y, w, residual, delta, starts):
    """Return the least objective that SciPy finds from these starts."""

    def misfit(p):
        value = law.value(x[None], p[None])[0]
        return np.log(np.maximum(value, 1e-300)) - np.log(y) if residual == "log" else value - y

    def loss(z):
        outside = z > 1
        root = np.sqrt(np.where(outside, z, 1.0))
        rho = np.where(outside, 2 * root - 1, z), 1 / root, np.where(outside, -0.5 / root**3, 0.0)
        return w * np.array(rho)

    scale = delta if delta < inf else 1e3
    ends = [
        least_squares(
            misfit, start, bounds=law.bounds, loss=loss, f_scale=scale, x_scale="jac",
            ftol=1e-13, xtol=1e-13, gtol=1e-13, max_nfev=2000,
        )
        for start in starts
    ]  # fmt: skip
    return min(objective(law, end.x, x, y, w, residual, delta) for end in ends)


@pytest.mark.parametrize("delta", [inf, 0.03])
@pytest.mark.parametrize("residual", ["log", "linear"])
@pytest.mark.parametrize("name", TRUTH)
def test_objective_is_no_worse_than_scipys_best(name, residual, delta):
    law, rng = LAWS[name], np.random.default_rng([len(name), residual == "log", delta < 1])
    x = np.geomspace(0.5, 40, 30)
    for _ in range(2):
        truth = np.array(TRUTH[name])
        truth[: len(law.coefficients)] *= rng.uniform(0.7, 1.3, len(law.coefficients))
        y, w = noisy(law, truth, x, rng), rng.uniform(0.2, 3.0, len(x))

        lower, upper = law.bounds
        starts = np.clip([truth, 0.8 * truth, 1.3 * truth], lower + 1e-6, upper - 1e-6)
        n_starts = STARTS.get(name, 4)
        found = solve(law, x, y, w, residual=residual, delta=delta, n_starts=n_starts)

        best = scipy_objective(law, x, y, w, residual, delta, starts)
        assert found.objective[0] <= best * (1 + 1e-8)
        there = objective(law, found.params[0], x, y, w, residual, delta)
        assert found.objective[0] == pytest.approx(there, rel=1e-7)
        assert found.converged[0]


def test_noiseless_power_law_is_recovered_in_large_units():
    x = np.geomspace(1e9, 1e12, 20)

    found = solve(POWER, x, 1.7 + 400 * x**-0.3)

    np.testing.assert_allclose(found.params[0], [1.7, 400, 0.3], rtol=1e-6)
    assert not found.at_bound.any()


def test_parameter_at_its_bound_is_reported():
    x = np.geomspace(1, 100, 20)
    steep = solve(law_named("moderate-power"), x, 1 + 3 * x**-1.5)
    sunk = solve(POWER, x, 10 * x**-0.2 - 2.0, residual="linear")
    free = solve(free_floor(POWER), x, 10 * x**-0.2 - 2.0, residual="linear")

    assert steep.params[0, 2] == pytest.approx(0.7)
    assert steep.at_bound.tolist() == [[False, False, True]]
    assert sunk.params[0, 0] == 0
    assert sunk.at_bound.tolist() == [[True, False, False]]
    np.testing.assert_allclose(free.params[0], [-2, 10, 0.2], rtol=1e-5)
    assert not free.at_bound.any()


def test_bounds_that_are_active_cost_what_scipy_says():
    law, rng = POWER.with_bounds(c=(2.0, 2.5), b=(0.1, 0.4)), np.random.default_rng(5)
    x, w = np.geomspace(0.5, 40, 30), np.ones(30)
    y = noisy(POWER, TRUTH["power"], x, rng)

    found = solve(law, x, y, residual="log", delta=0.05, n_starts=4)

    best = scipy_objective(law, x, y, w, "log", 0.05, [[2.2, 3.0, 0.3], [2.4, 2.0, 0.2]])
    assert found.objective[0] <= best * (1 + 1e-8)
    assert found.at_bound[0].any()


def batch_of_curves(rng, count=7, points=25):
    x = np.sort(rng.uniform(1, 200, (count, points)), axis=1)
    params = np.stack(
        [rng.uniform(0.5, 2, count), rng.uniform(2, 6, count), rng.uniform(0.3, 0.9, count)], axis=1
    )
    y = POWER.value(x, params) * np.exp(rng.normal(scale=0.01, size=x.shape))
    return x, y


@pytest.mark.parametrize("delta", [inf, 0.01])
@pytest.mark.parametrize("name", ["power", "mmf", "logarithmic"])
def test_batch_equals_one_at_a_time(name, delta):
    x, y = batch_of_curves(np.random.default_rng(1))
    w = np.random.default_rng(2).uniform(0.1, 2, x.shape)
    law = LAWS[name]

    together = solve(law, x, y, w, delta=delta, n_starts=3, tolerance=1e-14)

    for k in range(len(x)):
        alone = solve(law, x[k], y[k], w[k], delta=delta, n_starts=3, tolerance=1e-14)
        assert together.objective[k] == pytest.approx(alone.objective[0], rel=1e-10)
        np.testing.assert_allclose(
            law.value(x[k : k + 1], together.params[k : k + 1]),
            law.value(x[k : k + 1], alone.params),
            rtol=1e-7,
        )


def test_delta_may_differ_between_problems():
    x, y = batch_of_curves(np.random.default_rng(3), count=2)
    together = solve(POWER, x, y, delta=np.array([0.005, inf]), n_starts=2)
    for k, delta in enumerate([0.005, inf]):
        alone = solve(POWER, x[k], y[k], delta=delta, n_starts=2)
        assert together.objective[k] == pytest.approx(alone.objective[0], rel=1e-8)


@pytest.mark.parametrize("filler", [1.0, 1e6])
def test_padded_curves_equal_unpadded_ones(filler):
    x, y = batch_of_curves(np.random.default_rng(4))
    padding = np.full((len(x), 6), filler)
    used = np.concatenate([np.ones_like(x), np.zeros_like(padding)], axis=1)

    padded = solve(POWER, np.hstack([x, padding]), np.hstack([y, padding]), used, delta=0.02)

    plain = solve(POWER, x, y, delta=0.02)
    np.testing.assert_allclose(padded.objective, plain.objective, rtol=1e-8)
    np.testing.assert_allclose(padded.params, plain.params, rtol=1e-4)


def test_point_without_weight_may_hold_a_value_no_log_can_take():
    x = np.geomspace(1, 100, 12)
    y = 1 + 3 * x**-0.5
    w = np.ones(12)
    y[3], w[3] = -5.0, 0.0

    found = solve(POWER, x, y, w)

    np.testing.assert_allclose(found.params[0], [1, 3, 0.5], rtol=1e-6)


def test_shared_x_equals_repeated_x():
    x = np.geomspace(1, 300, 20)
    rng = np.random.default_rng(6)
    y = np.stack([noisy(POWER, (c, 4.0, 0.5), x, rng) for c in (0.5, 1.0, 2.0)])
    for law in (POWER, LAWS["mmf"]):
        shared = solve(law, x, y, delta=0.05, n_starts=2)
        repeated = solve(law, np.tile(x, (3, 1)), y, delta=0.05, n_starts=2)
        np.testing.assert_allclose(shared.objective, repeated.objective, rtol=1e-8)


def test_shared_y_with_many_weights_equals_one_fit_a_row():
    x = np.geomspace(1, 300, 20)
    rng = np.random.default_rng(7)
    y = noisy(POWER, (1.0, 4.0, 0.5), x, rng)
    w = rng.exponential(size=(5, 20))

    together = solve(POWER, x, y, w, delta=0.05)

    alone = [solve(POWER, x, y, row, delta=0.05).objective[0] for row in w]
    np.testing.assert_allclose(together.objective, alone, rtol=1e-8)


def test_convergence_is_told_for_each_problem():
    x = np.geomspace(1, 100, 20)
    y = np.stack([1 + 3 * x**-0.5, noisy(POWER, (1.0, 3.0, 0.5), x, np.random.default_rng(8))])
    # The first problem starts at its solution, the second far from its own.
    starts = np.array([[[1.0, 3.0, 0.5]], [[0.1, 30.0, 3.0]]])

    hurried = solve(POWER, x, y, starts=starts, max_iterations=1)
    calm = solve(POWER, x, y, starts=starts)

    assert hurried.converged.tolist() == [True, False]
    assert calm.converged.all()
    assert calm.objective[1] < hurried.objective[1]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_iterations_stay_under_their_limit(limit):
    x = np.geomspace(1, 100, 20)
    y = noisy(POWER, (1.0, 3.0, 0.5), x, np.random.default_rng(9))
    found = solve(POWER, x, y, starts=np.array([[[0.1, 30.0, 3.0]]]), max_iterations=limit)
    assert found.iterations == limit
    assert not found.converged[0]
    assert np.isfinite(found.params).all()


def test_starts_shared_by_all_problems_lend_only_their_shapes():
    x, y = batch_of_curves(np.random.default_rng(10), count=3)
    wild = solve(POWER, x, y, starts=np.array([[1e6, 1e6, 0.5]]))
    tame = solve(POWER, x, y, starts=np.array([[1.0, 1.0, 0.5]]))
    np.testing.assert_array_equal(wild.params, tame.params)
    np.testing.assert_allclose(wild.objective, solve(POWER, x, y).objective, rtol=1e-7)


@pytest.mark.parametrize("residual", ["log", "linear"])
def test_law_without_coefficients(residual):
    x = np.geomspace(0.5, 40, 25)
    y = noisy(POWER, (1.0, 4.0, 0.5), x, np.random.default_rng(11))

    bare = solve(NO_COEFFICIENTS, x, y, residual=residual, delta=0.05, n_starts=4)

    usual = solve(POWER, x, y, residual=residual, delta=0.05, n_starts=4)
    assert bare.objective[0] == pytest.approx(usual.objective[0], rel=1e-7)
    np.testing.assert_allclose(bare.params, usual.params, rtol=1e-3)


def test_law_of_two_axes_in_the_units_of_the_field():
    rng = np.random.default_rng(12)
    n = 10 ** rng.uniform(7, 10, 60)
    d = 10 ** rng.uniform(9, 11.5, 60)
    truth = np.array([[1.69, 406.4, 410.7, 0.34, 0.28]])

    found = solve(SURFACE, (n[None], d[None]), SURFACE.value((n[None], d[None]), truth), n_starts=4)

    np.testing.assert_allclose(found.params, truth, rtol=1e-5)
    assert found.objective[0] < 1e-18


def test_two_axes_with_noise_no_worse_than_from_the_truth():
    rng = np.random.default_rng(13)
    axes = [10 ** rng.uniform(0, 2, (1, 50)) for _ in range(2)]
    truth = np.array([[1.7, 4.0, 6.0, 0.34, 0.28]])
    y = SURFACE.value(axes, truth) * np.exp(rng.normal(scale=0.01, size=(1, 50)))

    grid = solve(SURFACE, axes, y, delta=0.01, n_starts=6)

    near = solve(SURFACE, axes, y, delta=0.01, starts=truth[None], tolerance=1e-14)
    assert grid.objective[0] <= near.objective[0] * (1 + 1e-8)


def test_law_that_overflows_loses_only_its_own_problem():
    explosive = Law(
        "explosive", "-", "a exp(x^d)", "-", (Coefficient("a", 0.0),),
        (Shape("d", 0.1, 50.0, (0.5, 1.0, 40.0)),), basis=lambda x, d: (np.exp(x**d),),
    )  # fmt: skip
    x = np.stack([np.linspace(0.5, 1.5, 10), np.linspace(100.0, 1e5, 10)])
    y = np.stack([2 * np.exp(x[0]), np.linspace(1.0, 2.0, 10)])

    found = solve(explosive, x, y, starts=np.array([[1.0, 1.2], [1.0, 40.0]]))

    assert found.objective[0] < 1e-12
    assert found.params[0] == pytest.approx([2.0, 1.0], rel=1e-5)


def test_value_no_log_can_take_is_reported_and_not_raised():
    x = np.geomspace(1, 100, 10)
    y = np.stack([1 + 3 * x**-0.5, 1 + 3 * x**-0.5])
    y[1, 4] = -1.0

    found = solve(POWER, x, y)

    np.testing.assert_allclose(found.params[0], [1, 3, 0.5], rtol=1e-6)
    assert found.objective[1] == inf
    assert found.converged.tolist() == [True, False]
