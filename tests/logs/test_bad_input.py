"""Input that is wrong: one clear line each, never a traceback, never a hang."""

from __future__ import annotations

import gzip
import io
import os
import pickle
from pathlib import Path

import pytest

from predictor.errors import InputError
from predictor.logs import read_logs

GOOD = "step,loss\n1,3.0\n2,2.5\n3,2.25\n"


def _bytes_of_pickle() -> bytes:
    return pickle.dumps({"loss": [3.0, 2.5]})


CASES = {
    "empty": ("a.csv", b"", "is empty"),
    "blank": ("a.csv", b"\n\n  \n", "is empty"),
    "header only": ("a.csv", b"step,loss\n", "no rows"),
    "binary junk": ("a.csv", bytes(range(256)) * 20, "binary"),
    "prose": ("a.txt", b"Dear all,\nthe run went well.\n", "no log that Predictor recognises"),
    "truncated json": ("a.json", b'[{"step": 1, "loss": 3.0}, {"step": 2, "lo', "cut off"),
    "json of no layout": ("a.json", b'{"name": "x", "tags": ["a"]}', "no layout"),
    "truncated gzip": ("a.csv.gz", gzip.compress(GOOD.encode() * 9000)[:200], "gzip"),
    "damaged gzip": ("a.csv.gz", gzip.compress(GOOD.encode())[:12] + b"junkjunkjunk", "gzip"),
    "not utf-8": ("a.csv", b"step,loss\n1,3.0\n2,2.5 \xff\n", "line 3 is not UTF-8"),
    "utf-16": ("a.csv", GOOD.encode("utf-16"), "UTF-8"),
    "pickle": ("a.csv", _bytes_of_pickle(), "pickle"),
    "text metric": ("a.csv", b"step,loss\n1,high\n2,low\n", "'loss'.*'high'"),
    "no header": ("a.csv", b"1,3.0\n2,2.5\n", "header"),
    "too many fields": ("a.csv", b"step,loss\n1,3.0\n2,2.5,9,9\n3,2.0\n4,2\n5,2\n", "line 3"),
    "parquet junk": ("a.parquet", b"PAR1" + b"x" * 500 + b"PAR1", "Parquet file is damaged"),
    "deep json": ("a.json", b'{"a":' * 30_000 + b"1" + b"}" * 30_000, "nested"),
}


@pytest.mark.parametrize("name", CASES)
def test_one_line_names_the_file_and_the_trouble(name: str, tmp_path: Path) -> None:
    file, content, message = CASES[name]
    path = tmp_path / file
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"(?s){message}") as caught:
        read_logs(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_header_of_a_million_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("step," + ",".join(f"c{i}" for i in range(1_000_000)) + "\n1\n")
    with pytest.raises(InputError, match=r"1,000,001 columns"):
        read_logs(path)


def test_a_line_of_two_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(GOOD)
    os.truncate(path, 2 * 1024**3)
    with pytest.raises(InputError, match="binary data"):
        read_logs(path)


def test_an_endless_line_after_good_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w") as stream:
        stream.write(GOOD * 4000)
        stream.write("9" * (20 * 1024**2))
    with pytest.raises(InputError, match="longer than 16 MiB"):
        read_logs(path)


def test_an_endless_json_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("w") as stream:
        stream.write('{"step": 1, "loss": 3.0}\n{"step": 2, "loss": ')
        stream.write("9" * (20 * 1024**2))
    with pytest.raises(InputError, match="line 2 is longer"):
        read_logs(path)


def test_a_file_without_read_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text(GOOD)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(io, "FileIO", refuse)  # root may read everything
    with pytest.raises(InputError, match="permission denied"):
        read_logs(path)


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_logs(tmp_path / "none.csv")


def test_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(InputError, match="leads nowhere"):
        read_logs(tmp_path / "a.csv")


def test_no_path_at_all() -> None:
    with pytest.raises(InputError, match="no log was named"):
        read_logs([])


def test_a_folder_without_logs(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here\nto see\n")
    with pytest.raises(InputError, match="no logs found") as caught:
        read_logs(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no logs found"):
        read_logs(tmp_path)


@pytest.mark.parametrize("rows", [1, 2])
def test_one_and_two_points_are_read(rows: int, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("".join(GOOD.splitlines(keepends=True)[: rows + 1]))
    assert len(read_logs(path).points) == rows


def test_a_constant_curve_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,loss\n" + "".join(f"{step},2.0\n" for step in range(20)))
    log = read_logs(path)
    assert log.metrics == ["loss"]
    assert set(log.points["value"]) == {2.0}
