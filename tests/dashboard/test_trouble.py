"""Disk full, read-only folder, database away, damaged files: a page says so, nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from predictor.store.workspace import Given, Workspace

PAGES = ("home", "runs", "curves", "scaling", "benchmarks", "capacity", "responses", "health",
         "gates", "trust")  # fmt: skip
LARGE = b"step,loss\n" + b"".join(b"%d,%.17f\n" % (k, 1 + 1 / k) for k in range(1, 90_000))
LOG = b"step,loss\n" + b"".join(b"%d,%.4f\n" % (n, 2 + 3 / n) for n in range(1, 30))


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)):
        pytest.skip("a disk of its own can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def filled(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        workspace.add([Given("a.csv", LOG)])


def names(folder: Path) -> set[str]:
    with Workspace.open(folder) as workspace:
        return set(workspace.runs()["name"])


def said_in_a_line(app: Any, *words: str) -> None:
    assert [each.value for each in app.exception] == []
    (text,) = (each.value for each in app.error)
    assert len(text.splitlines()) == 1
    assert "Traceback" not in text
    assert any(word in text.replace("\\", "") for word in words), text


def every_page_stands(pages: Any, app: Any, titled: bool = True) -> list[str]:
    """Open every page; return what they say is wrong."""
    said = []
    for page in PAGES:
        pages.go(app, page)
        assert [each.value for each in app.exception] == [], page
        said += [each.value for each in app.error]
        assert app.title or not titled, page
    return said


def test_a_full_disk(pages: Any, small_disk: Path) -> None:
    filled(small_disk)
    app = pages.open(small_disk)
    app.file_uploader[0].upload("large.csv", LARGE).run()
    said_in_a_line(app, "the disk is full")
    every_page_stands(pages, app)
    assert names(small_disk) == {"a"}
    app = pages.open(small_disk)
    app.file_uploader[0].upload("b.csv", LOG + b"30,2.1\n").run()
    assert names(small_disk) == {"a", "b"}


def test_a_folder_that_is_read_only(pages: Any, small_disk: Path) -> None:
    filled(small_disk)
    assert mount("-o", "remount,ro", str(small_disk))
    app = pages.open(small_disk)
    said_in_a_line(app, "read-only", "may be written to")
    said = every_page_stands(pages, app, titled=False)
    assert len(said) == len(PAGES)
    assert mount("-o", "remount,rw", str(small_disk))
    pages.go(app, "curves")
    assert not app.error
    assert len(pages.charts(app)) == 1
    assert names(small_disk) == {"a"}


def test_a_table_that_is_damaged(pages: Any, tmp_path: Path) -> None:
    with Workspace.open(tmp_path) as workspace:
        workspace.add([Given("damaged.csv", LOG + b"40,2.05\n")])
    (table,) = (tmp_path / "logs").rglob("*.parquet")
    sound = table.read_bytes()
    table.write_bytes(sound[: len(sound) // 2])
    app = pages.open(tmp_path, "curves")
    said_in_a_line(app, "damaged")
    every_page_stands(pages, app)
    with Workspace.open(tmp_path) as workspace:
        assert workspace.verify(repair=True)
        assert workspace.verify() == []
    pages.go(app, "curves")
    assert not app.error
    assert len(pages.charts(app)) == 1


def test_an_upload_that_is_gone(pages: Any, tmp_path: Path) -> None:
    with Workspace.open(tmp_path) as workspace:
        workspace.add_bundled("text_compression")
    for stored in (tmp_path / "files").rglob("*"):
        if stored.is_file():
            stored.unlink()
    app = pages.open(tmp_path, "capacity")
    said_in_a_line(app, "missing", "damaged", "not there", "no such file")
    every_page_stands(pages, app)


def test_a_database_that_became_something_else(pages: Any, tmp_path: Path) -> None:
    filled(tmp_path)
    app = pages.open(tmp_path)
    kept = (tmp_path / "predictor.db").read_bytes()
    for path in tmp_path.glob("predictor.db*"):
        path.write_bytes(b"\x00 no database at all " * 500)
    said = every_page_stands(pages, app)
    assert said
    assert all("database" in text for text in said)
    for path in tmp_path.glob("predictor.db*"):
        path.unlink()
    (tmp_path / "predictor.db").write_bytes(kept)


def test_a_database_that_does_not_answer(
    pages: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql+psycopg://someone:secret@127.0.0.1:1/predictor"
    monkeypatch.setenv("PREDICTOR_DATABASE", url)
    app = pages.open(tmp_path)
    said_in_a_line(app, "check that it runs and try again")
    assert "secret" not in app.error[0].value
    monkeypatch.delenv("PREDICTOR_DATABASE")
    app.run()
    assert not app.error
