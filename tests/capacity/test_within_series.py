"""What siblings say of another size."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.capacity.left_out import leave_one_out
from predictor.capacity.within_series import (
    backtest_scores,
    gain_at,
    half_width,
    predict_gain,
)

X = np.array([30.0, 32.0, 34.0])


def test_one_capacity_is_carried_to_any_size():
    gain = 24 + 0.2 * X
    assert gain_at(np.array([28.0, 36.0]), X, gain, -24.0) == pytest.approx([29.6, 31.2])


def test_a_reference_predicts_itself():
    gain = np.array([30.0, 30.9, 31.1])
    assert gain_at(X, X, gain, -24.0) == pytest.approx(gain)


def test_nearer_references_count_more():
    gain = np.array([30.0, 30.4, 31.5])
    low, high = gain_at(np.array([29.0, 35.0]), X, gain, -24.0)
    assert (low + -24) / 29 < (high + -24) / 35


def test_intervals_grow_with_distance_and_level():
    gain = 24 + 0.2 * X
    near, far = (
        predict_gain(np.array([place]), X, gain, -24.0, np.array([]), 0.9) for place in (34.5, 40.0)
    )
    assert far.upper[0] - far.lower[0] > near.upper[0] - near.lower[0]
    wide = predict_gain(np.array([34.5]), X, gain, -24.0, np.array([]), 0.99)
    assert wide.lower[0] < near.lower[0] < near.upper[0] < wide.upper[0]


def test_few_backtests_fall_back_on_the_published_spread():
    assert half_width(np.array([0.001]), 0.9)[1] == 0
    assert half_width(np.array([0.001]), 0.9)[0] == pytest.approx(1.645 * 0.031, rel=1e-3)
    own = half_width(np.array([0.5, -0.5, 0.5]), 0.9)[0]
    assert own > 0.5


def test_backtests_leave_the_model_out_everywhere():
    groups = np.zeros(3, dtype=np.intp)
    exact = backtest_scores(X, 24 + 0.2 * X, groups, -24.0)
    assert exact == pytest.approx(np.zeros(3))
    odd = backtest_scores(X, np.array([30.0, 99.0, 30.8]), groups, -24.0)
    assert odd[1] < -20


def test_intervals_cover_new_sizes_of_drifting_series():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(150):
        x = np.sort(rng.uniform(29, 37, size=24))
        groups = np.arange(24) % 6
        capacity = rng.uniform(0.12, 0.24, 6)[groups] - 0.0005 * (x - 33)
        gain = 24 + capacity * x + rng.normal(0, 0.05, 24)
        kept = np.arange(1, 24)
        scores = backtest_scores(x[kept], gain[kept], groups[kept], None)
        own = kept[groups[kept] == groups[0]]
        found = predict_gain(x[:1], x[own], gain[own], -24.0, scores, 0.9)
        inside.append(found.lower[0] <= gain[0] <= found.upper[0])
    assert np.mean(inside) > 0.85


def test_each_law_predicts_what_it_made():
    groups = np.repeat([0, 1], 3)
    x = np.tile(X, 2)
    gain = 24 + np.repeat([0.2, 0.15], 3) * x
    found = leave_one_out(x, gain, groups, None, 0.9)
    assert found["predicted"].to_numpy() == pytest.approx(gain)
    assert found["inside"].all()
    power = np.repeat([1.0, 2.0], 3) * 2 ** (0.05 * x)
    by_power = leave_one_out(x, power, groups, -24.0, 0.9)
    assert by_power["power_law"].to_numpy() == pytest.approx(power)
    assert by_power["power_law_shared"].to_numpy() == pytest.approx(power)


def test_leaving_out_the_published_readings_covers_and_beats_power_laws(shared_data):
    pandas = pytest.importorskip("pandas")
    rows = pandas.read_csv(shared_data / "information-capacity" / "mixed_text.csv")
    x, gain = np.log2(rows["flops_formula"]).to_numpy(), rows["gain_bits_per_token"].to_numpy()
    found = leave_one_out(x, gain, pandas.factorize(rows["series"])[0], None, 0.9)
    errors = {
        name: (found[name] - found["gain"]).abs().mean()
        for name in ("predicted", "power_law", "power_law_shared")
    }
    assert errors["predicted"] < min(errors["power_law"], errors["power_law_shared"])
    assert errors["predicted"] == pytest.approx(0.0388, abs=0.0005)
    assert found["inside"].mean() >= 0.85
