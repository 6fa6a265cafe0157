"""Padding and binning."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.curves.batch import BINS, REACH, CurveBatch, binned

CURVES = [
    (np.array([1.0, 2.0, 4.0]), np.array([5.0, 4.0, 3.0])),
    (np.array([10.0]), np.array([7.0])),
]


def test_curves_are_padded_with_their_last_point():
    batch = CurveBatch.from_curves(CURVES)
    assert batch.x.tolist() == [[1, 2, 4], [10, 10, 10]]
    assert batch.z.tolist() == [[5, 4, 3], [7, 7, 7]]
    assert batch.used.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch.counts.tolist() == [3, 1]
    assert batch.last_x.tolist() == [4, 10]
    assert batch.last_z.tolist() == [3, 7]


def test_hidden_points_are_not_the_last_ones():
    batch = CurveBatch.from_curves(CURVES, "linear").hidden_after(np.array([2, 3]))
    assert batch.counts.tolist() == [2, 1]
    assert batch.last_x.tolist() == [2, 10]
    assert batch.last_z.tolist() == [4, 7]
    assert batch.residual == "linear"


def test_rows_are_taken():
    batch = CurveBatch.from_curves(CURVES).take(np.array([1, 0, 1]))
    assert batch.last_x.tolist() == [10, 4, 10]


def test_short_curve_is_left_as_it_is():
    x, z = np.arange(1.0, 6.0), np.arange(5.0)
    same_x, same_z = binned(x, z, bins=5)
    assert same_x is x
    assert same_z is z


def test_bins_by_hand():
    # Edges at 1, 4, 16: the first bin holds 1 and 2, the second 4, 8 and 16.
    x, z = np.array([1.0, 2.0, 4.0, 8.0, 16.0]), np.array([10.0, 8.0, 6.0, 5.0, 1.0])
    place, value = binned(x, z, bins=2)
    np.testing.assert_allclose(place, [2**0.5, 8.0])
    np.testing.assert_allclose(value, [9.0, 4.0])


def test_empty_bins_are_left_out():
    x = np.array([1.0, 1.1, 1.2, 1000.0, 1001.0])
    place, _ = binned(x, np.ones(5), bins=4, reach=0.0)
    assert len(place) == 2


def test_points_far_back_have_no_say():
    x = np.arange(1.0, 30_001.0)
    z = np.where(x < REACH * x[-1], 1e9, 1.0)
    place, value = binned(x, z)
    assert len(place) <= BINS
    assert place[0] >= REACH * x[-1]
    np.testing.assert_array_equal(value, 1.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(1.0, 1e4), min_size=9, max_size=80),
    st.integers(2, 8),
    st.integers(0, 2**32 - 1),
)
def test_bins_keep_the_mean_and_the_order(places, bins, seed):
    x = np.sort(places)
    z = np.random.default_rng(seed).normal(size=len(x))
    place, value = binned(x, z, bins=bins, reach=0.0)
    edges = np.geomspace(x[0], x[-1], bins + 1)[1:-1]
    count = np.bincount(np.searchsorted(edges, x, side="right"), minlength=bins)
    count = count[count > 0]
    assert 1 <= len(place) <= bins
    assert (np.diff(place) >= 0).all()
    assert x[0] * (1 - 1e-12) <= place[0]
    assert place[-1] <= x[-1] * (1 + 1e-12)
    np.testing.assert_allclose((count * value).sum(), z.sum(), atol=1e-9)
    np.testing.assert_allclose(count @ np.log(place), np.log(x).sum(), rtol=1e-9, atol=1e-9)
