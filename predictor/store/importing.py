"""An exported workspace taken in: every size, hash and row checked before anything is kept."""

from __future__ import annotations

import zipfile
import zlib
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from predictor.errors import InputError
from predictor.logs.tables import POINT_COLUMNS
from predictor.store import schema
from predictor.store.adding import digest_of, known_upload
from predictor.store.document import FORM, Counts, Document, ForecastRow, Manifest, UploadRow
from predictor.store.exporting import place_of
from predictor.store.recording import insert_new, known_keys
from predictor.store.store import Store, insert, now
from predictor.store.uploading import checked_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CHUNK = 1 << 20
_LARGEST_DOCUMENT = 512 * 1024**2
_LARGEST_TABLE = 4 * 1024**3
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, UnicodeError)
_Model = TypeVar("_Model", bound=BaseModel)
#: Run of the workspace by the digest of its upload and its name in the log.
_Origins = dict[tuple[str, str], int]


def load(store: Store, path: Path) -> Counts:
    """Take in what :func:`predictor.store.exporting.export` wrote; what is there stays as it is."""
    with store.files.staging() as folder, store.files.in_words():
        try:
            with zipfile.ZipFile(path) as archive:
                document = _document(archive, path)
                staged = {
                    member: _staged(archive, member, digest, folder, document, path)
                    for member, digest in document.members().items()
                }
        except _DAMAGE as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(f"{path}: no exported workspace, or damaged ({reason})") from None
        except FileNotFoundError:
            raise InputError(f"{path}: there is no such file; check the path") from None
        _check_tables(document, staged, path)
        members = document.members().items()
        store.files.keep({staged[m]: place_of(store.files, m, digest) for m, digest in members})
        with store.writing() as connection:
            return _merge(store, connection, document)


def _document(archive: zipfile.ZipFile, path: Path) -> Document:
    _parsed(Manifest, archive, "manifest.json", path)
    document = _parsed(Document, archive, "rows.json", path)
    for upload in document.uploads:
        names = [(checked_name(file.name), file.sha256) for file in upload.files]
        if digest_of(names) != upload.digest or len({name for name, _ in names}) < len(names):
            raise InputError(f"{path}: upload '{upload.title[:40]}' is not what its hash says")
    return document


def _parsed(model: type[_Model], archive: zipfile.ZipFile, member: str, path: Path) -> _Model:
    with archive.open(member) as stream:
        content = stream.read(_LARGEST_DOCUMENT + 1)
    if len(content) > _LARGEST_DOCUMENT:
        raise InputError(f"{path}: {member} is larger than {_LARGEST_DOCUMENT // 1024**2} MiB")
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: {member}: {place}: {first['msg']}; this version of Predictor reads {FORM}"
        ) from None


def _staged(
    archive: zipfile.ZipFile, member: str, digest: str, folder: Path, document: Document, path: Path
) -> Path:
    """Unpack one file under its hash; no more of it than its size says."""
    sizes = {f"files/{file.sha256}": file.size for up in document.uploads for file in up.files}
    most = sizes.get(member, _LARGEST_TABLE)
    place, seen, size = folder / member.replace("/", "-"), sha256(), 0
    with archive.open(member) as stream, place.open("xb") as kept:
        while block := stream.read(_CHUNK):
            size += len(block)
            if size > most:
                raise InputError(f"{path}: {member} is larger than it should be; export it again")
            seen.update(block)
            kept.write(block)
    if seen.hexdigest() != digest:
        raise InputError(f"{path}: {member} is damaged: its content has another hash")
    return place


def _check_tables(document: Document, staged: dict[str, Path], path: Path) -> None:
    """Refuse tables of runs that are none, or that lack a run."""
    import pandas as pd
    import pyarrow as pa

    for upload in document.uploads:
        for kind, digest in upload.tables.items():
            try:
                frame = pd.read_parquet(staged[f"logs/{digest}.parquet"])
            except (OSError, ValueError, pa.ArrowException):
                raise InputError(f"{path}: the table {digest[:12]} is no Parquet file") from None
            lacking = set(POINT_COLUMNS) - set(frame.columns) if kind == "runs" else set()
            named = {run.source for run in upload.runs}
            if lacking or (named and not named <= set(frame.get("run", ()))):
                raise InputError(f"{path}: the table {digest[:12]} does not hold its runs")


def _merge(store: Store, connection: Connection, document: Document) -> Counts:
    origins: _Origins = {}
    uploads = runs = 0
    for upload in document.uploads:
        number = known_upload(store, upload.digest, connection)
        if number is None:
            number = _insert(store, connection, upload)
            uploads, runs = uploads + 1, runs + len(upload.runs)
        table = schema.runs
        for row in connection.execute(table.select().where(table.c.upload == number)):
            origins[upload.digest, row.source] = row.id
    forecasts = _forecasts(store, connection, document.forecasts, origins)
    return Counts(uploads, runs, forecasts, _gates(store, connection, document.gates))


def _insert(store: Store, connection: Connection, upload: UploadRow) -> int:
    row = upload.model_dump(exclude_none=False)
    files, runs = row.pop("files"), row.pop("runs")
    row["findings"] = _without_none(row["findings"])
    number = insert(connection, schema.uploads, owner=store.owner, **row)
    inner = {"upload": number}
    if files:
        connection.execute(schema.upload_files.insert(), [{**file, **inner} for file in files])
    if runs:
        rows = [
            {**run, **inner, "owner": store.owner, "findings": _without_none(run["findings"])}
            for run in runs
        ]
        connection.execute(schema.runs.insert(), rows)
    return number


def _without_none(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in finding.items() if v is not None} for finding in findings]


def _forecasts(
    store: Store, connection: Connection, forecasts: list[ForecastRow], origins: _Origins
) -> int:
    rows = []
    for forecast in forecasts:
        row = forecast.model_dump()
        origin = row.pop("origin")
        run = origins.get(origin) if origin is not None else None
        rows.append({**row, "owner": store.owner, "run": run})
    before = known_keys(store, connection, [row["key"] for row in rows])
    new = [row for row in rows if row["key"] not in before]
    insert_new(connection, new)
    return len({row["key"] for row in new})


def _gates(store: Store, connection: Connection, gates: dict[str, str]) -> int:
    """Take in gates; one that differs from that of the same name comes under a name of its own."""
    table, new = schema.gates, 0
    mine = table.c.owner == store.owner
    known = {row.name: row.toml for row in connection.execute(table.select().where(mine))}
    for name, toml in gates.items():
        if known.get(name) == toml or known.get(f"{name} (imported)") == toml:
            continue
        free = name if name not in known else f"{name} (imported)"
        connection.execute(table.delete().where(mine, table.c.name == free))
        row = {"owner": store.owner, "name": free, "toml": toml, "created": now()}
        connection.execute(table.insert().values(row))
        new += 1
    return new
