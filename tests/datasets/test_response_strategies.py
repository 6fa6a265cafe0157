"""The bundled answers of five strategies are what their card says, and can be made again."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys

import pandas as pd
import pytest

from predictor import ResponseAlignment, dataset_path, evaluate_scores

PATH = dataset_path("response_strategies")
ACCURACIES = PATH.with_name("accuracies.csv")


@pytest.mark.parametrize("path", [PATH, ACCURACIES], ids=lambda path: path.name)
def test_the_files_match_the_checksums_on_their_card(path):
    card = (PATH.parent / "card.md").read_text("utf-8")
    promised = dict(map(reversed, re.findall(r"^    ([0-9a-f]{64})  (\S+)$", card, re.MULTILINE)))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == promised[path.name]


def test_every_strategy_has_every_question():
    rows = pd.read_csv(PATH)
    assert rows.groupby(["model", "task", "strategy"]).size().tolist() == [50] * 40
    outcomes = pd.read_csv(ACCURACIES)
    assert outcomes.groupby(["model", "task", "strategy"]).size().tolist() == [3] * 40
    assert outcomes["accuracy"].between(0, 100).all()


def test_what_is_first_by_its_length_is_not_called_decided():
    found = ResponseAlignment(score="self_perplexity").fit(PATH)
    assert found.decision_.best == "wordy"
    assert not found.decision_.decisive
    assert "PRED507" in {finding.code for finding in found.findings_}


def test_the_card_says_how_wordy_ends():
    outcomes = pd.read_csv(ACCURACIES)
    means = outcomes.groupby(["strategy"])["accuracy"].mean()
    assert means.idxmin() == "wordy"
    scores = pd.read_csv(PATH).assign(score=lambda t: -t["logprob_sum"] / t["tokens"])
    assert evaluate_scores(scores, outcomes, quiet=True).weighted_rho < 0


@pytest.mark.slow
def test_the_quick_script_makes_both_tables(tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    subprocess.run(
        [sys.executable, "-W", "ignore", PATH.parent / "train.py", "--quick", "--output", tmp_path],
        check=True,
        capture_output=True,
    )
    made = pd.read_csv(tmp_path / "responses.csv")
    shipped = pd.read_csv(PATH)
    same = shipped[(shipped["model"] == "small") & (shipped["task"] == "addition")]
    assert made["question"].tolist() == same["question"].tolist()
    assert made["response"].tolist() == same["response"].tolist()
    assert len(pd.read_csv(tmp_path / "accuracies.csv")) == 15
