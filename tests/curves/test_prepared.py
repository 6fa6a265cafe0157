"""What is done to a curve before it is fitted, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.curves.batch import BINS
from predictor.curves.prepared import prepare

X = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
LOSS = np.array([5.0, 4.0, 3.4, 3.0, 2.8, 2.7])


def test_loss_is_taken_as_it_stands():
    curve = prepare(X, LOSS, "loss")
    np.testing.assert_array_equal(curve.x, X)
    np.testing.assert_array_equal(curve.z, LOSS)
    assert (curve.offset, curve.unit, curve.points, curve.findings) == (0.0, 1.0, 6, ())
    assert not curve.constant


def test_order_of_the_points_does_not_matter():
    shuffled = np.array([3, 0, 5, 1, 4, 2])
    curve = prepare(X[shuffled], LOSS[shuffled], "loss")
    np.testing.assert_array_equal(curve.x, X)
    np.testing.assert_array_equal(curve.z, LOSS)


def test_places_at_zero_or_below_are_left_out_and_said():
    x = np.append([0.0, -3.0], X)
    curve = prepare(x, np.append([9.0, 9.0], LOSS), "loss", "a")
    np.testing.assert_array_equal(curve.z, LOSS)
    assert [(f.code, f.run) for f in curve.findings] == [("PRED105", "a")]
    assert curve.findings[0].message.startswith("2 points")


def test_what_is_not_a_number_is_left_out():
    x = np.append(X, [64.0, np.nan, np.inf, 128.0])
    y = np.append(LOSS, [np.nan, 2.0, 2.0, np.inf])
    curve = prepare(x, y, "loss")
    np.testing.assert_array_equal(curve.z, LOSS)
    assert curve.points == 6


def test_nothing_left():
    curve = prepare(np.array([0.0, np.nan]), np.array([1.0, 1.0]), "loss")
    assert len(curve.x) == 0
    assert curve.points == 0
    assert [f.code for f in curve.findings] == ["PRED105"]


def test_accuracy_becomes_the_distance_to_its_ceiling():
    accuracy = np.array([0.2, 0.5, 0.7, 0.8, 0.85, 0.9])
    share, percent = prepare(X, accuracy, "acc"), prepare(X, 100 * accuracy, "acc")
    np.testing.assert_allclose(share.z, 1 - accuracy)
    np.testing.assert_allclose(percent.z, 100 * share.z)
    np.testing.assert_allclose(share.to_metric(np.log(share.z)), accuracy)
    np.testing.assert_allclose(percent.to_metric(np.log(percent.z)), 100 * accuracy)


def test_zero_loss_counts_as_half_the_least_that_was_seen():
    curve = prepare(X, np.array([1.0, 0.5, 0.2, 0.1, 0.0, 0.0]), "error_rate")
    np.testing.assert_allclose(curve.z, [1.0, 0.5, 0.2, 0.1, 0.05, 0.05])


@pytest.mark.parametrize(("metric", "best"), [("error_rate", 0.0), ("accuracy", 1.0)])
def test_curve_on_its_bound_throughout_is_constant(metric, best):
    curve = prepare(X, np.full(6, best), metric)
    assert curve.constant
    assert (curve.z > 0).all()


@pytest.mark.parametrize("shift", [0.0, 1e6, -40.0])
def test_linear_residuals_have_offset_and_unit_and_a_way_back(shift):
    reward = shift - 1000 / X
    curve = prepare(X, reward, "reward")
    assert curve.kind.better == "higher"
    assert curve.kind.residual == "linear"
    assert curve.z[-1] == 0
    assert np.ptp(curve.z[3:]) == pytest.approx(1.0)
    assert (np.diff(curve.z) < 0).all()
    np.testing.assert_allclose(curve.to_metric(curve.z), reward, rtol=1e-12)


def test_constant_linear_curve_has_a_unit_that_can_be_divided_by():
    for level in (0.0, -7.0):
        curve = prepare(X, np.full(6, level), "reward")
        assert curve.constant
        np.testing.assert_allclose(curve.to_metric(curve.z), level)


def test_long_curve_is_binned_but_all_its_points_count():
    x = np.arange(1.0, 1001.0)
    curve = prepare(x, 2 + 3 / x, "loss")
    assert len(curve.x) <= BINS
    assert curve.points == 1000
