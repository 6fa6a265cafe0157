"""The ensemble: medians, weights, backtests, and what a curve may not feel of its neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.curves.batch import CurveBatch
from predictor.curves.ensemble import curve_features, normalised, shipped_ensemble
from predictor.curves.outlook import AUTO, ORIGINS, RECENCIES, look_ahead, weighted_median
from predictor.curves.reference import FEATURES
from predictor.fitting.laws import LAWS


@pytest.mark.parametrize(
    ("values", "weights", "expected"),
    [
        ([1, 2, 9], [1, 1, 1], 2),
        ([9, 1, 2], [1, 1, 1], 2),
        ([1, 2, 9], [1, 1, 5], 9),
        ([1, 2, 9], [3, 1, 1], 1),
        ([1, 2, 3, 4], [1, 1, 1, 1], 2),
        ([5, 7], [1, 1.01], 7),
        ([4], [2], 4),
    ],
)
def test_weighted_median_by_hand(values, weights, expected):
    assert weighted_median(np.array(values, float), np.array(weights, float)) == expected


def test_weighted_median_goes_over_the_first_axis():
    values = np.array([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0]])
    assert weighted_median(values, np.ones((3, 1))).tolist() == [2.0, 20.0]


def curve(points=20, noise=0.0, seed=0, params=(2.0, 5.0, 0.5)):
    x = np.geomspace(10, 1000, points)
    c, a, b = params
    wobble = np.random.default_rng(seed).normal(scale=noise, size=points) if noise else 0.0
    return x, (c + a * x**-b) * np.exp(wobble)


@pytest.mark.parametrize("params", [(2.0, 5.0, 0.5), (0.5, 8.0, 0.35), (3.0, 20.0, 0.65)])
def test_noiseless_power_law_is_followed_to_its_end(params):
    x, z = curve(params=params)
    at = np.array([[3e3, 1e4]])
    found = look_ahead(CurveBatch.from_curves([(x, z)]), at)
    truth = params[0] + params[1] * at ** -params[2]
    np.testing.assert_allclose(np.exp(found.centre), truth, rtol=0.01)


@pytest.mark.parametrize("name", ["power", "exponential", "mmf", "weibull"])
def test_law_alone_recovers_its_own_curves(name):
    truth = {"power": (2, 5, 0.5), "exponential": (2, 5, 300), "mmf": (2, 5, 100, 1.2),
             "weibull": (2, 5, 200, 0.8)}[name]  # fmt: skip
    x, at = np.geomspace(10, 1000, 30), np.array([[4000.0]])
    params = np.array([truth], dtype=float)
    z = LAWS[name].value(x[None], params)[0]
    found = look_ahead(CurveBatch.from_curves([(x, z)]), at, [name])
    np.testing.assert_allclose(np.exp(found.centre), LAWS[name].value(at, params), rtol=1e-3)
    assert {law for law, _ in found.names} == {name}


def test_shapes_and_weights():
    batch = CurveBatch.from_curves([curve(12, 0.01), curve(30, 0.01, 1)])
    at = np.array([[2e3, 4e3, 8e3]] * 2)
    found = look_ahead(batch, at)
    members = len(AUTO) * len(RECENCIES)
    assert found.members.shape == (members, 2, 3)
    assert found.backtests.shape == (len(ORIGINS), 2, 3)
    assert set(FEATURES) <= set(found.features)
    np.testing.assert_allclose(found.weights.sum(axis=0), 1.0)
    assert (found.weights > 0).all()
    for values in found.features.values():
        assert values.shape in {(2, 3), (2, 1)}
        assert np.isfinite(values).all()
    low, high = found.members.min(axis=0), found.members.max(axis=0)
    assert ((low <= found.centre) & (found.centre <= high)).all()


def test_law_that_missed_in_the_past_weighs_less_than_believed_before():
    batch = CurveBatch.from_curves([curve(40)])
    found = look_ahead(batch, np.array([[3000.0]]))
    nothing = np.zeros((len(found.names), 1, 1))
    believed = normalised(
        shipped_ensemble().log_weights(found.names, curve_features(batch), nothing)
    )
    gained = dict.fromkeys(AUTO, 0.0)
    for (law, _), now, before in zip(found.names, found.weights, believed, strict=True):
        gained[law] += float((now - before)[0, 0])
    assert gained["power"] > 0
    assert gained["logarithmic"] < 0
    assert gained["exponential"] < 0


@pytest.mark.parametrize("residual", ["log", "linear"])
def test_curve_does_not_feel_which_others_are_in_the_batch(residual):
    curves = [curve(n, 0.01, n, (2.0, 5.0, b)) for n, b in ((8, 0.4), (47, 0.5), (23, 0.8))]
    at = np.array([[2e3, 9e3]] * 3)
    together = look_ahead(CurveBatch.from_curves(curves, residual), at)
    for k, alone in enumerate(curves):
        single = look_ahead(CurveBatch.from_curves([alone], residual), at[k : k + 1])
        np.testing.assert_allclose(together.centre[k], single.centre[0], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(together.weights[:, k], single.weights[:, 0], rtol=1e-4)
        np.testing.assert_allclose(together.backtests[:, k], single.backtests[:, 0], atol=1e-6)
        for name, values in together.features.items():
            np.testing.assert_allclose(
                values[k], single.features[name][0], rtol=1e-4, atol=1e-9, err_msg=name
            )


def test_backtests_are_unknown_where_a_curve_is_too_short():
    batch = CurveBatch.from_curves([curve(4), curve(5), curve(20)])
    found = look_ahead(batch, np.array([[2000.0]] * 3))
    known = np.isfinite(found.backtests[:, :, 0]).sum(axis=0)
    assert known.tolist() == [0, 1, len(ORIGINS)]
    assert found.features["untested"][:, 0].tolist() == [True, False, False]


def test_backtest_error_is_forecast_less_truth():
    # One law on its own exact curve misses by nothing; a jump at the end shows with its sign.
    x, z = curve(20)
    jumped = z.copy()
    jumped[-1] *= 1.5
    batch = CurveBatch.from_curves([(x, z), (x, jumped)])
    found = look_ahead(batch, np.array([[1100.0]] * 2), ["power"])
    np.testing.assert_allclose(found.backtests[:, 0], 0, atol=1e-5)
    last = found.backtests[-1, 1, 0]
    assert last == pytest.approx(-np.log(1.5), abs=1e-4) or abs(last) < 1e-4
    far = look_ahead(batch, np.array([[2000.0]] * 2), ["power"]).backtests[-1, 1, 0]
    assert far == pytest.approx(-np.log(1.5), abs=1e-4)


def test_distance_is_zero_within_the_data_and_noise_grows_with_it():
    batch = CurveBatch.from_curves([curve(30, 0.05)])
    found = look_ahead(batch, np.array([[500.0, 1000.0, 1000 * np.e]]))
    np.testing.assert_allclose(found.features["distance"], [[0, 0, 1]], atol=1e-12)
    noise = found.features["noise"][0]
    assert noise[2] == pytest.approx(noise[0] * 2**0.5)
    assert 0.02 < noise[0] < 0.1


def test_same_seed_same_numbers():
    batch = CurveBatch.from_curves([curve(30, 0.05)])
    one, same, other = (look_ahead(batch, np.array([[4e3]]), seed=s).features for s in (1, 1, 2))
    np.testing.assert_array_equal(one["bootstrap"], same["bootstrap"])
    assert one["bootstrap"] != other["bootstrap"]
