"""What is deleted can be brought back until it is purged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from predictor.errors import InputError
from predictor.store import schema
from predictor.store.store import Store, insert, now

if TYPE_CHECKING:
    from sqlalchemy import Connection


def delete_runs(store: Store, ids: Sequence[int]) -> int:
    """Delete runs, and an upload that has nothing else left; return what undoes it."""
    runs, uploads = schema.runs, schema.uploads
    with store.writing() as connection:
        rows = store.own_runs(connection, ids)
        if not rows:
            raise InputError("no run was named; give at least one")
        token = insert(connection, schema.deletions, owner=store.owner, created=now())
        chosen = [row["id"] for row in rows]
        connection.execute(runs.update().where(runs.c.id.in_(chosen)).values(deleted=token))
        emptied = _without_runs(connection, {row["upload"] for row in rows})
        connection.execute(uploads.update().where(uploads.c.id.in_(emptied)).values(deleted=token))
    return token


def _without_runs(connection: Connection, numbers: set[int]) -> list[int]:
    """Return the uploads that held runs only, all of which are deleted."""
    runs, uploads = schema.runs, schema.uploads
    living = select(runs.c.upload).where(runs.c.upload.in_(numbers), runs.c.deleted.is_(None))
    left = set(connection.execute(living).scalars())
    rows = connection.execute(uploads.select().where(uploads.c.id.in_(numbers - left))).mappings()
    return [row["id"] for row in rows if row["kinds"] == ["runs"]]


def delete_upload(store: Store, number: int) -> int:
    """Delete an upload with its runs; return what undoes it."""
    runs, uploads = schema.runs, schema.uploads
    with store.writing() as connection:
        store.own_upload(connection, number)
        token = insert(connection, schema.deletions, owner=store.owner, created=now())
        connection.execute(uploads.update().where(uploads.c.id == number).values(deleted=token))
        left = (runs.c.upload == number, runs.c.deleted.is_(None))
        connection.execute(runs.update().where(*left).values(deleted=token))
    return token


def undo(store: Store, token: int) -> None:
    """Bring back what was deleted together.

    Raises
    ------
    InputError
        If there is nothing to bring back: it was purged, or brought back before.
    """
    table = schema.deletions
    with store.writing() as connection:
        mine = (table.c.id == token, table.c.owner == store.owner)
        if connection.execute(select(table.c.id).where(*mine)).scalar() is None:
            raise InputError(f"nothing to undo as {token}: it was purged or is back already")
        for rows in (schema.runs, schema.uploads):
            connection.execute(rows.update().where(rows.c.deleted == token).values(deleted=None))
        connection.execute(table.delete().where(*mine))


def purge(store: Store) -> int:
    """Remove what was deleted, and files that nobody refers to; return the bytes freed."""
    with store.files.alone():
        with store.writing() as connection:
            for table in (schema.runs, schema.uploads):
                gone = (table.c.owner == store.owner, table.c.deleted.is_not(None))
                connection.execute(table.delete().where(*gone))
            mine = schema.deletions.c.owner == store.owner
            connection.execute(schema.deletions.delete().where(mine))
        return sum(map(_remove, list(unreferenced(store))))


def unreferenced(store: Store) -> Iterator[Path]:
    """Yield files of the workspace that no row of any owner refers to."""
    known = {path for path, _ in referenced(store)}
    yield from (path for path in store.files.all() if path not in known)


def referenced(store: Store) -> list[tuple[Path, str]]:
    """Return every file that a row of any owner refers to, with its hash."""
    files, uploads = schema.upload_files, schema.uploads
    with store.reading() as connection:
        hashes = set(connection.execute(select(files.c.sha256)).scalars())
        tables = {
            t
            for row in connection.execute(select(uploads.c.tables)).scalars()
            for t in row.values()
        }
    kept = [(store.files.uploaded(one), one) for one in sorted(hashes)]
    return kept + [(store.files.table(one), one) for one in sorted(tables)]


def _remove(path: Path) -> int:
    size = path.stat().st_size
    path.unlink()
    return size
