"""LearningCurve as a scikit-learn user would use it."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.curves.learning_curve import LearningCurve
from predictor.errors import InputError
from predictor.fitting.laws import LAWS

X = np.geomspace(10, 1000, 20)
Y = (2 + 5 * X**-0.5) * np.exp(np.random.default_rng(0).normal(scale=0.005, size=20))
AT = np.array([1500.0, 4000.0, 9000.0])


@pytest.fixture(scope="module")
def fitted():
    return LearningCurve().fit(X, Y)


def test_settings_only_until_fitted():
    curve = LearningCurve(law="mmf", level=0.8)
    assert curve.get_params() == {
        "law": "mmf", "metric": "loss", "axis": "step", "level": 0.8, "random_state": 0,
    }  # fmt: skip
    assert not [name for name in vars(curve) if name.endswith("_")]


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c.predict(AT),
        lambda c: c.predict_interval(AT),
        lambda c: c.forecast(2000),
        lambda c: c.summary(),
    ],
)
def test_use_before_fit_is_refused(use):
    with pytest.raises(InputError, match="not fitted yet; call fit first"):
        use(LearningCurve())


def test_fit_returns_itself_and_what_it_learned():
    curve = LearningCurve()
    assert curve.fit(X, Y) is curve
    assert curve.n_features_in_ == 1
    assert curve.kind_.better == "lower"
    assert curve.fit_.law.name == "power"
    assert curve.curve_.points == 20


def test_prediction_and_interval(fitted):
    value, ends = fitted.predict(AT), fitted.predict_interval(AT)
    assert value.shape == (3,)
    assert ends.shape == (3, 2)
    np.testing.assert_allclose(value, 2 + 5 * AT**-0.5, rtol=0.03)
    assert ((ends[:, 0] < value) & (value < ends[:, 1])).all()


def test_interval_grows_with_level_and_distance(fitted):
    ends = [fitted.predict_interval(AT, level) for level in (0.5, 0.9, 0.99)]
    narrow, usual, wide = np.ptp(ends, axis=2)
    assert (narrow < usual).all()
    assert (usual < wide).all()
    assert (np.diff(usual) > 0).all()
    np.testing.assert_array_equal(fitted.predict_interval(AT), fitted.predict_interval(AT, 0.9))


def test_two_dimensional_x_is_one_column(fitted):
    column = LearningCurve().fit(X[:, None], Y)
    np.testing.assert_array_equal(column.predict(AT[:, None]), fitted.predict(AT))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.stack([X, X], axis=1), Y, "one value a point"),
        (X[:-1], Y, "one value a point"),
        (X[:3], Y[:3], "needs 4 points, not 3"),
        (-X, Y, "needs 4 points, not 0"),
    ],
)
def test_input_that_is_no_curve(x, y, message):
    with pytest.raises(InputError, match=message):
        LearningCurve().fit(x, y)


def test_unknown_law_is_refused_at_fit():
    with pytest.raises(InputError, match="did you mean power"):
        LearningCurve(law="powr").fit(X, Y)


def test_forecast_is_what_predict_says(fitted):
    places = np.array([4000.0, 200_000.0])
    found = fitted.forecast(places, run="a")
    assert [f.run for f in found] == ["a", "a"]
    assert found[0].value == fitted.predict(places)[0]
    assert [found[0].lower, found[0].upper] == fitted.predict_interval(places)[0].tolist()
    assert not found[1].trusted
    assert np.isnan(fitted.predict(places)[1])
    assert fitted.forecast(4000.0)[0].at == {"step": 4000.0}


@pytest.mark.parametrize("law", ["auto", *LAWS])
def test_every_law_fits_forecasts_and_sums_up(law):
    curve = LearningCurve(law=law, axis="tokens").fit(1e9 * X, Y)
    found = curve.forecast(2e12)[0]
    assert found.law == law
    assert found.at == {"tokens": 2e12}
    assert found.lower <= found.value <= found.upper
    shown = LAWS["power" if law == "auto" else law]
    text = curve.summary()
    assert shown.title in text
    assert all(any(line.startswith(name) for line in text.splitlines()) for name in shown.names)


def test_rising_metric_without_bounds():
    curve = LearningCurve(metric="reward").fit(X, 50 - 300 * X**-0.5)
    assert curve.kind_.better == "higher"
    assert curve.predict(np.array([4000.0]))[0] == pytest.approx(50 - 300 * 4000**-0.5, rel=0.02)


def test_refit_forgets():
    curve = LearningCurve().fit(X, Y + 3)
    curve.fit(X, Y)
    np.testing.assert_array_equal(curve.predict(AT), LearningCurve().fit(X, Y).predict(AT))


def test_sklearn_clone():
    clone = pytest.importorskip("sklearn").clone
    curve = LearningCurve(law="mmf", metric="accuracy", level=0.8, random_state=3).fit(X, 1 / Y)
    copied = clone(curve)
    assert copied.get_params() == curve.get_params()
    assert not hasattr(copied, "fit_")
    np.testing.assert_array_equal(copied.fit(X, 1 / Y).predict(AT), curve.predict(AT))
