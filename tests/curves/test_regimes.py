"""Peaks, rises, divergence and spikes: which part of a curve goes on."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.curves.prepared import prepare
from predictor.curves.regimes import Regime, last_regime, roughness

X = np.arange(1.0, 41.0)
FALL = 0.3 + 0.6 * X**-0.5


def noise(seed, size=40, sd=0.005):
    return np.random.default_rng(seed).normal(0, sd, size)


def double_descent():
    bump = 0.4 * np.exp(-(((X - 12) / 4) ** 2))
    return FALL + bump


@pytest.mark.parametrize("seed", range(20))
def test_a_noisy_fall_is_one_regime(seed):
    assert last_regime(np.log(FALL) + noise(seed, sd=0.02)) == Regime()


@pytest.mark.parametrize("seed", range(5))
def test_double_descent_starts_at_its_last_peak(seed):
    found = last_regime(np.log(double_descent()) + noise(seed))
    assert found.peak
    assert not found.rises
    assert abs(found.start - 11) <= 2


def test_a_short_spike_is_no_regime():
    spiked = np.log(FALL)
    spiked[20:22] += 1.0
    assert last_regime(spiked) == Regime()


def test_a_rise_at_the_end_is_said_and_a_blow_up_too():
    turned = np.log(FALL) + np.maximum(X - 30, 0) * 0.02
    assert last_regime(turned) == Regime(rises=True)
    blown = np.log(FALL) + np.maximum(X - 30, 0) * 0.2
    assert last_regime(blown) == Regime(rises=True, diverged=True)


def test_a_plateau_is_said():
    levelled = np.log(np.where(X < 12, FALL, FALL[11])) + noise(3, sd=0.004)
    assert last_regime(levelled) == Regime(plateau=True)


def test_too_few_points_after_a_peak_are_no_regime():
    rising_until_the_end = np.log(double_descent()[:13])
    assert not last_regime(rising_until_the_end).peak
    assert last_regime(np.array([3.0, 1.0, 2.0])) == Regime()


def test_a_prepared_curve_starts_at_the_peak_and_says_so():
    found = prepare(X, double_descent(), "error")
    assert found.x[0] in {11, 12, 13}
    assert found.points == len(found.x)
    assert [f.code for f in found.findings] == ["PRED111"]


def test_roughness_is_the_noise():
    assert roughness(np.array([1.0, 2.0])) == 0
    assert roughness(np.linspace(0, 5, 50)) == pytest.approx(0, abs=1e-12)
    assert roughness(noise(0, 4_000, 0.1)) == pytest.approx(0.1, rel=0.1)
