"""The Forecast contract: fields, JSON, frames, words."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import pytest

from predictor.findings import Finding
from predictor.fitting.forecast import Forecast, Forecasts

ONE = Forecast(
    "a", "loss", {"step": 200.0}, 2.5, 2.4, 2.6, 0.9, "power", 40, 2.0, ("PRED102", "PRED106")
)
NONE = replace(ONE, run="b", value=None, lower=None, upper=None, warnings=("PRED101",))
BOTH = Forecasts([ONE, NONE], [Finding("PRED101", "1 point", "b")])


def test_is_frozen():
    with pytest.raises(FrozenInstanceError):
        ONE.value = 3.0


def test_document_has_exactly_the_fields_of_the_contract_in_order():
    document = ONE.to_dict()
    assert document == {
        "run": "a",
        "metric": "loss",
        "at": {"step": 200.0},
        "value": 2.5,
        "lower": 2.4,
        "upper": 2.6,
        "level": 0.9,
        "law": "power",
        "points": 40,
        "extrapolation": 2.0,
        "warnings": ["PRED102", "PRED106"],
    }
    assert " ".join(document) == (
        "run metric at value lower upper level law points extrapolation warnings"
    )
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_document_is_a_copy():
    document = ONE.to_dict()
    document["at"]["step"] = 1.0
    document["warnings"].clear()
    assert ONE.to_dict()["at"] == {"step": 200.0}
    assert ONE.warnings


@pytest.mark.parametrize("field", ["value", "lower", "upper"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_refused(field, number):
    with pytest.raises(ValueError, match="finite number or None"):
        replace(ONE, **{field: number})


def test_trusted_only_with_a_number():
    assert ONE.trusted
    assert not NONE.trusted
    assert NONE.to_dict()["value"] is None


def test_forecasts_are_a_sequence_that_keeps_its_findings_when_sliced():
    assert len(BOTH) == 2
    assert list(BOTH) == [ONE, NONE]
    assert BOTH[-1] is NONE
    assert ONE in BOTH
    rest = BOTH[1:]
    assert isinstance(rest, Forecasts)
    assert list(rest) == [NONE]
    assert rest.findings == BOTH.findings
    with pytest.raises(IndexError):
        BOTH[2]


def test_frame_has_one_row_a_forecast_and_a_column_an_axis():
    frame = BOTH.to_frame()
    assert list(frame.columns) == [
        "run", "metric", "step", "value", "lower", "upper", "level", "law", "points",
        "extrapolation", "warnings",
    ]  # fmt: skip
    assert frame["step"].tolist() == [200.0, 200.0]
    assert frame["warnings"].tolist() == ["PRED102 PRED106", "PRED101"]
    assert frame["value"].isna().tolist() == [False, True]
    assert Forecasts([]).to_frame().empty


def test_summary_is_one_line_a_forecast():
    assert BOTH.summary().splitlines() == [
        "a: loss at step=200 is 2.5 (90 % interval 2.4 to 2.6) by power from 40 points",
        "b: loss at step=200 cannot be forecast: too few points to forecast from",
    ]
    assert repr(BOTH).startswith("Forecasts(2)\na: loss")


def test_summary_leaves_percent_signs_of_names_alone():
    named = Forecasts([replace(ONE, metric="acc%")])
    assert named.summary().startswith("a: acc% at step=200 is")


def test_documents_of_a_list():
    assert BOTH.to_dict() == [ONE.to_dict(), NONE.to_dict()]
