"""Fits: estimates, their bootstrap, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from predictor.errors import InputError
from predictor.fitting.fit import fit_law
from predictor.fitting.law import Coefficient, Law
from predictor.fitting.laws import LAWS, MODERATE_POWER, POWER

X = np.geomspace(10, 1000, 40)
CURVES = {
    "power": 2 + 8 * X**-0.5,
    "mmf": 2 + 8 / (1 + (X / 60) ** 1.2),
    "weibull": 2 + 8 * np.exp(-((X / 80) ** 0.7)),
    "exponential": 2 + 8 * np.exp(-X / 150),
}


def noise(seed, size=40, sd=0.01):
    return np.exp(np.random.default_rng(seed).normal(scale=sd, size=size))


@pytest.fixture(scope="module")
def fit():
    return fit_law(POWER, X, CURVES["power"] * noise(0), draws=400)


def test_estimates_by_name_near_the_truth(fit):
    assert list(fit.params.index) == ["c", "a", "b"]
    near = (fit.params - [2, 8, 0.5]).abs()
    assert (near < 4 * fit.bse).all()
    assert fit.converged
    assert fit.findings == ()
    assert fit.draws.shape == (400, 3)


def test_standard_errors_are_those_of_repeated_experiments(fit):
    again = [fit_law(POWER, X, CURVES["power"] * noise(k), draws=2).params for k in range(1, 40)]
    spread = np.std(again, axis=0)
    assert (fit.bse / spread).between(0.5, 2.0).all()


def test_intervals_widen_with_the_level_and_hold_the_estimate(fit):
    narrow, wide = fit.conf_int(0.5), fit.conf_int(0.95)
    assert list(wide.columns) == ["lower", "upper"]
    assert (wide["lower"] < narrow["lower"]).all()
    assert (wide["upper"] > narrow["upper"]).all()
    assert ((wide["lower"] < fit.params) & (fit.params < wide["upper"])).all()


def test_summary_shows_law_and_every_parameter(fit):
    text = fit.summary()
    assert "Power law with asymptote: c + a x^-b" in text
    assert "(40 points)" in text
    for name, value in fit.params.items():
        assert any(line.startswith(name) and f"{value:.5g}" in line for line in text.splitlines())


def test_forecast_is_prediction_and_interval_at_a_place(fit):
    forecasts = fit.forecast({"x": 4000.0}, metric="loss", run="a", level=0.8)
    found, place = forecasts[0], np.array([4000.0])
    assert found.value == fit.predict(place)[0]
    assert [found.lower, found.upper] == fit.predict_interval(place, 0.8)[0].tolist()
    assert found.lower < found.value < found.upper
    assert (found.run, found.metric, found.law, found.points) == ("a", "loss", "power", 40)
    assert found.extrapolation == pytest.approx(4.0)
    assert found.at == {"x": 4000.0}


def test_forecast_on_another_axis_is_refused(fit):
    with pytest.raises(InputError, match="law 'power' needs a place on x; no 'x'"):
        fit.forecast({"tokens": 10.0})


def test_parameter_at_its_bound_is_a_finding_of_fit_and_forecast():
    found = fit_law(MODERATE_POWER, X, 2 + 80 * X**-1.2)
    assert [f.code for f in found.findings] == ["PRED103"]
    assert "b of law 'moderate-power'" in found.findings[0].message
    assert found.forecast({"x": 2000.0})[0].warnings == ("PRED103",)


def test_outlier_hardly_moves_a_robust_fit():
    y = CURVES["power"] * noise(3)
    spoilt = y.copy()
    spoilt[20] *= 3
    clean, robust = (fit_law(POWER, X, v, draws=2).predict(X[-1:])[0] for v in (y, spoilt))
    squares = fit_law(POWER, X, spoilt, delta=np.inf, draws=2).predict(X[-1:])[0]
    assert abs(robust - clean) < 0.004 * clean
    assert abs(squares - clean) > 4 * abs(robust - clean)


def test_groups_that_differ_widen_the_standard_errors():
    runs = np.repeat(np.arange(8), 10)
    x = np.tile(np.geomspace(10, 1000, 10), 8)
    shift = np.exp(np.random.default_rng(4).normal(scale=0.1, size=8))[runs]
    y = (2 + 8 * x**-0.5) * shift * noise(5, 80, 0.002)
    by_run = fit_law(POWER, x, y, groups=runs)
    by_point = fit_law(POWER, x, y, groups=np.arange(80))
    place = np.array([500.0])
    widths = [np.ptp(f.predict_interval(place)[0]) for f in (by_run, by_point)]
    assert widths[0] > 1.5 * widths[1]
    np.testing.assert_array_equal(by_run.estimates, by_point.estimates)


def test_weight_zero_leaves_a_point_out():
    y = CURVES["power"] * noise(6)
    spoilt, w = y.copy(), np.ones(len(X))
    spoilt[5], w[5] = 1e3, 0.0
    kept = np.arange(len(X)) != 5
    left_out = fit_law(POWER, X, spoilt, weights=w, delta=np.inf, draws=50)
    without = fit_law(POWER, X[kept], y[kept], delta=np.inf, draws=50)
    np.testing.assert_allclose(left_out.estimates, without.estimates, rtol=1e-5)
    assert (left_out.bse < 2 * without.bse).all()


def test_draws_follow_the_seed():
    y = CURVES["power"] * noise(7)
    one, same, other = (fit_law(POWER, X, y, draws=5, rng=seed).draws for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    given = fit_law(POWER, X, y, draws=5, rng=np.random.default_rng(1)).draws
    np.testing.assert_array_equal(one, given)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("unit", [1e-6, 1e9])
def test_bootstrap_does_not_depend_on_the_unit_of_x(name, unit):
    y, place = CURVES[name] * noise(8), np.array([2000.0])
    plain, scaled = (fit_law(LAWS[name], u * X, y) for u in (1.0, unit))
    assert scaled.predict(unit * place) == pytest.approx(plain.predict(place), rel=1e-5)
    np.testing.assert_allclose(
        scaled.predict_interval(unit * place), plain.predict_interval(place), rtol=1e-3
    )


def test_exact_data_converge_and_leave_no_doubt():
    found = fit_law(POWER, X, CURVES["power"], draws=20)
    np.testing.assert_allclose(found.estimates, [2, 8, 0.5], rtol=1e-6)
    assert found.converged
    assert (found.bse < 1e-5).all()


def test_linear_residuals_take_values_below_zero():
    free = POWER.with_bounds(c=(-np.inf, np.inf))
    found = fit_law(free, X, 8 * X**-0.5 - 3, residual="linear", draws=5)
    np.testing.assert_allclose(found.estimates, [-3, 8, 0.5], rtol=1e-4)


def test_two_axes():
    names = ("E", "A", "B")
    plane = Law(
        "plane", "Plane", "E + A u + B v", "-", tuple(Coefficient(n) for n in names), (),
        basis=lambda u, v: (1.0, u, v), axes=("u", "v"),
        rescale=lambda p, units: p / np.stack([np.ones_like(units[0]), *units], axis=-1),
    )  # fmt: skip
    rng = np.random.default_rng(9)
    u, v = rng.uniform(1, 2, 30), rng.uniform(5, 9, 30)
    found = fit_law(plane, [u, v], 1 + 2 * u + 3 * v, draws=5)
    np.testing.assert_allclose(found.estimates, [1, 2, 3], rtol=1e-5)
    forecast = found.forecast({"u": 4.0, "v": 6.0})[0]
    assert forecast.value == pytest.approx(27, rel=1e-5)
    assert forecast.extrapolation == pytest.approx(4 / u.max())
    with pytest.raises(InputError, match="needs 2 inputs"):
        fit_law(plane, u, v)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:2], CURVES["power"][:2], "has 3 parameters; 2 points are too few"),
        (X[:5], CURVES["power"], "needs 1 inputs, each as long as y"),
        (X, np.where(X > 900, np.nan, 1.0), "must be finite"),
        (np.where(X > 900, np.inf, X), CURVES["power"], "must be finite"),
        (X, CURVES["power"] - 3, "log residuals need positive y; use residual='linear'"),
    ],
)
def test_input_that_cannot_be_fitted_is_refused(x, y, message):
    with pytest.raises(InputError, match=message):
        fit_law(POWER, x, y)


def test_fit_is_plain_data(fit):
    assert replace(fit, converged=False).params.equals(fit.params)
