"""The tables of a workspace's database; ``migrations/`` brings older ones up to this."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

#: Revision of the tables below: the last file in ``migrations/versions``.
REVISION = "0001"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


#: What was deleted together, and can be brought back together.
deletions = Table(
    "deletions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("created", Double, nullable=False),
    sqlite_autoincrement=True,
)

#: Files that came together. ``tables``: kind of log to the hash of its Parquet file.
uploads = Table(
    "uploads",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", Text, nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("tables", JSON, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("deleted", ForeignKey("deletions.id"), index=True),
    sqlite_autoincrement=True,
)

upload_files = Table(
    "upload_files",
    metadata,
    Column("upload", ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sha256", String(64), nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
)

#: ``source`` is the run's name in the Parquet file, ``name`` the one that it has now. ``facts`` is
#: what the log tells of the run, ``counts`` its parameters, tokens and FLOPs, ``own_facts`` what
#: its owner tells of them. ``ends``: the last place of each metric on each axis.
runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("upload", ForeignKey("uploads.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("owner", Text, nullable=False, index=True),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("group", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("format", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("axes", JSON, nullable=False),
    Column("ends", JSON, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("own_facts", JSON, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("created", Double, nullable=False),
    Column("deleted", ForeignKey("deletions.id"), index=True),
    UniqueConstraint("upload", "source"),
    sqlite_autoincrement=True,
)

#: ``key`` hashes all that a forecast rests on: the same one is kept once. ``seen_until`` is how far
#: of the log it knew, ``logged_until`` how far the log had got when it was made.
forecasts = Table(
    "forecasts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("key", String(64), nullable=False),
    Column("created", Double, nullable=False),
    Column("predictor", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("run", ForeignKey("runs.id", ondelete="SET NULL"), index=True),
    Column("run_name", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("at", JSON, nullable=False),
    Column("value", Double),
    Column("lower", Double),
    Column("upper", Double),
    Column("level", Double, nullable=False),
    Column("law", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("extrapolation", Double),
    Column("warnings", JSON, nullable=False),
    Column("digest", Text, nullable=False),
    Column("seen_until", Double),
    Column("logged_until", Double),
    Column("seed", BigInteger, nullable=False),
    UniqueConstraint("owner", "key"),
    sqlite_autoincrement=True,
)

gates = Table(
    "gates",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("toml", Text, nullable=False),
    Column("created", Double, nullable=False),
)
