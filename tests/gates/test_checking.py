"""Gates over logs: thresholds, baselines, rivals, and what cannot be carried out."""

from __future__ import annotations

import json

import numpy as np
import pytest

import predictor
from predictor.errors import InputError
from predictor.gates.baseline import read_baseline, write_baseline
from predictor.gates.checking import check_gates, update_baseline
from predictor.gates.verdict import Status

from .conftest import check, write_run


def statuses(result):
    return [str(v.status) for v in result.verdicts]


@pytest.mark.parametrize(("limit", "status"), [(2.3, "pass"), (2.06, "undecided"), (1.9, "fail")])
def test_forecast_against_a_number(tmp_path, limit, status):
    write_run(tmp_path / "logs", "a", until=2000)
    result = check_gates(check(at="step=8000", upper=limit), root=tmp_path)
    assert statuses(result) == [status]
    assert result.verdicts[0].forecast.law == "auto"


def test_a_place_that_was_logged_is_read_off_the_log(tmp_path):
    write_run(tmp_path / "logs", "a")
    (verdict,) = check_gates(check(value=2.1), root=tmp_path).verdicts
    assert verdict.forecast.law == "logged"
    assert verdict.forecast.at == {"step": 4000.0}
    assert verdict.forecast.value == pytest.approx(2 + 5 * 4000**-0.5, rel=0.01)


@pytest.mark.parametrize(("until", "worse"), [(4000, 1.015), (2000, 1.03)])
def test_baseline_tells_a_worsening_from_a_repeat(tmp_path, until, worse):
    gate = check(baseline=True, at="step=4000")
    for seed in range(3):
        write_run(tmp_path / "logs", f"base-{seed}", seed=seed)
    write_baseline(*reversed(update_baseline(gate, root=tmp_path)))
    for file in (tmp_path / "logs").iterdir():
        file.unlink()
    write_run(tmp_path / "logs", "repeat", seed=7, until=until)
    write_run(tmp_path / "logs", "worse", seed=8, until=until, factor=worse)
    result = check_gates(gate, root=tmp_path)
    assert {v.run: str(v.status) for v in result.verdicts} == {"repeat": "pass", "worse": "fail"}
    bad = next(v for v in result.verdicts if v.run == "worse")
    assert bad.probability < 0.05
    assert bad.margin < 0


@pytest.mark.parametrize(
    "tolerance",
    [{"tolerance": 0.1}, {"tolerance_percent": 4}, {"tolerance_sd": 30}],
)
def test_tolerances_allow_a_worsening(tmp_path, tolerance):
    write_run(tmp_path / "logs", "base-0", seed=0)
    write_run(tmp_path / "logs", "base-1", seed=1)
    write_run(tmp_path / "logs", "new", seed=2, factor=1.03)
    strict = check_gates(check(against="base-*"), root=tmp_path)
    loose = check_gates(check(against="base-*") | {
        "checks": [check(against="base-*")["checks"][0] | tolerance]
    }, root=tmp_path)  # fmt: skip
    assert statuses(strict) == ["fail"]
    assert statuses(loose) == ["pass"]
    assert [v.run for v in loose.verdicts] == ["new"]


def test_higher_is_better_for_an_accuracy(tmp_path):
    (tmp_path / "logs").mkdir()
    steps = np.arange(1, 41) * 100
    for name, top in (("base", 0.9), ("new", 0.87)):
        rows = [{"step": int(s), "accuracy": float(top - 2 * s**-0.5)} for s in steps]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "logs" / f"{name}.jsonl").write_text(text)
    gate = {"checks": [{"name": "a", "logs": ["logs"], "against": "base"}]}
    (verdict,) = check_gates(gate, root=tmp_path).verdicts
    assert verdict.status is Status.FAIL
    assert "0.03 worse than base" in verdict.message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"logs": ["nowhere/*.csv"], "upper": 1}, "nothing matches"),
        ({"metric": "los", "upper": 1}, "did you mean"),
        ({"runs": ["b*"], "upper": 1}, "no run matches b*; there are a"),
        ({"at": "stp=9", "upper": 1}, "no axis 'stp'"),
        ({"at": "params=7B", "upper": 1}, "one place on one axis"),
        ({"against": "b", "x": "step"}, "no run matches b"),
        ({"against": "*"}, "none is left to judge"),
        ({"baseline": True}, "no baseline yet"),
        ({"predictor": "needed", "upper": 1}, "wants the key 'target'"),
        ({"predictor": "needed", "target": 1.0, "against": "a"}, "cannot be compared"),
    ],
)
def test_a_check_that_looks_at_nothing_is_an_error(tmp_path, settings, message):
    write_run(tmp_path / "logs", "a")
    result = check_gates(check(**settings), root=tmp_path)
    assert statuses(result) == ["error"]
    assert result.exit_status == 2
    assert message in result.verdicts[0].message


