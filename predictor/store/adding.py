"""Uploads: received, read, kept; files are safe on disk before the database tells of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from predictor.findings import Finding
from predictor.logs.inspection import inspect_logs
from predictor.logs.reading import Kind
from predictor.logs.tables import AXES, ItemLog, ResponseLog, RunLog
from predictor.store import schema
from predictor.store.content import Content, read_content
from predictor.store.files import hash_of, lay_out
from predictor.store.store import Store, as_rows, insert, now, storable
from predictor.store.uploading import Given, Received, Receiver

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection

#: Columns of ``RunLog.runs`` that have a place of their own in the database.
_PLACED = frozenset({"run", "format"})
_LONGEST_TITLE = 200


@dataclass(frozen=True)
class Parsed:
    """What was read from an upload, ready to be kept.

    Parameters
    ----------
    content : Content
        The logs.
    tables : mapping of str to Path
        A Parquet file for each kind of log.
    hashes : mapping of str to str
        Their hashes.
    """

    content: Content
    tables: Mapping[Kind, Path]
    hashes: Mapping[Kind, str]


def add(store: Store, files: Sequence[Given | tuple[str, Any]], title: str = "") -> int:
    """Keep files that belong together; return the number of the upload.

    The same files of the same owner are kept once.
    """
    given = [Given(*one) for one in files]
    with store.files.staging() as folder, store.files.in_words():
        receiver = Receiver(folder, store.limits)
        received = receiver.receive(given)
        digest = digest_of([(file.name, file.sha256) for file in received])
        known = known_upload(store, digest)
        if known is not None:
            _keep_files(store, received)
            return known
        title = storable(title.strip())[:_LONGEST_TITLE] or _title(given)
        parsed = parse({file.name: file.path for file in received}, folder, title)
        _keep_files(store, received)
        store.files.keep(places(store, parsed))
        with store.writing() as connection:
            again = known_upload(store, digest, connection)
            if again is not None:
                return again
            return _insert(store, connection, digest, title, received, parsed, receiver.findings)


def _keep_files(store: Store, received: Sequence[Received]) -> None:
    """Keep uploaded bytes; a stored file that is damaged becomes sound again."""
    store.files.keep({file.path: store.files.uploaded(file.sha256) for file in received})


def places(store: Store, parsed: Parsed) -> dict[Path, Path]:
    """Return where the tables that were read belong."""
    return {path: store.files.table(parsed.hashes[kind]) for kind, path in parsed.tables.items()}


def digest_of(files: Sequence[tuple[str, str]]) -> str:
    """Return the hash of a set of named contents."""
    return sha256(
        "\n".join(f"{digest} {name}" for name, digest in sorted(files)).encode()
    ).hexdigest()


def parse(files: Mapping[str, Path], folder: Path, title: str) -> Parsed:
    """Read files into tables, in a folder whose name stands for a run that nothing else names."""
    root = lay_out(files, folder / "logs" / _folder_name(title))
    content = read_content(root, list(files))
    logs = {kind: clean_names(log) for kind, log in content.logs.items()}
    tables = {kind: folder / f"{kind}.parquet" for kind in logs}
    for kind, log in logs.items():
        _frame(log).to_parquet(tables[kind], index=False, compression="zstd")
    hashes = {kind: hash_of(path) for kind, path in tables.items()}
    return Parsed(replace(content, logs=logs), tables, hashes)


def _frame(log: RunLog | ItemLog | ResponseLog) -> pd.DataFrame:
    if isinstance(log, RunLog):
        return log.points
    return log.items if isinstance(log, ItemLog) else log.responses


def clean_names(log: Any) -> Any:
    """Return a log whose run names every database takes."""
    if not isinstance(log, RunLog):
        return log
    new = {run: storable(run) for run in log.run_names if storable(run) != run}
    if not new:
        return log
    points, runs = log.points.replace({"run": new}), log.runs.replace({"run": new})
    return RunLog(points, runs, log.findings)


def _folder_name(title: str) -> str:
    """Return what to call a run that nothing else names: the title without a file's ending.

    Examples
    --------
    >>> [_folder_name(title) for title in ("my run 0.1", "a.csv.gz and 2 more", "metrics.csv")]
    ['my-run-0.1', 'a', 'run']
    """
    plain = re.sub(r"(\.[A-Za-z]\w{0,7})*( and \d+ more)?$", "", title)
    name = re.sub(r"[^\w.-]+", "-", plain).strip(".-")[:60]
    return "run" if name in ("", "metrics", "files") else name


def _title(given: Sequence[Given]) -> str:
    tops = list(dict.fromkeys(PurePosixPath(one.name).parts[0] for one in given))
    first = storable(tops[0])[:_LONGEST_TITLE]
    return f"{first} and {len(tops) - 1} more" if len(tops) > 1 else first


def known_upload(store: Store, digest: str, connection: Connection | None = None) -> int | None:
    """Return the upload of the same files, if its owner has it and has not deleted it."""
    if connection is None:
        with store.reading() as opened:
            return known_upload(store, digest, opened)
    table = schema.uploads
    mine = (table.c.owner == store.owner, table.c.digest == digest, table.c.deleted.is_(None))
    return connection.execute(table.select().where(*mine)).scalar()


def _insert(
    store: Store,
    connection: Connection,
    digest: str,
    title: str,
    received: Sequence[Received],
    parsed: Parsed,
    noticed: Sequence[Finding],
) -> int:
    findings = (*noticed, *parsed.content.findings)
    upload = insert(
        connection,
        schema.uploads,
        owner=store.owner,
        digest=digest,
        title=title,
        created=now(),
        kinds=list(parsed.content.kinds),
        tables=dict(parsed.hashes),
        findings=as_rows([f for f in findings if f.run is None]),
    )
    files = [
        {"upload": upload, "name": f.name, "sha256": f.sha256, "size": f.size} for f in received
    ]
    connection.execute(schema.upload_files.insert(), files)
    log = parsed.content.logs.get("runs")
    rows = run_rows(log, findings) if isinstance(log, RunLog) else []
    if rows:
        shared = {"upload": upload, "owner": store.owner, "created": now(), "own_facts": {}}
        connection.execute(schema.runs.insert(), [{**row, **shared} for row in rows])
    return upload


def run_rows(log: RunLog, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return one row of the database a run."""
    by_run: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_run[finding.run or ""].append(finding)
    facts = {str(row["run"]): row for row in log.runs.to_dict("records")}
    ends = _ends(log)
    rows = []
    for told in inspect_logs(log):
        own = _plain({str(k): v for k, v in facts[told["run"]].items() if k not in _PLACED})
        counts = {k: told[k] for k in ("params", "tokens", "flops") if told[k] is not None}
        rows.append({
            "source": told["run"],
            "name": told["run"],
            "group": "",
            "tags": [],
            "format": told["format"] or "",
            "points": told["points"],
            "metrics": [storable(metric) for metric in told["metrics"]],
            "axes": told["axes"],
            "ends": ends[told["run"]],
            "counts": counts,
            "facts": own,
            "findings": as_rows(by_run[told["run"]]),
        })  # fmt: skip
    return rows


def _ends(log: RunLog) -> dict[str, dict[str, dict[str, float]]]:
    """Return the last place of each run and metric on each axis that it has."""
    last = log.points.groupby(["run", "metric"], sort=False)[list(AXES)].max()
    ends: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for (run, metric), row in zip(last.index, last.to_dict("records"), strict=True):
        places = {str(axis): float(at) for axis, at in row.items() if np.isfinite(at)}
        ends[str(run)][storable(str(metric))] = places
    return ends


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a JSON document can hold; what is not known is left out."""
    plain = {storable(k): v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
    kept = {k: v for k, v in plain.items() if isinstance(v, str | bool | int | float)}
    kept |= {k: str(v) for k, v in plain.items() if k not in kept and v is not None}
    return {
        key: storable(value) if isinstance(value, str) else value
        for key, value in kept.items()
        if not (isinstance(value, float) and not np.isfinite(value))
    }
