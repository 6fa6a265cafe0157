"""Databases of other versions: older ones are brought up to date, newer ones refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from predictor.errors import InputError
from predictor.store.database import Database, url_of
from predictor.store.migrating import alembic_config, bring_up_to_date, revision_of
from predictor.store.schema import REVISION, metadata
from predictor.store.workspace import Workspace

from .conftest import curve

#: Written by the version named: later ones must take it in.
EXPORTS = sorted((Path(__file__).parents[1] / "golden" / "workspaces").glob("*.zip"))


@pytest.fixture
def opened(tmp_path, database):
    found = Database(url_of(tmp_path, database))
    bring_up_to_date(found)
    yield found
    found.close()


def test_the_migrations_lead_to_the_tables_of_today(opened):
    with opened.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert revision_of(connection) == REVISION
        scripts = ScriptDirectory.from_config(alembic_config(connection))
        assert scripts.get_heads() == [REVISION]


def test_a_newer_workspace_is_refused_in_one_line(tmp_path, database):
    with Workspace.open(tmp_path, database) as workspace:
        workspace.add([curve("a")])
        with workspace._store.writing() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(
        InputError, match=r"of a newer version of Predictor \(tables 9999"
    ) as refused:
        Workspace.open(tmp_path, database)
    assert len(str(refused.value).splitlines()) == 1


def test_a_database_without_tables_gets_them(tmp_path, database):
    empty = Database(url_of(tmp_path, database))
    with empty.reading() as connection:
        assert revision_of(connection) is None
    empty.close()
    with Workspace.open(tmp_path, database) as workspace:
        assert workspace.runs().empty


def test_a_migration_that_fails_leaves_the_tables_as_they_were(tmp_path, database, monkeypatch):
    def fail(*_arguments: object, **_options: object) -> None:
        raise InputError("no power")

    found = Database(url_of(tmp_path, database))
    with monkeypatch.context() as patched:
        patched.setattr("alembic.operations.ops.CreateIndexOp.create_index", fail)
        with pytest.raises(InputError, match="no power"):
            bring_up_to_date(found)
    with found.reading() as connection:
        assert revision_of(connection) is None
    bring_up_to_date(found)
    found.close()


@pytest.mark.parametrize("file", EXPORTS, ids=lambda file: file.stem)
def test_what_older_versions_exported_is_taken_in(file, tmp_path):
    with Workspace.open(tmp_path) as workspace:
        assert workspace.load(file) == (1, 2, 2, 1)
        assert workspace.verify() == []
        assert sorted(workspace.log().run_names) == ["b", "first"]
        assert workspace.runs().set_index("name").loc["b", "params"] == 1e9
        assert list(workspace.forecasts()["law"]) == ["auto", "auto"]


def test_there_is_an_export_of_every_version():
    assert EXPORTS
