"""``predictor inspect``, help, version, tables joined to logs, and text that could do harm."""

from __future__ import annotations

import json
import re

import click
import pandas as pd
import pytest

from predictor._version import __version__
from predictor.cli import cli, run

ROWS = "".join(f"{i},{2 + 3 / i**0.5:.6f}\n" for i in range(1, 60))


def call(capsys, *arguments):
    """Run a command; return status, standard output, standard error."""
    status = run(list(map(str, arguments)))
    return status, *capsys.readouterr()


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "run.csv"
    path.write_text("step,loss\n" + ROWS)
    return path


def test_json_of_a_run_with_what_a_table_knows_of_it(capsys, log):
    status, out, err = call(capsys, "inspect", log, "--format", "json")
    document = json.loads(out)
    assert (status, err, document["schema"]) == (0, "", "predictor/inspect/1")
    (found,) = document["runs"]
    assert {"run", "format", "points", "metrics", "axes", "params", "tokens", "flops"} <= set(found)
    assert (found["run"], found["format"], found["points"]) == ("run", "table", 59)


def test_csv_has_a_row_a_run(capsys, log, tmp_path):
    (tmp_path / "other.csv").write_text("step,loss\n" + ROWS)
    out = tmp_path / "runs.txt"
    status, printed, _ = call(capsys, "inspect", tmp_path, "--format", "csv", "--output", out)
    assert (status, printed) == (0, "")
    assert list(pd.read_csv(out)["run"]) == ["other", "run"]


def test_a_formula_in_a_run_name_is_defused(capsys, tmp_path):
    path = tmp_path / "runs.csv"
    rows = "".join(f'"=HYPERLINK(""x"")",{row}\n' for row in ROWS.split())
    path.write_text("run,step,loss\n" + rows)
    _, out, _ = call(capsys, "forecast", path, "--at", "100", "--format", "csv", "--quiet")
    assert out.splitlines()[1].startswith("\"'=HYPERLINK")


def test_escape_sequences_do_not_reach_the_terminal(capsys, tmp_path):
    path = tmp_path / "runs.csv"
    rows = "".join(f"\x1b[2Jrun,{row}\n" for row in ROWS.split())
    path.write_text("run,step,loss\n" + rows)
    for arguments in (["inspect", path], ["forecast", path, "--at", "100"]):
        _, out, err = call(capsys, *arguments)
        assert "[2Jrun" in out
        assert "\x1b" not in out + err


def test_meta_gives_the_planned_end(capsys, log, tmp_path):
    meta = tmp_path / "meta.csv"
    meta.write_text("run,max_steps\nrun,200\n")
    status, out, _ = call(capsys, "forecast", log, "--meta", meta, "--format", "json")
    assert status == 0
    assert json.loads(out)["forecasts"][0]["at"] == {"step": 200.0}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,max_steps\nrun,9\n", "no column 'run'"),
        ("run,max_steps\nrun,9\nrun,8\n", "twice"),
        ("run,max_steps\nother,9\n", "none of its runs is in the log"),
        ("", "is no table"),
    ],
)
def test_a_table_that_does_not_fit_the_log(capsys, log, tmp_path, text, says):
    meta = tmp_path / "meta.csv"
    meta.write_text(text)
    status, out, err = call(capsys, "forecast", log, "--meta", meta)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "meta.csv" in err
    assert says in err


def test_every_option_has_a_help_text_with_its_default():
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command.short_help
        options = [o for o in command.params if isinstance(o, click.Option)]
        for option in options:
            assert option.help, f"{name} {option.name}"
            told = option.show_default or re.search(r"\[(default:|required)", option.help)
            assert told, f"{name} {option.name}"


def test_help_and_version(capsys):
    status, out, _ = call(capsys, "--version")
    assert (status, out) == (0, f"predictor, version {__version__}\n")
    status, out, _ = call(capsys, "--help")
    assert status == 0
    assert all(name in out for name in ("inspect", "forecast", "demo", "Exit status"))


def test_an_internal_error_is_one_line_and_4(capsys, log, monkeypatch):
    monkeypatch.delenv("PREDICTOR_DEBUG", raising=False)

    def broken(*_args, **_kwargs):
        msg = "a\nb"
        raise RuntimeError(msg)

    monkeypatch.setattr("predictor.logs.reading.read_logs", broken)
    status, out, err = call(capsys, "inspect", log)
    assert (status, out, err.count("\n")) == (4, "", 1)
    assert "RuntimeError: a b" in err
