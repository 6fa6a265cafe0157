"""The report on a run: verdict, lead, events, advice, clock."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from predictor import read_logs, run_health
from predictor.errors import InputError
from predictor.health.advice import advice_on
from predictor.logs.tables import RunLog
from tests.health.conftest import falling, log_of


def blown_up(lead=12):
    loss = falling(600)
    loss[400:] += np.linspace(0.3, 9.0, 200)
    rng = np.random.default_rng(5)
    norm = np.exp(0.1 * rng.normal(size=600))
    norm[400 - lead :] *= 6
    return {"loss": loss, "grad_norm": norm}


def test_a_blow_up_is_seen_before_the_loss_doubles():
    (one,) = run_health(log_of({"a": blown_up()})).runs
    assert one.verdict == "broken"
    assert one.alarm == 388
    assert one.doubled > 430
    assert one.warned == one.doubled - 388
    assert one.roll_back == (288, 338)
    (lead,) = one.leads
    assert (lead.signal, lead.start, lead.steps) == ("grad_norm", 388, 12)
    sources = {advice.source for advice in one.advice}
    assert any("2210.02414" in source for source in sources)


def test_a_sound_run_is_sound():
    (one,) = run_health(log_of({"a": {"loss": falling(), "lr": np.full(1000, 1e-3)}})).runs
    assert one.verdict == "sound"
    assert (one.spikes, one.advice, one.alarm, one.warned) == ((), (), None, None)


def test_few_points_say_so():
    health = run_health(log_of({"a": {"loss": np.array([9.0, 8.0, 7.0])}}))
    assert health.runs[0].verdict == "cannot say"
    assert [finding.code for finding in health.findings] == ["PRED601"]


def test_wide_spike_where_the_rate_rises_says_so():
    loss = falling()
    loss[500:560] += 0.5
    log = log_of({"a": {"loss": loss}})
    points = log.points.assign(lr=np.where(np.arange(1000) < 495, 1e-4, 1e-3))
    health = run_health(RunLog(points, log.runs))
    (found,) = [f for f in health.findings if f.code == "PRED603"]
    assert "learning rate rises" in found.message
    assert health.runs[0].verdict == "watch"


@pytest.mark.parametrize(
    ("metric", "value", "kind", "start"),
    [
        ("number of skipped iterations", [0, 0, 1, 1, 0, 0], "skipped", 2),
        ("number of nan iterations", [0, 0, 0, 1, 2, 3], "not a number", 3),
        ("loss scale", [65536, 65536, 65536, 1024, 1, 1], "loss scale", 3),
    ],
)
def test_counters_of_trouble(metric, value, kind, start):
    runs = {"a": {"loss": falling(100), metric: np.array(value, dtype=float)}}
    (one,) = run_health(log_of(runs)).runs
    (event,) = [e for e in one.events if e.kind == kind]
    assert event.start == start
    assert one.verdict in ("watch", "broken")
    assert advice_on([kind])


def test_values_that_are_no_numbers_are_events(tmp_path):
    path = tmp_path / "run.csv"
    rows = [f"{i},{3 - i / 100 if i not in (40, 41) else 'nan'}" for i in range(100)]
    path.write_text("step,loss\n" + "\n".join(rows) + "\n")
    (one,) = run_health(read_logs(path)).runs
    (event,) = [e for e in one.events if e.kind == "not a number"]
    assert "2 values of loss are NaN (from 40 to 41)" in event.message
    assert one.verdict == "watch"


def test_a_loss_without_numbers_to_the_end_is_a_broken_run(tmp_path):
    path = tmp_path / "run.csv"
    rows = [f"{i},{3 - i / 100 if i < 70 else 'nan'}" for i in range(100)]
    path.write_text("step,loss\n" + "\n".join(rows) + "\n")
    (one,) = run_health(read_logs(path)).runs
    assert (one.verdict, one.alarm) == ("broken", 70.0)


def test_a_loss_scale_that_settles_first_is_sound():
    scale = np.r_[2.0 ** np.arange(32, 15, -1), np.full(83, 2.0**16)]
    skips = np.r_[np.ones(16), np.zeros(84)]
    runs = {"loss": falling(100), "loss scale": scale, "number of skipped iterations": skips}
    (one,) = run_health(log_of({"a": runs})).runs
    assert (one.verdict, one.events) == ("sound", ())
    scale[60:] = 2.0**16 / 32
    (one,) = run_health(log_of({"a": runs})).runs
    assert [(event.kind, event.start) for event in one.events] == [("loss scale", 60.0)]


def test_a_plateau_is_told_and_a_fall_is_not():
    flat = falling(800)
    flat[400:] = flat[400] + 0.02 * np.random.default_rng(3).normal(size=400)
    flat[:400] += np.linspace(1.0, 0.0, 400)
    kinds = {}
    for name, loss in (("flat", flat), ("falls", falling(800, noise=0.002))):
        (one,) = run_health(log_of({name: {"loss": loss}})).runs
        kinds[name] = {event.kind for event in one.events}
    assert "plateau" not in kinds["falls"]
    late = np.concatenate([np.linspace(6.0, 3.0, 700), np.full(300, 3.0)])
    late += 0.01 * np.random.default_rng(4).normal(size=1000)
    (one,) = run_health(log_of({"late": {"loss": late}})).runs
    assert "plateau" in {event.kind for event in one.events}


def test_stalls_and_an_early_end():
    clock = np.arange(200.0)
    clock[120:] += 900
    log = log_of({"a": {"loss": falling(200)}})
    runs = log.runs.assign(max_steps=1000)
    log = dataclasses.replace(log, points=log.points.assign(wall_time=clock), runs=runs)
    (one,) = run_health(log).runs
    by_kind = {event.kind: event for event in one.events}
    assert (by_kind["stalled"].start, by_kind["stalled"].end) == (119, 120)
    assert "901 s pass" in by_kind["stalled"].message
    assert "step 199 of 1000" in by_kind["stops early"].message


def test_the_training_clock():
    log = log_of({"a": {"loss": falling(101)}})
    log = RunLog(log.points.assign(lr=0.01), log.runs)
    (one,) = run_health(log, weight_decay=0.1).runs
    assert one.clock == pytest.approx(0.01 * 0.1 * 100)
    assert run_health(log).runs[0].clock is None


def test_a_metric_that_is_not_there_or_no_loss():
    log = log_of({"a": {"accuracy": falling()}})
    with pytest.raises(InputError, match="no loss and no gradient norm"):
        run_health(log)
    with pytest.raises(InputError, match="no metric 'loss'"):
        run_health(log, metrics=["loss"])
    assert run_health(log, metrics=["accuracy"]).runs[0].points == 1000


def test_one_run_with_past_runs_is_refused():
    with pytest.raises(InputError, match="the logs hold one run"):
        run_health(log_of({"a": {"loss": falling()}}), finals=pd.DataFrame())


def test_the_real_console_log(shared_data):
    log = read_logs(shared_data / "sample-logs" / "megatron_console")
    health = run_health(log)
    (one,) = health.runs
    # One line of training and three of validation: nothing can be said of spikes.
    assert one.verdict == "cannot say"
    assert {"PRED601", "PRED608"} <= {finding.code for finding in health.findings}


def test_the_table_has_a_row_a_spike():
    frame = run_health(log_of({"a": blown_up()})).to_frame()
    assert list(frame.columns) == ["run", "start", "end", "kind", "signal", "what"]
    assert set(frame["signal"]) == {"loss", "grad_norm"}
