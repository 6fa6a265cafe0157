"""The estimator protocol, and that scikit-learn agrees."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.errors import InputError
from predictor.fitting.estimator import Estimator


class Mean(Estimator):
    """The smallest estimator: predicts the mean, shrunk."""

    def __init__(self, *, shrink: float = 0.0, name: str = "mean") -> None:
        self.shrink = shrink
        self.name = name

    def fit(self, x, y):
        self.mean_ = float(np.mean(y)) * (1 - self.shrink)
        return self

    def predict(self, x):
        self._check_fitted()
        return np.full(len(x), self.mean_)


def test_settings_are_read_and_changed_by_name():
    estimator = Mean(shrink=0.5)
    assert estimator.get_params() == {"shrink": 0.5, "name": "mean"}
    assert estimator.get_params(deep=False) == estimator.get_params()
    assert estimator.set_params(shrink=0.25, name="other") is estimator
    assert estimator.get_params() == {"shrink": 0.25, "name": "other"}


def test_unknown_setting_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="Mean has no setting 'srink'; it has shrink, name"):
        Mean().set_params(srink=1.0)


def test_repr_shows_the_settings():
    assert repr(Mean(shrink=0.5)) == "Mean(shrink=0.5, name='mean')"


def test_not_fitted_until_fit_is_called():
    estimator = Mean()
    with pytest.raises(InputError, match="Mean is not fitted yet; call fit first"):
        estimator.predict([1])
    assert estimator.fit([1, 2], [1.0, 3.0]).predict([5]).tolist() == [2.0]


def test_sklearn_clone_copies_settings_and_not_what_was_learned():
    clone = pytest.importorskip("sklearn").clone
    fitted = Mean(shrink=0.5).fit([1, 2], [1.0, 3.0])
    copied = clone(fitted)
    assert copied is not fitted
    assert copied.get_params() == fitted.get_params()
    assert not hasattr(copied, "mean_")
