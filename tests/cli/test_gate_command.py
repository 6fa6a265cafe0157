"""``predictor gate`` through the command line."""

from __future__ import annotations

import json

import pytest

from predictor.cli import run

from ..gates.conftest import write_run

GATE = """
[[tool.predictor.gate.checks]]
name = "end"
logs = ["logs"]
metric = "val_loss"
at = "step=8000"
upper = {limit}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_run(tmp_path / "logs", "a", until=2000)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return tmp_path


@pytest.mark.parametrize(("limit", "status"), [(2.3, 0), (1.9, 1), (2.06, 3), ('"x"', 2)])
def test_exit_statuses(folder, capsys, limit, status):
    (folder / "predictor.toml").write_text(GATE.format(limit=limit))
    assert run(["gate"]) == status
    shown = capsys.readouterr()
    assert shown.out.endswith({0: "pass\n", 1: "fail\n", 3: "undecided\n", 2: ""}[status])
    assert len(shown.err.splitlines()) == (status == 2)


def test_all_outputs(folder, capsys):
    (folder / "predictor.toml").write_text(GATE.format(limit=1.9))
    files = ["--junit", "j.xml", "--markdown", "m.md", "--cache", "kept"]
    assert run(["gate", "--format", "json", *files, "--github"]) == 1
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert (document["schema"], document["passed"]) == ("predictor/gate/1", False)
    assert {"name", "status", "forecast", "message"} <= set(document["checks"][0])
    assert shown.err.startswith("::error file=predictor.toml,title=end::")
    assert {"j.xml", "m.md", "m.svg", "kept"} <= {p.name for p in folder.iterdir()}
    assert run(["gate", "--format", "csv"]) == 1
    assert "end,fail" in capsys.readouterr().out


def test_baseline_is_stored_on_demand(folder, capsys):
    text = GATE.format(limit=1).replace("upper = 1", "baseline = true")
    (folder / "predictor.toml").write_text(text)
    assert run(["gate"]) == 2
    assert "no baseline yet" in capsys.readouterr().out
    assert run(["gate", "--update-baseline"]) == 0
    assert "1 checks, 1 runs stored" in capsys.readouterr().err
    assert run(["gate"]) == 0


def test_no_gate_file_is_one_line(folder, capsys):
    assert run(["gate"]) == 2
    assert "neither predictor.toml nor pyproject.toml" in capsys.readouterr().err
