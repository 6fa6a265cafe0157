"""The database of a workspace: SQLite in its folder, or PostgreSQL by URL; errors in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from predictor.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

#: Seconds that a process waits for another one that is writing.
PATIENCE = 30.0
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")
_WRITES = {"writes": True}
#: What SQLite says, and what that means for a person.
_TROUBLES = {
    "database or disk is full": "the disk is full; free some space and try again, nothing is lost",
    "disk i/o error": "the disk is full or failing; free some space or mend it and try again",
    "readonly": "the folder is read-only; make it writable",
    "read-only": "the folder is read-only; make it writable",
    "unable to open": "cannot be opened; check that the folder is there and may be written to",
    "locked": f"another process has been writing for {PATIENCE:g} s; try again",
    "malformed": "the database is damaged; 'predictor store verify' says more, put a backup back",
    "not a database": "this is no SQLite database; put a backup back or move the file away",
}


class Database:
    """Connections to a workspace's database.

    Parameters
    ----------
    url : URL
        As SQLAlchemy has it.

    Raises
    ------
    InputError
        From every use: the database is away, damaged, locked or full.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.engine = _engine(url)

    @property
    def name(self) -> str:
        """The file, or the URL without its password."""
        if self.is_sqlite and self.url.database:
            return self.url.database
        return self.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file of the workspace's own."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database."""
        with self._in_words(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is carried out whole, or not at all where an error leaves it."""
        with self._in_words(), self.engine.connect() as connection:
            connection = connection.execution_options(**_WRITES)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise InputError(f"workspace {self.name}: {_reason(error)}") from error


def url_of(folder: Path, database: str | None) -> URL:
    """Return where the database of a workspace is.

    Raises
    ------
    InputError
        If the URL cannot be read or names another kind of database.
    """
    if database is None:
        return URL.create("sqlite", database=str(folder / "predictor.db"))
    try:
        url = make_url(database)
    except ArgumentError:
        raise InputError(f"--database: no URL such as {_EXAMPLE}") from None
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise InputError(f"--database: {url.get_backend_name()} is not supported; use {_EXAMPLE}")
    return url


_EXAMPLE = "postgresql+psycopg://user@host/name"


def _engine(url: URL) -> Engine:
    writer = partial(json.dumps, allow_nan=False)
    sqlite = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = {"connect_args": {"timeout": PATIENCE}} if sqlite else {
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": 10},
    }  # fmt: skip
    try:
        engine = create_engine(url, json_serializer=writer, **options)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise MissingExtraError("a workspace in PostgreSQL", "psycopg", "postgresql") from None
    if sqlite:
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    """Leave transactions to us, and have SQLite write ahead and keep foreign keys."""
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """Take the right to write at once: a reader that becomes a writer may be refused at once."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _reason(error: SQLAlchemyError) -> str:
    own = error.orig if isinstance(error, DBAPIError) else error
    text = " ".join(str(own).split()) or type(own).__name__
    lowered = text.lower()
    for words, meaning in _TROUBLES.items():
        if words in lowered:
            return meaning
    return f"the database refused ({text[:200]}); check that it runs and try again"
