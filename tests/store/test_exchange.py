"""A workspace leaves as one file and comes back the same, unless it was tampered with."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from predictor import forecast_many
from predictor.errors import InputError
from predictor.store.document import Counts
from predictor.store.workspace import Workspace

from .conftest import curve


@pytest.fixture
def filled(workspace):
    """Return a workspace with something of each kind."""
    workspace.add([curve("a"), curve("b")], title="two")
    workspace.add_bundled("mlp_ladder")
    workspace.rename(1, "first")
    workspace.set_tags([1], ["x", "y"])
    workspace.set_facts(2, params=1e9)
    log = workspace.log()
    runs = dict(zip(log.runs["run"], log.runs["run_id"], strict=True))
    workspace.record(forecast_many(log, "loss", "step", 100), predictor="curves", runs=runs)
    workspace.remember_gate("g", "x = 1")
    return workspace


def without_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame.drop(columns=[c for c in ("id", "upload", "run", "created") if c in frame])
    return kept.sort_values(list(kept.columns[:2])).reset_index(drop=True)


def test_it_comes_back_the_same(filled, tmp_path):
    file = tmp_path / "all.zip"
    assert filled.export(file) == Counts(uploads=2, runs=2, forecasts=2, gates=1)
    with Workspace.open(tmp_path / "other") as other:
        other.add([curve("c")])
        assert other.load(file) == Counts(2, 2, 2, 1)
        assert other.load(file) == Counts(0, 0, 0, 0)
        mine, theirs = filled.runs(), other.runs()
        theirs = theirs[theirs["name"] != "c"]
        pd.testing.assert_frame_equal(without_numbers(mine), without_numbers(theirs))
        forecasts = [without_numbers(w.forecasts()) for w in (filled, other)]
        pd.testing.assert_frame_equal(*forecasts)
        numbers = dict(zip(theirs["name"], theirs["id"], strict=True))
        assert set(other.forecasts()["run"]) == set(numbers.values())
        log = other.log([numbers["first"], numbers["b"]])
        pd.testing.assert_frame_equal(log.points, filled.log().points)
        assert other.gates() == filled.gates()
        assert other.verify() == []


on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@on_sqlite
def test_the_same_forecast_made_on_both_sides_is_one(filled, tmp_path):
    filled.export(tmp_path / "all.zip")
    with Workspace.open(tmp_path / "other") as other:
        other.add([curve("z")])
        other.load(tmp_path / "all.zip")
        log = other.log()
        runs = dict(zip(log.runs["run"], log.runs["run_id"], strict=True))
        again = forecast_many(filled.log(), "loss", "step", 100)
        other.record(again, predictor="curves", runs={k: runs[k] for k in ("first", "b")})
        assert len(other.forecasts()) == 2


@on_sqlite
def test_a_gate_that_differs_comes_beside_the_other(filled, tmp_path):
    filled.export(tmp_path / "all.zip")
    with Workspace.open(tmp_path / "other") as other:
        other.remember_gate("g", "x = 2")
        assert other.load(tmp_path / "all.zip").gates == 1
        assert other.gates() == {"g": "x = 2", "g (imported)": "x = 1"}
        assert other.load(tmp_path / "all.zip").gates == 0


@on_sqlite
def test_what_is_deleted_does_not_leave(filled, tmp_path):
    filled.delete([1])
    filled.delete_upload(2)
    assert filled.export(tmp_path / "all.zip")[:2] == (1, 1)
    with Workspace.open(tmp_path / "other") as other:
        other.load(tmp_path / "all.zip")
        assert list(other.runs()["name"]) == ["b"]
        assert set(other.log().points["run"]) == {"b"}


def test_each_owner_takes_out_what_is_theirs(filled, tmp_path):
    ann = filled.of("ann")
    assert ann.export(tmp_path / "none.zip") == Counts(0, 0, 0, 0)
    filled.export(tmp_path / "all.zip")
    assert ann.load(tmp_path / "all.zip").runs == 2
    assert len(filled.runs()) == len(ann.runs()) == 2


def rewritten(file: Path, target: Path, change) -> Path:
    """Copy an exported file with its members changed."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def rows(change):
    """Return a change of the rows in ``rows.json``."""

    def apply(members):
        document = json.loads(members["rows.json"])
        change(document)
        members["rows.json"] = json.dumps(document).encode()

    return apply


def first(members, folder):
    return next(name for name in members if name.startswith(folder))


def set_member(folder, content):
    return lambda members: members.__setitem__(first(members, folder), content)


TAMPERED = {
    "bytes": (set_member("files/", b"step,loss\n1,9\n"), "another hash"),
    "longer": (set_member("files/", b"x" * 10_000_000), "larger than it should be"),
    "table": (set_member("logs/", b"junk"), "another hash"),
    "missing": (lambda m: m.pop(first(m, "files/")), "no exported workspace, or damaged"),
    "no rows": (lambda m: m.pop("rows.json"), "no exported workspace, or damaged"),
    "no json": (lambda m: m.__setitem__("rows.json", b"{"), "rows.json: : Invalid JSON"),
    "newer": (
        lambda m: m.__setitem__("manifest.json", b'{"form": "predictor/workspace/2"}'),
        "this version of Predictor reads predictor/workspace/1",
    ),
    "path": (
        rows(lambda d: d["uploads"][0]["files"][0].update(name="../../x.csv")),
        "leads out of the upload",
    ),
    "hash": (
        rows(lambda d: d["uploads"][0]["files"][0].update(sha256="../" * 21 + "a")),
        "should match pattern",
    ),
    "digest": (
        rows(lambda d: d["uploads"][0].update(digest="0" * 64)),
        "is not what its hash says",
    ),
    "extra": (rows(lambda d: d["uploads"][0].update(owner="root")), "owner: Extra inputs"),
    "run": (
        rows(lambda d: d["uploads"][0]["runs"][0].update(source="ghost")),
        "does not hold its runs",
    ),
    "nan": (rows(lambda d: d["forecasts"][0].update(value=float("nan"))), "finite|Invalid JSON"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_file_that_was_tampered_with_is_refused_and_nothing_is_taken_in(name, tmp_path):
    change, reason = TAMPERED[name]
    with Workspace.open(tmp_path / "one") as workspace:
        workspace.add([curve("a")])
        workspace.record(forecast_many(workspace.log(), "loss", "step", 100), predictor="curves")
        workspace.export(tmp_path / "all.zip")
    file = rewritten(tmp_path / "all.zip", tmp_path / "bad.zip", change)
    with Workspace.open(tmp_path / "other") as other:
        with pytest.raises(InputError, match=reason):
            other.load(file)
        assert other.uploads() == []
        assert other.verify() == []


def test_what_is_no_export_is_refused(tmp_path):
    (tmp_path / "text.zip").write_text("hello")
    with Workspace.open(tmp_path / "one") as workspace:
        with pytest.raises(InputError, match=r"text.zip: no exported workspace, or damaged"):
            workspace.load(tmp_path / "text.zip")
        with pytest.raises(InputError, match="no such file"):
            workspace.load(tmp_path / "missing.zip")
        with pytest.raises(InputError, match="cannot be written"):
            workspace.export(tmp_path / "no" / "folder.zip")


def test_an_export_that_fails_leaves_nothing_behind(tmp_path):
    with Workspace.open(tmp_path / "one") as workspace:
        workspace.add([curve("a")])
        next((workspace.folder / "files").rglob("*/*")).unlink()
        with pytest.raises(InputError, match="is missing; 'predictor store verify'"):
            workspace.export(tmp_path / "all.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
