"""Train a ladder of small networks on the digits data and write which test items each gets right.

``python datasets/mlp_ladder/train.py`` makes ``items.csv`` again. Widths double every second rung;
every model sees the same number of examples per parameter, so that compute grows with the square of
the size. Each size is trained with 20 seeds: an item's pass rate is the share that gets it right.
"""

from __future__ import annotations

import argparse
import os

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_threads] = "1"

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

WIDTHS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
SEEDS = 20
EXAMPLES_A_PARAMETER = 8
BATCH, RATE = 16, 3e-3
TEST_ITEMS, SPLIT_SEED = 600, 7
PIXELS, CLASSES = 64, 10


def parameters(width: int) -> int:
    """Return the number of weights and biases of a network with one hidden layer."""
    return PIXELS * width + width + width * CLASSES + CLASSES


def split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training and test images (pixels in [0, 1]) and their digits."""
    data = load_digits()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(data.target))
    test, train = order[:TEST_ITEMS], order[TEST_ITEMS:]
    images = data.data / 16
    return images[train], data.target[train], images[test], data.target[test]


def right_answers(width: int, seed: int, parts: tuple[np.ndarray, ...]) -> np.ndarray:
    """Train one network and return which test items it gets right."""
    images, digits, test_images, test_digits = parts
    rng = np.random.default_rng([width, seed])
    network = MLPClassifier(
        (width,), solver="adam", learning_rate_init=RATE, batch_size=BATCH, random_state=seed
    )
    for _ in range(round(EXAMPLES_A_PARAMETER * parameters(width) / BATCH)):
        chosen = rng.integers(0, len(images), BATCH)
        network.partial_fit(images[chosen], digits[chosen], classes=np.arange(CLASSES))
    return network.predict(test_images) == test_digits


def ladder(widths: tuple[int, ...], seeds: int) -> pd.DataFrame:
    """Return one row a model and item: how many of the seeds get it right."""
    parts = split()
    rows = []
    for width in widths:
        passes = sum(right_answers(width, seed, parts).astype(int) for seed in range(seeds))
        size = parameters(width)
        seen = round(EXAMPLES_A_PARAMETER * size / BATCH) * BATCH
        rows.append(
            pd.DataFrame(
                {
                    "model": f"width-{width}",
                    "params": size,
                    "tokens": seen,
                    "benchmark": "digits",
                    "item": [f"{k:03d}" for k in range(TEST_ITEMS)],
                    "trials": seeds,
                    "passes": passes,
                }
            )
        )
        print(f"width {width}: {passes.mean() / seeds:.3f}", flush=True)
    return pd.concat(rows, ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("items.csv"))
    parser.add_argument("--quick", action="store_true", help="two sizes, two seeds")
    options = parser.parse_args()
    chosen = (WIDTHS[:2], 2) if options.quick else (WIDTHS, SEEDS)
    ladder(*chosen).to_csv(options.output, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
