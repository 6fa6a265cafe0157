"""From logged responses to checked examples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor.alignment.examples import example_frame
from predictor.errors import InputError


def table(**columns):
    return pd.DataFrame({"strategy": ["a", "b"], "example": [1, 1], **columns})


def test_loss_is_by_token():
    found, _ = example_frame(table(tokens=[4, 5], logprob_sum=[-2.0, -5.0]))
    assert found["loss"].tolist() == [0.5, 1.0]


def test_lists_of_token_logprobs_are_summed_without_the_first_null():
    lists = ["[null, -1.0, -3.0]", [-1.0, -1.0]]
    found, _ = example_frame(table(token_logprobs=lists))
    assert found["loss"].tolist() == [2.0, 1.0]


def test_perplexity_serves_where_there_are_no_sums():
    found, _ = example_frame(table(ppl=[np.e, np.e**2], self_ppl=[1.0, np.e]))
    assert found["loss"].round(9).tolist() == [1.0, 2.0]
    assert found["self_loss"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"tokens": [4, 5], "logprob_sum": [2.0, -5.0]}, "data row 1: log_likelihood is 2.0"),
        ({"tokens": [4, -5], "logprob_sum": [-2.0, -5.0]}, "data row 2: tokens is -5"),
        ({"ppl": [0.5, 2.0]}, "a perplexity is at least 1"),
        ({"similarity": [0.5, 2.0]}, "between -1 and 1"),
        ({"reward": ["good", 1]}, "reward is good"),
        ({"tokens": [0, 0], "logprob_sum": [-1.0, -1.0]}, "every response has 0 tokens"),
        ({"token_logprobs": ["[-1, 0.5]", "[-1]"]}, "data row 1: token_logprobs holds 0.5"),
        ({"tokens": [4, 5], "logprob_sum": [-np.inf, -5.0]}, "log_likelihood is a finite number"),
        ({"token_logprobs": ["[", "[-1]"]}, "data row 1: token_logprobs is no list"),
    ],
)
def test_impossible_numbers_are_refused_by_row(columns, said):
    with pytest.raises(InputError, match="table") as caught:
        example_frame(table(**columns))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_how_many_more_rows_are_wrong_is_said():
    with pytest.raises(InputError, match=r"and 1 more rows"):
        example_frame(table(tokens=[4, 5], logprob_sum=[2.0, 5.0]))


def test_empty_responses_are_left_out_and_named():
    found, findings = example_frame(table(tokens=[0, 5], logprob_sum=[0.0, -5.0]))
    assert found["strategy"].tolist() == ["b"]
    assert [(f.code, "1 of a" in f.message) for f in findings] == [("PRED502", True)]


def test_sums_that_contradict_the_perplexity_are_noticed():
    _, findings = example_frame(table(tokens=[4, 5], logprob_sum=[-4.0, -5.0], ppl=[2.0, 2.0]))
    assert [finding.code for finding in findings] == ["PRED503"]


def test_without_tokens_perplexity_is_by_byte():
    columns = {"logprob_sum": [-4.0, -6.0], "response": ["abcd", "äb"]}
    found, findings = example_frame(table(**columns))
    assert found["loss"].tolist() == [1.0, 2.0]
    assert [finding.code for finding in findings] == ["PRED504"]


def test_several_samples_of_one_example_are_averaged():
    frame = pd.DataFrame({"strategy": "a", "example": 1, "similarity": [0.2, 0.6]})
    found, findings = example_frame(frame)
    assert found["similarity"].tolist() == [0.4]
    assert [finding.code for finding in findings] == ["PRED505"]


def test_model_and_task_make_groups_as_far_as_they_vary():
    frame = pd.DataFrame({
        "strategy": "a", "example": [1, 1, 1], "similarity": 0.5, "model": "m",
        "task": ["x", "y", "z"],
    })  # fmt: skip
    found, _ = example_frame(frame)
    assert found["group"].tolist() == ["x", "y", "z"]


def test_a_perplexity_serves_beside_a_sum_without_any_count():
    found, findings = example_frame(table(logprob_sum=[-4.0, -6.0], ppl=[np.e, np.e]))
    assert found["loss"].tolist() == [1.0, 1.0]
    assert findings == []


def test_the_loss_alone_is_by_the_count_of_the_loss():
    sums = {"logprob_sum": [-4.0, -6.0], "unconditional_logprob_sum": [-8.0, -8.0]}
    by_byte, _ = example_frame(table(**sums, response=["abcd", "abcd"]))
    by_token, _ = example_frame(table(**sums, tokens=[2, 2]))
    assert by_byte["unconditional_loss"].tolist() == [2.0, 2.0]
    assert by_token["unconditional_loss"].tolist() == [4.0, 4.0]
    for found in (by_byte, by_token):
        assert (found["loss"] / found["unconditional_loss"]).tolist() == [0.5, 0.75]


def test_a_perplexity_and_a_count_make_the_sum():
    found, _ = example_frame(table(ppl=[np.e, np.e**2], tokens=[4, 5]))
    assert found["log_likelihood"].round(9).tolist() == [-4.0, -10.0]


def test_a_missing_list_of_tokens_is_no_empty_answer():
    found, findings = example_frame(table(token_logprobs=["[-1, -3]", None]))
    assert found["loss"].isna().tolist() == [False, True]
    assert findings == []
