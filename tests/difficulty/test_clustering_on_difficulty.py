"""Clustering on difficulty: clusters, laws, subset, mapping, forecast."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from predictor import ClusteringOnDifficulty, InputError
from predictor.difficulty.meanshift import rand_index

from .conftest import SIZE, item_ladder


@pytest.fixture(scope="module")
def fitted():
    ladder, truth, groups = item_ladder(hidden=40)
    # Few groups: more of the items are a neighbour.
    settings = {"draws": 40, "quantile": 0.25, "mapped": False}
    return ClusteringOnDifficulty(**settings).fit(ladder), truth, groups


def test_groups_of_items_are_found(fitted):
    model, _, groups = fitted
    clustered = model.labels_ >= 0
    assert clustered[groups < 3].mean() > 0.9
    assert not clustered[groups == 3].any()  # never solved: left out before
    assert rand_index(model.labels_[clustered], groups[clustered]) > 0.7


def test_items_that_never_emerge_are_not_extrapolated(fitted):
    model, _, groups = fitted
    hidden = model.labels_[groups == 3]
    predictable = set(model.clusters_.index[model.clusters_["predictable"]])
    assert not predictable & set(hidden.tolist())
    assert 0.5 < model.predictable_share_ < 0.9


def test_forecast_is_near_and_its_interval_holds_the_truth(fitted):
    model, truth, _ = fitted
    (forecast,) = model.forecast({"flops": 30 * SIZE[-1]})
    assert forecast.value == pytest.approx(truth, abs=0.04)
    assert forecast.lower <= truth <= forecast.upper


def test_mapping_rises_from_nothing_to_everything(fitted):
    mapping = fitted[0].mapping_
    grid = mapping(np.linspace(0, 1, 101))
    assert (np.diff(grid) >= -1e-12).all()
    assert grid[[0, -1]] == pytest.approx([0, 1])


def test_items_and_curves_can_be_looked_at(fitted):
    model, _, _ = fitted
    assert sum(len(model.items_of(k)) for k in model.clusters_.index) == (model.labels_ >= 0).sum()
    predictable = model.clusters_.index[model.clusters_["predictable"]][0]
    curve = model.curve(int(predictable), SIZE)
    assert curve == pytest.approx(model.clusters_.loc[predictable, "rates"], abs=0.05)
    assert {"clusters"} <= set(model.stability_.columns) or len(model.stability_) == 5
    assert "Predictable" in model.summary()


def test_arrays_serve_as_well_and_settings_are_kept():
    ladder, _, _ = item_ladder()
    order = np.random.default_rng(0).permutation(len(SIZE))
    model = ClusteringOnDifficulty(draws=10, quantile=0.2)
    by_array = clone(model).fit(ladder.rates[:, order], SIZE[order])
    by_ladder = clone(model).fit(ladder)
    place = np.array([1e23])
    assert by_array.predict(place) == pytest.approx(by_ladder.predict(place), abs=0.02)


@pytest.mark.parametrize(
    ("rates", "size", "message"),
    [
        (np.full((20, 3), 1.5), SIZE[:3], r"\[0, 1\]|between 0 and 1"),
        (np.full((20, 3), 0.5), SIZE[:2], "items, models"),
        (np.full((20, 3), np.nan), SIZE[:3], "no pass rate"),
    ],
)
def test_wrong_arrays_are_refused(rates, size, message):
    with pytest.raises(InputError, match=message):
        ClusteringOnDifficulty(draws=5).fit(rates, size)