def test_error_in_one_check_leaves_the_others(tmp_path):
    write_run(tmp_path / "logs", "a")
    gate = check(upper=3.0)
    gate["checks"].insert(0, {"name": "gone", "logs": ["gone"], "upper": 1.0})
    assert statuses(check_gates(gate, root=tmp_path)) == ["error", "pass"]


def test_needed_and_capacity_are_checked_too(tmp_path):
    write_run(tmp_path / "logs", "a", until=2000)
    table = predictor.dataset_path("text_compression")
    gate = {
        "checks": [
            {"name": "steps", "predictor": "needed", "logs": ["logs"], "target": 2.1, "x": "step",
             "value": 200_000},
            {"name": "never", "predictor": "needed", "logs": ["logs"], "target": 1.0, "x": "step",
             "upper": 20_000},
            {"name": "scale", "predictor": "scaling", "at": "params=2e5,tokens=1e6", "upper": 1.2,
             "logs": [str(predictor.dataset_path("mlp_scaling"))]},
            {"name": "score", "predictor": "downstream", "at": "params=5e3,tokens=4e4",
             "logs": [str(predictor.dataset_path("mlp_ladder"))], "lower": 0.8},
            {"name": "capacity", "predictor": "capacity", "logs": [str(table)], "value": -10.0},
        ]
    }  # fmt: skip
    found = {}
    for verdict in check_gates(gate, root=tmp_path).verdicts:
        found.setdefault(verdict.name, []).append(str(verdict.status))
    assert found["steps"] == ["pass"]
    assert found["never"] == ["fail"]
    assert found["scale"] == ["pass"]
    assert found["score"] == ["pass"]
    assert set(found["capacity"]) == {"pass"}


def test_same_seed_same_bytes_and_the_cache_says_the_same(tmp_path):
    write_run(tmp_path / "logs", "a", until=2000)
    gate = check(at="step=8000", upper=2.2)
    plain = check_gates(gate, root=tmp_path).to_dict()
    first = check_gates(gate, root=tmp_path, cache=tmp_path / "cache").to_dict()
    assert len(list((tmp_path / "cache").iterdir())) == 1
    again = check_gates(gate, root=tmp_path, cache=tmp_path / "cache").to_dict()
    assert json.dumps(plain) == json.dumps(first) == json.dumps(again)


def test_cache_is_keyed_by_content_and_survives_damage(tmp_path):
    write_run(tmp_path / "logs", "a", until=2000)
    gate, cache = check(at="step=8000", upper=2.2), tmp_path / "cache"
    before = check_gates(gate, root=tmp_path, cache=cache)
    (kept,) = cache.iterdir()
    kept.write_text("{broken")
    assert check_gates(gate, root=tmp_path, cache=cache).to_dict() == before.to_dict()
    write_run(tmp_path / "logs", "a", until=2000, factor=1.2)
    assert statuses(check_gates(gate, root=tmp_path, cache=cache)) == ["fail"]


def test_baseline_file_is_readable_and_guarded(tmp_path):
    write_run(tmp_path / "logs", "a")
    gate = check(baseline=True)
    path, baseline = update_baseline(gate, root=tmp_path)
    write_baseline(baseline, path)
    lines = path.read_text().splitlines()
    assert any(line.strip().startswith("[4000.0, 2.0") for line in lines)
    assert read_baseline(path) == baseline
    path.write_text('{"schema": "other"}')
    with pytest.raises(InputError, match="not a baseline file"):
        read_baseline(path)
    assert statuses(check_gates(gate, root=tmp_path)) == ["error"]
    with pytest.raises(InputError, match="nothing to store"):
        update_baseline(check(upper=1.0), root=tmp_path)


def test_baseline_of_another_metric_is_refused(tmp_path):
    write_run(tmp_path / "logs", "a")
    write_baseline(*reversed(update_baseline(check(baseline=True), root=tmp_path)))
    text = (tmp_path / "predictor-baseline.json").read_text().replace("val_loss", "loss")
    (tmp_path / "predictor-baseline.json").write_text(text)
    (verdict,) = check_gates(check(baseline=True), root=tmp_path).verdicts
    assert "store it anew" in verdict.message
