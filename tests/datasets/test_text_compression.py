"""The bundled samples of compression are what their card says, and can be made again."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys

import pytest

from predictor import InformationCapacity, dataset_path, load_dataset

PATH = dataset_path("text_compression")


def test_the_file_matches_the_checksum_on_its_card():
    card = (PATH.parent / "card.md").read_text("utf-8")
    (promised,) = re.findall(r"^    ([0-9a-f]{64})  samples\.jsonl$", card, re.MULTILINE)
    assert hashlib.sha256(PATH.read_bytes()).hexdigest() == promised


def test_it_stays_small_and_holds_no_text():
    assert PATH.stat().st_size < 500_000
    rows = [json.loads(line) for line in PATH.read_text("utf-8").splitlines()]
    assert set().union(*rows) == {
        "model", "series", "dataset", "checkpoint", "sample", "bytes", "tokens", "logprob_sum",
        "flops_per_token",
    }  # fmt: skip
    assert max(row["tokens"] for row in rows) < 1024


def test_capacities_come_with_errors_ties_and_a_crossing():
    capacity = InformationCapacity(bias="fit").fit(PATH)
    models = capacity.models_
    assert models["model"].nunique() == 15
    assert (models["standard_error"] > 0).all()
    (crossed,) = capacity.crossings()
    assert (crossed.first, crossed.second, crossed.ahead) == ("context-2", "context-8", "context-8")
    assert [finding.code for finding in capacity.findings_] == ["PRED309"]


def test_it_loads_as_a_table():
    assert load_dataset("text_compression")["model"].nunique() == 15


@pytest.mark.slow
def test_the_quick_script_makes_samples(tmp_path):
    output = tmp_path / "samples.jsonl"
    script = PATH.parent / "train.py"
    subprocess.run(
        [sys.executable, script, "--quick", "--output", output], check=True, capture_output=True
    )
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert {row["series"] for row in rows} == {"context-2", "context-8", "few-pairs"}
    shipped = [json.loads(line) for line in PATH.read_text("utf-8").splitlines()]
    bytes_of = {(r["series"], r["sample"]): (r["bytes"], r["tokens"]) for r in shipped}
    assert all(bytes_of[r["series"], r["sample"]] == (r["bytes"], r["tokens"]) for r in rows)
