"""predictor store: what is kept, taken out, taken in, checked."""

from __future__ import annotations

import json
import os

import pandas as pd
import pytest

from predictor.cli import run

ROWS = "step,loss\n" + "".join(f"{i},{2 + 3 / i**0.5:.6f}\n" for i in range(1, 60))


@pytest.fixture
def store(tmp_path, capsys, monkeypatch):
    """Return a function that calls ``predictor store`` on a workspace of its own."""
    monkeypatch.setenv("PREDICTOR_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("PREDICTOR_DATABASE", raising=False)

    def call(*arguments):
        status = run(["store", *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(ROWS)
    return path


def test_add_says_what_was_found(store, log):
    status, out, err = store("add", log, "--title", "first")
    assert (status, err) == (0, "")
    assert out.startswith("upload 1, first: runs, in 1 files\n")
    assert "a " in out
    assert "loss" in out


def test_json_is_one_document_of_the_schema(store, log):
    store("add", log)
    for call in (("list",), ("verify",), ("purge",), ("add", log)):
        status, out, _ = store(*call, "--format", "json")
        document = json.loads(out)
        assert status == 0
        assert document["schema"] == "predictor/store/1"
        assert document["warnings"] == []
    document = json.loads(store("list", "--format", "json")[1])
    (upload,), (one,) = document["uploads"], document["runs"]
    assert (upload["kinds"], upload["files"], upload["bytes"]) == (["runs"], 1, len(ROWS))
    assert (one["name"], one["points"], one["metrics"], one["params"]) == ("a", 59, ["loss"], None)


def test_csv_is_a_table(store, log, tmp_path):
    store("add", log)
    file = tmp_path / "list.csv"
    assert store("list", "--format", "csv", "--output", file) == (0, "", "")
    table = pd.read_csv(file)
    assert list(table["title"]) == ["a.csv"]


def test_formulas_in_names_are_defused_in_csv(store, tmp_path):
    rows = "run,step,loss\n" + "".join(f"=1+1,{k},{3 / k}\n" for k in range(1, 9))
    (tmp_path / "b.csv").write_text(rows)
    _, out, _ = store("add", tmp_path / "b.csv", "--format", "csv")
    assert "'=1+1" in out


def test_export_and_import(store, log, tmp_path):
    store("add", log)
    file = tmp_path / "all.zip"
    assert store("export", file)[0] == 0
    other = ("--workspace", tmp_path / "other")
    status, out, _ = store("import", file, *other, "--format", "json")
    counts = {"uploads": 1, "runs": 1, "forecasts": 0, "gates": 0}
    assert (status, json.loads(out)["imported"]) == (0, counts)
    again = json.loads(store("import", file, *other, "--format", "json")[1])["imported"]
    assert set(again.values()) == {0}
    assert store("verify", *other)[:2] == (0, "whole\n")


def test_owners_have_their_own(store, log):
    store("add", log, "--owner", "ann")
    assert "0 uploads, 0 runs" in store("list")[1]
    assert "1 uploads, 1 runs" in store("list", "--owner", "ann")[1]


def test_damage_is_status_1_until_it_is_repaired(store, log, tmp_path):
    store("add", log)
    table = next((tmp_path / "workspace" / "logs").rglob("*.parquet"))
    table.write_bytes(b"junk")
    status, out, err = store("verify")
    assert status == 1
    assert out.startswith("damaged\n")
    assert err.startswith("PRED702")
    status, out, _ = store("verify", "--repair", "--format", "json")
    document = json.loads(out)
    assert (status, document["sound"]) == (0, True)
    assert [warning["code"] for warning in document["warnings"]] == ["PRED702"]
    assert store("verify") == (0, "whole\n", "")


def test_orphans_are_no_damage(store, tmp_path):
    store("list")
    (tmp_path / "workspace" / "tmp" / "left").mkdir()
    status, out, err = store("verify")
    assert (status, err) == (0, "")
    assert "PRED703" in out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["add", "missing.csv"], "missing.csv: there is no such file or folder"),
        (["import", "missing.zip"], "missing.zip: there is no such file"),
        (["list", "--database", "mysql://h/x"], "mysql is not supported"),
        (["list", "--database", "postgresql://u:pw@127.0.0.1:1/x"], "the database refused"),
        (["nonsense"], "No such command"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(store, arguments, reason):
    status, out, err = store(*arguments)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert reason in err
    assert "pw" not in err


def test_the_database_may_come_from_the_environment(store, log, monkeypatch, tmp_path):
    monkeypatch.setenv("PREDICTOR_DATABASE", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    store("add", log)
    assert (tmp_path / "elsewhere.db").exists()
    assert not os.path.exists(tmp_path / "workspace" / "predictor.db")
