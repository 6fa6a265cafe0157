"""Spikes: found where they are, told by width, and not found where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor import find_spikes
from predictor.errors import InputError
from tests.health.conftest import falling

STEP = np.arange(1000.0)


@pytest.mark.parametrize(
    ("width", "kind"), [(1, "narrow"), (5, "narrow"), (6, "wide"), (40, "wide")]
)
@pytest.mark.parametrize("start", [60, 500, 900])
def test_spikes_are_found_where_they_are(width, kind, start):
    value = falling()
    value[start : start + width] += 1.0
    (spike,) = find_spikes(STEP, value)
    assert (spike.start, spike.end, spike.kind) == (start, start + width - 1, kind)
    assert spike.peak > spike.clean + 0.9
    assert spike.height > 10


def test_divergence_is_a_rise_to_the_end():
    value = falling()
    value[800:] += np.linspace(0.0, 6.0, 200)
    (spike,) = find_spikes(STEP, value)
    assert spike.kind == "divergence"
    assert 800 <= spike.start <= 820
    assert spike.end == 999


def test_a_slow_divergence_is_found():
    value = falling(noise=0.3)
    value[400:] += np.linspace(0.0, 2.0, 600)
    spikes = [spike for spike in find_spikes(STEP, value) if spike.kind == "divergence"]
    assert len(spikes) == 1
    assert 420 <= spikes[0].start <= 800


def test_a_gradient_norm_that_grows_slowly_is_no_divergence():
    rng = np.random.default_rng(0)
    norm = np.exp(np.linspace(-1.0, 1.0, 1000) + 0.2 * rng.normal(size=1000))
    assert find_spikes(STEP, norm, log_scale=True) == []


def test_a_short_steep_curve_tells_its_spikes():
    step = np.arange(1.0, 171.0)
    value = 3 + 2 * step**-0.4 + 0.001 * np.random.default_rng(0).normal(size=170)
    assert find_spikes(step, value) == []
    value[90:93] *= 1.03
    assert [(s.start, s.end) for s in find_spikes(step, value)] == [(91.0, 93.0)]


def test_a_dip_does_not_lower_what_is_expected():
    rng = np.random.default_rng(0)
    norm = np.exp(0.2 * rng.normal(size=800))
    norm[400:425] *= 0.15
    assert find_spikes(np.arange(800.0), norm, log_scale=True) == []


def test_a_slow_return_is_wide_and_a_lasting_rise_a_divergence():
    low, high = falling(), falling()
    low[900:] += np.linspace(0.3, 0.06, 100)
    high[900:] += 0.6
    assert [spike.kind for spike in find_spikes(STEP, low)] == ["wide"]
    assert [spike.kind for spike in find_spikes(STEP, high)] == ["divergence"]


def test_two_steep_points_at_the_end_are_a_divergence_and_one_is_not():
    value = falling()
    value[998:] *= 1.5
    assert [spike.kind for spike in find_spikes(STEP, value)] == ["divergence"]
    assert [spike.kind for spike in find_spikes(STEP[:-1], value[:-1])] == ["narrow"]


def test_what_follows_a_point_does_not_move_its_alarm():
    value = falling()
    value[700:] += np.linspace(0.5, 9.0, 300)
    whole = find_spikes(STEP, value)[0].start
    cut = find_spikes(STEP[:702], value[:702])[0].start
    assert whole == cut == 700


def test_spike_points_do_not_enter_the_window():
    value = falling()
    value[300:400] += 1.0
    value[450:455] += 1.0
    spikes = find_spikes(STEP, value)
    assert [(spike.start, spike.end) for spike in spikes] == [(300, 399), (450, 454)]


@pytest.mark.parametrize(
    ("values", "start"),
    [([8.8, 6.5, 5.5, 7.9, 9.5, 20.0], 3), ([8.8, 7.9, 7.6], None), ([5.0, 4.0, 3.9, 4.1], None)],
)
def test_a_few_points_tell_a_rise_by_a_quarter(values, start):
    spikes = find_spikes(np.arange(len(values)) * 100.0, np.array(values))
    assert [spike.start for spike in spikes] == ([] if start is None else [start * 100.0])


def test_gaps_and_nan_are_stepped_over():
    value = falling()
    value[[100, 200, 201]] = np.nan
    value[500] = 9.0
    (spike,) = find_spikes(STEP, value)
    assert spike.start == 500


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.3]))
def test_clean_runs_are_clean(seed, noise):
    assert len(find_spikes(STEP, falling(noise=noise, seed=seed))) <= 1


def test_false_alarms_keep_to_the_rate_under_heavy_tails():
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(20):
        value = 3 + 0.02 * rng.standard_t(4, size=5000)
        alarms += len(find_spikes(np.arange(5000.0), value, false_alarms=1.0))
    # 100,000 points: ten are allowed.
    assert alarms <= 10


def test_a_lower_rate_asks_for_more():
    rng = np.random.default_rng(1)
    value = 3 + 0.05 * rng.standard_t(3, size=20_000)
    step = np.arange(20_000.0)
    counts = [len(find_spikes(step, value, false_alarms=rate)) for rate in (100.0, 1.0, 0.01)]
    assert counts[0] >= counts[1] >= counts[2]
    assert counts[0] > counts[2]


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_of_none_is_refused(rate):
    with pytest.raises(InputError, match="a rate above 0"):
        find_spikes(STEP, falling(), false_alarms=rate)


@pytest.mark.parametrize("value", [np.array([]), np.array([1.0]), np.full(50, np.nan), np.ones(50)])
def test_nothing_to_see(value):
    assert find_spikes(np.arange(len(value)) * 1.0, value) == []


def test_real_stable_runs_keep_to_the_rate(shared_data):
    import predictor

    points = alarms = 0
    for folder in ("lr-schedule-curves", "model-ladder"):
        log = predictor.read_logs(shared_data / folder)
        names = [m for m in log.metrics if m == "loss" or m.endswith("CrossEntropyLoss")]
        own = log.points[log.points["metric"].isin(names)]
        for _, curve in own.groupby(["run", "metric"], sort=False):
            value = curve["value"].to_numpy()
            points += len(value)
            alarms += len(find_spikes(curve["step"].to_numpy(), value, false_alarms=1.0))
    assert points > 20_000
    assert alarms <= points / 1e4
