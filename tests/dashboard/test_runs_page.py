"""The page of runs: rename, group, tag, delete, undo; what it does stands in the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from predictor.store.workspace import Given, Workspace

LOG = b"step,loss\n" + b"".join(b"%d,%.4f\n" % (n, 2 + 3 / n) for n in range(1, 9))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Workspace.open(tmp_path) as workspace:
        for name in ("a", "b", "c"):
            workspace.add([Given(f"{name}.csv", LOG + name.encode() + b"\n")])
    return tmp_path


@pytest.fixture
def app(pages: Any, folder: Path) -> Any:
    return pages.open(folder, "runs")


def tick(app: Any, *rows: int) -> Any:
    return ticked(app, "runs", *rows)


def ticked(app: Any, table: str, *rows: int) -> Any:
    key = next(t.key for t in app.dataframe if (t.key or "").startswith(f"{table}-table"))
    app.session_state[key] = {"selection": {"rows": list(rows), "columns": []}}
    return app.run()


def listed(app: Any) -> list[str]:
    return list(app.dataframe[0].value["name"])


def kept(folder: Path) -> Any:
    with Workspace.open(folder) as workspace:
        return workspace.runs().set_index("name")


def test_a_ticked_run_shows_its_curve(pages: Any, app: Any) -> None:
    tick(app, 0)
    assert not app.exception
    assert len(pages.charts(app)) == 1
    assert "8 logged values of loss" in pages.words(app)


def test_a_run_is_renamed(app: Any, folder: Path) -> None:
    assert listed(app) == ["c", "b", "a"]
    tick(app, 0)
    number = int(kept(folder).loc["c", "id"])
    app.text_input(key=f"name-{number}").set_value("third").run()
    app.button(key="rename").click().run()
    assert not app.exception
    assert listed(app) == ["third", "b", "a"]
    assert "third" in kept(folder).index


def test_a_name_of_nothing_is_refused_in_a_line(app: Any, folder: Path) -> None:
    tick(app, 0)
    number = int(kept(folder).loc["c", "id"])
    app.text_input(key=f"name-{number}").set_value("  ").run()
    app.button(key="rename").click().run()
    assert not app.exception
    assert "has a name of 1 to" in app.error[0].value
    assert list(kept(folder).index) == ["c", "b", "a"]


def test_runs_are_grouped_and_tagged_and_found_by_it(app: Any, folder: Path) -> None:
    tick(app, 0, 1)
    app.text_input(key="group").set_value("sweep").run()
    app.button(key="set-group").click().run()
    tick(app, 0)
    app.text_input(key="tags").set_value("baseline, long").run()
    app.button(key="set-tags").click().run()
    assert not app.exception
    table = kept(folder)
    assert list(table["group"]) == ["sweep", "sweep", ""]
    assert table.loc["c", "tags"] == ("baseline", "long")
    app.text_input(key="filter").set_value("LONG").run()
    assert listed(app) == ["c"]
    app.text_input(key="filter").set_value("sweep").run()
    assert listed(app) == ["c", "b"]


def test_sizes_that_the_log_does_not_tell_are_told(app: Any, folder: Path) -> None:
    tick(app, 0, 1)
    app.text_input(key="fact-params").set_value("350M").run()
    app.text_input(key="fact-tokens").set_value("2e9").run()
    app.button(key="set-facts").click().run()
    assert not app.exception
    sized = kept(folder)
    assert sized.loc[["c", "b"], "params"].tolist() == [350e6, 350e6]
    assert sized.loc["c", "tokens"] == 2e9
    assert sized["params"].isna().tolist() == [False, False, True]
    app.text_input(key="fact-params").set_value("many").run()
    app.button(key="set-facts").click().run()
    assert "'many' is not a positive number" in app.error[0].value.replace("\\", "")


def test_deleted_runs_come_back(app: Any, folder: Path) -> None:
    tick(app, 0, 2)
    app.button(key="delete").click().run()
    assert listed(app) == ["b"]
    assert list(kept(folder).index) == ["b"]
    app.button(key="undo").click().run()
    assert not app.exception
    assert listed(app) == ["c", "b", "a"]
    assert list(kept(folder).index) == ["c", "b", "a"]


def test_a_deleted_upload_comes_back(pages: Any, app: Any, folder: Path) -> None:
    ticked(app, "uploads", 0)
    assert "c.csv" in pages.words(app).replace("\\", "")
    app.button(key="delete-upload").click().run()
    assert listed(app) == ["b", "a"]
    app.button(key="undo").click().run()
    assert listed(app) == ["c", "b", "a"]


def test_two_undone_sessions_do_not_break_a_page(pages: Any, app: Any, folder: Path) -> None:
    tick(app, 0)
    app.button(key="delete").click().run()
    with Workspace.open(folder) as workspace:
        workspace.purge()
    app.button(key="undo").click().run()
    assert not app.exception
    assert "nothing to undo" in pages.words(app)


def test_a_run_deleted_elsewhere_is_gone_here_without_a_trace(app: Any, folder: Path) -> None:
    tick(app, 0)
    with Workspace.open(folder) as workspace:
        workspace.delete([int(workspace.runs()["id"].iloc[0])])
    app.run()
    assert not app.exception
    assert listed(app) == ["b", "a"]


def test_a_tick_stays_with_its_run_when_others_add_runs(app: Any, folder: Path) -> None:
    tick(app, 0)
    with Workspace.open(folder) as workspace:
        workspace.add([Given("d.csv", LOG)])
    app.button(key="delete").click().run()
    assert not app.exception
    assert "d" in kept(folder).index, "it stands where the ticked run stood before"
