"""Whether a workspace is whole, and what can be mended in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.store import schema
from predictor.store.adding import parse, places
from predictor.store.deleting import referenced, unreferenced
from predictor.store.files import hash_of
from predictor.store.store import Store


def verify(store: Store, repair: bool = False) -> list[Finding]:
    """Check every file and the database; with ``repair``, mend what can be mended.

    Tables that were read from uploads are made again from the uploaded files, and files that
    nothing refers to are removed. What is found is returned, mended or not.
    """
    with store.files.together():
        damage = list(_database(store))
        if damage:
            return damage
        found = list(_damaged(store))
        findings = [_damage(store, path, digest, repair) for path, digest in found]
    with store.files.alone():
        left = [*unreferenced(store), *store.files.left_over()]
        return findings + [_orphan(store, path, repair) for path in left]


def _database(store: Store) -> Iterator[Finding]:
    """Ask the database whether it is sound; PostgreSQL sees to that itself."""
    if not store.database.is_sqlite:
        return
    try:
        with store.reading() as connection:
            said = connection.execute(text("PRAGMA integrity_check")).scalars().all()
            dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
    except InputError as error:
        yield Finding("PRED704", str(error))
        return
    if list(said) != ["ok"]:
        yield Finding("PRED704", f"{store.database.name}: {said[0]}; put a backup back")
    if dangling:
        yield Finding("PRED704", f"{store.database.name}: {len(dangling)} rows refer to none")


def _damaged(store: Store) -> Iterator[tuple[Path, str]]:
    """Yield files that are not there, or whose content is not what their name says."""
    for path, digest in referenced(store):
        try:
            sound = hash_of(path) == digest
        except OSError:
            sound = False
        if not sound:
            yield path, digest


def _damage(store: Store, path: Path, digest: str, repair: bool) -> Finding:
    code, what = ("PRED702", "is damaged") if path.exists() else ("PRED701", "is missing")
    uploads = _holders(store, digest)
    titles = ", ".join(f"{row['id']} ({row['title']})" for row in uploads)
    if path.suffix != ".parquet":
        return Finding(code, f"{path} {what}: upload {titles}; upload the same file again")
    if not repair:
        return Finding(code, f"{path} {what}: upload {titles}; --repair makes it again")
    try:
        for row in uploads:
            _make_again(store, row)
    except InputError as error:
        return Finding(code, f"{path} {what} and could not be made again ({error})")
    return Finding(code, f"{path} {what}: upload {titles}; it was made again")


def _holders(store: Store, digest: str) -> list[dict[str, Any]]:
    """Return the uploads, of any owner, that a file or table belongs to."""
    uploads, files = schema.uploads, schema.upload_files
    holding = select(files.c.upload).where(files.c.sha256 == digest)
    with store.reading() as connection:
        numbers = set(connection.execute(holding).scalars())
        rows = [dict(row) for row in connection.execute(uploads.select()).mappings()]
    return [row for row in rows if row["id"] in numbers or digest in row["tables"].values()]


def _make_again(store: Store, upload: dict[str, Any]) -> None:
    """Read an upload's files again and keep the tables."""
    files, uploads, runs = schema.upload_files, schema.uploads, schema.runs
    with store.reading() as connection:
        query = select(files.c.name, files.c.sha256).where(files.c.upload == upload["id"])
        stored = {row.name: store.files.uploaded(row.sha256) for row in connection.execute(query)}
        known = select(runs.c.source).where(runs.c.upload == upload["id"])
        sources = set(connection.execute(known).scalars())
    unsound = [name for name, path in stored.items() if path in dict(_damaged(store))]
    if unsound:
        raise InputError(f"{unsound[0]} is not sound either; upload it again first")
    with store.files.scratch() as folder:
        parsed = parse(stored, folder, upload["title"])
        log: Any = parsed.content.logs.get("runs")
        if sources - set(log.run_names if log is not None else ()):
            raise InputError("this version of Predictor finds other runs in it")
        store.files.keep(places(store, parsed))
    with store.writing() as connection:
        mine = uploads.c.id == upload["id"]
        connection.execute(uploads.update().where(mine).values(tables=dict(parsed.hashes)))


def _orphan(store: Store, path: Path, repair: bool) -> Finding:
    name = path.relative_to(store.files.folder)
    if not repair:
        return Finding("PRED703", f"{name} belongs to nothing that is stored; --repair removes it")
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    return Finding("PRED703", f"{name} belonged to nothing that is stored; it was removed")
