"""MLflow's SQLite store, ``mlflow.db``: read-only, whatever version wrote it."""

from __future__ import annotations

import struct
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from predictor.findings import Finding
from predictor.logs.readers.mlflow_files import as_facts, in_seconds
from predictor.logs.readers.tensorboard import carry_places
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

if TYPE_CHECKING:
    import sqlite3

_MAGIC = b"SQLite format 3\x00"
#: MLflow stores infinity as the largest double.
_INFINITY = sys.float_info.max
#: Seconds to wait for another process to end its change.
_PATIENCE = 2.0


def sniff(source: Source) -> bool:
    """Return whether this is a SQLite file with MLflow's tables."""
    if not source.head.startswith(_MAGIC) or source.compressed:
        return False
    import sqlite3

    try:
        with _opened(source) as database:
            wanted = {"run_uuid", "key", "value"} <= _columns(database, "metrics")
            return wanted and "run_uuid" in _columns(database, "runs")
    except (sqlite3.Error, UnicodeDecodeError):
        # A damaged database is still one: reading it says what is wrong.
        return b"CREATE TABLE metrics" in source.head and b"run_uuid" in source.head


def read(source: Source) -> Sequence[Log]:
    """Read metrics, params and names of all runs that are not deleted.

    Raises
    ------
    InputError
        If the database is damaged or locked, or holds no metrics of runs that are not deleted.
    """
    import sqlite3

    if not _unfinished(source.path) and _is_cut(source):
        raise source.error("the SQLite database is cut off; copy it again")
    try:
        with _opened(source) as database:
            return [_read(database, source)]
    except sqlite3.OperationalError as error:
        if not _unfinished(source.path):
            raise source.error(f"the database cannot be read ({error}); copy it again") from None
        raise source.error(
            f"the database is in use or was left in the middle of a change ({error}); "
            "close what writes to it, or copy it with the files beside it to another folder"
        ) from None
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # SQLite quotes what is damaged in its message, and that need not be text.
        what = str(error).partition("\n")[0]
        raise source.error(f"the SQLite database is damaged ({what}); copy it again") from None


@contextmanager
def _opened(source: Source) -> Iterator[sqlite3.Connection]:
    import sqlite3

    # At rest nothing need be locked, or created beside the file: that also works where the file
    # system knows no locks and where nothing may be written.
    frozen = "" if _unfinished(source.path) else "&immutable=1"
    place = f"file:{quote(str(source.path.absolute()))}?mode=ro{frozen}"
    database = sqlite3.connect(place, uri=True, timeout=_PATIENCE)
    database.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
    try:
        yield database
    finally:
        database.close()


def _unfinished(path: Path) -> bool:
    """Return whether a write-ahead log or rollback journal holds changes for the database."""
    beside = [path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")]
    return any(file.is_file() and file.stat().st_size for file in beside)


def _is_cut(source: Source) -> bool:
    """Return whether the file is shorter than its header says: SQLite itself reads on in zeros."""
    header = source.head[:100]
    if len(header) < 100:
        return True
    (page,) = struct.unpack(">H", header[16:18])
    changed, pages = struct.unpack(">II", header[24:32])
    (counted_at,) = struct.unpack(">I", header[92:96])
    # Very old versions of SQLite do not keep the number of pages.
    size = (65536 if page == 1 else page) * pages
    return changed == counted_at and source.path.stat().st_size < size


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


def _read(database: sqlite3.Connection, source: Source) -> RunLog:
    facts, deleted = _runs(database, source)
    if not facts:
        raise source.error("the MLflow database holds no runs that are not deleted")
    points = _points(database)
    points = points[points["uuid"].isin(list(facts))].reset_index(drop=True)
    if points.empty:
        raise source.error("the MLflow database holds runs but no metrics; name another store")
    points["run"] = points["uuid"].map({uuid: fact["run"] for uuid, fact in facts.items()})
    findings = []
    if deleted:
        more = f" and {len(deleted) - 5} more" if len(deleted) > 5 else ""
        message = f"{len(deleted)} deleted runs left out: {', '.join(deleted[:5])}{more}"
        findings.append(Finding("PRED008", message, source=source.name))
    return RunLog.from_points(carry_places(points), pd.DataFrame(list(facts.values())), findings)


def _points(database: sqlite3.Connection) -> pd.DataFrame:
    """Return all metrics in the order in which they were logged."""
    there = _columns(database, "metrics")
    optional = [name if name in there else "NULL" for name in ("timestamp", "step", "is_nan")]
    query = f"SELECT run_uuid, key, value, {', '.join(optional)} FROM metrics ORDER BY rowid"
    columns = ["uuid", "metric", "value", "wall_time", "step", "is_nan"]
    points = pd.DataFrame(database.execute(query).fetchall(), columns=columns)
    for name in ("value", "wall_time", "step"):
        points[name] = pd.to_numeric(points[name], errors="coerce").astype("float64")
    points["wall_time"] = points["wall_time"].map(in_seconds)
    missing = points["is_nan"].isin([1, True])
    huge = points["value"].abs() == _INFINITY
    points["value"] = points["value"].mask(huge, np.sign(points["value"]) * np.inf).mask(missing)
    return points


def _runs(
    database: sqlite3.Connection, source: Source
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the facts of each run by its id, and the names of deleted runs."""
    there = _columns(database, "runs")
    wanted = ("name", "lifecycle_stage", "experiment_id")
    optional = [name if name in there else "NULL" for name in wanted]
    query = f"SELECT run_uuid, {', '.join(optional)} FROM runs ORDER BY rowid"
    tags, params = _texts(database, "tags"), _texts(database, "params")
    facts: dict[str, dict[str, Any]] = {}
    deleted, taken = [], set[str]()
    for uuid, given, stage, experiment in database.execute(query):
        run = str(tags[uuid].get("mlflow.runName") or given or str(uuid)[:8])
        if stage == "deleted":
            deleted.append(run)
            continue
        run = run if run not in taken else f"{run}-{str(uuid)[:8]}"
        taken.add(run)
        facts[uuid] = {"run": run, "format": "mlflow-sqlite", "source": source.name}
        facts[uuid] |= {"run_uuid": uuid, "experiment_id": str(experiment)}
        facts[uuid] |= as_facts(params[uuid])
    return facts, deleted


def _texts(database: sqlite3.Connection, table: str) -> Mapping[str, dict[str, str]]:
    """Return params or tags by run; without such a table none."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    if {"run_uuid", "key", "value"} <= _columns(database, table):
        for uuid, key, value in database.execute(f"SELECT run_uuid, key, value FROM {table}"):
            found[uuid][str(key)] = str(value)
    return found


READER = Reader(
    name="mlflow-sqlite",
    description="MLflow SQLite store (mlflow.db)",
    sniff=sniff,
    read=read,
)
