"""MLflow's SQLite store, written by MLflow itself and by hand as other versions lay it out."""

from __future__ import annotations

import math
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.errors import InputError
from predictor.logs import RunLog, read_logs
from predictor.logs.readers import mlflow_sqlite as reader
from predictor.logs.source import Source

SCHEMA = """
CREATE TABLE runs (run_uuid VARCHAR(32), name VARCHAR, lifecycle_stage VARCHAR,
                   experiment_id INTEGER);
CREATE TABLE metrics (key VARCHAR, value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32),
                      step BIGINT, is_nan BOOLEAN);
CREATE TABLE params (key VARCHAR, value VARCHAR, run_uuid VARCHAR(32));
CREATE TABLE tags (key VARCHAR, value VARCHAR, run_uuid VARCHAR(32));
"""
RUN = "INSERT INTO runs VALUES ('a0000000ff', 'first', 'active', 1);"
METRIC = "INSERT INTO metrics VALUES ('loss', 2.5, 1700000000500, 'a0000000ff', 3, 0);"


def database(path: Path, *scripts: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for script in scripts:
            connection.executescript(script)
        connection.commit()
    return path


def source(path: Path) -> Source:
    return Source(path, path.name, "hint")


def read(path: Path) -> RunLog:
    (log,) = reader.read(source(path))
    assert isinstance(log, RunLog)
    return log


def test_runs_metrics_and_params(tmp_path: Path) -> None:
    more = """
    INSERT INTO metrics VALUES ('loss', 2.25, 1700000001500, 'a0000000ff', 4, 0);
    INSERT INTO metrics VALUES ('loss', 0, 1700000002500, 'a0000000ff', 5, 1);
    INSERT INTO metrics VALUES ('loss', 1.7976931348623157e308, 1700000003500, 'a0000000ff', 6, 0);
    INSERT INTO metrics VALUES ('loss', -1.7976931348623157e308, 1700000003500, 'a0000000ff', 7, 0);
    INSERT INTO params VALUES ('Batch_Size', '16', 'a0000000ff');
    INSERT INTO params VALUES ('optimizer', 'sgd', 'a0000000ff');
    """
    path = database(tmp_path / "mlflow.db", SCHEMA, RUN, METRIC, more)
    assert reader.sniff(source(path))
    log = read(path)
    assert list(log.points["step"]) == [3, 4, 5, 6, 7]
    values = [2.5, 2.25, math.nan, math.inf, -math.inf]
    assert np.array_equal(log.points["value"], values, equal_nan=True)
    assert log.points["wall_time"].iloc[0] == 1700000000.5
    assert log.runs.to_dict("records") == [
        {
            "run": "first",
            "format": "mlflow-sqlite",
            "source": "mlflow.db",
            "run_uuid": "a0000000ff",
            "experiment_id": "1",
            "batch_size": 16.0,
            "optimizer": "sgd",
        }
    ]


def test_run_names_are_unique_and_never_empty(tmp_path: Path) -> None:
    others = """
    INSERT INTO runs VALUES ('b0000000ff', 'first', 'active', 1);
    INSERT INTO runs VALUES ('c0000000ff', '', 'active', 1);
    INSERT INTO runs VALUES ('d0000000ff', NULL, 'active', 1);
    INSERT INTO tags VALUES ('mlflow.runName', 'from a tag', 'd0000000ff');
    """
    path = database(tmp_path / "mlflow.db", SCHEMA, RUN, METRIC, others)
    assert read(path).run_names == ["first", "first-b0000000", "c0000000", "from a tag"]


def test_rows_stay_in_the_order_in_which_they_were_logged(tmp_path: Path) -> None:
    again = METRIC.replace("2.5", "2.0").replace("3, 0", "1, 0")
    path = database(tmp_path / "mlflow.db", SCHEMA, RUN, METRIC, again)
    assert list(read(path).points["step"]) == [3, 1]


def test_deleted_runs_are_left_out(tmp_path: Path) -> None:
    gone = "INSERT INTO runs VALUES ('b0000000ff', 'gone', 'deleted', 1);"
    theirs = METRIC.replace("a0000000ff", "b0000000ff")
    log = read(database(tmp_path / "mlflow.db", SCHEMA, RUN, METRIC, gone, theirs))
    assert log.run_names == ["first"]
    assert len(log.points) == 1
    (finding,) = log.findings
    assert (finding.code, finding.message) == ("PRED008", "1 deleted runs left out: gone")


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ([SCHEMA], "no runs that are not deleted"),
        ([SCHEMA, RUN], "runs but no metrics"),
        ([SCHEMA, RUN.replace("active", "deleted"), METRIC], "no runs that are not deleted"),
    ],
    ids=["nothing", "no metrics", "all deleted"],
)
def test_a_store_without_curves_says_so(scripts: list[str], message: str, tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", *scripts)
    with pytest.raises(InputError, match=f"mlflow.db: .*{message}"):
        read_logs(path)


def test_the_columns_of_the_first_version_suffice(tmp_path: Path) -> None:
    old = """
    CREATE TABLE runs (run_uuid VARCHAR(32), name VARCHAR);
    CREATE TABLE metrics (key VARCHAR, value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32));
    INSERT INTO runs VALUES ('a0000000ff', 'old');
    INSERT INTO metrics VALUES ('loss', 2.5, 1540000000, 'a0000000ff');
    """
    log = read(database(tmp_path / "mlflow.db", old))
    assert log.axes("old", "loss") == ["wall_time"]
    assert list(log.points["wall_time"]) == [1540000000.0]


def test_columns_of_later_versions_are_passed_over(tmp_path: Path) -> None:
    later = "ALTER TABLE metrics ADD COLUMN dataset VARCHAR; ALTER TABLE runs ADD COLUMN more INT;"
    assert len(read(database(tmp_path / "mlflow.db", SCHEMA, RUN, METRIC, later)).points) == 1


@pytest.mark.parametrize(
    "script",
    ["CREATE TABLE metrics (a INT);", "CREATE TABLE loss (step INT, value FLOAT);", ""],
    ids=["other metrics", "other table", "empty"],
)
def test_other_databases_are_not_taken(script: str, tmp_path: Path) -> None:
    path = database(tmp_path / "other.db", "PRAGMA user_version = 1;", script)
    assert not reader.sniff(source(path))


def test_a_database_cut_anywhere_is_refused_in_one_line(tmp_path: Path) -> None:
    many = "".join(METRIC.replace("3, 0", f"{step}, 0") for step in range(2000))
    filled = f"BEGIN;{RUN}{many}COMMIT;"
    whole = database(tmp_path / "whole.db", SCHEMA, filled).read_bytes()
    path = tmp_path / "mlflow.db"
    for size in (100, 4096, 20_000, len(whole) // 2, len(whole) - 4096, len(whole) - 10):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"mlflow.db: [^\n]*copy it again"):
            read(path)


def test_a_damaged_database_is_still_recognised(tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", SCHEMA, RUN, METRIC)
    content = bytearray(path.read_bytes())
    content[100:108] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(InputError, match="copy it again"):
        read_logs(path)


def test_names_with_odd_characters_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "50% of a?b#c"
    folder.mkdir()
    assert len(read(database(folder / "ml flow.db", SCHEMA, RUN, METRIC)).points) == 1


def test_changes_in_a_write_ahead_log_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.executescript(SCHEMA + RUN + METRIC)
    writer.commit()
    assert path.with_name("mlflow.db-wal").stat().st_size > 0
    assert reader.sniff(source(path))
    assert len(read(path).points) == 1
    writer.close()


def test_a_database_at_rest_is_read_without_a_trace(tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", "PRAGMA journal_mode = WAL;", SCHEMA, RUN, METRIC)
    before = path.read_bytes()
    assert os.listdir(tmp_path) == ["mlflow.db"]
    read(path)
    assert os.listdir(tmp_path) == ["mlflow.db"]
    assert path.read_bytes() == before


def test_an_unfinished_change_is_told_from_damage(tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", SCHEMA, RUN, METRIC)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN EXCLUSIVE")
    writer.executemany(
        "INSERT INTO params VALUES (?, ?, 'a0000000ff')", [(str(i), "x" * 500) for i in range(999)]
    )
    assert path.with_name("mlflow.db-journal").stat().st_size > 0
    with pytest.raises(InputError, match="in use or was left in the middle of a change"):
        read(path)
    writer.execute("ROLLBACK")
    writer.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """Return MLflow's own client and the database it writes."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        mlflow = pytest.importorskip("mlflow")
        pytest.importorskip("sqlalchemy")
        pytest.importorskip("alembic")
        client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
        # Without a folder for artifacts, MLflow would make one in the working directory.
        client.create_experiment("sizes", artifact_location=str(folder / "artifacts"))
        yield client, folder / "mlflow.db"
        client._tracking_client.store._dispose_engine()


# MLflow's and SQLAlchemy's own deprecations are theirs to mend.
by_mlflow = pytest.mark.filterwarnings("ignore")


@by_mlflow
def test_a_store_written_by_mlflow(store: tuple[Any, Path]) -> None:
    client, path = store
    experiment = client.get_experiment_by_name("sizes").experiment_id
    run = client.create_run(experiment, run_name="tiny").info.run_id
    client.log_param(run, "batch_size", 32)
    for step in range(4):
        client.log_metric(run, "train/loss", 4.0 / (step + 1), step=step)
        client.log_metric(run, "learning_rate", 0.5**step, step=step)
    gone = client.create_run(experiment, run_name="gone").info.run_id
    client.log_metric(gone, "train/loss", 1.0, step=1)
    client.delete_run(gone)
    log = read_logs(path)
    assert isinstance(log, RunLog)
    assert "tiny" in log.run_names
    assert "gone" not in log.run_names
    facts = log.runs.set_index("run").loc["tiny"]
    assert (facts["batch_size"], facts["run_uuid"]) == (32, run)
    curve = log.curve("tiny", "train/loss")
    assert list(curve["value"]) == [4.0, 2.0, 4 / 3, 1.0]
    assert list(curve["lr"]) == [1.0, 0.5, 0.25, 0.125]
    assert any("gone" in finding.message for finding in log.findings)


points = st.lists(
    st.tuples(
        st.sampled_from(["loss", "val/loss", "val/acc top 5"]),
        st.floats().filter(lambda value: abs(value) != sys.float_info.max),
        st.integers(0, 2**53),
        st.integers(10**12, 2 * 10**12),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda point: point[0::2],
)


@by_mlflow
@settings(max_examples=10, deadline=None)
@given(points=points)
def test_what_mlflow_wrote_is_read(
    points: list[tuple[str, float, int, int]], store: tuple[Any, Path]
) -> None:
    from mlflow.entities import Metric

    client, path = store
    experiment = client.get_experiment_by_name("sizes").experiment_id
    run = client.create_run(experiment).info.run_id
    logged = [Metric(key, value, clock, step) for key, value, step, clock in points]
    client.log_batch(run, metrics=logged)
    log = read(path)
    name = log.runs.loc[log.runs["run_uuid"] == run, "run"].item()
    for key in {point[0] for point in points}:
        written = sorted((point[2], point[1]) for point in points if point[0] == key)
        curve = log.curve(name, key).sort_values("step")
        assert list(curve["step"]) == [float(step) for step, _ in written]
        values = [value for _, value in written]
        assert np.array_equal(curve["value"], values, equal_nan=True)
