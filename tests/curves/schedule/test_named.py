"""Schedules as a user gives them: files and names, and one line where they are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from predictor import Schedule
from predictor.curves.schedule.logged import LoggedSchedule
from predictor.curves.schedule.named import read_schedule, schedule_from_text
from predictor.errors import InputError

KNOWN = {"a": LoggedSchedule(Schedule.constant(1e-3, 1000, warmup=100), assumed_warmup=100.0)}


def written(tmp_path, text, name="plan.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_table_is_read_with_its_steps(tmp_path):
    path = written(tmp_path, "step,lr,loss\n0,1e-3,4\n100,1e-3,3\n200,5e-4,2\n")
    schedule, steps = read_schedule(path)
    assert schedule.name == "plan"
    assert steps.tolist() == [100, 200]
    assert schedule.rate(np.array([150.0]))[0] == pytest.approx(7.5e-4)


def test_other_spellings_and_separators(tmp_path):
    path = written(tmp_path, "global_step\tlearning_rate\n10\t1\n20\t0.5\n", "plan.tsv")
    assert read_schedule(path)[0].lr.tolist() == [1, 1, 0.5]


def test_table_without_its_warm_up_gets_the_log_s(tmp_path):
    rows = "\n".join(f"{s},1e-3" for s in range(100, 1001, 10))
    path = written(tmp_path, f"step,lr\n{rows}\n")
    schedule, steps = schedule_from_text(str(path), KNOWN)
    assert schedule.rate(np.array([50.0]))[0] == pytest.approx(5e-4)
    assert steps[0] == 100
    whole, _ = schedule_from_text(str(path), KNOWN, warmup=0.0)
    assert whole.rate(np.array([50.0]))[0] == pytest.approx(1e-3)


def test_very_long_table_is_thinned_and_keeps_its_end(tmp_path):
    rows = "\n".join(f"{s},{1 - s / 40_000}" for s in range(25_000))
    _, steps = schedule_from_text(str(written(tmp_path, f"step,lr\n{rows}\n")), KNOWN, warmup=0.0)
    assert len(steps) <= 10_000
    assert steps[-1] == 24_999


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step,rate\n1,2\n2,3\n", "needs number columns 'step' and 'lr'; it has step, rate"),
        ("step,lr\n1,fast\n2,slow\n", "needs number columns"),
        ("step,lr\n1,1e-3\n", "needs two rows"),
        ("step,lr\n1,1e-3\n3,1e-3\n2,1e-3\n", "data row 3: step 2 does not come after"),
        ("step,lr\n1,1e-3\n2,-1e-3\n", "learning rates must be 0 or more"),
        ("step,lr\n", "no rows"),
    ],
)
def test_bad_table_is_one_line_that_names_the_file(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        read_schedule(path)
    assert "plan.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_name_with_all_its_numbers():
    schedule, steps = schedule_from_text("cosine:peak=3e-4,end=3e-5,warmup=2160,steps=24k", KNOWN)
    assert (schedule.peak, schedule.steps) == (3e-4, 24_000)
    assert schedule.rate(np.array([24_000.0]))[0] == pytest.approx(3e-5)
    assert (steps[0], steps[-1], len(steps)) == (2160, 24_000, 200)


def test_what_is_not_said_is_that_of_the_log():
    schedule, _ = schedule_from_text("linear", KNOWN, last=5000.0)
    assert (schedule.peak, schedule.steps) == (1e-3, 5000)
    assert schedule.rate(np.array([50.0]))[0] == pytest.approx(5e-4)


def test_wsd_and_inverse_sqrt():
    wsd, _ = schedule_from_text("wsd:steps=1000,decay=800,shape=sqrt,end=1e-4", KNOWN)
    assert wsd.rate(np.array([800.0, 1000.0])).tolist() == pytest.approx([1e-3, 1e-4])
    root, _ = schedule_from_text("inverse_sqrt:steps=400,warmup=100", KNOWN)
    assert root.rate(np.array([400.0]))[0] == pytest.approx(5e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cosin:peak=1", "neither a file nor the name of a schedule; did you mean cosine"),
        ("nowhere.csv", "neither a file nor the name"),
        ("cosine:peak=fast", "peak=fast is not a number"),
        ("cosine:peak=-1", "peak=-1 is not a number"),
        ("cosine:decay=5", "'decay=5' is not understood; it takes peak="),
        ("cosine:peak=1,peak=2", "each once"),
        ("cosine:steps", "'steps' is not understood"),
        ("cosine", "say steps, as in cosine:steps="),
        ("wsd:steps=100", "say decay"),
        ("wsd:steps=1000,decay=500,shape=round", "shape=round is none of"),
        ("wsd:steps=1000,decay=2000", "decay=2000 must lie"),
    ],
)
def test_bad_name_is_one_line(text, message):
    with pytest.raises(InputError, match=message) as caught:
        schedule_from_text(text, KNOWN)
    assert str(caught.value).startswith("--schedule")
