"""Add logs to a workspace; run several at once. Arguments: folder, database, name, how many."""

from __future__ import annotations

import sys

from predictor.store.uploading import Given
from predictor.store.workspace import Workspace


def main(folder: str, database: str, name: str, count: str) -> None:
    """Add logs of this process's own, and one that all add; rename, delete and purge."""
    with Workspace.open(folder, database or None) as workspace:
        for number in range(int(count)):
            rows = [f"{k},{number + 3 / k**0.5}" for k in range(1, 41)]
            csv = "\n".join(["step,loss", *rows]).encode()
            upload = workspace.add([Given(f"{name}{number}.csv", csv)])
            workspace.rename(upload.runs[0], f"{name} {number}")
            workspace.add([Given("shared.csv", b"step,loss\n1,3.0\n2,2.0\n3,1.5\n4,1.2\n")])
            workspace.delete(upload.runs) if number % 2 else workspace.purge()


if __name__ == "__main__":
    main(*sys.argv[1:])
