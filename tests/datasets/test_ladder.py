"""The language model ladder: the promised shape, sane numbers, and a member that is made again."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from predictor import (
    InformationCapacity,
    ResponseAlignment,
    ScalingLaw,
    checkpoint_health,
    dataset_path,
    load_dataset,
    read_logs,
    run_health,
)
from predictor.logs.tables import RunLog

FOLDER = dataset_path("ladder-runs").parent
RUNS = pd.read_csv(FOLDER / "runs.csv").set_index("run")
POINTS = pd.read_parquet(FOLDER / "points.parquet")
MAIN = RUNS[(RUNS["vocabulary"] == "bytes") & (RUNS["schedule"] == "wsd")]
MAIN = MAIN[MAIN["trouble"] == "none"]
FORMATS = sorted(path.name.partition(".")[0] for path in (FOLDER / "formats").iterdir())
METRICS = {"loss", "grad_norm", "eval_loss", "bits_per_byte"}


def test_seven_sizes_over_two_and_a_half_orders_at_four_budgets() -> None:
    sizes = sorted(MAIN["params"].unique())
    assert len(sizes) == 7
    assert sizes[-1] / sizes[0] > 10**2.5
    assert (MAIN.groupby("params")["tokens"].nunique() == 4).all()


def test_seeds_schedules_vocabularies_and_trouble() -> None:
    seeds = MAIN.groupby("params")["seed"].nunique().sort_index()
    assert (seeds.iloc[:4] == 3).all()
    assert set(RUNS.loc[RUNS["size"] == "55k", "schedule"]) == {"wsd", "cosine", "constant"}
    assert (RUNS.groupby("vocabulary")["size"].nunique() >= 4).all()
    assert set(RUNS["vocabulary"]) == {"bytes", "bpe512", "bpe1024"}
    assert set(RUNS["trouble"]) == {"none", "spikes", "diverges"}


def test_every_step_of_every_run_is_logged() -> None:
    assert list(POINTS["run"].unique()) == list(RUNS.index)
    for run, log in POINTS.groupby("run"):
        assert (log["step"] == np.arange(1, RUNS.loc[run, "steps"] + 1)).all()
    assert (POINTS["tokens"] == 2048 * POINTS["step"]).all()
    sound = POINTS[POINTS["run"].map(RUNS["trouble"]) == "none"]
    assert sound[["lr", "loss", "grad_norm", "wall_time"]].notna().all().all()
    last = sound.groupby("run").tail(1).set_index("run")
    np.testing.assert_allclose(last["eval_loss"], RUNS.loc[last.index, "loss"], atol=1e-5)


def test_bits_per_byte_and_loss_agree_where_a_token_is_a_byte() -> None:
    rows = POINTS[POINTS["run"].isin(MAIN.index)].dropna(subset=["eval_loss"])
    np.testing.assert_allclose(rows["bits_per_byte"], rows["eval_loss"] / np.log(2), atol=2e-5)


def test_learning_rates_follow_their_schedules() -> None:
    for run, log in POINTS[POINTS["run"].map(RUNS["trouble"]) == "none"].groupby("run"):
        rate, peak = log["lr"].to_numpy(), RUNS.loc[run, "lr"]
        assert rate.max() == pytest.approx(peak, rel=1e-3)
        assert (np.diff(rate[50:]) <= 0).all()
        end = {"wsd": 0.01, "cosine": 0.11, "constant": 1.0}[RUNS.loc[run, "schedule"]]
        assert rate[-1] <= 1.05 * end * peak


def test_losses_fall_as_a_power_law() -> None:
    law = ScalingLaw("chinchilla", draws=20).fit(MAIN.reset_index())
    off = np.expm1(law.residuals()["residual"])
    assert np.sqrt((off**2).mean()) < 0.06
    assert law.params[["alpha", "beta"]].between(0.05, 1.5).all()
    for _, part in MAIN[MAIN["seed"] == 0].groupby("tokens"):
        assert (np.diff(part.sort_values("params")["loss"])[:-1] < 0).all()


def test_sizes_differ_by_more_than_seed_noise() -> None:
    cells = MAIN.groupby(["tokens", "params"])["loss"]
    noise = float(np.sqrt((cells.std() ** 2).mean()))
    steps = cells.mean().unstack("tokens").diff().dropna()
    assert noise < 0.03
    assert (steps.loc[:, steps.columns >= 3e6].abs() > 3 * noise).all().all()


@pytest.mark.parametrize("run", FORMATS)
def test_every_format_tells_what_the_table_tells(run: str) -> None:
    place = next((FOLDER / "formats").glob(f"{run}*"))
    if place.is_dir() and any(place.glob("events*")):
        pytest.importorskip("tensorboard")
    log = read_logs(place)
    assert isinstance(log, RunLog)
    assert log.run_names == [run]
    table = POINTS[POINTS["run"] == run]
    spelt = {"loss": ("loss", "train/loss"), "eval_loss": ("eval_loss", "eval/loss")}
    for metric, names in spelt.items():
        (name,) = set(names) & set(log.metrics)
        told = log.curve(run, name)
        wanted = table.dropna(subset=[metric])
        np.testing.assert_array_equal(told["step"], wanted["step"])
        np.testing.assert_allclose(told["value"], wanted[metric], rtol=1e-6)
        np.testing.assert_allclose(told["tokens"], wanted["tokens"], rtol=1e-6)
        np.testing.assert_allclose(told["lr"], wanted["lr"], rtol=1e-6)


def test_the_loader_joins_what_is_known_of_the_runs() -> None:
    log = load_dataset("ladder")
    assert set(log.metrics) == METRICS
    facts = log.runs.set_index("run").loc["55k-cosine-s0-4M"]
    assert facts["schedule"] == "cosine"
    assert facts["params"] == RUNS.loc["55k-cosine-s0-4M", "params"]


def test_items_are_trivial_emerge_or_stay_beyond_reach_in_several_skills() -> None:
    items = load_dataset("ladder-items").items
    assert items["trials"].min() >= 16
    assert items["benchmark"].nunique() >= 8
    assert items.groupby("benchmark", observed=True)["item"].nunique().min() >= 24
    own = items[items["model"].isin(MAIN.index[(MAIN["seed"] == 0) & (MAIN["tokens"] > 7e6)])]
    rate = (own["passes"] / own["trials"]).rename("rate")
    each = pd.concat([own[["model", "benchmark", "item", "params"]], rate], axis=1).pivot_table(
        index=["benchmark", "item"], columns="params", values="rate", observed=True
    )
    kinds = {
        "trivial": (each >= 0.9).all(axis=1),
        "emerging": (each.iloc[:, :2] <= 0.5).all(axis=1) & (each.iloc[:, -2:] >= 0.9).any(axis=1),
        "never": (each <= 0.05).all(axis=1),
    }
    for found in kinds.values():
        assert (found.groupby(level="benchmark").sum() > 0).sum() >= 3


def test_compression_of_two_kinds_of_text_orders_the_models() -> None:
    table = load_dataset("ladder-compression")
    assert set(table["dataset"]) == {"code", "prose"}
    capacity = InformationCapacity().fit(table[table["dataset"] == "code"])
    models = capacity.models_
    last = models[models["series"] == "bytes"].groupby("model")["bits_per_byte"].min()
    order = ["3k", "7k", "25k", "55k", "147k", "442k", "1180k"]
    assert (np.diff([last[f"{size}-s0"] for size in order]) < 0).all()


def test_checkpoints_are_small_and_read() -> None:
    files = sorted(dataset_path("ladder-checkpoints").glob("*.safetensors"))
    assert len(files) == 4
    assert sum(file.stat().st_size for file in files) < 2_000_000
    health = checkpoint_health(files[0])
    assert health is not None


def test_the_labelled_runs_are_found() -> None:
    log = load_dataset("ladder")
    runs = ("25k-s0-2M", "25k-spikes-s0-2M", "25k-diverges-s0-2M")
    points = log.points[log.points["run"].isin(runs)]
    chosen = RunLog(points, log.runs[log.runs["run"].isin(runs)])
    found = {one.run: one for one in run_health(chosen, metrics=["loss", "grad_norm"]).runs}
    assert found["25k-s0-2M"].verdict == "sound"
    assert found["25k-diverges-s0-2M"].verdict == "broken"
    starts = [spike.start for spike in found["25k-spikes-s0-2M"].spikes if spike.signal == "loss"]
    assert [
        step for step in (301, 501, 701) if min(abs(start - step) for start in starts) > 2
    ] == []


def test_responses_are_scored_and_accuracies_have_three_seeds() -> None:
    table = pd.read_csv(FOLDER / "responses.csv")
    examples = table.groupby(["model", "strategy"])["example"].nunique()
    assert (examples == 50).all()
    assert table["strategy"].nunique() >= 5
    after = load_dataset("ladder-accuracies")
    assert (after.groupby(["model", "strategy"])["seed"].nunique() == 3).all()
    assert set(after["strategy"]) == set(table["strategy"])
    spread = after.groupby(["model", "strategy"])["accuracy"].mean().groupby("model")
    assert (spread.max() - spread.min() > 10).all()
    fitted = ResponseAlignment(score="self_perplexity").fit(
        table[table["model"] == table["model"].iloc[0]]
    )
    assert len(fitted.strategies_) == table["strategy"].nunique()


def _needs_torch() -> None:
    for package in ("torch", "tokenizers", "safetensors"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package} (the extra train)")


@pytest.mark.slow
def test_a_small_member_is_made_again() -> None:
    _needs_torch()
    script = FOLDER / "again.py"
    done = subprocess.run(
        [sys.executable, script, "--run", "7k-s0-1M"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agrees with the shipped log" in done.stdout


@pytest.mark.slow
def test_a_log_that_differs_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    _needs_torch()
    monkeypatch.syspath_prepend(str(FOLDER))
    again = importlib.import_module("again")
    old = POINTS[POINTS["run"] == "7k-s0-1M"]
    same = again.compared(old, old, 0.01, same_text=True)
    assert same == (True, "equal, digit by digit")
    rounded = old.assign(loss=old["loss"] * (1 + 1e-5), eval_loss=old["eval_loss"] + 0.02)
    agrees, how = again.compared(rounded, old, 0.01, same_text=True)
    assert agrees
    assert how.startswith("same text, other rounding")
    early = old.assign(loss=old["loss"] * 1.01)
    assert not again.compared(early, old, 0.01, same_text=True)[0]
    assert again.compared(early, old, 0.01, same_text=False)[0]
    late = old.assign(eval_loss=old["eval_loss"] + 0.05)
    assert not again.compared(late, old, 0.01, same_text=False)[0]


@pytest.mark.slow
def test_a_shipped_checkpoint_scores_what_its_log_says(monkeypatch: pytest.MonkeyPatch) -> None:
    _needs_torch()
    monkeypatch.syspath_prepend(str(FOLDER))
    train = importlib.import_module("train")
    corpus, again = importlib.import_module("corpus"), importlib.import_module("again")
    if corpus.fingerprint() != again.TRAINED_ON:
        pytest.skip("another Python's sources than the ladder was trained on")
    torch = importlib.import_module("safetensors.torch")
    model = train.Model("3k", 256)
    weights = torch.load_file(FOLDER / "checkpoints" / "3k-s0-8M.safetensors")
    model.load_state_dict({name: value.float() for name, value in weights.items()})
    loss, bits = train.validated(model.eval(), "bytes")
    # Weights are kept in bfloat16, with eight bits.
    assert loss == pytest.approx(RUNS.loc["3k-s0-8M", "loss"], abs=0.01)
    assert bits == pytest.approx(loss / np.log(2))
