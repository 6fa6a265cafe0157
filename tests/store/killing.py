"""Add and record in a child that is killed at a random moment, then look what is there.

Run as a script, so that what forks is a process without threads. Prints one JSON document.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable

import numpy as np
import pyarrow.parquet  # noqa: F401  (loaded before the children, so that they begin at once)

from predictor.capacity import table as _capacity  # noqa: F401
from predictor.fitting.forecast import Forecast
from predictor.logs.registry import all_readers
from predictor.scaling import table as _scaling  # noqa: F401
from predictor.store.uploading import Given
from predictor.store.workspace import Workspace


def in_child(work: Callable[[int], None]) -> tuple[int, int]:
    """Run work in a child; return its process and where what it says can be read."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            work(write)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(write)
    return child, read


def killed_at(event: int) -> None:
    """Have this process killed at its n-th dealing with files from now on."""
    left = event

    def count(name: str, _arguments: tuple[object, ...]) -> None:
        nonlocal left
        if name in ("open", "os.rename", "os.mkdir", "os.link", "os.remove", "os.rmdir"):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def csv(number: int) -> bytes:
    steps = range(1, 201)
    return "\n".join(["step,loss", *(f"{k},{number + 3 / k**0.5}" for k in steps)]).encode()


def writer(folder: str, database: str | None, start: int, event: int) -> Callable[[int], None]:
    """Return work that adds logs and records forecasts, and says what was confirmed."""

    def work(out: int) -> None:
        with Workspace.open(folder, database) as workspace:
            workspace.add([Given("first.csv", csv(0))])
            os.write(out, b"begun\n")
            if event:
                killed_at(event)
            for number in range(start, start + 1000):
                upload = workspace.add([Given(f"r{number}.csv", csv(number))])
                os.write(out, f"upload {upload.files[0].sha256}\n".encode())
                run = {f"r{number}": upload.runs[0]}
                at = {"step": 400.0}
                made = Forecast(f"r{number}", "loss", at, 2.0, 1.0, 3.0, 0.9, "auto", 200, 2.0)
                (kept,) = workspace.record([made], predictor="curves", runs=run)
                os.write(out, f"forecast {kept}\n".encode())

    return work


def checker(folder: str, database: str | None, confirmed: set[str]) -> Callable[[int], None]:
    """Return work that says what is wrong with the workspace after a kill."""

    def work(out: int) -> None:
        with Workspace.open(folder, database) as workspace:
            found = [finding.code for finding in workspace.verify()]
            uploads = workspace.uploads()
            there = {f"upload {file.sha256}" for upload in uploads for file in upload.files}
            there |= {f"forecast {number}" for number in workspace.forecasts()["id"]}
            readable = len(workspace.log().points) == 200 * len(uploads) if uploads else True
            workspace.verify(repair=True)
            said = {
                "damage": sorted({code for code in found if code != "PRED703"}),
                "orphans": found.count("PRED703"),
                "lost": sorted(confirmed - there),
                "unreadable": not readable,
                "left": [finding.code for finding in workspace.verify()],
            }
        os.write(out, json.dumps(said).encode())

    return work


def said_by(read: int) -> str:
    with os.fdopen(read) as stream:
        return stream.read()


def main() -> None:
    """Kill writers, some while they open the workspace; print what was found after each."""
    all_readers()
    folder, database, rounds = sys.argv[1], sys.argv[2] or None, int(sys.argv[3])
    rng = np.random.default_rng(int(sys.argv[4]))
    confirmed: set[str] = set()
    found = []
    for turn in range(rounds):
        event = int(rng.integers(1, 150)) if turn % 3 else 0
        child, read = in_child(writer(folder, database, 1000 * turn + 1, event))
        if not event:
            _ = os.read(read, 6) if turn % 2 else b""
            time.sleep(float(rng.uniform(0.0, 0.5)))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        new = said_by(read)
        confirmed |= {line for line in new[: new.rfind("\n") + 1].splitlines() if " " in line}
        child, read = in_child(checker(folder, database, confirmed))
        said = said_by(read)
        _, status = os.waitpid(child, 0)
        found.append({"failed": status != 0, **(json.loads(said) if said else {})})
    print(json.dumps({"confirmed": len(confirmed), "rounds": found}))  # noqa: T201


if __name__ == "__main__":
    main()
