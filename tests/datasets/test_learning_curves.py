"""The learning curves: the promised shape, sane values, and a script that makes them again."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from predictor.bundle import dataset_path

CURVES = dataset_path("learning_curves")
SCRIPT = CURVES.with_name("train.py")
RANDOM_GUESS = {  # error rate of a guess that does not look at the features
    "digits": 0.9, "breast-cancer": 0.38, "wine": 0.61, "iris": 0.67, "diabetes": 0.5,
    "image-patches": 0.5,
}  # fmt: skip
RISING = ("image-patches", "gaussian-naive-bayes")  # as its card says


def script_at(path: Path) -> ModuleType:
    """Return a script as a module, without running it."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def curves() -> pd.DataFrame:
    return pd.read_csv(CURVES)


def test_every_learner_meets_every_dataset_with_every_seed(curves: pd.DataFrame) -> None:
    runs = curves.drop_duplicates("run")
    assert (runs["dataset"].nunique(), runs["learner"].nunique()) == (6, 10)
    assert sorted(runs["seed"].unique()) == [0, 1, 2, 3, 4]
    assert len(runs) == 6 * 10 * 5
    named = runs["dataset"] + "/" + runs["learner"] + "/" + runs["seed"].astype(str)
    assert (runs["run"] == named).all()


def test_all_curves_of_a_dataset_have_the_same_rising_sizes(curves: pd.DataFrame) -> None:
    sizes = curves.groupby(["dataset", "run"])["samples"].agg(tuple)
    for dataset, of_dataset in sizes.groupby(level=0):
        assert of_dataset.nunique() == 1, dataset
        assert 12 <= len(of_dataset.iloc[0]) <= 16
        assert (np.diff(of_dataset.iloc[0]) > 0).all()


def test_values_are_possible(curves: pd.DataFrame) -> None:
    assert curves["error"].between(0, 1).all()
    # No probability is below about 0.001, so no mean loss is above about -log(0.001).
    assert curves["log_loss"].between(0, 7).all()
    assert not curves.isna().any(axis=None)


def test_errors_fall_below_a_guess(curves: pd.DataFrame) -> None:
    curves = curves.sort_values("samples")
    median = curves.groupby(["dataset", "learner", "samples"])["error"].median()
    for (dataset, learner), curve in median.groupby(level=[0, 1]):
        assert curve.iloc[-1] < RANDOM_GUESS[dataset], (dataset, learner)
        assert (curve.iloc[-1] < curve.iloc[0]) == ((dataset, learner) != RISING)


def quick(output: Path, jobs: int) -> Path:
    """Run the script's command line for its quick choice of curves."""
    command = [sys.executable, SCRIPT, "--quick", "--jobs", str(jobs), "--output", output]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return output


@pytest.fixture(scope="module")
def made_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sklearn")
    return quick(tmp_path_factory.mktemp("made-again") / "curves.csv", jobs=1)


@pytest.mark.slow
def test_the_script_gives_the_same_bytes_again(made_again: Path, tmp_path: Path) -> None:
    script = script_at(SCRIPT)
    script.write(tmp_path / "curves.csv", script.train_all(script.QUICK, jobs=1))
    assert (tmp_path / "curves.csv").read_bytes() == made_again.read_bytes()


@pytest.mark.slow
def test_two_processes_give_the_same_bytes_as_one(made_again: Path, tmp_path: Path) -> None:
    assert quick(tmp_path / "curves.csv", jobs=2).read_bytes() == made_again.read_bytes()


@pytest.mark.slow
def test_the_script_makes_the_shipped_rows(made_again: Path, curves: pd.DataFrame) -> None:
    again = pd.read_csv(made_again)
    places = ["run", "samples"]
    shipped = again[places].merge(curves, on=places, how="left", validate="1:1")
    # Another processor or another scikit-learn may turn a close decision or two.
    np.testing.assert_allclose(again["error"], shipped["error"], atol=0.01)
    np.testing.assert_allclose(again["log_loss"], shipped["log_loss"], rtol=0.02)
