"""What is printed where: one document on stdout, the rest on stderr."""

from __future__ import annotations

import io
import json
import os

import numpy as np
import pandas as pd
import pytest

from predictor.cli.output import (
    csv_text,
    emit,
    json_text,
    print_findings,
    printable,
    progress,
    table_text,
)
from predictor.errors import InputError
from predictor.findings import Finding


def test_json_is_one_document_with_schema_first_and_warnings_last():
    text = json_text("forecast", {"forecasts": []}, [Finding("PRED003", "twice", "a")])
    document = json.loads(text)
    assert list(document) == ["schema", "forecasts", "warnings"]
    assert document["schema"] == "predictor/forecast/1"
    assert document["warnings"] == [
        {"code": "PRED003", "message": "twice", "run": "a", "severity": "info"}
    ]
    assert text.endswith("}\n")


def test_json_keeps_letters_and_refuses_what_json_has_not():
    assert "größe" in json_text("inspect", {"run": "größe"}, [])
    with pytest.raises(ValueError, match="JSON compliant"):
        json_text("inspect", {"value": float("nan")}, [])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_defuses_what_a_spreadsheet_would_run(start):
    text = csv_text(pd.DataFrame({"run": [f"{start}cmd()"], "value": [-2.5]}))
    back = pd.read_csv(io.StringIO(text))
    assert back["run"][0].startswith("'")
    assert back["value"][0] == -2.5


def test_csv_of_plain_values():
    frame = pd.DataFrame({"run": ["a", "b,c"], "value": [0.1, np.nan]})
    assert csv_text(frame) == 'run,value\na,0.1\n"b,c",\n'


def test_emit_to_standard_output(capsys):
    emit("text\n", None)
    assert capsys.readouterr().out == "text\n"


def test_emit_to_a_file_replaces_it_whole(tmp_path, capsys):
    target = tmp_path / "out.json"
    target.write_text("old and longer than the new")
    emit("größe\n", target)
    assert target.read_text(encoding="utf-8") == "größe\n"
    assert os.listdir(tmp_path) == ["out.json"]
    assert target.stat().st_mode & 0o777 == 0o644
    assert capsys.readouterr().out == ""


def test_emit_where_no_file_can_be(tmp_path):
    target = tmp_path / "missing" / "out.json"
    with pytest.raises(InputError, match=r"--output .*out.json: cannot be written \(no such file"):
        emit("text", target)


def test_emit_onto_a_folder_leaves_nothing_behind(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        emit("text", target)
    assert os.listdir(tmp_path) == ["folder"]


FINDINGS = [
    Finding("PRED102", "far", "a"), Finding("PRED102", "far", "b"), Finding("PRED102", "far", "c"),
    Finding("PRED102", "farther", "d"), Finding("PRED101", "one point"), Finding("PRED106", "info"),
]  # fmt: skip


def test_findings_are_said_once_on_stderr_and_trifles_not_at_all(capsys):
    print_findings(FINDINGS, quiet=False)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "PRED102 far [a and 2 more]",
        "PRED102 farther [d]",
        "PRED101 one point",
    ]


def test_quiet_says_nothing(capsys):
    print_findings(FINDINGS, quiet=True)
    assert capsys.readouterr().err == ""


def test_control_characters_of_a_log_do_not_reach_the_terminal(capsys):
    print_findings([Finding("PRED102", "far", "\x1b[31mred\x07")], quiet=False)
    assert "\x1b" not in capsys.readouterr().err
    assert printable("\x1b[2J\r\nLärm ok\u202e") == "�[2J��Lärm ok�"


def test_table_is_plain_text_without_trailing_spaces():
    from rich.table import Table

    table = Table("run", "value")
    table.add_row("a" * 100, "2.5")
    text = table_text(table)
    assert "\x1b" not in text
    assert "a" * 100 in text
    assert all(line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("quiet", [True, False])
def test_progress_is_silent_where_nobody_watches(quiet, capsys):
    with progress("working", quiet) as tell:
        tell(1, 2)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")
