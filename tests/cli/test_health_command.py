"""predictor health, end to end."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import predictor
from predictor.cli import run
from tests.health.conftest import falling, write_checkpoint


@pytest.fixture
def folder(tmp_path):
    """Return logs of a sound run and one that blows up."""
    rng = np.random.default_rng(0)
    for name in ("sound", "blown"):
        loss, norm = falling(600), np.exp(0.1 * rng.normal(size=600))
        if name == "blown":
            loss[400:] += np.linspace(0.3, 9.0, 200)
            norm[390:] *= 6
        frame = pd.DataFrame({
            "step": np.arange(600), "loss": loss, "grad_norm": norm, "lr": 1e-3,
            "tokens": 1e6 * np.arange(600),
        })  # fmt: skip
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


@pytest.fixture
def checkpoint(tmp_path, normal):
    names = ("layers.0.self_attn.q_proj.weight", "layers.0.mlp.up_proj.weight")
    tensors = {name: (i + 1) * normal for i, name in enumerate(names)}
    path = tmp_path / "weights" / "last.safetensors"
    path.parent.mkdir()
    return write_checkpoint(path, tensors)


normal = pytest.fixture(lambda: np.random.default_rng(0).normal(0, 0.02, (256, 128)).astype("f4"))


def test_the_document(folder, capsys):
    assert run(["health", str(folder), "--format", "json", "--quiet", "--weight-decay", "0.1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "predictor/health/1"
    by_run = {one["run"]: one for one in document["runs"]}
    assert by_run["sound"]["spikes"] == []
    blown = by_run["blown"]
    assert {"start", "end", "kind", "signal"} <= set(blown["spikes"][0])
    assert blown["verdict"] == "broken"
    assert blown["alarm"] == 390
    assert blown["warned_before"] > 0
    assert blown["training_clock"] == pytest.approx(1e-3 * 0.1 * 599)
    assert set(blown["early"]) >= {"score", "rank", "loss", "grad_norm"}
    assert document["weights"] == []
    assert "PRED604" in {warning["code"] for warning in document["warnings"]}


def test_text_and_table(folder, capsys):
    assert run(["health", str(folder)]) == 0
    shown = capsys.readouterr()
    assert "blown: broken" in shown.out
    assert "steps before the loss exceeded twice its median" in shown.out
    assert "arXiv 2210.02414" in shown.out
    assert "PRED604" in shown.err
    assert run(["health", str(folder), "--format", "csv", "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("run,start,end,kind,signal,what\n")


def test_weights_and_the_list_of_tensors(checkpoint, tmp_path, capsys):
    names = tmp_path / "tensors.txt"
    call = ["health", str(checkpoint.parent), "--least-conditioned", "1", "--list", str(names)]
    assert run(call) == 0
    shown = capsys.readouterr().out
    assert "attention in" in shown
    assert "transmission" in shown
    assert names.read_text().count("\n") == 1
    assert run(["health", str(checkpoint), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["weights"]
    assert [row["role"] for row in rows] == ["attention in", "feed-forward"]
    assert rows[0]["k"] == pytest.approx(1.2054, abs=0.03)


def test_logs_and_weights_together(folder, checkpoint, capsys):
    call = ["health", str(folder / "sound.csv"), str(checkpoint), "--format", "json", "--quiet"]
    assert run(call) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["runs"]) == 1
    assert len(document["weights"]) == 2


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_charts(folder, checkpoint, suffix, tmp_path):
    chart = tmp_path / f"chart{suffix}"
    call = ["health", str(folder / "blown.csv"), str(checkpoint), "--chart", str(chart), "--quiet"]
    assert run(call) == 0
    assert chart.stat().st_size > 5_000


def test_limits_and_the_comparison(folder, tmp_path, capsys):
    meta = tmp_path / "meta" / "meta.csv"
    meta.parent.mkdir()
    meta.write_text("run,params,tokens\nsound,1e4,6e9\nblown,1e4,6e9\n")
    table = predictor.dataset_path("mlp_scaling")
    call = ["health", str(folder), "--meta", str(meta), "--law", str(table), "--compare",
            "--metric", "loss", "--format", "json", "--quiet"]  # fmt: skip
    assert run(call) == 0
    document = json.loads(capsys.readouterr().out)
    assert {one["part"] for one in document["limits"][0]["shares"]} == {"size", "data", "time"}
    assert len(document["comparison"]["runs"]) == 2
    assert run([part for part in call if part not in ("--format", "json")]) == 0
    assert "of the reducible loss" in capsys.readouterr().out


def test_limits_want_params(folder, capsys):
    table = str(predictor.dataset_path("mlp_scaling"))
    assert run(["health", str(folder), "--law", table]) == 0
    assert "PRED616" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--metric", "nothing"], "no metric 'nothing'"),
        (["--false-alarms", "0"], "a rate above 0"),
        (["--list", "x.txt"], "--list wants --least-conditioned"),
        (["--least-conditioned", "3"], "wants a checkpoint"),
        (["--past", "nowhere.csv"], "--past nowhere.csv: no such file"),
        (["--chart", "x.bmp"], "must end in"),
    ],
)
def test_options_that_do_not_fit(folder, options, words, capsys):
    assert run(["health", str(folder), *options]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1


def test_a_pickled_checkpoint_is_not_opened(tmp_path, capsys):
    path = tmp_path / "model.pt"
    path.write_bytes(b"\x80\x04")
    assert run(["health", str(path)]) == 2
    assert "pickled checkpoints are not opened" in capsys.readouterr().err


def test_a_log_of_three_points_says_that_it_cannot_say(tmp_path, capsys):
    path = tmp_path / "short.csv"
    path.write_text("step,loss\n1,9\n2,8\n3,7\n")
    assert run(["health", str(path)]) == 3
    assert "cannot say" in capsys.readouterr().out


def test_a_gate_on_spikes(folder, tmp_path, capsys):
    config = tmp_path / "gate.toml"
    config.write_text(
        "[[tool.predictor.gate.checks]]\n"
        f'name = "no blow-up"\npredictor = "health"\nlogs = ["{folder}/*.csv"]\nupper = 0\n'
        "[[tool.predictor.gate.checks]]\n"
        f'name = "sound"\npredictor = "health"\nlogs = ["{folder}/sound.csv"]\n'
        'metric = "spikes"\nupper = 0\n'
    )
    assert run(["gate", str(config), "--format", "json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert {(c["name"], c["forecast"]["run"]): c["status"] for c in checks} == {
        ("no blow-up", "blown"): "fail", ("no blow-up", "sound"): "pass",
        ("sound", "sound"): "pass",
    }  # fmt: skip


def test_a_gate_fails_a_run_whose_loss_ends_without_numbers(tmp_path, capsys):
    rows = [f"{i},{3 - i / 100 if i < 70 else 'nan'}" for i in range(100)]
    (tmp_path / "run.csv").write_text("step,loss\n" + "\n".join(rows) + "\n")
    config = tmp_path / "gate.toml"
    config.write_text(
        "[[tool.predictor.gate.checks]]\n"
        f'name = "no blow-up"\npredictor = "health"\nlogs = ["{tmp_path}/run.csv"]\nupper = 0\n'
    )
    assert run(["gate", str(config), "--quiet"]) == 1
    assert "no blow-up" in capsys.readouterr().out
