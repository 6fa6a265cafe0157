"""Real log files against counts that were made independently of Predictor's readers."""

from __future__ import annotations

import csv
import math
import os
from functools import cache
from pathlib import Path

import pytest

from predictor.logs import RunLog, read_logs

_FOLDER = (
    Path(
        os.environ.get(
            "PREDICTOR_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"
        )
    )
    / "sample-logs"
)


def _rows() -> list[dict[str, str]]:
    table = _FOLDER / "EXPECTED.tsv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


@cache
def _log(path: Path) -> RunLog:
    log = read_logs(path)
    assert isinstance(log, RunLog)
    return log


def _curve(log: RunLog, row: dict[str, str]):
    """Points of the row's metric; its name may hold the run's before it."""
    run, metric = None, row["name"]
    if row["kind"] == "column":
        run, _, metric = metric.rpartition(" - ")
    if row["file"].startswith("mlflow_sqlite"):
        run, _, metric = metric.partition("/")
    points = log.points[log.points["metric"] == metric]
    if run is None:
        return points
    facts = log.runs.astype(str)
    matches = facts["run"] == run
    if not matches.any():
        matches = facts.apply(lambda fact: fact.str.startswith(run).any(), axis="columns")
    assert matches.sum() == 1, f"{run} is not one run of {list(facts['run'])}"
    return points[points["run"] == facts.loc[matches, "run"].iloc[0]]


@pytest.mark.parametrize(
    "row",
    _rows() or [pytest.param({}, marks=pytest.mark.skip("no real data at hand"))],
    ids=lambda row: f"{row.get('file', '')[-40:]}:{row.get('name', '')}",
)
def test_curve_is_as_counted_independently(row: dict[str, str]) -> None:
    log = _log(_FOLDER / row["file"])
    curve = _curve(log, row)
    if row["first_value"] == "not a number":
        assert curve.empty
        return
    assert len(curve) == int(row["points"]) - int(row["repeated_steps"])
    assert curve["run"].nunique() == 1
    assert curve["step"].iloc[0] == float(row["first_step"])
    assert curve["step"].iloc[-1] == float(row["last_step"])
    assert math.isclose(curve["value"].iloc[0], float(row["first_value"]), rel_tol=1e-12)
    assert math.isclose(curve["value"].iloc[-1], float(row["last_value"]), rel_tol=1e-12)
