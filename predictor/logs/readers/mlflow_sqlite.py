"""MLflow's SQLite store, ``mlflow.db``: read-only, whatever version wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from predictor.findings import Finding
from predictor.logs.readers.mlflow_files import as_value
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

if TYPE_CHECKING:
    import sqlite3

_MAGIC = b"SQLite format 3\x00"
_MILLISECOND = 1e-3


def sniff(source: Source) -> bool:
    """Return whether this is a SQLite file with MLflow's tables."""
    if not source.head.startswith(_MAGIC) or source.compressed:
        return False
    import sqlite3

    try:
        with _opened(source) as database:
            return {"run_uuid", "key", "value", "step"} <= _columns(database, "metrics")
    except sqlite3.Error:
        # A damaged database is still one: reading it says what is wrong.
        return b"CREATE TABLE metrics" in source.head and b"run_uuid" in source.head


def read(source: Source) -> Sequence[Log]:
    """Read metrics, params and run names of all runs that are not deleted."""
    import sqlite3

    try:
        with _opened(source) as database:
            return [_read(database, source)]
    except sqlite3.Error as error:
        raise source.error(f"the SQLite database is damaged ({error}); copy it again") from None


@contextmanager
def _opened(source: Source) -> Iterator[sqlite3.Connection]:
    import sqlite3

    log = source.path.with_name(source.path.name + "-wal")
    # Without a write-ahead log nothing need be locked or created beside the file.
    frozen = "" if log.is_file() and log.stat().st_size else "&immutable=1"
    place = f"file:{quote(str(source.path.absolute()))}?mode=ro{frozen}"
    database = sqlite3.connect(place, uri=True)
    database.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
    try:
        yield database
    finally:
        database.close()


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


def _read(database: sqlite3.Connection, source: Source) -> RunLog:
    facts, deleted = _runs(database, source)
    flag = "is_nan" if "is_nan" in _columns(database, "metrics") else "0"
    query = f"SELECT run_uuid, key, timestamp, value, step, {flag} FROM metrics"
    columns = ["uuid", "metric", "wall_time", "value", "step", "is_nan"]
    points = pd.DataFrame(database.execute(query).fetchall(), columns=columns)
    points = points[points["uuid"].isin(list(facts))]
    points["run"] = points["uuid"].map({uuid: fact["run"] for uuid, fact in facts.items()})
    points["wall_time"] = pd.to_numeric(points["wall_time"], errors="coerce") * _MILLISECOND
    points["value"] = pd.to_numeric(points["value"], errors="coerce")
    points["value"] = points["value"].mask(points["is_nan"].astype(bool))
    # The table has no order of its own; within a step the clock decides which came last.
    points = points.sort_values(["run", "metric", "wall_time", "step"], kind="stable")
    findings = []
    if deleted:
        names = ", ".join(deleted[:5])
        findings.append(Finding("PRED008", f"{source.name}: deleted runs left out: {names}"))
    runs = pd.DataFrame(list(facts.values()))
    if runs.empty:
        raise source.error("the MLflow database holds no runs that are not deleted")
    return RunLog.from_points(points, runs, findings)


def _runs(
    database: sqlite3.Connection, source: Source
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the facts of each run by its id, and the names of deleted runs."""
    there = _columns(database, "runs")
    name = "name" if "name" in there else "NULL"
    stage = "lifecycle_stage" if "lifecycle_stage" in there else "'active'"
    query = f"SELECT run_uuid, {name}, {stage} FROM runs ORDER BY rowid"
    facts: dict[str, dict[str, Any]] = {}
    deleted, taken = [], set[str]()
    for uuid, given, lifecycle in database.execute(query):
        run = given or str(uuid)[:8]
        if lifecycle == "deleted":
            deleted.append(run)
            continue
        run = run if run not in taken else f"{run}-{str(uuid)[:8]}"
        taken.add(run)
        facts[uuid] = {
            "run": run,
            "format": "mlflow-sqlite",
            "source": source.name,
            "run_uuid": uuid,
        }
    if _columns(database, "params"):
        for uuid, key, value in database.execute("SELECT run_uuid, key, value FROM params"):
            if uuid in facts:
                facts[uuid].setdefault(str(key), as_value(str(value)))
    return facts, deleted


READER = Reader(
    name="mlflow-sqlite",
    description="MLflow SQLite store (mlflow.db)",
    sniff=sniff,
    read=read,
)
