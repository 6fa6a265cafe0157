"""Public data sets: found in a folder by content, fetched over HTTP, refused where they differ."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from predictor.bundle import dataset_names, load_dataset
from predictor.bundle.public import PublicDataset, PublicFile, fetched, public_datasets
from predictor.errors import InputError

TABLE = b"step,loss\n1,3.0\n2,2.5\n3,2.25\n"


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serve a folder with one file; yield its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "run.csv").write_bytes(TABLE)
    handler = partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


def dataset(address: str, content: bytes = TABLE) -> PublicDataset:
    file = PublicFile(len(content), hashlib.sha256(content).hexdigest())
    return PublicDataset("a run", "here", "CC0-1.0", address, {"run.csv": file}, "runs")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PREDICTOR_DATA", raising=False)
    monkeypatch.setenv("PREDICTOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_file_is_fetched_once_and_kept(server: str, cache: Path) -> None:
    (path,) = fetched("mine", dataset(server), None)
    assert path.is_relative_to(cache)
    assert path.read_bytes() == TABLE
    nowhere = dataset("http://127.0.0.1:9/")
    assert fetched("mine", nowhere) == [path]


def test_a_fetched_log_is_read(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(public_datasets(), "mine", dataset(server))
    log = load_dataset("mine")
    assert log.curve("run", "loss")["value"].tolist() == [3.0, 2.5, 2.25]


def test_another_file_at_the_address_is_refused(server: str) -> None:
    with pytest.raises(InputError, match=r"another file than is wanted.*PREDICTOR_DATA"):
        fetched("mine", dataset(server, b"step,loss\n1,3.0\n"))


def test_a_missing_file_says_what_to_do(server: str) -> None:
    with pytest.raises(InputError, match=r"cannot be fetched.*HTTPError.*PREDICTOR_DATA"):
        fetched("mine", dataset(f"{server}missing/"))


def test_no_network_says_what_to_do() -> None:
    with pytest.raises(InputError, match=r"cannot be fetched.*PREDICTOR_DATA"):
        fetched("mine", dataset("http://127.0.0.1:9/"))


def test_a_folder_is_searched_by_content_not_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "saved" / "deep" / "renamed.csv"
    saved.parent.mkdir(parents=True)
    saved.write_bytes(TABLE)
    saved.with_name("run.csv").write_bytes(TABLE.replace(b"3.0", b"9.0"))
    nowhere = dataset("http://127.0.0.1:9/")
    assert fetched("mine", nowhere, tmp_path / "saved") == [saved]
    monkeypatch.setenv("PREDICTOR_DATA", str(tmp_path / "saved"))
    assert fetched("mine", nowhere) == [saved]


def test_a_folder_without_the_file_says_where_it_is_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file in it is run.csv.*http://x/run.csv"):
        fetched("mine", dataset("http://x/"), tmp_path)
    with pytest.raises(InputError, match="no folder to search"):
        fetched("mine", dataset("http://x/"), tmp_path / "gone")


def test_every_entry_says_where_it_is_from_and_under_what_licence() -> None:
    for name in dataset_names(public=True):
        entry = public_datasets()[name]
        assert entry.title
        assert entry.origin
        assert entry.licence
        assert entry.address.startswith("https://")
        assert entry.address.endswith("/")
        assert all(len(file.sha256) == 64 for file in entry.files.values())


def test_the_real_files_are_found_and_read(shared_data: Path) -> None:
    curves = load_dataset("schedule-curves-100m", shared_data)
    assert len(curves.run_names) == 9
    assert curves.points["lr"].notna().all()
    benchmarks = load_dataset("public-benchmarks", shared_data)
    assert {"Model", "MMLU"} <= set(benchmarks.columns)
    assert len(load_dataset("public-emergent-tasks", shared_data)) > 60
