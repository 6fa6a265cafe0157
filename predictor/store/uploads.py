"""Uploads as they are listed: their files, their runs, what was noticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from predictor.findings import Finding
from predictor.store import schema
from predictor.store.store import Store, as_findings

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class StoredFile:
    """One file of an upload.

    Parameters
    ----------
    name : str
        As it came, with its folders.
    sha256 : str
        Hash of its content, in hex.
    size : int
        Bytes.
    """

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Upload:
    """Files that came together, and what they are good for.

    Parameters
    ----------
    id : int
        Number in the workspace.
    title : str
        What the user called it, else the name of its first file or folder.
    created : datetime
        When it came, UTC.
    kinds : tuple of str
        Of "runs", "items", "responses" (logs), "scaling" and "capacity" (tables).
    files : tuple of StoredFile
        The files.
    runs : tuple of int
        Numbers of its runs.
    findings : tuple of Finding
        What was noticed about it as a whole.
    """

    id: int
    title: str
    created: datetime
    kinds: tuple[str, ...]
    files: tuple[StoredFile, ...]
    runs: tuple[int, ...]
    findings: tuple[Finding, ...]


def one_upload(store: Store, number: int) -> Upload:
    """Return an upload that is not deleted."""
    with store.reading() as connection:
        return _described(connection, [store.own_upload(connection, number)])[0]


def all_uploads(store: Store, deleted: bool = False) -> list[Upload]:
    """Return the uploads, newest first."""
    table = schema.uploads
    gone = table.c.deleted.is_not(None) if deleted else table.c.deleted.is_(None)
    query = table.select().where(table.c.owner == store.owner, gone).order_by(table.c.id.desc())
    with store.reading() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
        return _described(connection, rows)


def _described(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[Upload]:
    files, own = schema.upload_files, schema.runs
    numbers = [row["id"] for row in rows]
    held: dict[int, list[StoredFile]] = {number: [] for number in numbers}
    members: dict[int, list[int]] = {number: [] for number in numbers}
    query = files.select().where(files.c.upload.in_(numbers)).order_by(files.c.name)
    for row in connection.execute(query).mappings():
        held[row["upload"]].append(StoredFile(row["name"], row["sha256"], row["size"]))
    living = (own.c.upload.in_(numbers), own.c.deleted.is_(None))
    found = select(own.c.id, own.c.upload).where(*living).order_by(own.c.id)
    for run, number in connection.execute(found):
        members[number].append(run)
    return [_upload(row, held[row["id"]], members[row["id"]]) for row in rows]


def _upload(row: Mapping[str, Any], files: Sequence[StoredFile], runs: Sequence[int]) -> Upload:
    return Upload(
        row["id"],
        row["title"],
        datetime.fromtimestamp(row["created"], UTC),
        tuple(row["kinds"]),
        tuple(files),
        tuple(runs),
        tuple(as_findings(row["findings"])),
    )
