"""Early signals: the ranking, what past runs say of it, and when to keep quiet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor import run_health
from predictor.errors import InputError
from predictor.health import evidence
from predictor.health.early import early_signals
from predictor.health.evidence import weigh
from predictor.logs.tables import RunLog


def runs_of(quality, seed=0, points=400, samples=64, **settings):
    """Return runs whose early loss is higher and gradient norm lower the better they end."""
    rng = np.random.default_rng(seed)
    parts, rows = [], []
    for i, q in enumerate(quality):
        name = f"run{i}"
        loss = 2 + 0.1 * q + 0.3 * np.exp(-np.arange(points) / 20) + 0.02 * rng.normal(size=points)
        norm = np.exp(-0.4 * q + 0.1 * rng.normal(size=points))
        for metric, value in (("avg_loss", loss), ("gradnorm", norm)):
            parts.append(pd.DataFrame({
                "run": name, "metric": metric, "step": np.arange(points),
                "samples": samples * np.arange(points), "value": value,
            }))  # fmt: skip
        rows.append({"run": name} | {key: value[i] for key, value in settings.items()})
    return RunLog.from_points(pd.concat(parts), pd.DataFrame(rows))


QUALITY = [0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 1.5, -1.5]


def finals(quality, known):
    return pd.DataFrame({"run": [f"run{i}" for i in known], "final": [quality[i] for i in known]})


def test_the_ranking_follows_the_published_signs():
    found = early_signals(runs_of(QUALITY))
    best = [f"run{i}" for i in np.argsort(QUALITY)[::-1]]
    assert found.runs["run"].tolist() == best
    assert found.axis == "samples"
    assert found.window == (pytest.approx(0.05 * 64 * 399), pytest.approx(0.15 * 64 * 399))
    assert "PRED611" in {finding.code for finding in found.findings}
    assert (found.tau, found.stop) == (None, ())


def test_past_runs_that_agree_let_a_poor_run_be_stopped():
    found = early_signals(runs_of(QUALITY), finals(QUALITY, range(6)))
    assert found.tau > 0.7
    assert found.lower > 0
    assert found.stop == ("run7",)
    assert "PRED611" not in {finding.code for finding in found.findings}


def test_past_runs_that_disagree_let_none_be_stopped():
    rng = np.random.default_rng(0)
    past = finals(list(rng.permutation(QUALITY)), range(6))
    found = early_signals(runs_of(QUALITY), past)
    assert found.tau < 0.5
    assert found.stop == ()
    assert any("do not carry advice" in finding.message for finding in found.findings)


def test_five_past_runs_are_too_few_to_stop_any():
    found = early_signals(runs_of(QUALITY), finals(QUALITY, range(5)))
    assert found.tau > 0.5
    assert found.stop == ()


def test_signals_that_say_nothing_have_a_tau_about_zero():
    rng = np.random.default_rng(0)
    taus = []
    for _ in range(40):
        x, end = rng.normal(size=(12, 2)), rng.normal(size=12)
        taus.append(weigh(x, pd.Series(end), 1.0, 0).tau)
    # Each tau has a standard deviation of .22: weights that saw the run itself would rank it well.
    assert abs(np.mean(taus)) < 3 * 0.22 / 40**0.5


def test_tau_is_kendalls():
    from scipy.stats import kendalltau

    rng = np.random.default_rng(1)
    x, end = rng.normal(size=(9, 2)), np.round(rng.normal(size=9))
    said = weigh(x, pd.Series(end), 1.0, 0)
    left_out = evidence._left_out(x, end, level=False)
    assert said.tau == pytest.approx(kendalltau(left_out, end).statistic)
    assert said.lower <= said.tau <= said.upper


def test_weights_are_learned_where_the_signs_are_the_other_way():
    past = finals([-q for q in QUALITY], range(8))
    found = early_signals(runs_of(QUALITY), past)
    assert found.weights["loss"] < 0 < found.weights["log_grad_norm"]
    assert found.tau > 0.5


def test_lower_ends_may_be_better():
    past = finals([-q for q in QUALITY], range(6))
    found = early_signals(runs_of(QUALITY), past, lower_is_better=True)
    assert found.tau > 0.7
    assert found.stop == ("run7",)
    ends = found.runs.set_index("run")
    assert ends.loc["run3", "expected"] < ends.loc["run2", "expected"]


def test_confounds_are_named():
    log = runs_of(QUALITY, batch_size=[64] * 4 + [128] * 4, warmup_steps=[10] * 7 + [0])
    (found,) = [f for f in early_signals(log).findings if f.code == "PRED610"]
    assert "batch size, warm-up" in found.message


def test_without_samples_steps_are_said_to_be_no_amount():
    log = runs_of(QUALITY)
    log = RunLog(log.points.assign(samples=np.nan), log.runs)
    found = early_signals(log)
    assert found.axis == "step"
    assert any("aligned by step" in finding.message for finding in found.findings)


def test_a_short_window_is_no_signal():
    log = runs_of(QUALITY[:3], points=100)
    found = early_signals(log)
    assert found.runs.empty
    assert [f.code for f in found.findings].count("PRED609") == 3
    assert len(early_signals(log, epoch_samples=64 * 400).runs) == 3


def test_steps_count_where_only_every_tenth_is_logged():
    log = runs_of(QUALITY[:3])
    thin = log.points[log.points["step"] % 10 == 0]
    assert len(early_signals(RunLog(thin, log.runs)).runs) == 3


def test_one_of_two_signals_is_none():
    log = runs_of(QUALITY[:3])
    points = log.points[log.points["metric"] == "avg_loss"]
    assert early_signals(RunLog(points, log.runs)) is None


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (pd.DataFrame({"name": ["run0"], "final": [1.0]}), "needs the columns run, final"),
        (pd.DataFrame({"run": ["other"], "final": [1.0]}), "none of other"),
    ],
)
def test_tables_of_past_runs_that_do_not_fit(past, words):
    with pytest.raises(InputError, match=words):
        early_signals(runs_of(QUALITY), past)


def test_each_run_has_its_row_in_the_report():
    health = run_health(runs_of(QUALITY), finals=finals(QUALITY, range(6)))
    rows = health.to_dict()
    assert [row["early"]["rank"] for row in rows] == [4 if q == 0.5 else r for q, r in zip(
        QUALITY, [5, 3, 7, 1, 4, 6, 2, 8], strict=True)]  # fmt: skip


def test_an_instructlab_log_is_read(tmp_path):
    import json

    from predictor import read_logs

    for name, norm in (("good", 0.5), ("poor", 2.0)):
        lines = [
            json.dumps({"step": i, "samples_seen": 64 * i, "avg_loss": 2 - i / 1000,
                        "gradnorm": norm, "batch_size": 64, "lr": 1e-5})
            for i in range(1, 400)
        ]  # fmt: skip
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    early = run_health(read_logs(tmp_path)).early
    assert early.axis == "samples"
    assert early.runs["run"].tolist() == ["good", "poor"]
