"""Several processes, the command line among them, on one workspace that none has opened before."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from predictor.store.workspace import Workspace

from .conftest import curve

SCRIPT = Path(__file__).with_name("adding.py")
EACH = 3


def start(*call: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *call], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_processes_and_the_command_line_at_once(tmp_path, database):
    place, log = tmp_path / "workspace", tmp_path / "cli.csv"
    log.write_bytes(curve("cli").content)
    options = ["--workspace", str(place), *(["--database", database] if database else [])]
    store = ["-m", "predictor", "store"]
    working = [start(str(SCRIPT), str(place), database or "", name, str(EACH)) for name in "ab"]
    working.append(start(*store, "add", str(log), *options))
    working.append(start(*store, "verify", "--repair", *options))
    for process in working:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (out, err)
    with Workspace.open(place, database) as workspace:
        names = sorted(workspace.runs()["name"])
        kept = [f"{name} {number}" for name in "ab" for number in range(0, EACH, 2)]
        assert names == sorted([*kept, "cli", "shared"])
        assert len(workspace.log().points) == 40 * len(kept) + 50 + 4
        workspace.purge()
        assert workspace.verify() == []


def test_threads_share_a_workspace(tmp_path, database):
    failed = []

    def work(workspace: Workspace, name: str) -> None:
        try:
            for number in range(3):
                upload = workspace.add([curve(f"{name}{number}", 12)])
                workspace.set_tags(upload.runs, [name])
                assert len(workspace.log(upload.runs).points) == 12
        except Exception as error:
            failed.append(error)

    with Workspace.open(tmp_path, database) as workspace:
        threads = [threading.Thread(target=work, args=(workspace, name)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert len(workspace.runs()) == 12
        assert workspace.verify() == []
