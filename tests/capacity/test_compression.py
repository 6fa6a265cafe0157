"""Samples: means as the source has them, draws of whole samples."""

from __future__ import annotations

import json
from math import log

import numpy as np
import pytest

from predictor import InputError
from predictor.capacity.compression import Samples
from predictor.capacity.sample_files import read_samples, scored


def test_text_size_is_a_mean_over_samples_and_likelihood_over_tokens():
    samples = Samples(np.array([40.0, 300.0]), np.array([10.0, 100.0]), np.array([20.0, 400.0]))
    measured = samples.measure()
    assert measured.text_bits_per_token == (32 + 24) / 2
    assert measured.nll_bits_per_token == 420 / 110
    assert measured.bits_per_byte == 420 / 340


def test_bootstrap_has_the_standard_error_of_the_mean():
    rng = np.random.default_rng(0)
    nll = rng.normal(300, 30, size=400)
    samples = Samples(np.full(400, 400.0), np.full(400, 100.0), nll)
    drawn = samples.draw(2000, seed=1)
    assert drawn[0].std() == 0
    assert drawn[1].std() == pytest.approx(nll.std() / 100 / 20, rel=0.1)


def test_equal_samples_are_drawn_in_pairs():
    rng = np.random.default_rng(0)
    nll = rng.normal(300, 30, size=50)
    one, other = (Samples(np.full(50, 400.0), np.full(50, 100.0), nll + d) for d in (0, 10))
    difference = other.draw(100, seed=3)[1] - one.draw(100, seed=3)[1]
    assert difference == pytest.approx(np.full(100, 0.1))


def test_the_first_token_is_left_out_and_the_rest_cut():
    row = {"logprobs": [-9.0, -1.0, -2.0, -4.0], "token_bytes": [5, 1, 2, 3]}
    sample = scored(row, "here", cut=3)
    assert (sample.text_bytes, sample.tokens) == (3, 2)
    assert sample.nll_bits == pytest.approx(3 / log(2))


def test_the_harness_pair_is_log_likelihood_and_bytes():
    sample = scored({"bits_per_byte": [-30.0, 50]}, "here", cut=1024)
    assert (sample.text_bytes, sample.tokens) == (50, None)
    assert sample.nll_bits == pytest.approx(30 / log(2))


def test_the_harness_samples_take_their_tokens_from_the_table(tmp_path):
    path = tmp_path / "samples_wikitext.jsonl"
    rows = [{"doc_id": i, "bits_per_byte": [-30.0 * i, 50 * i]} for i in (1, 2)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    samples, _ = read_samples(path, tokens=30)
    assert samples.tokens.tolist() == [10, 20]
    with pytest.raises(InputError, match="samples without tokens"):
        read_samples(path)


def test_longer_samples_than_published_are_named(tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_text('{"bytes": 9000, "tokens": 2000, "logprob_sum": -4000}\n')
    _, findings = read_samples(path)
    assert [finding.code for finding in findings] == ["PRED305"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"bytes": 40, "tokens": 0, "logprob_sum": -3}', "no tokens were scored"),
        ('{"bytes": 0, "tokens": 3, "logprob_sum": -3}', "no bytes were scored"),
        ('{"bytes": 40, "tokens": 10, "logprob_sum": 3}', "lies below 0"),
        ('{"bytes": 4, "tokens": 10, "logprob_sum": -3}', "at least one byte"),
        ('{"bytes": 40, "tokens": 10}', "no logprob_sum, logprobs or bits_per_byte"),
        ('{"bytes": NaN, "tokens": 10, "logprob_sum": -3}', "finite number"),
        ('{"bytes": 40, "tokens"', "is no JSON object or is cut off"),
        ("[1]", "is no JSON object"),
        ('{"logprobs": [null, -1, -2], "token_bytes": [1]}', "1 token_bytes for 3 logprobs"),
        ('{"logprobs": [null, null], "bytes": 9}', "logprobs is 'None'"),
        ("", "holds no samples"),
    ],
)
def test_bad_samples_are_answered_in_words(tmp_path, line, message):
    path = tmp_path / "samples.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(InputError, match=message):
        read_samples(path)


def test_long_lists_of_tokens_need_their_bytes(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps({"logprobs": [-1.0] * 2000, "bytes": 8000}) + "\n")
    with pytest.raises(InputError, match="2000 tokens are to be cut to 1024, so token_bytes"):
        read_samples(path)
