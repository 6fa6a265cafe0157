"""Prompts to score, and what servers answer to them."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from predictor.alignment.requests import build_requests, request_id
from predictor.alignment.results import read_results
from predictor.errors import InputError


def table(count=6, **more):
    rows = [
        (s, str(i), f"What is {i}+{i}?", f"{s}: {2 * i}", f"It is {2 * i}")
        for s in ("a", "b") for i in range(count)
    ]  # fmt: skip
    names = ["strategy", "example", "question", "response", "reference"]
    return pd.DataFrame(rows, columns=names).assign(**more)


def tokens_of(text):
    """Split as a tokenizer with leading blanks does."""
    parts, word = [], ""
    for character in text:
        if character in " \n" and word:
            parts.append(word)
            word = ""
        word += character
    return [*parts, word]


def echoed(one):
    prompt = one["body"]["prompt"]
    tokens = tokens_of(prompt)
    offsets = [sum(map(len, tokens[:i])) for i in range(len(tokens))]
    values = [None, *(-0.1 * len(token) for token in tokens[1:])]
    more = {"tokens": [*tokens, " x"], "token_logprobs": [*values, -9.0],
            "text_offset": [*offsets, len(prompt)]}  # fmt: skip
    return {"choices": [{"text": prompt + " x", "logprobs": more}]}


def prompt_logprobs(one):
    tokens = tokens_of(one["body"]["prompt"])
    places = [None]
    for i, token in enumerate(tokens[1:]):
        own = {"logprob": -0.1 * len(token), "rank": 5, "decoded_token": token}
        other = {"logprob": -0.01, "rank": 1, "decoded_token": " other"}
        places.append({str(i): own, str(i + 500): other})
    return {"choices": [{"text": " x", "prompt_logprobs": places}]}


def batch(one, answer):
    body = {"status_code": 200, "body": answer}
    return {"id": "b1", "custom_id": one["custom_id"], "response": body, "error": None}


def harness(one, row):
    doc = {"kind": json.loads(one["custom_id"])[0], "strategy": row[0], "example": row[1]}
    total = str(-0.1 * len(" " + row[2]))
    return {"doc_id": 0, "doc": doc, "arguments": [["q", "a"]], "resps": [[[total, "False"]]],
            "filtered_resps": [[total, "False"]]}  # fmt: skip


def test_plain_and_self_aligned_prompts():
    found = list(build_requests(table()))
    assert len(found) == 24
    plain, own = found[0], found[12]
    assert plain["body"]["prompt"] == "Question: What is 0+0?\nAnswer: a: 0"
    assert plain["body"]["prompt"][plain["response_start"] :] == "a: 0"
    prompt = own["body"]["prompt"]
    assert prompt.count("Question:") == 4
    assert prompt.count("It is") == 3
    assert "What is 0+0?\nAnswer: It" not in prompt
    assert prompt.endswith("Question: What is 0+0?\nAnswer: a: 0")
    assert prompt[own["response_start"] :] == "a: 0"


def test_strategies_of_one_question_stand_behind_the_same_answers():
    found = [one for one in build_requests(table()) if '"self"' in one["custom_id"]]
    before = {}
    for one in found:
        example = json.loads(one["custom_id"])[3]
        before.setdefault(example, set()).add(one["body"]["prompt"][: one["response_start"]])
    assert all(len(prompts) == 1 for prompts in before.values())


def test_only_right_answers_are_shown():
    right = table(correct=[int(i >= 2) for i in range(6)] * 2)
    prompts = "".join(o["body"]["prompt"] for o in build_requests(right, kinds=("self",)))
    assert "It is 0\n" not in prompts
    assert "It is 4\n" in prompts
    with pytest.raises(InputError, match="1 questions with an own answer that is correct"):
        list(build_requests(table(correct=[1, 0, 0, 0, 0, 0] * 2)))


def test_alone_is_the_response_alone():
    one = next(build_requests(table(), kinds=("unconditional",)))
    assert (one["body"]["prompt"], one["response_start"]) == ("a: 0", 0)


@pytest.mark.parametrize("column", ["question", "response", "reference"])
def test_what_prompts_need_is_named(column):
    with pytest.raises(InputError, match=f"no column '{column}"):
        list(build_requests(table().drop(columns=column)))


@pytest.mark.parametrize("server", [echoed, prompt_logprobs])
@pytest.mark.parametrize("wrapped", [True, False])
def test_results_of_servers_come_back_as_sums(tmp_path, server, wrapped):
    asked = table()
    path = tmp_path / "results.jsonl"
    lines = [
        batch(one, server(one)) if wrapped else {"custom_id": one["custom_id"], **server(one)}
        for one in build_requests(asked)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found, findings = read_results(asked, path)
    assert findings == []
    # " a:" and " 0": the blank before the response belongs to its first token.
    first = found.iloc[0]
    assert first["log_likelihood"] == pytest.approx(-0.5)
    assert first["self_log_likelihood"] == pytest.approx(-0.5)
    assert first["tokens"] == 2


def test_samples_of_the_harness_have_no_tokens(tmp_path):
    asked = table()
    rows = [tuple(row) for row in asked[["strategy", "example", "response"]].to_numpy()]
    requests = build_requests(asked, kinds=("plain",))
    path = tmp_path / "samples.jsonl"
    lines = [harness(one, row) for one, row in zip(requests, rows, strict=True)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found, _ = read_results(asked, path)
    assert found["log_likelihood"].iloc[0] == pytest.approx(-0.5)
    assert "tokens" not in found


def test_missing_and_failed_results_are_counted(tmp_path):
    asked = table()
    lines = [batch(one, echoed(one)) for one in build_requests(asked, kinds=("plain",))]
    lines[0]["response"] = {"status_code": 500, "body": {}}
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[:-1]))
    found, findings = read_results(asked, path)
    assert found["log_likelihood"].isna().sum() == 2
    assert "2 of 12" in findings[0].message
    assert "1 requests failed" in findings[0].message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no json", "line 1: no JSON"),
        ("[1]", "line 1: no JSON object"),
        ('{"a": 1}', "line 1: no custom_id"),
        ('{"custom_id": "[\\"plain\\",\\"\\",\\"z\\",\\"9\\"]"}', "is of no response in the table"),
        (json.dumps({"custom_id": request_id("plain", "", "a", "1"), "choices": [{}]}),
         "line 1: no log-likelihoods of the prompt"),
        ("", "no line holds log-likelihoods"),
    ],
)  # fmt: skip
def test_bad_results_are_one_line(tmp_path, line, said):
    path = tmp_path / "results.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(InputError) as caught:
        read_results(table(), path)
    assert said in str(caught.value)
