"""The runs of a workspace: a table of them, their logs, and what their owner says of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from math import isfinite
from typing import TYPE_CHECKING, Any

from predictor._version import __version__
from predictor.errors import InputError
from predictor.findings import Finding, Severity
from predictor.logs.tables import ItemLog, ResponseLog, RunLog
from predictor.store import schema
from predictor.store.store import Store, as_findings, storable

if TYPE_CHECKING:
    import pandas as pd

#: What an owner may tell of a run, as the log of many tools does not.
FACTS = ("params", "tokens", "flops")
_LONGEST_NAME = 300
_MOST_TAGS = 50
COLUMNS = (
    "id", "name", "group", "tags", "upload", "format", "points", "metrics", "axes", *FACTS,
    "warnings", "created",
)  # fmt: skip


def runs_frame(store: Store, deleted: bool = False) -> pd.DataFrame:
    """Return one row a run, newest first."""
    import pandas as pd

    table = schema.runs
    gone = table.c.deleted.is_not(None) if deleted else table.c.deleted.is_(None)
    query = table.select().where(table.c.owner == store.owner, gone).order_by(table.c.id.desc())
    with store.reading() as connection:
        rows = [_described(row) for row in connection.execute(query).mappings()]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["created"] = pd.to_datetime(frame["created"], unit="s", utc=True)
    return frame.astype(dict.fromkeys(FACTS, float))


def _described(row: Mapping[Any, Any]) -> dict[str, Any]:
    lists = {name: tuple(row[name]) for name in ("tags", "metrics", "axes")}
    severe = [f for f in as_findings(row["findings"]) if f.severity is not Severity.INFO]
    counts = {**dict.fromkeys(FACTS), **row["counts"], **row["own_facts"]}
    return {**row, **lists, **counts, "warnings": len(severe)}


def run_log(store: Store, ids: Sequence[int] | None = None) -> RunLog:
    """Return the points of runs under the names that they have now.

    Two runs of one name are told apart by their numbers: ``a #3`` and ``a #7``.
    """
    import pandas as pd

    with store.reading() as connection:
        rows = store.own_runs(connection, ids)
        uploads = {n: store.own_upload(connection, n) for n in {row["upload"] for row in rows}}
    if not rows:
        raise InputError("no runs in this workspace yet; add a log first")
    names = present_names(rows)
    parts = [
        _points(store, upload, {r["source"]: names[r["id"]] for r in rows if r["upload"] == number})
        for number, upload in sorted(uploads.items())
    ]
    facts = pd.DataFrame([_facts(row, names[row["id"]]) for row in rows])
    findings = [f for row in rows for f in as_findings(row["findings"], names[row["id"]])]
    findings += [f for upload in uploads.values() for f in as_findings(upload["findings"])]
    return RunLog.from_points(pd.concat(parts, ignore_index=True), facts, findings)


def present_names(rows: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Return a name for each run, by number, that no other of them has."""
    count = Counter(row["name"] for row in rows)
    return {
        row["id"]: row["name"] if count[row["name"]] == 1 else f"{row['name']} #{row['id']}"
        for row in rows
    }


