"""A reader of another package, installed as pip would leave it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE = """
import pandas as pd
from predictor.logs.registry import Reader
from predictor.logs.tables import RunLog

def read(source):
    pairs = [line.split(" at ") for _, line in source.lines() if " at " in line]
    points = pd.DataFrame(
        {"run": source.run_hint, "metric": "loss", "step": float(step), "value": float(value)}
        for value, step in pairs
    )
    return [RunLog.from_points(points)]

READER = Reader("toy", "values said in words", lambda s: s.text_head.startswith("TOY"), read)
"""


def test_an_installed_package_adds_a_format(tmp_path):
    (tmp_path / "toy_reader.py").write_text(MODULE)
    installed = tmp_path / "toy_reader-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-reader\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[predictor.readers]\ntoy = toy_reader:READER\n")
    log = tmp_path / "run.toy"
    log.write_text("TOY\n" + "".join(f"{2 + 3 / k:.4f} at {k}\n" for k in range(1, 30)))

    done = subprocess.run(
        [sys.executable, "-m", "predictor", "inspect", str(log), "--format", "json"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=True,
    )

    (run,) = json.loads(done.stdout)["runs"]
    assert run["format"] == "toy"
    assert (run["metrics"], run["points"], run["axes"]) == (["loss"], 29, ["step"])
