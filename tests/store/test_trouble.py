"""Disk full, read-only, database away, damaged or locked: one line each, and nothing is lost."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy.engine import make_url

from predictor.errors import InputError
from predictor.store.uploading import Given
from predictor.store.workspace import Workspace

from .conftest import curve, empty_schema


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """Return a disk of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)):
        pytest.skip("a disk of its own can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def one_line(refused: pytest.ExceptionInfo[InputError], *words: str) -> None:
    text = str(refused.value)
    assert len(text.splitlines()) == 1
    assert text.startswith("workspace ")
    assert all(word in text for word in words), text


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_full_disk_is_said_and_loses_nothing(small_disk, database):
    with Workspace.open(small_disk, database) as workspace:
        workspace.add([curve("a")])
        before = workspace.log().points
        big = b"step,loss\n" + b"".join(b"%d,%.17f\n" % (k, 1 + 1 / k) for k in range(1, 90_000))
        with pytest.raises(InputError) as refused:
            workspace.add([Given("big.csv", big)])
        one_line(refused, "the disk is full")
        assert workspace.verify() == []
        assert workspace.log().points.equals(before)
        workspace.add([curve("b")])
        assert len(workspace.runs()) == 2


def test_a_database_that_fills_the_disk_loses_nothing(small_disk):
    with Workspace.open(small_disk) as workspace:
        kept = []

        def fill() -> None:
            for k in range(100):
                workspace.remember_gate(f"g{k}", "x" * 100_000)
                kept.append(f"g{k}")

        with pytest.raises(InputError) as refused:
            fill()
        one_line(refused, "the disk is full")
        assert set(workspace.gates()) == set(kept)
        assert len(kept) > 3
    with Workspace.open(small_disk) as again:
        assert set(again.gates()) == set(kept)
        assert again.verify() == []


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_read_only_folder_is_said(small_disk, database):
    with Workspace.open(small_disk, database) as workspace:
        workspace.add([curve("a")])
    assert mount("-o", "remount,ro", str(small_disk))
    with pytest.raises(InputError) as refused, Workspace.open(small_disk, database) as workspace:
        workspace.add([curve("b")])
    one_line(refused, "writ")
    with pytest.raises(InputError) as refused:
        Workspace.open(small_disk / "new")
    one_line(refused, "make it writable")
    assert mount("-o", "remount,rw", str(small_disk))
    with Workspace.open(small_disk, database) as workspace:
        assert len(workspace.log().points) == 50
        assert workspace.verify() == []


def test_a_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError) as refused:
        Workspace.open(tmp_path / "file")
    one_line(refused, "not a directory")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"hello, this is no database" * 400, "no SQLite database"), (b"", None)],
)
def test_a_database_that_is_none_is_said(tmp_path, content, reason):
    (tmp_path / "predictor.db").write_bytes(content)
    if reason is None:
        Workspace.open(tmp_path).close()
        return
    with pytest.raises(InputError) as refused:
        Workspace.open(tmp_path)
    one_line(refused, reason, "put a backup back")
    assert (tmp_path / "predictor.db").read_bytes() == content


def test_a_database_that_is_locked_is_said(tmp_path, monkeypatch):
    import sqlite3

    monkeypatch.setattr("predictor.store.database.PATIENCE", 0.2)
    with Workspace.open(tmp_path) as workspace:
        workspace.add([curve("a")])
        other = sqlite3.connect(tmp_path / "predictor.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE").close()
        with pytest.raises(InputError) as refused:
            workspace.rename(1, "b")
        one_line(refused, "another process has been writing")
        assert list(workspace.runs()["name"]) == ["a"]
        other.execute("ROLLBACK").close()
        other.close()
        workspace.rename(1, "b")
        assert list(workspace.runs()["name"]) == ["b"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql+psycopg://u:secret@127.0.0.1:1/x", "database refused"),
        ("postgresql://u:secret@127.0.0.1:1/x", "database refused"),
        ("mysql://u:secret@h/x", "mysql is not supported"),
        ("nonsense", "no URL such as"),
        ("sqlite:////no/such/folder/x.db", "cannot be opened"),
    ],
)
def test_a_database_that_is_not_there_is_said_without_its_password(tmp_path, url, reason):
    with pytest.raises(InputError, match=reason) as refused:
        Workspace.open(tmp_path, url)
    assert len(str(refused.value).splitlines()) == 1
    assert "secret" not in str(refused.value)


@contextmanager
def wire(host: str, port: int):
    """Yield a port that leads to another, and a function that cuts it."""
    listener = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass

    def accept() -> None:
        try:
            while True:
                near, _ = listener.accept()
                far = socket.create_connection((host, port))
                ends.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()
        except OSError:
            return

    def cut() -> None:
        for end in (listener, *ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1], cut
    cut()


def test_a_database_that_goes_away_is_said_and_nothing_is_lost(tmp_path):
    for url in empty_schema():
        server = make_url(url)
        with wire(server.host or "127.0.0.1", server.port or 5432) as (port, cut):
            through = server.set(port=port).render_as_string(hide_password=False)
            with Workspace.open(tmp_path, through) as workspace:
                workspace.add([curve("a")])
                cut()
                with pytest.raises(InputError) as refused:
                    workspace.add([curve("b")])
                one_line(refused, "the database refused", "try again")
                with pytest.raises(InputError):
                    workspace.runs()
        with Workspace.open(tmp_path, url) as workspace:
            assert list(workspace.runs()["name"]) == ["a"]
            assert workspace.verify() == []
            assert len(workspace.log().points) == 50


def test_a_server_that_ends_a_connection_is_asked_again(tmp_path):
    from sqlalchemy import create_engine, text

    for url in empty_schema():
        with Workspace.open(tmp_path, f"{url}&application_name=to_be_ended") as workspace:
            workspace.add([curve("a")])
            server = create_engine(os.environ["PREDICTOR_TEST_POSTGRES"])
            with server.connect() as connection:
                ended = connection.execute(
                    text(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                        "WHERE application_name = 'to_be_ended'"
                    )
                ).scalar()
            server.dispose()
            assert ended == 1
            assert list(workspace.runs()["name"]) == ["a"]


def test_purging_waits_for_others_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("predictor.store.files._PATIENCE", 0.2)
    with Workspace.open(tmp_path) as workspace:
        upload = workspace.add([curve("a")])
        with workspace.folder_of(upload.id):
            with pytest.raises(InputError) as refused:
                workspace.purge()
            one_line(refused, "in use")
        assert workspace.purge() == 0
