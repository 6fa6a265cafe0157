"""The predictive distribution: its intervals, probabilities, density and samples agree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid

from predictor.curves.predictive import LEVELS, Predictive
from predictor.curves.prepared import prepare

X = np.arange(1.0, 21.0)


def at_two_places(metric="loss", values=None):
    curve = prepare(X, 2 + 3 / X if values is None else values, metric)
    widths = np.outer(np.linspace(0.1, 0.9, 9), [0.1, 0.2])
    return Predictive(curve, np.array([-0.5, -0.6]), widths)


def test_known_levels_by_hand():
    predictive = at_two_places()
    np.testing.assert_allclose(predictive.half_width(0.9), [0.06, 0.12])
    lower, upper = predictive.interval(0.9)
    np.testing.assert_allclose(np.log([lower, upper]), [[-0.56, -0.72], [-0.44, -0.48]])
    np.testing.assert_allclose(predictive.median(), np.exp([-0.5, -0.6]))


@pytest.mark.parametrize("level", [0.01, 0.3, *LEVELS, 0.97, 0.999])
@pytest.mark.parametrize("metric", ["loss", "accuracy", "reward"])
def test_interval_and_probability_agree(metric, level):
    values = {"accuracy": 0.9 - 0.5 / X, "reward": 3 - 5 / X}.get(metric)
    predictive = at_two_places(metric, values)
    lower, upper = predictive.interval(level)
    np.testing.assert_allclose(predictive.probability_below(lower), (1 - level) / 2, rtol=1e-6)
    np.testing.assert_allclose(predictive.probability_below(upper), (1 + level) / 2, rtol=1e-6)
    np.testing.assert_allclose(predictive.quantile((1 + level) / 2), upper)


def test_density_integrates_to_one_and_to_the_interval():
    predictive = at_two_places()
    logs = np.linspace(-2, 1, 20_001)
    density = np.array([np.exp(predictive.log_density(v)) for v in np.exp(logs)])
    np.testing.assert_allclose(trapezoid(density, logs, axis=0), 1, atol=2e-3)
    inside = (logs > -0.56) & (logs < -0.44)
    mass = density[inside, 0].sum() * (logs[1] - logs[0])
    assert mass == pytest.approx(0.9, abs=0.01)


def test_samples_have_the_quantiles():
    drawn = at_two_places().sample(4_000, np.random.default_rng(0))
    assert drawn.shape == (4_000, 2)
    shares = [0.05, 0.5, 0.95]
    expected = [at_two_places().quantile(share) for share in shares]
    np.testing.assert_allclose(np.quantile(drawn, shares, axis=0), expected, rtol=0.01)


def test_beyond_the_ceiling_lies_nothing():
    predictive = at_two_places("accuracy", 0.9 - 0.5 / X)
    np.testing.assert_array_equal(predictive.probability_below(1.0), 1.0)
    assert (predictive.interval(0.9999)[1] <= 1).all()
