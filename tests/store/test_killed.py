"""kill -9 at any moment: what was confirmed is there, and the workspace verifies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killing.py")


def kill(folder: Path, database: str | None, rounds: int, seed: int) -> None:
    call = [sys.executable, str(SCRIPT), str(folder), database or "", str(rounds), str(seed)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for turn in said["rounds"]:
        orphans = turn.pop("orphans")
        assert turn == {"failed": False, "damage": [], "lost": [], "unreadable": False, "left": []}
        # A log's two files and the folder that it is received in, at the very most.
        assert orphans <= 3
    assert said["confirmed"] > 0


def test_nothing_confirmed_is_lost(tmp_path, database):
    kill(tmp_path, database, rounds=5, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_nothing_confirmed_is_lost_over_many_kills(tmp_path, database, seed):
    kill(tmp_path, database, rounds=40, seed=seed)
