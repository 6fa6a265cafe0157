"""Damage is found, what can be mended is mended, and the rest is said."""

from __future__ import annotations

import pandas as pd
import pytest

from predictor.errors import InputError
from predictor.store.workspace import Workspace

from .conftest import curve


def codes(findings):
    return [finding.code for finding in findings]


def stored(workspace, folder):
    return next(path for path in (workspace.folder / folder).rglob("*") if path.is_file())


@pytest.mark.parametrize("harm", ["damage", "loss"])
def test_a_table_is_made_again_from_the_uploaded_files(workspace, harm):
    workspace.add([curve("a"), curve("b")])
    before = workspace.log().points
    table = stored(workspace, "logs")
    table.write_bytes(b"PAR1 junk") if harm == "damage" else table.unlink()
    with pytest.raises(InputError, match=r"\(a.csv and 1 more\).*verify --repair"):
        workspace.log()
    expected = "PRED702" if harm == "damage" else "PRED701"
    assert codes(workspace.verify()) == [expected]
    (found,) = workspace.verify(repair=True)
    assert (found.code, "it was made again" in found.message) == (expected, True)
    assert workspace.verify() == []
    pd.testing.assert_frame_equal(workspace.log().points, before)


@pytest.mark.parametrize("harm", ["damage", "loss"])
def test_an_uploaded_file_is_sound_again_when_it_is_uploaded_again(workspace, harm):
    upload = workspace.add([curve("a")])
    file = stored(workspace, "files")
    file.write_bytes(b"junk") if harm == "damage" else file.unlink()
    (found,) = workspace.verify(repair=True)
    assert "upload 1 (a.csv); upload the same file again" in found.message
    assert len(workspace.verify()) == 1
    assert workspace.add([curve("a")]) == upload
    assert workspace.verify() == []


def test_what_cannot_be_made_again_is_said(workspace):
    workspace.add([curve("a")])
    stored(workspace, "files").unlink()
    stored(workspace, "logs").unlink()
    found = workspace.verify(repair=True)
    assert codes(found) == ["PRED701", "PRED701"]
    assert "could not be made again (a.csv is not sound either" in found[1].message


def test_nothing_is_made_again_from_a_damaged_upload(workspace):
    workspace.add([curve("a")])
    stored(workspace, "files").write_bytes(curve("b").content)
    stored(workspace, "logs").unlink()
    assert codes(workspace.verify(repair=True)) == ["PRED702", "PRED701"]
    assert codes(workspace.verify()) == ["PRED702", "PRED701"]


def test_files_that_belong_to_nothing_are_named_and_removed(workspace):
    workspace.add([curve("a")])
    orphan = workspace.folder / "files" / "zz" / "orphan"
    orphan.parent.mkdir()
    orphan.touch()
    left = workspace.folder / "tmp" / "killed"
    left.mkdir()
    (left / "0").touch()
    found = workspace.verify()
    assert codes(found) == ["PRED703", "PRED703"]
    assert {finding.message.split()[0] for finding in found} == {"files/zz/orphan", "tmp/killed"}
    assert orphan.exists()
    workspace.verify(repair=True)
    assert not orphan.exists()
    assert not left.exists()
    assert workspace.verify() == []
    assert len(workspace.log().points) == 50


def test_files_of_what_was_deleted_are_no_orphans(workspace):
    workspace.add([curve("a")])
    token = workspace.delete([1])
    assert workspace.verify(repair=True) == []
    workspace.undo(token)
    assert len(workspace.log().points) == 50


def test_a_damaged_page_of_the_database_is_found(tmp_path):
    with Workspace.open(tmp_path) as workspace:
        for k in range(30):
            workspace.remember_gate(f"g{k}", "x" * 3000)
    database = tmp_path / "predictor.db"
    content = bytearray(database.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xff" * 8192
    database.write_bytes(content)
    with Workspace.open(tmp_path) as workspace:
        (found,) = workspace.verify()
    assert found.code == "PRED704"
    assert "put a backup" in found.message
