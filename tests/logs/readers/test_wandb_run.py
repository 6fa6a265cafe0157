"""Local run folders of Weights & Biases, as its client lays them out."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.errors import InputError
from predictor.logs import RunLog, read_logs
from predictor.logs.readers import wandb_run as reader
from predictor.logs.source import Source

CONFIG = """\
wandb_version: 1

batch_size:
  desc: null
  value: 12
learning_rate:
  desc: null
  value: 0.0006
source:
  desc: null
  value: openwebtext
layers:
  desc: null
  value: [1, 2]
_wandb:
  desc: null
  value:
    t:
      1:
      - 1
"""
CONSOLE = """\
step 0: train loss 4.5000, val loss 4.7500
iter 0: loss 4.6250, time 10.0ms
iter 1: loss 4.5000, time 10.0ms
"""
NAME = "run-20241022_232419-18kjtmnl"


def folder_of(place: Path, summary: Any, **files: str) -> Path:
    """Write a run folder and return its summary."""
    files_folder = place / NAME / "files"
    files_folder.mkdir(parents=True)
    text = summary if isinstance(summary, str) else json.dumps(summary)
    (files_folder / "wandb-summary.json").write_text(text)
    for name, content in files.items():
        (files_folder / name.replace("_", ".", 1)).write_text(content)
    return files_folder / "wandb-summary.json"


def read(path: Path) -> RunLog:
    source = Source(path, path.name, "hint")
    assert reader.sniff(source)
    (log,) = reader.read(source)
    assert isinstance(log, RunLog)
    return log


def test_the_summary_gives_one_point_a_metric(tmp_path: Path) -> None:
    summary = {
        "_step": 500,
        "_runtime": 41.5,
        "_timestamp": 1.7e9,
        "_wandb": {"runtime": 41},
        "train/loss": 2.5,
        "diverged": "NaN",
        "note": "fine",
        "done": True,
        "best": {"min": 2.25},
    }
    log = read(folder_of(tmp_path, summary, config_yaml=CONFIG))
    assert log.run_names == [NAME]
    assert log.metrics == ["train/loss", "diverged"]
    assert list(log.points["step"]) == [500, 500]
    assert list(log.points["wall_time"]) == [41.5, 41.5]
    assert log.points["value"].iloc[0] == 2.5
    assert math.isnan(log.points["value"].iloc[1])
    (facts,) = log.runs.to_dict("records")
    assert facts == {
        "run": NAME,
        "format": "wandb-run",
        "source": "wandb-summary.json",
        "batch_size": 12,
        "learning_rate": 0.0006,
    }


def test_curves_come_from_the_console_output(tmp_path: Path) -> None:
    summary = {"_step": 1, "loss": 4.0, "accuracy": 0.5}
    folder_of(tmp_path, summary, output_log=CONSOLE, config_yaml=CONFIG)
    for place in (tmp_path, tmp_path / NAME, tmp_path / NAME / "files"):
        log = read_logs(place)
        assert isinstance(log, RunLog)
        assert log.run_names == [NAME], "the console output is not read twice"
        assert list(log.curve(NAME, "loss")["value"]) == [4.625, 4.5]
        assert list(log.curve(NAME, "val loss")["value"]) == [4.75]
        assert list(log.curve(NAME, "accuracy")["value"]) == [0.5]
        assert list(log.runs["format"]) == ["wandb-run"]


@pytest.mark.parametrize("output", ["Traceback (most recent call last):\n", ""])
def test_an_empty_summary_is_a_finding(output: str, tmp_path: Path) -> None:
    path = folder_of(tmp_path, {"_wandb": {"runtime": 4}}, output_log=output)
    log = read(path)
    assert log.points.empty
    assert [finding.code for finding in log.findings] == ["PRED008"]
    with pytest.raises(InputError):
        read_logs(path)


def test_a_truncated_summary_is_refused(tmp_path: Path) -> None:
    path = folder_of(tmp_path, '{"_step": 3, "lo')
    with pytest.raises(InputError, match=r"wandb-summary.json: line 1, column \d+: the JSON is"):
        read_logs(path)


@pytest.mark.parametrize("config", ["a: [1\nb: }", "- 1\n", "", "a: !!python/none\n", "a: 1\n"])
def test_a_configuration_that_is_none_is_passed_over(config: str, tmp_path: Path) -> None:
    log = read(folder_of(tmp_path, {"loss": 1.0, "_step": 1}, config_yaml=config))
    assert list(log.runs.columns) == ["run", "format", "source"]


def test_a_real_folder_without_curves(shared_data: Path) -> None:
    folder = shared_data / "sample-logs" / "wandb" / "local_run_18kjtmnl"
    log = read(folder / "wandb-summary.json")
    (facts,) = log.runs.to_dict("records")
    assert log.points.empty
    assert (facts["run"], facts["batch_size"], facts["n_embd"]) == (folder.name, 12, 768)


names = st.text(min_size=1, max_size=10).filter(lambda name: not name.startswith("_"))


@settings(max_examples=40, deadline=None)
@given(values=st.dictionaries(names, st.floats(allow_nan=False), min_size=1), step=st.integers(0))
def test_what_was_written_is_read(
    values: dict[str, float], step: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = read(folder_of(tmp_path_factory.mktemp("run"), {**values, "_step": step}))
    assert dict(zip(log.points["metric"], log.points["value"], strict=True)) == values
    assert set(log.points["step"]) == {float(step)}
