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


def one_line(tmp_path, kind, answer, text="4", question="2+2?"):
    """Return sum and tokens that a line of results gives to one response."""
    asked = pd.DataFrame({"strategy": ["a"], "example": ["1"], "question": [question],
                          "response": [text]})  # fmt: skip
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({"custom_id": request_id(kind, "", "a", "1"), **answer}) + "\n")
    found, _ = read_results(asked, path)
    column = {"plain": "log_likelihood", "unconditional": "unconditional_log_likelihood"}[kind]
    return found[column].iloc[0], found["tokens"].iloc[0]


def echo(tokens, values, **more):
    offsets = [sum(map(len, tokens[:i])) for i in range(len(tokens))]
    log = {"tokens": tokens, "token_logprobs": values, "text_offset": offsets}
    return {"choices": [{"text": "".join(tokens), "logprobs": log}], **more}


def test_the_token_that_the_server_adds_is_not_the_response(tmp_path):
    """It may be the response once more; the response stands behind the question."""
    tokens = ["Question: 2+2?", "\nAnswer:", " 4", "4"]
    assert one_line(tmp_path, "plain", echo(tokens, [None, -3.0, -0.5, -9.0])) == (-0.5, 1)
    tokens = ["<user>", "2+2?", "<model>", "4", "4"]
    answer = echo(tokens, [None, -3.0, -2.0, -0.5, -9.0], usage={"completion_tokens": 1})
    assert one_line(tmp_path, "plain", answer) == (-0.5, 1)


def test_a_server_s_own_template_and_lost_blanks(tmp_path):
    """Some tokenizers give their tokens without, or with a mark for, the blank before."""
    for tokens in (["<user>", "2+2?", "<model>", "it", "is", "4"],
                   ["<user>", "2+2?", "<model>", "it", "\u2581is", "\u25814"]):  # fmt: skip
        answer = echo(tokens, [None, -3.0, -2.0, -0.5, -0.25, -0.125])
        assert one_line(tmp_path, "plain", answer, text="it is 4") == (-0.875, 3)


@pytest.mark.parametrize("server", ["echo", "prompt"])
def test_characters_of_several_tokens(tmp_path, server):
    text = "é 好 4"
    tokens = ["Question: 2+2?\nAnswer:", " \ufffd", "\ufffd", " ", "\ufffd", "\ufffd", " 4"]
    values = [None, -1.0, -2.0, -4.0, -8.0, -16.0, -32.0]
    answer = echo(tokens, values)
    if server == "prompt":
        places = [{"1": {"logprob": v, "decoded_token": t}}
                  for t, v in zip(tokens, values, strict=True)]  # fmt: skip
        answer = {"choices": [{"prompt_logprobs": [None, *places[1:]]}]}
        answer["choices"][0]["prompt_logprobs"][1:1] = [
            {"1": {"logprob": -7.0, "decoded_token": tokens[0]}}
        ]
    assert one_line(tmp_path, "plain", answer, text=text) == (-63.0, 6)


def test_tokens_that_are_written_as_their_bytes_are_told_by_their_places(tmp_path):
    before = "Question: 2+2?\nAnswer:"
    at = len(before)
    log = {"tokens": [before, " ", "bytes:\\xc3", "bytes:\\xa9", " 4"],
           "token_logprobs": [None, -1.0, -2.0, -4.0, -8.0],
           "text_offset": [0, at, at + 1, at + 1, at + 2]}  # fmt: skip
    answer = {"choices": [{"text": f"{before} é 4", "logprobs": log}]}
    assert one_line(tmp_path, "plain", answer, text="é 4") == (-14.0, 3)


def test_a_prompt_s_own_token_by_its_number(tmp_path):
    """A store that sorts what it keeps puts the likeliest token first."""
    places = [None, {"5": {"logprob": -0.01, "decoded_token": " 5"},
                     "9": {"logprob": -3.0, "decoded_token": "\nAnswer: 4"}}]  # fmt: skip
    answer = {"choices": [{"prompt_logprobs": places, "prompt_token_ids": [1, 9]}]}
    assert one_line(tmp_path, "plain", answer) == (-3.0, 1)


def test_the_first_token_alone_counts_with_the_mean_of_the_others(tmp_path):
    """No server gives it a probability; behind a mark of the start it has one."""
    tokens, values = ["it", " is", " 4", "!"], [None, -1.0, -3.0, -9.0]
    assert one_line(tmp_path, "unconditional", echo(tokens, values), text="it is 4") == (-6.0, 3)
    places = [
        None,
        *({"1": {"logprob": v, "decoded_token": t}} for t, v in ((" is", -1), (" 4", -3))),
    ]
    answer = {"choices": [{"prompt_logprobs": places}]}
    assert one_line(tmp_path, "unconditional", answer, text="it is 4") == (-6.0, 3)
    started = [None, {"1": {"logprob": -5.0, "decoded_token": "it"}}, *places[1:]]
    answer = {"choices": [{"prompt_logprobs": started}]}
    assert one_line(tmp_path, "unconditional", answer, text="it is 4") == (-9.0, 3)


def test_a_response_that_is_not_in_the_prompt_is_refused(tmp_path):
    with pytest.raises(InputError, match="line 1: the response is not in the prompt's tokens: '4'"):
        one_line(tmp_path, "plain", echo(["Question: 2+2?", "\nAnswer:", " 5"], [None, -1, -1]))


def test_a_line_of_the_harness_as_it_writes_it(tmp_path):
    """From version 0.4.13, shortened."""
    prompt = "Question: What is 1+1?\nAnswer: "
    doc = {"custom_id": request_id("plain", "", "b", "1"), "method": "POST",
           "body": {"prompt": prompt + "b: 2"}, "response_start": 31}  # fmt: skip
    line = {"doc_id": 1, "doc": doc, "target": "b: 2",
            "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": "b: 2"}},
            "resps": [[["-5.674178123474121", "False"]]],
            "filtered_resps": [["-5.674178123474121", "False"]], "filter": "none"}  # fmt: skip
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps(line) + "\n")
    found, findings = read_results(table(), path)
    assert found["log_likelihood"].dropna().tolist() == [-5.674178123474121]
    assert "11 of 12 responses have no result of kind 'plain'" in findings[0].message


def test_own_answers_are_those_of_the_model_and_task_itself():
    """Two models were asked the same questions; each sees what it said itself."""
    both = pd.concat([
        table(model=name, reference=[f"{name} said {i}" for i in range(6)] * 2)
        for name in ("x", "y")
    ])  # fmt: skip
    for one in build_requests(both, kinds=("self",)):
        group, prompt = json.loads(one["custom_id"])[1], one["body"]["prompt"]
        assert prompt.count(f"{group} said") == 3
        assert " said" not in prompt.replace(f"{group} said", "")
    few = both[(both["model"] == "x") | (both["example"] < "3")]
    with pytest.raises(InputError, match="3 questions of y with an own answer"):
        list(build_requests(few))


def test_results_by_kind_that_are_missing_are_counted_by_kind(tmp_path):
    asked = table()
    lines = [batch(one, echoed(one)) for one in build_requests(asked)]
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[:-5]))
    _, findings = read_results(asked, path)
    assert findings[0].message == "5 of 12 responses have no result of kind 'self'"
    path.write_text(json.dumps({**lines[0], "response": {"status_code": 429}}) + "\n")
    with pytest.raises(InputError, match="all 1 requests failed on the server"):
        read_results(asked, path)


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
