"""pytest collects the checks of a gate as test items."""

from __future__ import annotations

import pytest

from ..conftest import ROOT
from .conftest import write_run

pytest_plugins = ["pytester"]
GATE = """
[tool.predictor.gate]
[[tool.predictor.gate.checks]]
name = "fine"
logs = ["logs"]
metric = "val_loss"
upper = 3.0
[[tool.predictor.gate.checks]]
name = "too high"
logs = ["logs"]
metric = "val_loss"
upper = {limit}
severity = "{severity}"
"""


@pytest.fixture
def project(pytester, monkeypatch):
    # As installed, but whether it is installed or not.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    write_run(pytester.path / "logs", "a")
    return pytester


def write_gate(project, limit=1.0, severity="error"):
    text = GATE.format(limit=limit, severity=severity)
    (project.path / "predictor.toml").write_text(text)


def run(project, *arguments):
    plugin = ("-p", "predictor.gates.pytest_plugin", "-p", "no:cacheprovider")
    return project.runpytest_subprocess(*plugin, *arguments)


def test_every_check_is_an_item(project):
    write_gate(project)
    found = run(project, "--predictor-gate", "predictor.toml", "-v")
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(["*predictor.toml::fine PASSED*", "*::too high FAILED*"])
    found.stdout.fnmatch_lines(["*upper end of the interval at most 1: does not hold*"])


def test_warning_is_no_failure(project):
    write_gate(project, severity="warning")
    run(project, "--predictor-gate", "predictor.toml").assert_outcomes(passed=2, warnings=1)


def test_broken_gate_file_is_an_error_of_collection(project):
    (project.path / "predictor.toml").write_text("[tool.predictor.gate]\nchecks = []\n")
    found = run(project, "--predictor-gate", "predictor.toml")
    found.assert_outcomes(errors=1)
    assert "at least 1" in found.stdout.str()


def test_fixture_and_ordinary_tests_beside_it(project):
    write_gate(project, limit=3.0)
    project.makepyfile(
        """
        def test_end(forecast):
            forecast("logs", metric="val_loss", at="step=8000", below=2.4)
        """
    )
    run(project).assert_outcomes(passed=1)
    both = run(project, "--predictor-gate", "predictor.toml", ".")
    both.assert_outcomes(passed=3)
