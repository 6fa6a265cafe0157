"""Learning traces: trends, backbone, levels, anchors, layers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from predictor.curves.trace import ANCHORINGS, trace_curve
from predictor.errors import InputError

X = np.arange(1.0, 41.0)
EXACT = 2 + 3 * X**-0.5


def noisy(seed=0, sd=0.01):
    return EXACT + np.random.default_rng(seed).normal(0, sd, len(X))


def test_exact_power_law_has_a_constant_backbone_and_its_own_layers():
    trace = trace_curve(X, EXACT, tolerance=0.6001)
    np.testing.assert_allclose(trace.levels["c"], 2, atol=1e-6)
    np.testing.assert_allclose(trace.levels["layer"], 3 * X[2:] ** -0.5, rtol=1e-6)
    assert trace.levels["level"].tolist() == list(range(3, 41))
    # 3 / sqrt(25) is 0.6: the first layer within the tolerance.
    assert (trace.working, trace.prediction, trace.convergence) == (3, 3, 25)
    np.testing.assert_allclose(trace.value(np.array([100.0])), 2.3)


def test_every_trend_is_scipys_least_squares_fit_of_its_prefix():
    z = noisy()
    levels = trace_curve(X, z).levels
    for level in (5, 12, 40):
        x, aim = X[:level], z[:level]
        found = least_squares(
            lambda p, x=x, aim=aim: p[0] + p[1] * x ** -p[2] - aim,
            [2.0, 3.0, 0.5],
            bounds=([-np.inf, 0, 0.01], [np.inf, np.inf, 6]),
            xtol=1e-14, ftol=1e-14, gtol=1e-14, x_scale="jac",
        )  # fmt: skip
        row = levels[levels["level"] == level].iloc[0]
        ours = ((row.c + row.a * x**-row.b - aim) ** 2).sum()
        assert ours <= 2 * found.cost * (1 + 1e-7)


@pytest.mark.parametrize("unit", [1e-3, 1e6])
def test_units_of_both_axes_do_not_matter(unit):
    plain = trace_curve(X, noisy(), tolerance=0.6)
    other = trace_curve(unit * X, noisy() / unit, tolerance=0.6 / unit)
    levels = ("working", "prediction", "convergence")
    assert [getattr(plain, n) for n in levels] == [getattr(other, n) for n in levels]
    np.testing.assert_allclose(
        unit * other.value(unit * np.array([300.0])), plain.value(np.array([300.0])), rtol=1e-5
    )


def test_a_backbone_that_is_never_calm_has_no_working_level():
    restless = EXACT + 0.5 * np.sin(X)
    trace = trace_curve(X, restless, tolerance=10.0)
    assert trace.working is None
    assert trace.convergence is None
    assert np.isnan(trace.robustness)
    assert trace.direction == "unknown"


def test_steeper_verticality_is_reached_no_later():
    working = [trace_curve(X, noisy(3), verticality=v).working or 99 for v in (4e-6, 4e-5, 4e-4)]
    assert working == sorted(working, reverse=True)


def test_an_asymptote_below_the_floor_is_not_feasible():
    straight = 3 - 0.4 * np.log(X)  # falls for ever
    trace = trace_curve(X, straight, floor=0.0)
    assert not trace.levels["feasible"].iloc[-1]
    assert trace.prediction is None or trace.levels["feasible"].iloc[trace.prediction - 3]


def test_fixed_anchor_pulls_the_asymptote_to_the_floor():
    plain = trace_curve(X, noisy(), floor=0.0)
    fixed = trace_curve(X, noisy(), floor=0.0, anchoring="fixed")
    later = plain.levels["level"] > plain.prediction
    assert (fixed.levels["c"] < plain.levels["c"])[later].all()
    np.testing.assert_array_equal(fixed.levels["c"][~later], plain.levels["c"][~later])


def test_canonical_anchor_makes_the_backbone_calmer():
    plain = trace_curve(X, noisy(), floor=0.0)
    canonical = trace_curve(X, noisy(), floor=0.0, anchoring="canonical")
    later = (plain.levels["level"] > plain.prediction).to_numpy()
    moves = [np.abs(np.diff(t.levels["c"].to_numpy()[later])).sum() for t in (canonical, plain)]
    assert moves[0] < 0.7 * moves[1]


def test_robustness_counts_steps_to_less_hopeful_asymptotes():
    # A curve that flattens more and more: asymptotes rise, the layer is a bound.
    flattens = trace_curve(X, EXACT + 0.01 * np.log(X), floor=0.0)
    assert (flattens.robustness, flattens.direction) == (1.0, "less hopeful")
    falls_on = trace_curve(X, EXACT - 0.01 * np.log(X), floor=0.0)
    assert (falls_on.robustness, falls_on.direction) == (0.0, "more hopeful")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"verticality": 0.0}, "verticality must lie between 0 and 1"),
        ({"slowdown": 0.0}, "must be positive"),
        ({"look_ahead": 0}, "must be positive"),
        ({"anchoring": "some"}, f"one of {', '.join(ANCHORINGS)}"),
        ({"anchoring": "fixed"}, "needs a ceiling"),
    ],
)
def test_bad_settings_are_told(settings, says):
    with pytest.raises(InputError, match=says):
        trace_curve(X, EXACT, **settings)


def test_two_points_are_too_few():
    with pytest.raises(InputError, match="3 points, not 2"):
        trace_curve(X[:2], EXACT[:2])
