"""Uploads that mean harm, or too much: refused in one line that names the file, nothing kept."""

from __future__ import annotations

import io
import json
import pickle
import stat
import zipfile

import numpy as np
import pytest

from predictor.errors import InputError
from predictor.store.uploading import Given, Limits, checked_name, given_files
from predictor.store.workspace import Workspace

from .conftest import curve

CSV = curve().content
MANY_COLUMNS = b",".join(b"c%d" % k for k in range(10**6)) + b"\n" + b",".join([b"1"] * 10**6)
SMALL = Limits(file_bytes=300_000, total_bytes=500_000, files=20, ratio=20.0)


def packed(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return content.getvalue()


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target.encode()


def encrypted() -> bytes:
    """Return a zip file that says its member is encrypted."""
    content = bytearray(packed(("a.csv", CSV)))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    return bytes(content)


def lying() -> bytes:
    """Return a zip file whose member is larger than its headers say."""
    content = bytearray(packed(("a.csv", b"step,loss\n" + b"1,2\n" * 100_000)))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(mark) + offset
        content[place : place + 4] = (50).to_bytes(4, "little")
    return bytes(content)


def twins() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return packed(("a.csv", CSV), ("a.csv", CSV))


def program() -> bytes:
    return b"\x7fELF" + bytes(100)


REFUSED = {
    "nothing.csv": (b"", "nothing.csv: is empty"),
    "model.pkl": (pickle.dumps({"loss": [1.0]}), "model.pkl: is a pickle"),
    "old.pkl": (pickle.dumps({"loss": [1.0]}, protocol=0), "old.pkl: "),
    "log.csv": (pickle.dumps([1.0]), "log.csv: is a pickle"),
    "train.log": (program(), "train.log: is a program"),
    "run.sh": (b"#!/bin/sh\nrm -rf /\n", "run.sh: is a script"),
    "wide.csv": (MANY_COLUMNS, "wide.csv: .*columns"),
    "junk.bin": (bytes(range(256)) * 9, "junk.bin: "),
    "page.html": (b"<script>alert(1)</script>", "page.html: "),
    "../up.csv": (CSV, "'../up.csv': leads out"),
    "/etc/cron.d/up.csv": (CSV, "leads out"),
    "C:\\up.csv": (CSV, "leads out"),
    "a/../../up.csv": (CSV, "leads out"),
    "": (CSV, "no name for a file"),
    "a\0.csv": (CSV, "control characters"),
    "x" * 300 + ".csv": (CSV, "no name for a file"),
    "a/" * 40 + "b.csv": (CSV, "too deep"),
    "slip.zip": (packed(("../../slip.csv", CSV)), "slip.zip: '../../slip.csv': leads out"),
    "root.zip": (packed(("/root/a.csv", CSV)), "root.zip: .*leads out"),
    "link.zip": (packed(link("a.csv", "/etc/passwd")), "link.zip: a.csv is a symbolic link"),
    "locked.zip": (encrypted(), "locked.zip: a.csv is encrypted"),
    "twins.zip": (twins, "twins.zip: a.csv: comes twice"),
    "empty.zip": (packed(), "nothing was uploaded"),
    "cut.zip": (packed(("a.csv", CSV))[:200], "cut.zip: the zip file is damaged"),
    "lying.zip": (lying(), "lying.zip: the zip file is damaged"),
    "none.zip": (CSV, "none.zip: the zip file is damaged"),
    "nested.zip": (packed(("inner.zip", packed(("a.csv", CSV)))), "nested.zip|inner.zip"),
    "pickles.zip": (packed(("a.pkl", pickle.dumps(1)), ("b.pkl", pickle.dumps(2))), "a pickle"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_means_harm_is_refused_and_nothing_is_kept(name, tmp_path):
    content, reason = REFUSED[name]
    given = Given(name, content() if callable(content) else content)
    with Workspace.open(tmp_path / "workspace") as workspace:
        with pytest.raises(InputError, match=reason) as refused:
            workspace.add([given])
        assert len(str(refused.value).splitlines()) == 1
        assert str(tmp_path) not in str(refused.value)
        assert workspace.uploads() == []
        assert workspace.verify() == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["workspace"]


TOO_MUCH = {
    "file.csv": (CSV + b"9,1\n" * 100_000, "file.csv: larger than 0 MiB"),
    "bomb.zip": (packed(("a.csv", bytes(250_000)), ("b.csv", bytes(240_000))), "zip bomb"),
    "total.zip": (packed(("a.csv", bytes(290_000)), ("b.csv", bytes(290_000))), "unpacks to"),
    "many.zip": (packed(*((f"{k}.csv", CSV) for k in range(21))), "more than 20 files"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much_is_refused(name, tmp_path, monkeypatch):
    content, reason = TOO_MUCH[name]
    monkeypatch.setattr("predictor.store.uploading._FREE_BYTES", 1000)
    with Workspace.open(tmp_path, limits=SMALL) as workspace:
        with pytest.raises(InputError, match=reason):
            workspace.add([Given(name, content)])
        assert workspace.verify() == []


def test_a_gigabyte_of_zeros_is_refused_before_it_is_unpacked(tmp_path):
    content = io.BytesIO()
    zeros = bytes(1 << 20)
    with (
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("zeros.csv", "w", force_zip64=True) as stream,
    ):
        for _ in range(150):
            stream.write(zeros)
    assert len(content.getvalue()) < 1_000_000
    with (
        Workspace.open(tmp_path) as workspace,
        pytest.raises(InputError, match=r"bomb.zip: zeros.csv: .*a zip bomb is refused"),
    ):
        workspace.add([Given("bomb.zip", content.getvalue())])


def test_files_given_together_count_together(tmp_path):
    parts = [Given(f"{k}.csv", CSV + b"9,1\n" * 60_000) for k in range(3)]
    with (
        Workspace.open(tmp_path, limits=SMALL) as workspace,
        pytest.raises(InputError, match=r"2.csv: more than 0 MiB in one upload"),
    ):
        workspace.add(parts)


def test_a_zip_is_a_folder_of_logs_and_what_holds_code_stays_out(workspace):
    zipped = packed(
        ("runs/a.csv", curve("a").content),
        ("runs/b.csv", curve("b").content),
        ("runs/checkpoint.pkl", pickle.dumps({"weights": 1})),
        ("runs/nested.zip", packed(("c.csv", curve("c").content))),
    )
    upload = workspace.add([Given("runs.zip", zipped)])
    assert sorted(workspace.runs()["name"]) == ["a", "b"]
    names = [file.name for file in upload.files]
    assert names == ["runs/a.csv", "runs/b.csv", "runs/nested.zip"]
    assert "runs/checkpoint.pkl is a pickle: not opened and not kept" in [
        finding.message for finding in upload.findings
    ]


def test_names_of_runs_and_metrics_are_kept_as_text(workspace):
    names = ["=1+1", "<script>alert(1)</script>", "@SUM(A1)", "../../x", "'; DROP TABLE runs;--"]
    rows = [f'"{name}",{k},{3 / k}' for name in names for k in range(1, 6)]
    csv = "\n".join(["run,step,=cmd|loss", *rows])
    workspace.add([Given("names.csv", csv.encode())])
    assert set(workspace.runs()["name"]) == set(names)
    assert workspace.log().metrics == ["=cmd|loss"]
    assert len(workspace.log().points) == 25


def test_streams_and_paths_are_taken_like_bytes(workspace, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)
    first = workspace.add([Given("a.csv", CSV)])
    assert workspace.add([Given("a.csv", io.BytesIO(CSV))]) == first
    assert workspace.add([Given("a.csv", path)]) == first
    assert workspace.add_paths([path]) == first
    with pytest.raises(InputError, match=r"b.csv: cannot be opened"):
        workspace.add([Given("b.csv", tmp_path / "b.csv")])


def test_folders_keep_their_names_and_hidden_files_stay_behind(tmp_path):
    folder = tmp_path / "sweep"
    (folder / "one").mkdir(parents=True)
    (folder / "one" / "loss.csv").write_bytes(CSV)
    (folder / ".secret").write_bytes(b"x")
    assert [given.name for given in given_files([folder])] == ["sweep/one/loss.csv"]
    with pytest.raises(InputError, match="no such file or folder"):
        given_files([tmp_path / "missing"])


CONFIG = {
    "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 100,
}  # fmt: skip


def test_a_compression_table_may_name_files_that_came_along_and_no_others(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))

    def kinds(config: str) -> tuple[str, ...]:
        head = "model,series,text_bytes,tokens,bits_per_byte,config\n"
        rows = "".join(f"m{k},s,4000,1000,0.{k},{config}\n" for k in (7, 8, 9))
        beside = Given("config.json", json.dumps(CONFIG).encode())
        return workspace.add([Given("table.csv", (head + rows).encode()), beside]).kinds

    with Workspace.open(tmp_path / "workspace") as workspace:
        assert "capacity" in kinds("config.json")
        assert "capacity" not in kinds(str(tmp_path / "config.json"))
        assert "capacity" not in kinds("../../config.json")


@pytest.mark.parametrize("name", ["a.csv", "runs/a.csv", "runs//./a.csv", "runs\\a.csv", "ü/é.csv"])
def test_names_stay_below_the_folder(name):
    parts = checked_name(name).split("/")
    assert not {"", ".", ".."} & set(parts)


def test_random_bytes_never_break_it(tmp_path):
    rng = np.random.default_rng(0)
    with Workspace.open(tmp_path) as workspace:
        for size in (1, 3, 40, 5_000):
            for name in ("a.csv", "a.zip", "a.parquet", "a.json", "events.out.tfevents.1"):
                noise = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
                with pytest.raises(InputError):
                    workspace.add([Given(name, noise)])
        assert workspace.verify() == []
