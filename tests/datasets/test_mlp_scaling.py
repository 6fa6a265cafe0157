"""The bundled table of runs is what its card says, and can be made again."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys

import pandas as pd
import pytest

from predictor import ScalingLaw, dataset_path

PATH = dataset_path("mlp_scaling")


def test_the_file_matches_the_checksum_on_its_card():
    card = (PATH.parent / "card.md").read_text("utf-8")
    (promised,) = re.findall(r"^    ([0-9a-f]{64})  runs\.csv$", card, re.MULTILINE)
    assert hashlib.sha256(PATH.read_bytes()).hexdigest() == promised


def test_it_carries_a_law():
    table = pd.read_csv(PATH)
    assert (len(table), table["params"].nunique(), table["tokens"].nunique()) == (49, 7, 7)
    law = ScalingLaw(draws=50).fit(table)
    assert 0.9 < law.params["E"] < 1.05


@pytest.mark.slow
def test_the_quick_script_makes_the_first_rows(tmp_path):
    output = tmp_path / "runs.csv"
    script = PATH.parent / "train.py"
    command = [sys.executable, script, "--quick", "--output", output]
    subprocess.run(command, check=True, capture_output=True)
    made, shipped = pd.read_csv(output), pd.read_csv(PATH)
    assert made["loss"].to_numpy() == pytest.approx(shipped["loss"][:2].to_numpy(), rel=0.05)
