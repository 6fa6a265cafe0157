"""Findings: stable codes, severities, plain values."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError

import pytest

from predictor.errors import (
    CannotForecastError,
    InputError,
    MissingExtraError,
    PredictorError,
)
from predictor.findings import KINDS, Finding, Severity


def test_codes_are_unique_and_of_one_form():
    assert all(re.fullmatch(r"PRED\d{3}", code) for code in KINDS)
    assert all(kind.code == code for code, kind in KINDS.items())
    titles = [kind.title for kind in KINDS.values()]
    assert len(set(titles)) == len(titles)


def test_what_leaves_no_number_is_blocking():
    blocking = {code for code, kind in KINDS.items() if kind.severity is Severity.BLOCKING}
    assert blocking == {
        "PRED101", "PRED113", "PRED114", "PRED126", "PRED201", "PRED219", "PRED221", "PRED223",
        "PRED401", "PRED402", "PRED408", "PRED501", "PRED601",
    }  # fmt: skip


@pytest.mark.parametrize("code", KINDS)
def test_every_kind_can_be_found(code):
    found = Finding(code, "seen")
    assert found.severity is KINDS[code].severity
    assert found.to_dict() == {
        "code": code, "message": "seen", "severity": KINDS[code].severity.value,
    }  # fmt: skip


def test_run_and_source_are_there_where_known():
    found = Finding("PRED003", "step 4 repeated", run="a", source="a.csv")
    document = found.to_dict()
    assert document == {
        "code": "PRED003", "message": "step 4 repeated", "run": "a", "source": "a.csv",
        "severity": "info",
    }  # fmt: skip
    assert json.loads(json.dumps(document)) == document


def test_unknown_code_is_refused():
    with pytest.raises(KeyError, match="PRED999"):
        Finding("PRED999", "never heard of")


def test_is_frozen_and_compares_by_value():
    found = Finding("PRED001", "3 values", run="a")
    assert found == Finding("PRED001", "3 values", run="a")
    assert len({found, Finding("PRED001", "3 values", run="a")}) == 1
    with pytest.raises(FrozenInstanceError):
        found.run = "b"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PredictorError("x"), 4),
        (InputError("x"), 2),
        (CannotForecastError("x"), 3),
        (MissingExtraError("reading TensorBoard files", "tensorboard", "tensorboard"), 2),
    ],
)
def test_errors_carry_their_exit_status(error, status):
    assert error.exit_status == status
    assert isinstance(error, PredictorError)


def test_wrong_input_is_a_value_error_too():
    assert isinstance(InputError("x"), ValueError)


def test_missing_extra_says_what_to_install():
    text = str(MissingExtraError("reading TensorBoard files", "tensorboard", "tb"))
    assert text == (
        "reading TensorBoard files needs the package 'tensorboard', which is not installed: "
        "pip install 'predictor[tb]'"
    )
