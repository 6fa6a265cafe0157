"""Workspaces on SQLite and on PostgreSQL, and logs to put into them."""

from __future__ import annotations

import os
import uuid
from urllib.parse import quote

import numpy as np
import pytest

from predictor.store.uploading import Given
from predictor.store.workspace import Workspace


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """Return None for the folder's own database, or the URL of an empty schema of PostgreSQL."""
    if request.param == "sqlite":
        yield None
        return
    yield from empty_schema()


def empty_schema():
    """Yield the URL of a schema of its own, dropped afterwards."""
    from sqlalchemy import create_engine, text

    server = os.environ.get("PREDICTOR_TEST_POSTGRES")
    if not server:
        pytest.skip("no PostgreSQL server: set PREDICTOR_TEST_POSTGRES to the URL of one")
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    yield f"{server}?options={quote(f'-csearch_path={name}')}"
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    engine.dispose()


@pytest.fixture
def workspace(tmp_path, database):
    with Workspace.open(tmp_path / "workspace", database) as opened:
        yield opened


def curve(name: str = "a", points: int = 50, end: float = 2.0, metric: str = "loss") -> Given:
    """Return a CSV file with a power law's curve; its values depend on the name too."""
    steps = np.arange(1, points + 1)
    end += sum(name.encode()) / 1000
    rows = [f"{step},{end + 3 / step**0.5:.6f}" for step in steps]
    return Given(f"{name}.csv", ("\n".join([f"step,{metric}", *rows]) + "\n").encode())
