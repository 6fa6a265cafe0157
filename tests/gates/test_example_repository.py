"""The example repository, end to end: the action's own script, as its host would run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ..conftest import ROOT
from .conftest import EXAMPLE

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def run_action(repository, tmp_path):
    """Run the gate step of the action; return its exit status, outputs and summary."""
    step = next(s for s in ACTION["runs"]["steps"] if s.get("id") == "gate")
    bin_ = tmp_path / "bin"
    bin_.mkdir(exist_ok=True)
    if not (bin_ / "python").exists():
        (bin_ / "python").symlink_to(sys.executable)
    env = {
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}" + os.pathsep.join(p for p in sys.path if p),
        "CONFIG": "predictor.toml",
        "JUNIT": "gate.xml",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "OMP_NUM_THREADS": "1",
    }
    (tmp_path / "output").write_text("")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=repository, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    summary = tmp_path / "summary"
    return done, (tmp_path / "output").read_text(), summary.read_text() if summary.exists() else ""


def store_baseline(repository):
    command = [sys.executable, "-m", "predictor", "gate", "--update-baseline", "--quiet"]
    env = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    subprocess.run(command, cwd=repository, check=True, env=env)


def worsened(path: Path, factor: float) -> None:
    """Make every validation loss of a log worse."""
    text = path.read_text()

    def worse(match: re.Match[str]) -> str:
        return f'"val_loss":{factor * float(match[1])}'

    assert '"val_loss":1' in text
    path.write_text(re.sub(r'"val_loss":([\d.]+)', worse, text))


def test_good_bad_too_little_and_broken(repository, tmp_path):
    store_baseline(repository)
    done, output, summary = run_action(repository, tmp_path)
    assert (done.returncode, output) == (0, "status=pass\n"), done.stderr
    assert "## Predictor gate: pass" in summary
    assert (repository / "gate.xml").is_file()

    log = repository / "logs" / "width-16-seed-1.jsonl"
    kept = log.read_text()
    worsened(log, 1.06)
    done, output, _ = run_action(repository, tmp_path)
    assert (done.returncode, output) == (1, "status=fail\n")
    assert "::error file=predictor.toml,title=no worse than before::" in done.stderr

    log.write_text("".join(kept.splitlines(keepends=True)[:20]))
    done, output, _ = run_action(repository, tmp_path)
    assert (done.returncode, output) == (3, "status=undecided\n"), done.stderr

    log.write_bytes(b"\x00\x01\x02 not a log \xff" * 50)
    for other in (repository / "logs").glob("*-0.jsonl"):
        other.unlink()
    done, output, _ = run_action(repository, tmp_path)
    assert (done.returncode, output) == (2, "status=error\n")


def test_inputs_of_the_action_never_reach_the_shell_as_code():
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
    workflow = yaml.safe_load((EXAMPLE / ".github" / "workflows" / "gate.yml").read_text())
    (job,) = workflow["jobs"].values()
    given = next(s["with"] for s in job["steps"] if "predictor" in s["uses"])
    assert set(given) <= set(ACTION["inputs"])


def test_hook_and_pipeline_call_commands_that_exist(repository):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"] == "predictor gate"
    assert re.search(hook["files"], "logs/a.jsonl")
    assert not re.search(hook["files"], "src/a.py")
    lines = yaml.safe_load((EXAMPLE / ".gitlab-ci.yml").read_text())["gate"]["script"]
    assert lines[-1].startswith("predictor gate predictor.toml --junit ")


@pytest.mark.parametrize("name", ["; touch pwned", "$(touch pwned).toml", "-x"])
def test_hostile_input_is_a_name_and_nothing_else(repository, tmp_path, name):
    step = next(s for s in ACTION["runs"]["steps"] if s.get("id") == "gate")
    env = os.environ | {"CONFIG": name, "JUNIT": "j.xml", "PYTHONPATH": str(ROOT)}
    env |= {"GITHUB_OUTPUT": str(tmp_path / "o"), "GITHUB_STEP_SUMMARY": str(tmp_path / "s")}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    done = subprocess.run(
        ["bash", "-c", step["run"]], cwd=repository, env=env, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert not (repository / "pwned").exists()
