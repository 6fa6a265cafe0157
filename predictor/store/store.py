"""What all work on a workspace needs: its files, its database, and whose rows are meant."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from predictor.errors import InputError
from predictor.findings import KINDS, Finding
from predictor.store import schema
from predictor.store.database import Database
from predictor.store.files import Files
from predictor.store.uploading import Limits

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table


#: More numbers than this are not put into a query: databases bound its parameters.
_FEW = 10_000


@dataclass(frozen=True)
class Store:
    """A workspace as one owner has it.

    Parameters
    ----------
    files : Files
        What was uploaded and read.
    database : Database
        What is known of it.
    owner : str
        Whose rows are seen and changed; empty for the rows that all share.
    limits : Limits
        How much an upload may be.
    """

    files: Files
    database: Database
    owner: str = ""
    limits: Limits = field(default_factory=Limits)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction to read."""
        with self.database.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction to write, whole or not at all; writers of an owner wait in line."""
        with self.database.writing() as connection:
            if not self.database.is_sqlite:
                line = select(func.pg_advisory_xact_lock(func.hashtext(self.owner)))
                connection.execute(line)
            yield connection

    def own_runs(
        self, connection: Connection, ids: Sequence[int] | None
    ) -> list[Mapping[str, Any]]:
        """Return rows of runs that are not deleted, in the order asked for; None for all.

        Raises
        ------
        InputError
            If a run is not there.
        """
        table = schema.runs
        query = table.select().where(table.c.owner == self.owner, table.c.deleted.is_(None))
        chosen = None if ids is None else list(dict.fromkeys(map(int, ids)))
        if chosen is not None and len(chosen) < _FEW:
            query = query.where(table.c.id.in_(chosen))
        rows = connection.execute(query.order_by(table.c.id)).mappings()
        known = {row["id"]: dict(row) for row in rows}
        return [_there(known, n, "run") for n in (known if chosen is None else chosen)]

    def own_upload(self, connection: Connection, number: int) -> Mapping[str, Any]:
        """Return the row of an upload that is not deleted.

        Raises
        ------
        InputError
            If it is not there.
        """
        table = schema.uploads
        query = table.select().where(table.c.owner == self.owner, table.c.deleted.is_(None))
        rows = connection.execute(query.where(table.c.id == int(number))).mappings()
        return _there({row["id"]: dict(row) for row in rows}, int(number), "upload")


def _there(known: Mapping[int, Mapping[str, Any]], number: int, what: str) -> Mapping[str, Any]:
    if number not in known:
        raise InputError(f"no {what} {number} in this workspace; it may have been deleted")
    return known[number]


def insert(connection: Connection, table: Table, **values: Any) -> int:
    """Insert a row; return its number."""
    result = connection.execute(table.insert().values(**values))
    (number,) = result.inserted_primary_key or (None,)
    assert number is not None
    return int(number)


def now() -> float:
    """Return seconds since 1970 UTC."""
    return time.time()


def as_rows(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Return findings as the database keeps them."""
    fields = ("code", "message", "run", "source")
    rows = [{name: getattr(finding, name) for name in fields} for finding in findings]
    return [{name: storable(v) for name, v in row.items() if v is not None} for row in rows]


def as_findings(rows: Sequence[Mapping[str, str]], run: str | None = None) -> list[Finding]:
    """Return kept findings, under the name that their run has now."""
    known = [row for row in rows if row["code"] in KINDS]
    return [Finding(**{**row, **({"run": run} if run is not None else {})}) for row in known]


def storable(text: str) -> str:
    r"""Return text that every database takes: without NUL and halves of surrogate pairs.

    Examples
    --------
    >>> storable("a\0b")
    'a�b'
    """
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
