"""What is put into a workspace comes out as it went in; what is said of it stays."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from predictor import dataset_path, forecast_many, read_logs
from predictor.errors import InputError
from predictor.logs.tables import RunLog
from predictor.store.uploading import Given
from predictor.store.workspace import Workspace

from .conftest import curve


def test_importing_predictor_loads_no_database(tmp_path):
    import subprocess

    code = "import sys, predictor; assert not {'sqlalchemy', 'alembic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_log_comes_out_as_it_is_read(workspace):
    upload = workspace.add_bundled("mlp_runs")
    log, direct = workspace.log(), read_logs(dataset_path("mlp_runs"))
    assert isinstance(direct, RunLog)
    pd.testing.assert_frame_equal(log.points, direct.points.reset_index(drop=True))
    known = direct.runs.drop(columns=["source"])
    pd.testing.assert_frame_equal(log.runs[known.columns], known, check_dtype=False)
    assert upload.kinds == ("runs",)
    assert len(upload.files) == len(upload.runs) == 7
    assert [f.message for f in log.findings] == [f.message for f in direct.findings]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("response_strategies", ("responses",)),
        ("mlp_ladder", ("items",)),
        ("mlp_scaling", ("scaling",)),
        ("text_compression", ("capacity",)),
    ],
)
def test_every_kind_of_bundled_table_is_known_and_readable(tmp_path, name, kinds):
    with Workspace.open(tmp_path) as workspace:
        upload = workspace.add_bundled(name)
        assert upload.kinds == kinds
        direct = dataset_path(name)
        if kinds == ("responses",):
            frame = workspace.response_log(upload.id).responses
            pd.testing.assert_frame_equal(frame, read_logs(direct).responses, check_dtype=False)
        elif kinds == ("items",):
            frame = workspace.item_log(upload.id).items
            assert len(frame) == len(read_logs(direct).items)
            assert frame["passes"].sum() == read_logs(direct).items["passes"].sum()
        with workspace.folder_of(upload.id) as folder:
            (kept,) = folder.rglob(direct.name)
            assert kept.read_bytes() == direct.read_bytes()
        assert not folder.exists()


def test_a_kind_that_is_not_there_is_refused(workspace):
    upload = workspace.add([curve()])
    with pytest.raises(InputError, match=r"upload 1 \(a.csv\) holds runs, no items"):
        workspace.item_log(upload.id)
    with pytest.raises(InputError, match="no upload 9"):
        workspace.response_log(9)


def test_it_is_all_there_when_opened_again(tmp_path, database):
    with Workspace.open(tmp_path, database) as first:
        first.add([curve("a"), curve("b", 20)], title="two runs")
        first.rename(2, "second")
        before, log = first.runs(), first.log()
    with Workspace.open(tmp_path, database) as second:
        pd.testing.assert_frame_equal(second.runs(), before)
        pd.testing.assert_frame_equal(second.log().points, log.points)
        (upload,) = second.uploads()
        assert (upload.title, [file.name for file in upload.files]) == (
            "two runs",
            ["a.csv", "b.csv"],
        )


def test_the_same_files_are_kept_once(workspace):
    first = workspace.add([curve("a"), curve("b")])
    assert workspace.add([curve("b"), curve("a")]) == first
    assert workspace.add([curve("a")]) != first
    assert len(workspace.uploads()) == 2


def test_runs_are_named_grouped_tagged_and_told_of(workspace):
    workspace.add([curve("a"), curve("b")])
    workspace.rename(1, "  first\trun ")
    workspace.set_group([1, 2], "adam")
    workspace.set_tags([2], ["wide", "good", "wide"])
    workspace.set_facts(2, params=7e9, tokens=2e12)
    rows = workspace.runs().set_index("id")
    assert rows.loc[1, "name"] == "first run"
    assert list(rows["group"]) == ["adam", "adam"]
    assert rows.loc[2, "tags"] == ("good", "wide")
    assert (rows.loc[2, "params"], rows.loc[2, "tokens"]) == (7e9, 2e12)
    told = workspace.log().runs.set_index("run")
    assert told.loc["b", ["group", "tags", "run_id", "params"]].to_list() == [
        "adam",
        "good wide",
        2,
        7e9,
    ]
    assert set(workspace.log([1]).points["run"]) == {"first run"}
    workspace.set_facts(2, params=None)
    workspace.set_group([1], "")
    rows = workspace.runs().set_index("id")
    assert rows["params"].isna().all()
    assert rows.loc[1, "group"] == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda w: w.rename(1, ""), "1 to 300 printable characters"),
        (lambda w: w.rename(1, "x" * 301), "1 to 300"),
        (lambda w: w.rename(1, "a\x1b[2J"), "printable"),
        (lambda w: w.rename(9, "b"), "no run 9 in this workspace"),
        (lambda w: w.set_tags([1], ["a"] * 51), "51 tags"),
        (lambda w: w.set_group([1, 9], "g"), "no run 9"),
        (lambda w: w.set_facts(1, params=-1), "positive"),
        (lambda w: w.set_facts(1, params=float("nan")), "positive"),
        (lambda w: w.set_facts(1, seed=1), "params, tokens, flops"),
        (lambda w: w.log([1, 9]), "no run 9"),
        (lambda w: w.delete([9]), "no run 9"),
        (lambda w: w.undo(9), "nothing to undo"),
        (lambda w: w.add([]), "nothing was uploaded"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(tmp_path, change, reason):
    with Workspace.open(tmp_path) as workspace:
        workspace.add([curve("a")])
        before = workspace.runs()
        with pytest.raises(InputError, match=reason):
            change(workspace)
        pd.testing.assert_frame_equal(workspace.runs(), before)


def test_runs_of_one_name_are_told_apart(workspace):
    workspace.add([curve("a", 10)])
    workspace.add([curve("a", 20)])
    log = workspace.log()
    assert log.run_names == ["a #1", "a #2"]
    assert log.points["run"].value_counts().to_dict() == {"a #1": 10, "a #2": 20}
    assert workspace.log([2]).run_names == ["a"]


def test_runs_come_in_the_order_asked_for(workspace):
    workspace.add([curve("a"), curve("b"), curve("c")])
    assert workspace.log([3, 1]).run_names == ["c", "a"]


def test_what_is_deleted_comes_back(workspace):
    workspace.add([curve("a"), curve("b")])
    before = workspace.runs()
    token = workspace.delete([1])
    assert list(workspace.runs()["name"]) == ["b"]
    assert list(workspace.runs(deleted=True)["name"]) == ["a"]
    with pytest.raises(InputError, match="no run 1"):
        workspace.log([1])
    workspace.undo(token)
    pd.testing.assert_frame_equal(workspace.runs(), before)
    with pytest.raises(InputError, match="nothing to undo"):
        workspace.undo(token)


def test_an_upload_goes_with_its_last_run_and_comes_back_with_it(workspace):
    workspace.add([curve("a"), curve("b")])
    first, second = workspace.delete([1]), workspace.delete([2])
    assert workspace.uploads() == []
    assert len(workspace.uploads(deleted=True)) == 1
    workspace.undo(second)
    assert list(workspace.runs()["name"]) == ["b"]
    whole = workspace.delete_upload(1)
    workspace.undo(whole)
    assert list(workspace.runs()["name"]) == ["b"]
    workspace.undo(first)
    assert len(workspace.runs()) == 2


def test_purging_removes_what_was_deleted_and_no_more(workspace):
    workspace.add([curve("a")])
    workspace.add([curve("b")])
    forecasts = forecast_many(workspace.log([1]), "loss", "step", 200)
    workspace.record(forecasts, predictor="curves", runs={"a": 1})
    token = workspace.delete([1])
    sizes = {path: path.stat().st_size for path in _kept(workspace)}
    assert len(sizes) == 4
    freed = workspace.purge()
    assert freed == sum(size for path, size in sizes.items() if not path.exists())
    assert len(_kept(workspace)) == 2
    with pytest.raises(InputError, match="purged"):
        workspace.undo(token)
    assert workspace.verify() == []
    assert len(workspace.log().points) == 50
    row = workspace.forecasts().iloc[0]
    assert row["run_name"] == "a"
    assert pd.isna(row["run"])


def _kept(workspace: Workspace) -> list[Path]:
    folders = (workspace.folder / "files", workspace.folder / "logs")
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_owners_see_and_touch_nothing_of_each_other(tmp_path, database):
    with Workspace.open(tmp_path, database, owner="ann") as ann:
        bob, all_ = ann.of("bob"), ann.of("")
        upload = ann.add([curve("a")])
        ann.remember_gate("g", "x = 1")
        ann.record(forecast_many(ann.log(), "loss", "step", 200), predictor="curves")
        for other in (bob, all_):
            assert other.uploads() == []
            assert other.runs().empty
            assert other.forecasts().empty
            assert other.gates() == {}
            for act in (
                lambda w: w.log([1]),
                lambda w: w.rename(1, "mine"),
                lambda w: w.delete([1]),
                lambda w: w.delete_upload(1),
                lambda w: w.upload(1),
                lambda w: w.folder_of(1).__enter__(),
                lambda w: w.record([], predictor="x", runs={"a": 1}) or w.set_facts(1, params=1.0),
            ):
                with pytest.raises(InputError, match="in this workspace"):
                    act(other)
        token = ann.delete([1])
        with pytest.raises(InputError, match="nothing to undo"):
            bob.undo(token)
        bob.purge()
        ann.undo(token)
        twin = bob.add([curve("a")])
        assert twin.id != upload.id
        assert twin.files == upload.files
        bob.delete_upload(twin.id)
        bob.purge()
        assert len(ann.log().points) == 50
        assert ann.verify() == []


def test_the_digest_changes_with_what_a_forecast_rests_on(workspace):
    workspace.add([curve("a"), curve("b")])
    digest = workspace.digest([1])
    assert digest == workspace.digest([1])
    assert digest != workspace.digest([2])
    assert workspace.digest([1, 2]) == workspace.digest()
    workspace.set_facts(2, params=1e9)
    assert digest == workspace.digest([1])
    workspace.set_facts(1, params=1e9)
    assert digest != workspace.digest([1])


def test_what_was_noticed_in_a_log_goes_with_the_run_under_its_name(workspace):
    workspace.add([Given("a.csv", b"step,loss\n1,3.0\n2,nan\n3,2.0\n4,1.5\n"), curve("b")])
    assert list(workspace.runs().set_index("name")["warnings"].loc[["a", "b"]]) == [1, 0]
    workspace.rename(1, "first")
    assert [(f.code, f.run) for f in workspace.log([1]).findings] == [("PRED001", "first")]
    assert workspace.log([2]).findings == ()


def test_gates_are_kept_by_name(workspace):
    workspace.remember_gate("b", "x = 1")
    workspace.remember_gate("a", "y = 'é'")
    workspace.remember_gate("b", "x = 2")
    assert workspace.gates() == {"a": "y = 'é'", "b": "x = 2"}


def test_names_that_databases_refuse_are_kept_readable(workspace):
    rows = [f'{{"run": "a\\u0000b", "step": {k}, "loss\\u0000": {3 / k}}}' for k in (1, 2, 3)]
    workspace.add([Given("odd.jsonl", "\n".join(rows).encode())])
    assert list(workspace.runs()["name"]) == ["a\N{REPLACEMENT CHARACTER}b"]
    assert set(workspace.log().points["run"]) == set(workspace.runs()["name"])


def test_halves_of_surrogate_pairs_are_refused(workspace):
    rows = [f'{{"run": "\\ud800", "step": {k}, "loss": {3 / k}}}' for k in (1, 2, 3)]
    with pytest.raises(InputError, match=r"odd.jsonl: holds half of a surrogate pair"):
        workspace.add([Given("odd.jsonl", "\n".join(rows).encode())])


def test_the_folder_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PREDICTOR_WORKSPACE", str(tmp_path / "there"))
    with Workspace.open() as workspace:
        assert workspace.folder == tmp_path / "there"
    monkeypatch.delenv("PREDICTOR_WORKSPACE")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Workspace.open() as workspace:
        assert workspace.folder == Path(tmp_path, ".predictor")


def test_a_table_of_200_runs_takes_less_than_50_ms(workspace):
    rows = [f"r{run},{step},{3 / step}" for run in range(200) for step in range(1, 9)]
    workspace.add([Given("runs.csv", "\n".join(["run,step,loss", *rows]).encode())])
    workspace.runs()
    took = []
    for _ in range(5):
        start = time.perf_counter()
        assert len(workspace.runs()) == 200
        took.append(time.perf_counter() - start)
    assert min(took) < 0.05
