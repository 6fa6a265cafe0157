"""Gate files: what may stand in them, and what is said of what may not."""

from __future__ import annotations

import pytest

from predictor.errors import InputError
from predictor.gates.config import find_gate, parse_gate, read_gate

ONE = {"name": "a", "logs": ["x"], "upper": 2.5}


@pytest.mark.parametrize("name", ["predictor.toml", "pyproject.toml"])
def test_file_is_found_and_read(tmp_path, name):
    text = '[tool.predictor.gate]\n[[tool.predictor.gate.checks]]\nname = "a"\nlogs = ["x"]\n'
    (tmp_path / name).write_text(text + "upper = 2.5\n")
    gate = read_gate(find_gate(tmp_path))
    assert (gate.checks[0].name, gate.checks[0].upper) == ("a", 2.5)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"checks": [ONE | {"metrc": "loss"}]}, "check 'a': key 'metrc' is not known.*metric"),
        ({"checks": [ONE], "basline_file": "b"}, "key 'basline_file' is not known.*baseline_file"),
        ({"checks": [{"name": "a", "logs": ["x"]}]}, "check 'a': needs exactly one of"),
        ({"checks": [ONE | {"value": 1.0}]}, "needs exactly one of.*has upper, value"),
        ({"checks": [ONE | {"baseline": True}]}, "has upper, baseline"),
        ({"checks": [ONE | {"tolerance": 1.0}]}, "a tolerance goes with baseline or against"),
        ({"checks": [ONE, ONE]}, "two checks are called 'a'"),
        ({"checks": []}, "at least 1"),
        ({}, "'checks': field required"),
        ({"checks": [ONE | {"upper": "2.5"}]}, "check 'a': 'upper': .*valid number"),
        ({"checks": [ONE | {"upper": float("nan")}]}, "'upper': .*finite"),
        ({"checks": [ONE | {"level": 90}]}, "'level': .*less than 1"),
        ({"checks": [ONE | {"undecided": "maybe"}]}, "'undecided': .*'fail', 'pass' or 'warn'"),
        ({"checks": [ONE | {"mute": [{"code": "PRED1"}]}]}, "check 'a'"),
        ({"checks": [ONE | {"mute": [{"code": "PRED106", "why": "x"}]}]}, "did you mean|required"),
        ({"checks": [{"logs": ["x"], "upper": 1}]}, "check 1: 'name': field required"),
        ({"checks": [ONE | {"logs": []}]}, "'logs': .*at least 1"),
        ({"checks": "all"}, "'checks': .*list"),
    ],
)
def test_what_is_wrong_is_one_line(table, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_gate(table, "gate")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no table \\[tool.predictor.gate\\]"),
        (b"[tool]\npredictor = 3\n", "no table"),
        (b"[tool.predictor\n", "not valid TOML"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"#" * 1_000_001, "larger than"),
    ],
)
def test_file_that_is_no_gate(tmp_path, content, message):
    path = tmp_path / "predictor.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_gate(path)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"neither predictor\.toml nor pyproject\.toml"):
        find_gate(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_gate(tmp_path / "other.toml")
