"""The server is killed while it receives, reads or forecasts: what it had confirmed is there."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from predictor.store.workspace import Workspace

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROWS = 100_000


def log_text(rows: int, level: float) -> str:
    return "step,loss\n" + "".join(f"{n},{level + 3 / n**0.5:.6f}\n" for n in range(1, rows))


def store(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "predictor", "store", *arguments, "--workspace", workspace]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def kill_at(window: Any, served: Any, path: Path, moment: str | float) -> bool:
    """Upload a log, kill the server at a moment; return whether the upload was confirmed."""
    page = window.page
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(path)
    read = page.get_by_text(f"Read: {path.name}")
    if moment == "reading":
        page.get_by_text("Reading 1 file").wait_for()
    elif moment == "forecasting":
        read.wait_for()
    else:
        page.wait_for_timeout(1000 * float(moment))
    confirmed = read.count() > 0
    served.process.kill()
    served.process.wait()
    return confirmed


def whole(workspace: Path) -> None:
    """Check that nothing is damaged, and nothing superfluous left after a repair."""
    said = store(workspace, "verify")
    assert "PRED701" not in said.stdout
    assert "PRED702" not in said.stdout
    assert "PRED704" not in said.stdout
    assert "Traceback" not in said.stderr
    store(workspace, "verify", "--repair")
    clean = store(workspace, "verify")
    assert clean.returncode == 0, clean.stdout + clean.stderr


def round_of_kill(
    serve: Any, windows: Any, folder: Path, workspace: Path | None, moment: str | float, number: int
) -> tuple[Path, set[str]]:
    """Confirm one upload, kill the server in the next; return what must be there."""
    served = serve(*(("--workspace", str(workspace)) if workspace else ())).wait()
    place = workspace or served.workspace
    window = windows(served.url)
    window.go()
    window.upload((f"kept-{number}.csv", log_text(50, 2 + number / 100).encode()))
    assert f"Read: kept-{number}.csv" in window.text
    names = {f"kept-{number}"}
    path = folder / f"large-{number}.csv"
    path.write_text(log_text(ROWS, 1 + number / 100))
    if kill_at(window, served, path, moment):
        names.add(path.stem)
    with suppress(Exception):
        window.close()
    return place, names


@pytest.mark.parametrize("moment", ["reading", "forecasting"])
def test_what_was_confirmed_is_there_after_a_kill(
    serve: Any, windows: Any, tmp_path: Path, moment: str
) -> None:
    place, names = round_of_kill(serve, windows, tmp_path, None, moment, 0)
    assert ("large-0" in names) == (moment == "forecasting")
    whole(place)
    again = serve("--workspace", str(place)).wait()
    window = windows(again.url)
    window.go("curves")
    assert "90 % interval" in window.text
    window.no_trouble()
    with Workspace.open(place) as workspace:
        assert names <= set(workspace.runs()["name"])


def test_nothing_confirmed_is_lost_over_many_kills(
    serve: Any, windows: Any, tmp_path: Path
) -> None:
    moments = random.Random(9)
    place, expected = None, set()
    for number in range(4):
        place, names = round_of_kill(
            serve, windows, tmp_path, place, moments.uniform(0.02, 2.5), number
        )
        expected |= names
        whole(place)
        with Workspace.open(place) as workspace:
            assert expected <= set(workspace.runs()["name"])
