"""One assertion for tests."""

from __future__ import annotations

import pytest

from predictor import assert_forecast
from predictor.errors import InputError

from .conftest import write_run


def test_holds_or_says_why_not(tmp_path):
    write_run(tmp_path, "a", until=2000)
    (forecast,) = assert_forecast(tmp_path, metric="val_loss", at="step=8000", below=2.2)
    assert forecast.value == pytest.approx(2.056, rel=0.01)
    assert_forecast(tmp_path, metric="val_loss", at="step=8000", above=1.9)
    with pytest.raises(AssertionError, match=r"below 2.06 with probability 0\.\d+, 0.95 is asked"):
        assert_forecast(tmp_path, metric="val_loss", at="step=8000", below=2.06)
    assert_forecast(tmp_path, metric="val_loss", at="step=8000", below=2.06, probability=0.2)


def test_what_cannot_be_forecast_does_not_hold(tmp_path):
    write_run(tmp_path, "a", until=40)
    with pytest.raises(AssertionError, match="cannot be forecast"):
        assert_forecast(tmp_path, metric="val_loss", at="step=8000", below=9.0)


@pytest.mark.parametrize(
    "settings", [{}, {"below": 1.0, "above": 2.0}, {"below": 1.0, "probability": 1.0}]
)
def test_wrong_calls(tmp_path, settings):
    write_run(tmp_path, "a")
    with pytest.raises(InputError):
        assert_forecast(tmp_path, **settings)
