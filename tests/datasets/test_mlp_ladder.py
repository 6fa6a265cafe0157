"""The bundled ladder of items is what its card says, and can be made again."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys

import pandas as pd
import pytest

from predictor import dataset_path

PATH = dataset_path("mlp_ladder")


def test_the_file_matches_the_checksum_on_its_card():
    card = (PATH.parent / "card.md").read_text("utf-8")
    (promised,) = re.findall(r"^    ([0-9a-f]{64})  items\.csv$", card, re.MULTILINE)
    assert hashlib.sha256(PATH.read_bytes()).hexdigest() == promised


def test_it_is_a_ladder():
    table = pd.read_csv(PATH)
    assert (len(table), table["model"].nunique(), table["item"].nunique()) == (6000, 10, 600)
    score = table.groupby("params")["passes"].mean() / 20
    assert score.is_monotonic_increasing
    assert score.iloc[0] < 0.2
    assert score.iloc[-1] > 0.95


@pytest.mark.slow
def test_the_quick_script_makes_a_part(tmp_path):
    output = tmp_path / "items.csv"
    script = PATH.parent / "train.py"
    command = [sys.executable, script, "--quick", "--output", output]
    subprocess.run(command, check=True, capture_output=True)
    made = pd.read_csv(output)
    assert (made["model"].nunique(), made["trials"].max()) == (2, 2)
