"""predictor align, end to end."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from predictor import dataset_path
from predictor.cli import run

TABLE = dataset_path("response_strategies")


@pytest.fixture
def addition(tmp_path):
    path = tmp_path / "addition.csv"
    rows = pd.read_csv(TABLE)
    rows[(rows["task"] == "addition") & (rows["model"] == "large")].to_csv(path, index=False)
    return path


def test_json_is_the_contract(addition, capsys):
    assert run(["align", str(addition), "--format", "json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "predictor/align/1"
    assert {"strategy", "score", "rank", "p_best"} <= set(document["strategies"][0])
    assert [one["rank"] for one in document["strategies"]] == [1, 2, 3, 4, 5]
    assert isinstance(document["decisive"], bool)
    assert isinstance(document["warnings"], list)
    total = sum(one["p_best"] for one in document["strategies"])
    assert total == pytest.approx(1)


def test_the_same_seed_gives_the_same_bytes(addition, capsys):
    printed = []
    for _ in range(2):
        run(["align", str(addition), "--format", "json", "--seed", "3", "--quiet"])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


def test_text_and_csv(addition, capsys):
    assert run(["align", str(addition), "--quiet"]) == 0
    assert "p(best)" in capsys.readouterr().out
    assert run(["align", str(addition), "--format", "csv", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("strategy,score,lower,upper,rank,p_best")


def test_past_rounds_tell_gains(addition, tmp_path, capsys):
    rng = np.random.default_rng(0)
    rows = [(f"m{m}", f"t{t}", f"s{s}", x := rng.normal(), 50 - 2 * x + rng.normal())
            for m in range(3) for t in range(6) for s in range(5)]  # fmt: skip
    names = ["model", "task", "strategy", "perplexity", "accuracy"]
    past = pd.DataFrame(rows, columns=names)
    past.drop(columns="accuracy").to_csv(tmp_path / "s.csv", index=False)
    past.drop(columns="perplexity").assign(seed=0).to_csv(tmp_path / "a.csv", index=False)
    call = ["align", str(addition), "--past", str(tmp_path / "s.csv"), str(tmp_path / "a.csv")]
    assert run([*call, "--format", "json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["score"] == document["past"]["score"] == "perplexity"
    assert len(document["past"]["gains"]) == 4
    assert run([*call, "--quiet"]) == 0
    assert "better with probability" in capsys.readouterr().out


def test_past_rounds_of_a_score_that_is_not_logged_now(addition, tmp_path, capsys):
    """The table has no reward: the best of the past scores that it has is gone by."""
    rng = np.random.default_rng(0)
    rows = [(f"m{m}", f"t{t}", f"s{s}", x := rng.normal(), rng.normal(), 50 + 2 * x)
            for m in range(3) for t in range(6) for s in range(5)]  # fmt: skip
    names = ["model", "task", "strategy", "reward", "ifd", "accuracy"]
    past = pd.DataFrame(rows, columns=names)
    past.drop(columns="accuracy").to_csv(tmp_path / "s.csv", index=False)
    past[["model", "task", "strategy", "accuracy"]].to_csv(tmp_path / "a.csv", index=False)
    call = ["align", str(addition), "--past", str(tmp_path / "s.csv"), str(tmp_path / "a.csv")]
    assert run([*call, "--format", "json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["score"] == document["past"]["score"] == "ifd"
    assert len(document["past"]["gains"]) == 4
    assert run([*call, "--score", "perplexity", "--quiet"]) == 0
    assert "no gain can be told: past rounds hold reward, ifd" in capsys.readouterr().out


def test_requests_go_out_and_results_come_in(addition, tmp_path, capsys):
    assert run(["align", str(addition), "--emit-requests", "--kinds", "plain"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 250
    results = tmp_path / "results.jsonl"
    with results.open("w") as file:
        for one in lines:
            prompt, start = one["body"]["prompt"], one["response_start"]
            cut = [prompt[:start], prompt[start:]]
            log = {"tokens": cut, "token_logprobs": [None, -0.1 * len(cut[1])],
                   "text_offset": [0, start]}  # fmt: skip
            file.write(json.dumps({"custom_id": one["custom_id"],
                                   "choices": [{"logprobs": log}]}) + "\n")  # fmt: skip
    call = ["align", str(addition), "--results", str(results), "--score", "perplexity"]
    assert run([*call, "--format", "json", "--quiet"]) == 0
    best = json.loads(capsys.readouterr().out)["strategies"][0]["strategy"]
    assert best in ("plain", "careless")


def test_charts(addition, tmp_path):
    for ending in ("svg", "html", "png"):
        chart = tmp_path / f"chart.{ending}"
        assert run(["align", str(addition), "--chart", str(chart), "--quiet"]) == 0
        assert chart.stat().st_size > 2_000


def test_one_strategy_is_exit_three(addition, tmp_path, capsys):
    rows = pd.read_csv(addition)
    path = tmp_path / "one.csv"
    rows[rows["strategy"] == "plain"].to_csv(path, index=False)
    assert run(["align", str(path), "--format", "json"]) == 3
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["decisive"] is False
    assert document["strategies"][0]["p_best"] is None
    assert "PRED501" in captured.err


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("strategy,example\na,1\n", [], "no score can be computed"),
        ("strategy,example,tokens,logprob_sum\na,1,4,3\nb,1,4,-3\n", [], "data row 1"),
        ("x,y\n1,2\n", [], "no column 'strategy'"),
        ("strategy,example,ppl\na,1,2\nb,1,3\n", ["--score", "nice"], "score 'nice'"),
        ("strategy,example,ppl\na,1,2\nb,1,3\n", ["--kinds", "odd", "--emit-requests"], "--kinds odd"),  # noqa: E501
        ("strategy,example,ppl\na,1,2\nb,1,3\n", ["--past", "x.csv", "y.csv"], "--past x.csv"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_two(tmp_path, capsys, content, options, said):
    path = tmp_path / "t.csv"
    path.write_text(content)
    assert run(["align", str(path), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_no_such_file(capsys):
    assert run(["align", "nowhere.csv"]) == 2
    assert "nowhere.csv: no such file" in capsys.readouterr().err
