"""Widths: monotone, and nominal on curves that had no part in them."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.curves.reference import (
    FEATURES,
    LEVELS,
    Reference,
    fit_reference,
    shipped_reference,
)
from predictor.fitting.laws import LAWS

FINE = np.concatenate([np.linspace(0.01, 0.99, 99), [0.995, 0.999]])


def features(count=1, distance=1.0):
    return {name: np.full(count, distance if name == "distance" else 0.1) for name in FEATURES}


@pytest.mark.parametrize("law", ["auto", *LAWS])
@pytest.mark.parametrize("distance", [0.0, 0.7, 1.5, 5.0])
def test_shipped_widths_grow_with_the_level(law, distance):
    reference = shipped_reference()
    widths = [reference.half_width(law, lv, features(distance=distance))[0] for lv in FINE]
    assert (np.diff(widths) >= 0).all()
    assert widths[0] > 0
    assert widths[89] > widths[49]


def test_shipped_reference_is_complete():
    reference = shipped_reference()
    assert set(reference.coefficients) == set(FEATURES)
    assert set(reference.quantiles) == {"auto", *LAWS}
    assert list(reference.distances) == sorted(reference.distances)
    for rows in reference.quantiles.values():
        assert len(rows) == len(reference.distances)
        assert all(len(row) == len(LEVELS) and list(row) == sorted(row) for row in rows)


@pytest.fixture
def by_hand():
    coefficients = dict.fromkeys(FEATURES, 0.0) | {"noise": 3.0, "gain": 4.0}
    quantiles = {"auto": (tuple(range(1, 10)), tuple(range(11, 20)))}
    return Reference(coefficients, (1.0, 2.0), quantiles, 5)


def test_scale_by_hand(by_hand):
    np.testing.assert_allclose(by_hand.scale(features()), [0.5])


@pytest.mark.parametrize(
    ("level", "distance", "spans"),
    [(0.5, 1.0, 1), (0.9, 1.0, 6), (0.99, 1.0, 9), (0.9, 2.0, 16), (0.9, 1.5, 11), (0.9, 9.0, 16),
     (0.9, 0.0, 6), (0.25, 1.0, np.log(0.75) / np.log(0.5)), (1 - 50**-0.5 / 10, 1.0, None)],
)  # fmt: skip
def test_half_width_by_hand(by_hand, level, distance, spans):
    found = by_hand.half_width("auto", level, features(distance=distance))[0] / 0.5
    if spans is None:  # between .98 and .99, in the logarithm of what is left out
        share = np.log(0.02 / (1 - level)) / np.log(2)
        spans = 8 + share
    assert found == pytest.approx(spans)


def simulated(rng, families=12, curves=60):
    """Errors with a scale that the features tell, and heavy tails."""
    count = families * curves
    table = {name: rng.lognormal(-3, 0.6, count) for name in FEATURES}
    table["distance"] = rng.uniform(0.4, 2.4, count)
    scale = np.sqrt((2 * table["noise"]) ** 2 + (0.7 * table["spread"]) ** 2)
    errors = scale * rng.standard_t(4, count)
    names = np.repeat([f"family {k}" for k in range(families)], curves)
    return {"auto": table}, {"auto": errors}, names


@pytest.fixture(scope="module")
def fitted():
    return fit_reference(*simulated(np.random.default_rng(0)))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_fitted_reference_covers_new_curves_as_often_as_it_says(fitted, level):
    table, errors, _ = simulated(np.random.default_rng(1), families=20)
    half = fitted.half_width("auto", level, table["auto"])
    assert np.mean(np.abs(errors["auto"]) <= half) == pytest.approx(level, abs=0.04)


def test_fitted_reference_follows_what_tells_the_error(fitted):
    assert fitted.cases == 720
    telling = {"noise", "spread"}
    others = [value for name, value in fitted.coefficients.items() if name not in telling]
    assert min(fitted.coefficients[name] for name in telling) > 3 * max(others)


def test_families_count_alike_however_many_curves_they_have():
    rng = np.random.default_rng(2)
    table = {name: np.full(330, 0.1) for name in FEATURES} | {"distance": np.full(330, 1.0)}
    small, large = np.repeat(["a", "b", "c"], 10), np.repeat(["d"], 300)
    errors = rng.normal(size=330) * np.where(np.arange(330) < 30, 1.0, 0.01)
    found = fit_reference({"auto": table}, {"auto": errors}, np.concatenate([small, large]))
    half = found.half_width("auto", 0.9, {n: v[:1] for n, v in table.items()})[0]
    # Three of four families miss by about 1: the 300 easy curves may not hide that.
    assert half > 1.0