def _facts(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    told = {"run": name, "format": row["format"], **row["facts"], **row["own_facts"]}
    return {**told, "group": row["group"], "tags": " ".join(row["tags"]), "run_id": row["id"]}


def _points(store: Store, upload: Mapping[str, Any], names: Mapping[str, str]) -> pd.DataFrame:
    points = read_table(store, upload, "runs", [("run", "in", list(names))])
    return points.assign(run=points["run"].map(dict(names)))


def read_table(
    store: Store, upload: Mapping[str, Any], kind: str, filters: Any = None
) -> pd.DataFrame:
    """Read the table of a kind that an upload holds.

    Raises
    ------
    InputError
        If the upload holds none, or the file is missing or damaged.
    """
    import pandas as pd
    import pyarrow as pa

    if kind not in upload["tables"]:
        held = ", ".join(upload["kinds"])
        raise InputError(f"upload {upload['id']} ({upload['title']}) holds {held}, no {kind}")
    path = store.files.table(upload["tables"][kind])
    try:
        return pd.read_parquet(path, filters=filters)
    except (OSError, ValueError, pa.ArrowException):
        what = "is damaged" if path.exists() else "is missing"
        raise InputError(
            f"upload {upload['id']} ({upload['title']}): {path} {what}; "
            "'predictor store verify --repair' makes it again from the uploaded files"
        ) from None


def item_log(store: Store, upload: int) -> ItemLog:
    """Return the results per item of an upload."""
    with store.reading() as connection:
        row = store.own_upload(connection, upload)
    return ItemLog(read_table(store, row, "items"), tuple(as_findings(row["findings"])))


def response_log(store: Store, upload: int) -> ResponseLog:
    """Return the scored responses of an upload."""
    with store.reading() as connection:
        row = store.own_upload(connection, upload)
    return ResponseLog(read_table(store, row, "responses"), tuple(as_findings(row["findings"])))


def change(store: Store, ids: Sequence[int], **values: Any) -> None:
    """Change runs, all or none."""
    with store.writing() as connection:
        found = [row["id"] for row in store.own_runs(connection, ids)]
        table = schema.runs
        connection.execute(table.update().where(table.c.id.in_(found)).values(**values))


def rename(store: Store, run: int, name: str) -> None:
    """Give a run another name."""
    change(store, [run], name=_named(name, "a run"))


def set_group(store: Store, ids: Sequence[int], group: str) -> None:
    """Put runs into a group; an empty name takes them out of theirs."""
    change(store, ids, group=_named(group, "a group") if group.strip() else "")


def set_tags(store: Store, ids: Sequence[int], tags: Sequence[str]) -> None:
    """Give runs these tags in place of those that they have."""
    if len(tags) > _MOST_TAGS:
        raise InputError(f"{len(tags)} tags, more than {_MOST_TAGS}; use fewer")
    change(store, ids, tags=sorted({_named(tag, "a tag") for tag in tags}))


def _named(name: str, what: str) -> str:
    plain = " ".join(storable(name).split())
    if not plain or len(plain) > _LONGEST_NAME or not plain.isprintable():
        raise InputError(
            f"'{plain[:40]}': {what} has a name of 1 to {_LONGEST_NAME} printable characters"
        )
    return plain


def set_facts(store: Store, run: int, **facts: float | None) -> None:
    """Tell of a run what its log does not; None takes back what was told.

    Raises
    ------
    InputError
        If it is no positive number, or none of params, tokens and flops.
    """
    for name, value in facts.items():
        if name not in FACTS:
            raise InputError(f"'{name}': facts of a run are {', '.join(FACTS)}")
        if value is not None and not (isfinite(value) and value > 0):
            raise InputError(f"{name} must be a positive number, not {value:g}")
    with store.writing() as connection:
        (row,) = store.own_runs(connection, [run])
        told = {k: v if v is None else float(v) for k, v in facts.items()}
        merged = {k: v for k, v in {**row["own_facts"], **told}.items() if v is not None}
        table = schema.runs
        connection.execute(table.update().where(table.c.id == row["id"]).values(own_facts=merged))


def digest(store: Store, ids: Sequence[int] | None = None) -> str:
    """Return a hash of all that a forecast of these runs rests on, Predictor's version included."""
    with store.reading() as connection:
        rows = store.own_runs(connection, ids)
        tables = {n: store.own_upload(connection, n)["tables"] for n in {r["upload"] for r in rows}}
    names = present_names(rows)
    read = [
        [tables[row["upload"]].get("runs"), row["source"], names[row["id"]], row["facts"],
         row["own_facts"], row["group"], row["tags"]]
        for row in rows
    ]  # fmt: skip
    return sha256(json.dumps([__version__, read], sort_keys=True).encode()).hexdigest()


def findings_of(store: Store, run: int) -> list[Finding]:
    """Return what was noticed in the log of a run."""
    with store.reading() as connection:
        (row,) = store.own_runs(connection, [run])
    return [replace(finding, run=row["name"]) for finding in as_findings(row["findings"])]
