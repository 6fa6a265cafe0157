"""Train learning curves over the size of the training set, with scikit-learn's bundled data.

``python datasets/learning_curves/train.py`` writes ``curves.csv`` beside this file. Every number
comes from a random stream of its own, named by what it is for, so that neither the number of
processes nor the choice of a subset changes a value.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Examples = tuple[Floats, Integers]

COLUMNS = ("run", "dataset", "learner", "seed", "samples", "error", "log_loss")
SEEDS = range(5)
QUICK = (("wine", "linear-discriminant", 0), ("iris", "gaussian-naive-bayes", 0))
TEST_SHARE = 0.2
TREES = 32
#: No example can cost more than -log of about this: without it the log loss of a learner that
#: gives probabilities of exactly zero would measure the clip and nothing else.
SMALLEST_PROBABILITY = 1e-3
PATCH = 8  # pixels


def diabetes_above_median() -> Examples:
    """Give the diabetes data with 'progression above the median' as the class."""
    features, progression = datasets.load_diabetes(return_X_y=True)
    return features, (progression > np.median(progression)).astype(int)


def image_patches() -> Examples:
    """Cut the two sample images into grey patches; the class is the image a patch is from."""
    patches = [_patches(image) for image in datasets.load_sample_images().images]
    classes = np.repeat(np.arange(len(patches)), [len(each) for each in patches])
    return np.concatenate(patches), classes


def _patches(image: NDArray[np.uint8]) -> Floats:
    grey = image.mean(axis=2) / 255
    rows, columns = grey.shape[0] // PATCH, grey.shape[1] // PATCH
    cut = grey[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH)
    return cut.swapaxes(1, 2).reshape(rows * columns, PATCH * PATCH)


def _bundled(load: Callable[..., Examples]) -> Callable[[], Examples]:
    return lambda: load(return_X_y=True)


@dataclass(frozen=True)
class Task:
    """A data set and how it is measured.

    Parameters
    ----------
    load : callable
        Returns features, (examples, features), and classes, (examples,).
    smallest : int
        Size of the smallest training set.
    sizes : int
        Number of sizes, log-spaced from the smallest to the largest.
    splits : int
        Number of random splits that each seed averages over.
    """

    load: Callable[[], Examples]
    smallest: int
    sizes: int
    splits: int

    def training_sizes(self, largest: int) -> list[int]:
        """Return the sizes of the nested training sets."""
        return [int(size) for size in np.geomspace(self.smallest, largest, self.sizes).round()]


TASKS = {
    "digits": Task(_bundled(datasets.load_digits), 16, 14, 5),
    "breast-cancer": Task(_bundled(datasets.load_breast_cancer), 8, 13, 20),
    "wine": Task(_bundled(datasets.load_wine), 6, 12, 20),
    "iris": Task(_bundled(datasets.load_iris), 6, 12, 20),
    "diabetes": Task(diabetes_above_median, 8, 12, 20),
    "image-patches": Task(image_patches, 16, 16, 3),
}

#: From a random state and the size of the training set to a learner that gives probabilities.
LEARNERS: dict[str, Callable[[int, int], BaseEstimator]] = {
    "logistic-regression": lambda _state, _size: LogisticRegression(max_iter=500),
    "kernel-logistic-regression": lambda state, size: make_pipeline(
        # The kernel is exact up to 300 examples and approximated from there.
        Nystroem(n_components=min(size, 300), random_state=state),
        LogisticRegression(C=10, max_iter=500),
    ),
    "k-nearest-neighbours": lambda _state, _size: KNeighborsClassifier(n_neighbors=5),
    "gaussian-naive-bayes": lambda _state, _size: GaussianNB(var_smoothing=1e-3),
    "linear-discriminant": lambda _state, _size: LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage="auto"
    ),
    "decision-tree": lambda state, _size: DecisionTreeClassifier(
        min_samples_leaf=2, random_state=state
    ),
    "random-forest": lambda state, _size: RandomForestClassifier(TREES, random_state=state),
    "extra-trees": lambda state, _size: ExtraTreesClassifier(TREES, random_state=state),
    "gradient-boosting": lambda state, _size: HistGradientBoostingClassifier(
        # With the default of 20 examples a leaf, sets under 40 would teach it nothing.
        max_iter=50, max_leaf_nodes=8, min_samples_leaf=3, early_stopping=False, random_state=state
    ),
    "multilayer-perceptron": lambda state, size: MLPClassifier(
        (32,),
        batch_size=min(size, 32),
        learning_rate_init=3e-3,
        max_iter=40,
        random_state=state,
    ),
}  # fmt: skip


def stream(*names: object) -> np.random.Generator:
    """Return the random stream of a purpose, which depends on its name and on nothing else."""
    return np.random.default_rng(np.random.SeedSequence(list("/".join(map(str, names)).encode())))


def split(classes: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Split at random into training examples, in the order they are added, and test examples.

    Both are stratified, and so is every prefix of the training order: each class is spread evenly
    over it, and its first example comes before every other class's second.
    """
    place = np.empty(len(classes))
    tested = np.zeros(len(classes), dtype=bool)
    for label in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == label))
        held_out = round(TEST_SHARE * len(members))
        tested[members[:held_out]] = True
        trained = members[held_out:]
        place[trained] = (np.arange(len(trained)) + rng.random(len(trained))) / len(trained)
        place[trained[0]] -= 1
    training = np.flatnonzero(~tested)
    return training[np.argsort(place[training])], np.flatnonzero(tested)


