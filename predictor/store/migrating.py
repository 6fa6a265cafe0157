"""Bring a workspace's database up to date, one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from predictor.errors import InputError
from predictor.store.schema import REVISION

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

    from predictor.store.database import Database

#: A number of our own for PostgreSQL's lock.
_LOCK = 7_203_559_641


def bring_up_to_date(database: Database) -> None:
    """Make the tables that are missing and change those of older versions.

    Raises
    ------
    InputError
        If a newer version of Predictor has changed the tables.
    """
    with database.reading() as connection:
        if revision_of(connection) == REVISION:
            return
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        _upgrade(connection, database.name)


def revision_of(connection: Connection) -> str | None:
    """Return the revision that the tables are of; None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection, name: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config(connection)
    current = revision_of(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise InputError(
            f"workspace {name}: of a newer version of Predictor (tables {current}, this one knows "
            f"{REVISION}); install the newer version, or export it there"
        )
    command.upgrade(config, "head")


def alembic_config(connection: Connection) -> Config:
    """Return the settings of Alembic, which needs no file of its own."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
