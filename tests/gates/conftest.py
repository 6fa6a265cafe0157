"""Logs and gates that the tests of gates share."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from predictor.bundle import dataset_path

EXAMPLE = Path(__file__).parent / "example"
STEP = np.round(np.geomspace(20, 4000, 40)).astype(int)


def write_run(folder, name, *, factor=1.0, until=4000, seed=0, noise=0.002):
    """Write one run: a power law with noise, all of it times a factor."""
    rng = np.random.default_rng(seed)
    value = (2 + 5 * STEP**-0.5) * factor * np.exp(noise * rng.normal(size=len(STEP)))
    rows = [{"step": int(s), "val_loss": float(v)} for s, v in zip(STEP, value, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows if row["step"] <= until)
    (folder / f"{name}.jsonl").write_text(text)


def check(**settings):
    """Return a gate of one check on ``logs``."""
    return {"checks": [{"name": "end", "logs": ["logs"], "metric": "val_loss"} | settings]}


@pytest.fixture
def repository(tmp_path):
    """Return a copy of the example repository, with logs of our own."""
    folder = tmp_path / "repository"
    shutil.copytree(EXAMPLE, folder)
    (folder / "logs").mkdir()
    for seed in (0, 1):
        name = f"width-16-seed-{seed}.jsonl"
        shutil.copy(dataset_path("mlp_runs") / name, folder / "logs" / name)
    return folder
