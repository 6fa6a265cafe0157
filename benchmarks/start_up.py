"""Cold start: whole processes, against the import of the libraries that any such tool needs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

REPEATS = 5
IMPORTS = [sys.executable, "-c", "import numpy, scipy.optimize, pandas"]
LIGHT = [sys.executable, "-c", "import predictor"]


def seconds(command: list[str]) -> float:
    """Return the shortest wall time of several runs of a command."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    return min(times)


def half_a_run(path: Path) -> None:
    """Write the first 10,000 steps of a made-up run."""
    step = np.arange(10, 10_001, 10)
    noise = np.random.default_rng(0).normal(size=len(step))
    loss = (2 + 9 * step**-0.4) * np.exp(0.01 * noise)
    pd.DataFrame({"step": step, "loss": loss}).to_csv(path, index=False)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.csv"
        half_a_run(log)
        forecast = [sys.executable, "-m", "predictor", "forecast", str(log), "--at", "step=20000"]
        base = seconds(IMPORTS)
        print(f"import numpy, scipy.optimize, pandas: {base:.2f} s")
        for name, command in (
            ("import predictor", LIGHT),
            ("predictor forecast", forecast),
            ("predictor forecast --format json", [*forecast, "--format", "json"]),
        ):
            taken = seconds(command)
            print(f"{name}: {taken:.2f} s, ratio {taken / base:.2f}")


if __name__ == "__main__":
    main()
