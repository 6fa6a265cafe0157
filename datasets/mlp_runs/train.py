"""Train small networks that predict the next pixel of a photograph, and log every run.

``python datasets/mlp_runs/train.py`` writes one JSON Lines file a run into ``logs/`` beside this
file. The task is a language model's in small: the grey level of a pixel, one of 32, from the pixels
above and to the left of it, in nats a pixel, in a single pass over the training pixels.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEVELS = 32
REACH = 4  # pixels that the network sees above, to the left and to the right
CONTRAST = 8  # factor that brings differences between near pixels to the order of 1
INPUTS = LEVELS + 2 * REACH * (REACH + 1) - 1
TILE = 32  # pixels; validation tiles are kept whole, as their pixels resemble each other
VALIDATION_SHARE = 0.2
VALIDATION_PIXELS = 8192
BATCH = 40
PEAK_RATE = 2e-3
FINAL_SHARE = 0.1  # of the peak learning rate, at the end of a cosine
LOG_EVERY, VALIDATE_EVERY, QUICK_STEPS = 10, 100, 300
DECAY_MEAN, DECAY_SQUARE, FLOOR = 0.9, 0.999, 1e-8  # of Adam


@dataclass(frozen=True)
class Run:
    """What distinguishes one run from the others."""

    width: int
    seed: int
    schedule: str = "constant"

    @property
    def name(self) -> str:
        """The name of the run and of its file."""
        cosine = "-cosine" if self.schedule == "cosine" else ""
        return f"width-{self.width}{cosine}-seed-{self.seed}"

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step, counted from 1."""
        if self.schedule == "constant":
            return PEAK_RATE
        fallen = (1 - math.cos(math.pi * (step - 1) / steps)) / 2
        return PEAK_RATE * (1 - (1 - FINAL_SHARE) * fallen)


RUNS = (
    *(Run(width, seed) for width in (16, 128) for seed in range(3)),
    Run(128, 0, "cosine"),
)


@dataclass(frozen=True)
class Pixels:
    """Pixels to predict.

    Parameters
    ----------
    before : array, (pixels, 40)
        Brightness, from 0 to 1, of the pixels above and to the left, in reading order.
    levels : array, (pixels,)
        The grey level of the pixel itself.
    """

    before: Floats
    levels: Integers

    @property
    def inputs(self) -> Floats:
        """What the network is given: the level on the left as one of 32, and the differences."""
        left = self.before[:, -1]
        one_of_all = levels_of(left)[:, None] == np.arange(LEVELS)
        return np.hstack([one_of_all, CONTRAST * (self.before[:, :-1] - left[:, None])])

    def __getitem__(self, chosen: Integers) -> Pixels:
        return Pixels(self.before[chosen], self.levels[chosen])

    def __len__(self) -> int:
        return len(self.levels)


def load_pixels() -> tuple[Pixels, Pixels]:
    """Return the training pixels and a fixed choice of the validation pixels."""
    rng = np.random.default_rng(0)
    parts = [_image_pixels(image, rng) for image in load_sample_images().images]
    held_out = np.concatenate([part for _, part in parts])
    pixels = Pixels(
        np.concatenate([part.before for part, _ in parts]),
        np.concatenate([part.levels for part, _ in parts]),
    )
    chosen = rng.choice(np.flatnonzero(held_out), VALIDATION_PIXELS, replace=False)
    return pixels[np.flatnonzero(~held_out)], pixels[chosen]


