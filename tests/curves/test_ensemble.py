"""Weights of the ensemble: what moves them, what they are learned from."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.curves.batch import CurveBatch
from predictor.curves.ensemble import (
    FEATURES,
    Ensemble,
    curve_features,
    fit_ensemble,
    normalised,
    relative_miss,
    shipped_ensemble,
    within_reach,
)
from predictor.curves.outlook import AUTO, RECENCIES

MEMBERS = [("a", 1.0), ("b", 1.0)]


def two_laws(a=0.0, b=0.0, evidence=0.0):
    return Ensemble(
        {"a": np.array([a, 0, 0]), "b": np.array([b, 0, 0])},
        {1.0: np.zeros(3)},
        np.array([evidence, 0, 0]),
    )


def test_weights_by_hand():
    logs = two_laws(np.log(3.0)).log_weights(MEMBERS, np.array([[1.0, 0, 0]]), np.zeros((2, 1, 1)))
    np.testing.assert_allclose(normalised(logs)[:, 0, 0], [0.75, 0.25])
    miss = np.log([[[4.0]], [[1.0]]])
    logs = two_laws(evidence=np.log(0.5)).log_weights(MEMBERS, np.array([[1.0, 0, 0]]), miss)
    np.testing.assert_allclose(normalised(logs)[:, 0, 0], [1 / 3, 2 / 3])


def test_a_law_that_was_not_learned_weighs_as_the_least_believed():
    logs = two_laws(1.0, -1.0).log_weights(
        [("a", 1.0), ("new", 1.0), ("b", 1.0)], np.array([[1.0, 0, 0]]), np.zeros((3, 1, 1))
    )
    assert logs[:, 0, 0].tolist() == [1.0, -1.0, -1.0]


def test_relative_miss_by_hand():
    errors = np.array([[0.1, 0.1], [0.1, -0.1], [0.4, np.nan]])[:, :, None, None]
    found = relative_miss(errors)[:, 0, 0]  # the second test counts for nobody
    near, far = np.log1p((0.1 / 0.505) ** 2), np.log1p((0.4 / 0.505) ** 2)
    np.testing.assert_allclose(found, [near, near, np.log(0.41 / 0.11) + far], atol=1e-7)
    assert not relative_miss(np.full((2, 3, 1, 1), np.nan)).any()


def test_far_members_are_brought_near():
    found = within_reach(np.array([[0.0], [0.1], [9.0], [-7.0], [0.2]]))
    np.testing.assert_allclose(found[:, 0], [0.0, 0.1, 1.1, -0.9, 0.2])


def test_features_by_hand():
    x = np.geomspace(1, 1000, 31)
    straight = curve_features(CurveBatch.from_curves([(x, 5 * x**-0.4)]))
    np.testing.assert_allclose(straight, [[1, 2 * np.log(31 / 20), 0]], atol=1e-9)
    flattening = curve_features(CurveBatch.from_curves([(x, 1 + 5 * x**-0.8)]))[0, 2]
    steepening = curve_features(CurveBatch.from_curves([(x, np.exp(-x / 400))]))[0, 2]
    assert flattening < -0.1
    assert steepening > 0.1
    assert curve_features(CurveBatch.from_curves([(x, -x)], "linear"))[0, 2] == 0


def test_shipped_ensemble_knows_every_member():
    ensemble = shipped_ensemble()
    assert set(ensemble.laws) == set(AUTO)
    assert set(ensemble.recencies) == set(RECENCIES)
    assert all(len(row) == len(FEATURES) for row in ensemble.laws.values())


@pytest.mark.parametrize("ridge", [1e-4, 1e6])
def test_fitting_finds_who_is_right_unless_held(ridge):
    # Law a is right for curves of many points, law b for curves of few.
    rng = np.random.default_rng(0)
    many = rng.uniform(-1, 1, 400)
    truth = rng.normal(0, 0.2, 400)
    wrong = truth + 0.3
    said = np.where(many > 0, [truth, wrong], [wrong, truth])
    features = np.stack([np.ones(400), many, np.zeros(400)], axis=1)
    families = np.array(["one", "two"])[rng.integers(0, 2, 400)]
    found = fit_ensemble(
        two_laws(), MEMBERS, said, np.zeros((2, 400)), features, truth, families, ridge
    )
    lean = found.laws["a"][1] - found.laws["b"][1]
    assert lean > 5 if ridge < 1 else abs(lean) < 1e-3
