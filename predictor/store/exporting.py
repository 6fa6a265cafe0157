"""A workspace written to one file, whole or not at all."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from predictor.errors import InputError
from predictor.store import schema
from predictor.store.document import Counts, Document, Manifest
from predictor.store.files import Files
from predictor.store.store import Store


def export(store: Store, path: Path) -> Counts:
    """Write what an owner has, and has not deleted, to a zip file."""
    with store.files.together():
        document = Document.model_validate(_rows(store))
        partial = ""
        try:
            handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            with os.fdopen(handle, "wb") as stream:
                with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                    _write(store, document, archive)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(partial, 0o644)
            os.replace(partial, path)
        except BaseException as error:
            Path(partial).unlink(missing_ok=True) if partial else None
            if isinstance(error, OSError):
                reason = (error.strerror or "unwritable").lower()
                raise InputError(f"{path}: cannot be written ({reason})") from error
            raise
    return document.counts()


def _write(store: Store, document: Document, archive: zipfile.ZipFile) -> None:
    archive.writestr("manifest.json", Manifest().model_dump_json(indent=2))
    archive.writestr("rows.json", document.model_dump_json(exclude_none=False))
    for member, digest in document.members().items():
        place = place_of(store.files, member, digest)
        if not place.exists():
            raise InputError(f"{place} is missing; 'predictor store verify' says more")
        archive.write(place, member)


def place_of(files: Files, member: str, digest: str) -> Path:
    """Return where a member of an exported file lies in a workspace."""
    return files.uploaded(digest) if member.startswith("files/") else files.table(digest)


def _rows(store: Store) -> dict[str, Any]:
    uploads, runs = schema.uploads, schema.runs
    with store.reading() as connection:

        def select(table: Any, *where: Any) -> list[dict[str, Any]]:
            query = table.select().where(*where).order_by(*table.primary_key.columns)
            return [dict(row) for row in connection.execute(query).mappings()]

        living = (uploads.c.owner == store.owner, uploads.c.deleted.is_(None))
        found = {row["id"]: row for row in select(uploads, *living)}
        members = select(runs, runs.c.owner == store.owner)
        files = select(schema.upload_files, schema.upload_files.c.upload.in_(list(found)))
        forecasts = select(schema.forecasts, schema.forecasts.c.owner == store.owner)
        gates = select(schema.gates, schema.gates.c.owner == store.owner)
    digests = {row["id"]: row["digest"] for row in found.values()}
    origins = {
        r["id"]: (digests[r["upload"]], r["source"]) for r in members if r["upload"] in found
    }
    inner: dict[int, dict[str, list[Any]]] = defaultdict(lambda: {"files": [], "runs": []})
    for file in files:
        inner[file["upload"]]["files"].append(_only(file, "upload"))
    for run in members:
        if run["deleted"] is None:
            inner[run["upload"]]["runs"].append(_only(run, "id", "upload", "owner", "deleted"))
    return {
        "uploads": [
            {**_only(row, "id", "owner", "deleted"), **inner[number]}
            for number, row in found.items()
        ],
        "forecasts": [
            {**_only(row, "id", "owner", "run"), "origin": origins.get(row["run"])}
            for row in forecasts
        ],
        "gates": {row["name"]: row["toml"] for row in gates},
    }


def _only(row: dict[str, Any], *hidden: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in hidden}