def _image_pixels(
    image: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Return the pixels of an image that have a full context, and which are for validation."""
    grey = image.mean(axis=2) / 256
    windows = np.lib.stride_tricks.sliding_window_view(grey, (REACH + 1, 2 * REACH + 1))
    # In reading order, what comes before the pixel in the middle of the last row.
    before = windows.reshape(-1, (REACH + 1) * (2 * REACH + 1))[:, : -REACH - 1]
    target = windows[..., -1, REACH].ravel()
    row, column = np.indices(windows.shape[:2]).reshape(2, -1) // TILE
    tiles = rng.random((row.max() + 1, column.max() + 1)) < VALIDATION_SHARE
    return Pixels(before, levels_of(target)), tiles[row, column]


def levels_of(grey: Floats) -> Integers:
    """Return the level of a brightness in [0, 1)."""
    return (LEVELS * grey).astype(np.int64)


class Network:
    """A multilayer perceptron with two hidden layers, trained with Adam."""

    def __init__(self, sizes: tuple[int, ...], rng: np.random.Generator) -> None:
        self.weights = [
            # One row more than inputs: the last is the bias.
            np.vstack([rng.normal(0, math.sqrt(2 / inputs), (inputs, outputs)), np.zeros(outputs)])
            for inputs, outputs in pairwise(sizes)
        ]
        self._mean = [np.zeros_like(weight) for weight in self.weights]
        self._square = [np.zeros_like(weight) for weight in self.weights]

    @property
    def params(self) -> int:
        """The number of parameters."""
        return sum(weight.size for weight in self.weights)

    def _forward(self, inputs: Floats) -> tuple[list[Floats], Floats]:
        """Return what each layer is given, and the log-probabilities of the levels."""
        given, scores = [], inputs
        for depth, weight in enumerate(self.weights):
            given.append(np.maximum(scores, 0) if depth else scores)
            scores = given[-1] @ weight[:-1] + weight[-1]
        scores -= scores.max(axis=1, keepdims=True)
        return given, scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))

    def evaluate(self, pixels: Pixels) -> tuple[float, float]:
        """Return the loss, in nats per pixel, and the share of pixels predicted right."""
        _, log_probabilities = self._forward(pixels.inputs)
        right = log_probabilities.argmax(axis=1) == pixels.levels
        return _loss(log_probabilities, pixels.levels), float(right.mean())

    def learn(self, pixels: Pixels, rate: float, step: int) -> float:
        """Take one step of Adam and return the loss before it."""
        given, log_probabilities = self._forward(pixels.inputs)
        error = np.exp(log_probabilities)
        error[np.arange(len(pixels)), pixels.levels] -= 1
        error /= len(pixels)
        for depth in reversed(range(len(self.weights))):
            slope = np.vstack([given[depth].T @ error, error.sum(axis=0)])
            error = (error @ self.weights[depth][:-1].T) * (given[depth] > 0)
            self._step(depth, slope, rate, step)
        return _loss(log_probabilities, pixels.levels)

    def _step(self, depth: int, slope: Floats, rate: float, step: int) -> None:
        mean, square = self._mean[depth], self._square[depth]
        mean += (1 - DECAY_MEAN) * (slope - mean)
        square += (1 - DECAY_SQUARE) * (slope**2 - square)
        size = rate / (1 - DECAY_MEAN**step)
        spread = np.sqrt(square / (1 - DECAY_SQUARE**step)) + FLOOR
        self.weights[depth] -= size * mean / spread


def _loss(log_probabilities: Floats, levels: Integers) -> float:
    return float(-log_probabilities[np.arange(len(levels)), levels].mean())


def train(
    run: Run, training: Pixels, validation: Pixels, steps: int | None = None
) -> Iterator[dict[str, float]]:
    """Train one run, through all training pixels or up to a step, and yield its log's rows."""
    whole = len(training) // BATCH // VALIDATE_EVERY * VALIDATE_EVERY
    rng = np.random.default_rng(np.random.SeedSequence(list(run.name.encode())))
    order = rng.permutation(len(training))
    network = Network((INPUTS, run.width, run.width, LEVELS), rng)
    losses: list[float] = []
    for step in range(1, (steps or whole) + 1):
        batch = training[order[(step - 1) * BATCH : step * BATCH]]
        losses.append(network.learn(batch, run.rate(step, whole), step))
        if step % LOG_EVERY == 0:
            row = {
                "step": step,
                "samples": step * BATCH,
                "epoch": round(step * BATCH / len(training), 4),
                "params": network.params,
                "lr": float(f"{run.rate(step, whole):.5g}"),
                "train_loss": round(math.fsum(losses) / len(losses), 4),
            }
            losses.clear()
            if step % VALIDATE_EVERY == 0:
                loss, accuracy = network.evaluate(validation)
                row |= {"val_loss": round(loss, 5), "val_accuracy": round(accuracy, 5)}
            yield row


def write(path: Path, rows: Iterator[dict[str, float]]) -> None:
    """Write a run's log, one JSON document a row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        for row in rows:
            file.write(json.dumps(row, separators=(",", ":")) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train small next-pixel networks.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("logs"))
    parser.add_argument("--quick", action="store_true", help="a first part of the first run")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with threadpool_limits(1):
        training, validation = load_pixels()
        for run in RUNS[:1] if options.quick else RUNS:
            rows = train(run, training, validation, QUICK_STEPS if options.quick else None)
            write(options.output / f"{run.name}.jsonl", rows)
            print(f"{run.name} {time.monotonic() - start:6.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
