"""Train small next-pixel networks of several sizes, each on several amounts of data.

``python datasets/mlp_scaling/train.py`` writes ``runs.csv`` beside this file: one row a finished
run. Task, network and optimizer are those of ``datasets/mlp_runs``; every run has its own cosine,
which ends with the run, and sees every pixel once.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
from threadpoolctl import threadpool_limits

WIDTHS = (4, 8, 16, 32, 64, 128, 256)
PIXELS = (25_600, 36_200, 51_200, 72_400, 102_400, 204_800, 409_600)
#: Larger networks ask for a smaller peak rate.
PEAK_RATE, REFERENCE_WIDTH = 4e-3, 24
WARMUP_SHARE = 0.02
#: Validation losses of the last so many steps are averaged.
LAST_STEPS, LAST_EVERY = 100, 20
COLUMNS = ("run", "params", "tokens", "loss", "train_loss", "seconds")


def next_pixel() -> ModuleType:
    """Return the script that holds task and network."""
    path = Path(__file__).parents[1] / "mlp_runs" / "train.py"
    spec = spec_from_file_location("mlp_runs_train", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def rate(width: int, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 1: warm-up, then a cosine to a tenth."""
    peak = PEAK_RATE * math.sqrt(REFERENCE_WIDTH / max(width, REFERENCE_WIDTH))
    warm = max(1, round(WARMUP_SHARE * steps))
    if step <= warm:
        return peak * step / warm
    fallen = (1 - math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2
    return peak * (1 - 0.9 * fallen)


def runs(widths: tuple[int, ...], amounts: tuple[int, ...]) -> Iterator[dict[str, float | str]]:
    """Train every size on every amount and yield one row a run."""
    task = next_pixel()
    training, validation = task.load_pixels()
    for width in widths:
        for pixels in amounts:
            begin = time.monotonic()
            rng = np.random.default_rng([width, pixels])
            order = rng.permutation(len(training))[:pixels]
            network = task.Network((task.INPUTS, width, width, task.LEVELS), rng)
            steps = pixels // task.BATCH
            seen, held = [], []
            for step in range(1, steps + 1):
                batch = training[order[(step - 1) * task.BATCH : step * task.BATCH]]
                seen.append(network.learn(batch, rate(width, step, steps), step))
                if steps - step < LAST_STEPS and (steps - step) % LAST_EVERY == 0:
                    held.append(network.evaluate(validation)[0])
            yield {
                "run": f"width-{width}-pixels-{pixels}",
                "params": network.params,
                "tokens": steps * task.BATCH,
                "loss": round(math.fsum(held) / len(held), 5),
                "train_loss": round(math.fsum(seen[-LAST_STEPS:]) / LAST_STEPS, 4),
                "seconds": round(time.monotonic() - begin, 1),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description="Train next-pixel networks of several sizes.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("runs.csv"))
    parser.add_argument("--quick", action="store_true", help="the smallest two runs only")
    options = parser.parse_args()
    chosen = (WIDTHS[:1], PIXELS[:2]) if options.quick else (WIDTHS, PIXELS)
    with threadpool_limits(1), options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in runs(*chosen):
            writer.writerow(row)
            file.flush()
            print(row, file=sys.stderr)


if __name__ == "__main__":
    main()
