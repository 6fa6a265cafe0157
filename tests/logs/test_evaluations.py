"""Evaluation tools: lm-evaluation-harness results and samples, Inspect AI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from predictor.errors import InputError
from predictor.logs import ItemLog, RunLog, read_logs
from predictor.logs.checkpoints import checkpoint_of


def _results(**more: Any) -> dict[str, Any]:
    return {
        "results": {
            "arc": {"alias": "arc", "acc,none": 0.5, "acc_stderr,none": 0.05, "acc_norm,none": 0.6,
                    "acc_norm_stderr,none": "N/A"},
            "gsm8k": {"exact_match,strict-match": 0.1, "exact_match_stderr,strict-match": 0.01},
        },
        "versions": {"arc": 1.0},
        "higher_is_better": {"arc": {"acc": True, "acc_norm": True}},
        "n-samples": {"arc": {"original": 100, "effective": 100}},
        "config": {"model": "hf", "model_args": "pretrained=org/model,revision=step1000",
                   "model_num_parameters": 93069280, "limit": None},
        **more,
    }  # fmt: skip


def _write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_results_become_points_at_the_checkpoints_step(tmp_path: Path) -> None:
    log = read_logs(_write(tmp_path / "results_2026.json", _results()))
    assert isinstance(log, RunLog)
    assert log.run_names == ["org/model"]
    assert log.metrics == ["arc/acc", "arc/acc_norm", "gsm8k/exact_match,strict-match"]
    assert list(log.points["value"]) == [0.5, 0.6, 0.1]
    assert set(log.points["step"]) == {1000}
    facts = log.runs.iloc[0]
    assert facts["params"] == 93069280
    assert facts["stderr[arc/acc]"] == 0.05
    assert "stderr[arc/acc_norm]" not in facts
    assert facts["samples[arc]"] == 100
    assert not log.findings


def test_version_three_without_filters(tmp_path: Path) -> None:
    content = {
        "results": {"piqa": {"acc": 0.7, "acc_stderr": 0.01}},
        "versions": {"piqa": 0},
        "config": {"model": "hf-causal", "model_args": "pretrained=a/b,revision=step20"},
    }
    log = read_logs(_write(tmp_path / "x.json", content))
    assert log.metrics == ["piqa/acc"]
    assert list(log.points["step"]) == [20]


def test_checkpoints_of_a_model_are_one_run(tmp_path: Path) -> None:
    for step in (1000, 2000, 3000):
        arguments = {"pretrained": f"out/run7/checkpoint-{step}"}
        content = _results(config={"model": "hf", "model_args": arguments})
        content["results"]["arc"]["acc,none"] = step / 1e4
        _write(tmp_path / f"checkpoint-{step}" / "results_1.json", content)
    log = read_logs(tmp_path)
    assert log.run_names == ["out/run7"]
    curve = log.curve("out/run7", "arc/acc")
    assert list(curve["step"]) == [1000, 2000, 3000]
    assert list(curve["value"]) == [0.1, 0.2, 0.3]


def test_a_partial_evaluation_is_told(tmp_path: Path) -> None:
    counts = {"arc": {"original": 100, "effective": 10}}
    log = read_logs(_write(tmp_path / "r.json", _results(**{"n-samples": counts})))
    assert [finding.code for finding in log.findings] == ["PRED012"]
    assert "arc 10 of 100" in log.findings[0].message


def test_an_unknown_step_is_told(tmp_path: Path) -> None:
    log = read_logs(_write(tmp_path / "r.json", _results(config={"model_args": "pretrained=a/b"})))
    assert list(set(log.points["step"])) == [0]
    assert [finding.code for finding in log.findings] == ["PRED011"]


@pytest.mark.parametrize(
    ("arguments", "step", "tokens"),
    [
        ("pretrained=a/OLMo-7B,revision=step1000-tokens4B", 1000, 4e9),
        ("pretrained=out/iter_0005000", 5000, None),
        ("pretrained=out/global_step500/", 500, None),
        ("pretrained=a/pythia-410m", None, None),
        ("pretrained=a/b,revision=stage1-step10k", 10_000, None),
    ],
)
def test_steps_and_tokens_in_names(
    arguments: str, step: float | None, tokens: float | None
) -> None:
    found = checkpoint_of({"config": {"model_args": arguments}}, "r.json")
    assert (found.step, found.tokens) == (step, tokens)


def _sample(doc: int, acc: float, name: str = "none", **more: Any) -> dict[str, Any]:
    return {"doc_id": doc, "doc": {"q": "?"}, "target": "A", "arguments": {}, "resps": [["x" * 99]],
            "filtered_resps": ["x"], "filter": name, "metrics": ["acc", "acc_norm"],
            "doc_hash": f"hash{doc}", "acc": acc, "acc_norm": 1.0, **more}  # fmt: skip


def _samples(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_samples_become_items(tmp_path: Path) -> None:
    _write(tmp_path / "results_2026-01-21T03-44-18.458309.json", _results())
    name = "samples_arc_easy_2026-01-21T03-44-18.458309.jsonl"
    log = read_logs(_samples(tmp_path / name, [_sample(0, 1.0), _sample(1, 0.0)]))
    assert isinstance(log, ItemLog)
    rows = log.items
    assert list(rows["model"]) == ["org/model"] * 2
    assert set(rows["benchmark"]) == {"arc_easy"}
    assert set(rows["checkpoint"]) == {1000}
    assert list(rows["item"]) == ["hash0", "hash1"]
    assert list(rows["passes"]) == [1.0, 0.0]
    assert [finding.code for finding in log.findings] == ["PRED008"]  # acc_norm left out


def test_of_several_filters_the_first_is_read_and_said(tmp_path: Path) -> None:
    rows = [_sample(0, 1.0, "strict"), _sample(0, 0.0, "flexible"), _sample(1, 1.0, "strict")]
    log = read_logs(_samples(tmp_path / "samples_t_1.jsonl", rows))
    assert list(log.items["passes"]) == [1.0, 1.0]
    assert any("'strict' read, flexible left out" in finding.message for finding in log.findings)


def test_scores_win_over_the_samples_beside_them(tmp_path: Path) -> None:
    _write(tmp_path / "results_1.json", _results())
    _samples(tmp_path / "samples_arc_1.jsonl", [_sample(0, 1.0)])
    log = read_logs(tmp_path)
    assert isinstance(log, RunLog)
    assert "kind='items'" in log.findings[-1].message
    assert isinstance(read_logs(tmp_path, kind="items"), ItemLog)


def test_samples_cut_off_are_read_up_to_the_cut(tmp_path: Path) -> None:
    path = _samples(tmp_path / "samples_t_1.jsonl", [_sample(i, 1.0) for i in range(5)])
    path.write_text(path.read_text()[:-40])
    log = read_logs(path)
    assert len(log.items) == 4


def test_samples_without_a_score(tmp_path: Path) -> None:
    row = {"doc_id": 0, "arguments": {}, "resps": [], "doc_hash": "h", "word_perplexity": [1, 2]}
    with pytest.raises(InputError, match="no metric of line 1"):
        read_logs(_samples(tmp_path / "samples_t_1.jsonl", [row]))


def _inspect(samples: list[dict[str, Any]], total: int) -> dict[str, Any]:
    evaluation = {"task": "arc", "model": "org/m", "dataset": {"samples": total}}
    return {"version": 2, "status": "success", "eval": evaluation, "samples": samples}


def test_inspect_epochs_are_trials(tmp_path: Path) -> None:
    grades = [(1, "C"), (1, "I"), (2, "P"), (3, 0.25)]
    samples = [{"id": item, "scores": {"choice": {"value": grade}}} for item, grade in grades]
    log = read_logs(_write(tmp_path / "log.json", _inspect(samples, 3)))
    assert isinstance(log, ItemLog)
    assert list(log.items["item"]) == ["1", "2", "3"]
    assert list(log.items["trials"]) == [2, 1, 1]
    assert list(log.items["passes"]) == [1.0, 0.5, 0.25]
    assert not log.findings


def test_a_partial_inspect_log_is_told(shared_data: Path) -> None:
    log = read_logs(shared_data / "sample-logs" / "inspect_ai")
    assert list(log.items["passes"]) == [1.0, 0.0, 0.0]
    assert [finding.code for finding in log.findings] == ["PRED012"]
    assert "3 of 2376" in log.findings[0].message


def test_real_results(shared_data: Path) -> None:
    log = read_logs(shared_data / "sample-logs" / "lm_eval" / "v03_pythia")
    assert log.run_names == ["EleutherAI/pythia-v1.1-410m-deduped"]
    assert sorted(set(log.points["step"])) == [0, 143000]
    name = "hendrycksTest-security_studies/acc"
    assert log.curve(log.run_names[0], name)["value"].iloc[-1] == 0.39183673469387753