def measure(learner: BaseEstimator, train: Examples, test: Examples) -> tuple[float, float]:
    """Return the error rate and the log loss, in nats per example, on the test examples."""
    model = make_pipeline(StandardScaler(), learner)
    with warnings.catch_warnings():
        # A limit on iterations and classes of one example are part of the plan here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="Only one sample available", category=UserWarning)
        model.fit(*train)
    given = np.clip(model.predict_proba(test[0]), SMALLEST_PROBABILITY, None)
    given /= given.sum(axis=1, keepdims=True)
    of_truth = given[np.arange(len(test[1])), test[1]]
    return float(np.mean(given.argmax(axis=1) != test[1])), float(-np.log(of_truth).mean())


def train_curve(dataset: str, learner: str, seed: int) -> list[tuple[object, ...]]:
    """Train one curve: rows in the order of ``COLUMNS``."""
    task = TASKS[dataset]
    features, classes = task.load()
    with threadpool_limits(1):
        splits = [
            _train_split(task, (dataset, learner, seed, number), features, classes)
            for number in range(task.splits)
        ]
    samples, values = splits[0][0], np.mean([measured for _, measured in splits], axis=0)
    run = f"{dataset}/{learner}/{seed}"
    return [
        (run, dataset, learner, seed, size, f"{error:.5g}", f"{log_loss:.5g}")
        for size, (error, log_loss) in zip(samples, values, strict=True)
    ]


def _train_split(
    task: Task, name: tuple[str, str, int, int], features: Floats, classes: Integers
) -> tuple[list[int], Floats]:
    dataset, learner, seed, number = name
    # All learners see the same splits, so that they can be compared.
    order, tested = split(classes, stream("split", dataset, seed, number))
    test = features[tested], classes[tested]
    sizes = task.training_sizes(len(order))
    states = stream("learner", *name).integers(2**31, size=len(sizes))
    measured = [
        measure(
            LEARNERS[learner](int(state), size),
            (features[order[:size]], classes[order[:size]]),
            test,
        )
        for state, size in zip(states, sizes, strict=True)
    ]
    return sizes, np.array(measured)


def train_all(
    curves: Iterable[tuple[str, str, int]], jobs: int
) -> Iterator[list[tuple[object, ...]]]:
    """Train the curves, in their order, and say on stderr how far it is."""
    curves = list(curves)
    start = time.monotonic()
    trained = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(train_curve)(*curve) for curve in curves
    )
    for count, (curve, rows) in enumerate(zip(curves, trained, strict=True), start=1):
        passed = time.monotonic() - start
        print(f"{count}/{len(curves)} {passed:6.0f} s {'/'.join(map(str, curve))}", file=sys.stderr)
        yield rows


def write(path: Path, curves: Iterable[list[tuple[object, ...]]]) -> None:
    """Write the rows of all curves as CSV, under the final name only when complete."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for rows in curves:
            table.writerows(rows)
    partial.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train learning curves with scikit-learn.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("curves.csv"))
    parser.add_argument("--jobs", type=int, default=2, help="number of processes")
    parser.add_argument("--quick", action="store_true", help="two curves only")
    options = parser.parse_args()
    curves = QUICK if options.quick else product(TASKS, LEARNERS, SEEDS)
    write(options.output, train_all(curves, options.jobs))


if __name__ == "__main__":
    main()
