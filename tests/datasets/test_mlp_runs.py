"""The training runs: the promised shape, sane losses, and a script that makes them again."""

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

LOGS = dataset_path("mlp_runs")
SCRIPT = LOGS.parent / "train.py"
RUNS = sorted(LOGS.glob("*.jsonl"))
EACH_RUN = pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)


def read(path: Path) -> pd.DataFrame:
    return pd.read_json(path, lines=True)


def script_at(path: Path) -> ModuleType:
    """Return a script as a module, without running it."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_two_sizes_three_seeds_and_a_cosine() -> None:
    constant = [f"width-{width}-seed-{seed}" for width in (128, 16) for seed in range(3)]
    assert [path.stem for path in RUNS] == ["width-128-cosine-seed-0", *constant]


@EACH_RUN
def test_runs_are_logged_evenly_in_a_single_pass(path: Path) -> None:
    log = read(path)
    assert 1000 <= len(log) <= 5000
    assert (log["step"] == 10 * np.arange(1, len(log) + 1)).all()
    assert (log["samples"] == 40 * log["step"]).all()
    assert log["epoch"].iloc[-1] == pytest.approx(1, abs=0.01)
    assert log["params"].nunique() == 1


@EACH_RUN
def test_validation_is_logged_at_every_tenth_row(path: Path) -> None:
    log = read(path)
    validated = log["step"] % 100 == 0
    for metric in ("val_loss", "val_accuracy"):
        assert (log[metric].notna() == validated).all()


@EACH_RUN
def test_the_learning_rate_is_constant_or_falls_to_a_tenth(path: Path) -> None:
    rate = read(path)["lr"]
    assert rate.iloc[-1] == pytest.approx(2e-4 if "cosine" in path.stem else 2e-3)
    assert rate.iloc[0] == pytest.approx(2e-3)
    assert (np.diff(rate) <= 0).all()


@EACH_RUN
def test_losses_fall_from_near_a_guess_and_go_on_falling(path: Path) -> None:
    log = read(path)
    loss = log["val_loss"].dropna()
    # A guess that knows nothing costs log(32) nats a pixel.
    assert log["train_loss"].iloc[0] == pytest.approx(np.log(32), abs=0.8)
    assert loss.iloc[-1] < 1.25
    assert loss.tail(10).mean() < loss.iloc[45:55].mean() < loss.iloc[20:30].mean()
    # One pass: what is trained on is as new as what is validated on.
    assert log["train_loss"].tail(100).mean() == pytest.approx(loss.tail(10).mean(), abs=0.1)


def test_larger_networks_end_lower_and_the_cosine_lowest() -> None:
    end = {path.stem: read(path)["val_loss"].dropna().tail(10).mean() for path in RUNS}
    small, large = ([end[f"width-{width}-seed-{seed}"] for seed in range(3)] for width in (16, 128))
    assert end["width-128-cosine-seed-0"] < min(large) < max(large) < min(small)


@pytest.fixture(scope="module")
def made_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first part of the first run, from the script's command line."""
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("made-again")
    command = [sys.executable, SCRIPT, "--quick", "--output", folder]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder / "width-16-seed-0.jsonl"


@pytest.mark.slow
def test_the_script_gives_the_same_bytes_again(made_again: Path, tmp_path: Path) -> None:
    script = script_at(SCRIPT)
    rows = script.train(script.RUNS[0], *script.load_pixels(), steps=script.QUICK_STEPS)
    script.write(tmp_path / "again.jsonl", rows)
    assert (tmp_path / "again.jsonl").read_bytes() == made_again.read_bytes()


@pytest.mark.slow
def test_the_script_makes_the_shipped_rows(made_again: Path) -> None:
    rows = read(made_again)
    shipped = read(LOGS / made_again.name).head(len(rows))
    # Rounding differs between processors, and grows from step to step.
    np.testing.assert_allclose(rows, shipped, rtol=0.01, equal_nan=True)
