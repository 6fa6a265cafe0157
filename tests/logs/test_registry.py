"""What holds for every reader."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.errors import InputError
from predictor.logs import registry
from predictor.logs.registry import Reader, all_readers, detect, reader_named
from predictor.logs.source import Source

JUNK = {
    "empty": b"",
    "zeros": b"\0" * 5000,
    "random": random.Random(0).randbytes(5000),
    "half a json": b'{"results": {"a": {"acc": 0.5',
    "json": b'{"results": 3, "log_history": 4, "eval": {"task": 1}, "samples": "x"}',
    "half a table": b"step,loss\n1,",
    "lines": b'{"doc_id": 1}\n{"step": {}}\n[1]\n',
    "parquet head": b"PAR1junk",
    "latin": "état,perte\n1,é\n".encode("latin-1"),
    "quotes": b'"a,b\n"""\n' * 50,
    "deep": b"[" * 50_000,
}


@pytest.fixture(params=[reader.name for reader in all_readers()])
def reader(request: pytest.FixtureRequest) -> Reader:
    return reader_named(request.param)


def test_readers_are_documented(reader: Reader) -> None:
    assert reader.name == reader.name.lower()
    assert len(reader.description) > 10
    for function in (reader.sniff, reader.read):
        assert function.__doc__


def test_names_are_unique() -> None:
    names = registry.reader_names()
    assert len(names) == len(set(names))


def test_names_listed_are_names_carried() -> None:
    assert [reader.name for reader in all_readers()][-1] == "table"
    for name, module in registry.BUILT_IN:
        assert registry.built_in(module).name == name


@pytest.mark.parametrize("junk", JUNK)
def test_sniffing_junk_never_raises(reader: Reader, junk: str, tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_bytes(JUNK[junk])
    assert reader.sniff(Source(path, "metrics.csv", "run")) in (True, False)


@pytest.mark.parametrize("junk", JUNK)
def test_reading_junk_raises_input_error_only(reader: Reader, junk: str, tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_bytes(JUNK[junk])
    with suppress(InputError):
        reader.read(Source(path, "metrics.csv", "run"))


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_reader_raises_on_anything(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("junk") / "a.log"
    path.write_bytes(content)
    try:
        assert Source(path, "a.log", "a").head is not None
    except InputError:  # damaged gzip: refused before any reader is asked
        assert content.startswith(b"\x1f\x8b")
        return
    for reader in all_readers():
        assert reader.sniff(Source(path, "a.log", "a")) in (True, False)


def test_a_reader_of_another_package_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = Reader("mine", "a format of another package", lambda _: True, lambda _: [])
    monkeypatch.setattr(registry, "plugged_in", lambda: (mine,))
    path = tmp_path / "a.csv"
    path.write_text("step,loss\n1,3.0\n")
    assert detect(Source(path, "a.csv", "a")) is mine
    assert reader_named("mine") is mine
    assert "mine" in registry.reader_names()
