"""Bad input through the command line: one line that helps, the right status, nothing half done."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import resource
import subprocess
import sys

import numpy as np
import pytest

from predictor.cli import run

ROWS = "step,loss\n" + "".join(f"{i},{2 + 3 / i**0.5:.6f}\n" for i in range(1, 60))
JUNK = np.random.default_rng(0).integers(0, 256, 5_000, dtype=np.uint8).tobytes()

REFUSED = {
    "empty.csv": (b"", "is empty"),
    "header.csv": (b"step,loss\n", "no rows"),
    "junk.bin": (JUNK, "binary"),
    "trainer_state.json": (b'{"log_history": [{"loss": 3.0, "step": 1}, {"loss": 2.', "cut off"),
    "short.csv.gz": (gzip.compress(ROWS.encode() * 50)[:200], "too early"),
    "latin.csv": (ROWS.encode() + "60,1.0,é\n".encode("latin-1"), "not UTF-8"),
    "model.pkl": (pickle.dumps({"loss": 1}), "pickle"),
    "nan.csv": (b"step,loss\n" + b"".join(b"%d,nan\n" % i for i in range(9)), "NaN"),
    "text.csv": (b"step,loss\n1,abc\n2,def\n", "'loss' should be numbers"),
    "wide.csv": (b",".join(b"c%d" % i for i in range(10**6)) + b"\n", "columns"),
    "line.csv": (b"step,loss," + b"a" * 20_000_000, "longer than 16 MiB"),
}


def forecast(capsys, *arguments):
    """Run ``predictor forecast``; return status, standard output, lines of standard error."""
    status = run(["forecast", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err.splitlines()


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "run.csv"
    path.write_text(ROWS)
    return path


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(name, tmp_path, capsys):
    content, reason = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(content)
    status, out, err = forecast(capsys, path, "--at", "step=100")
    assert (status, out, len(err)) == (2, "", 1)
    assert err[0].startswith("predictor: ")
    assert reason in err[0]
    assert name in err[0] or name == "nan.csv"


def test_two_gigabytes_in_one_line_are_refused_by_size_not_by_memory(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as stream:
        stream.write(b"step,loss\n1,")
        stream.truncate(2 * 1024**3)
    done = subprocess.run(
        [sys.executable, "-m", "predictor", "forecast", str(path), "--at", "step=100"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (3 * 1024**3,) * 2),
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"predictor: {path}: ")
    assert len(done.stderr.splitlines()) == 1


def test_loops_of_links(tmp_path, capsys):
    itself = tmp_path / "itself.csv"
    itself.symlink_to(itself)
    assert forecast(capsys, itself, "--at", "9")[0] == 2
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "again").symlink_to(folder)
    (folder / "run.csv").write_text(ROWS)
    assert forecast(capsys, folder, "--at", "90", "--quiet")[0] == 0


def test_a_file_without_the_right_to_read_it(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text(ROWS)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert run(["forecast", str(path), "--at", "9"]) == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--metric", "los", "--at", "100"], "did you mean loss"),
        (["--at", "tokens=5"], "it has step"),
        (["--at", "step=abc"], "not a positive number"),
        (["--at", "step=-5"], "not a positive number"),
        (["--at", "stop=3"], "did you mean step"),
        (["--at", "step=1,step=2"], "given twice"),
        (["--at", "params=7B,tokens=2T"], "one axis"),
        (["--at", "100", "--level", "1.5"], "--level 1.5"),
        (["--at", "100", "--law", "powr"], "did you mean power"),
        (["--at", "100", "--log-format", "tabel"], "did you mean 'table'"),
        (["--at", "100", "--run", "ran"], "did you mean run"),
        (["--at", "100", "--x", "tokens"], "it has step"),
        (["--at", "100", "--until", "step=0.5"], "nothing before"),
        (["--bogus"], "--bogus"),
        ([], "say where with --at"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(arguments, reason, log, capsys):
    status, out, err = forecast(capsys, log, *arguments)
    assert (status, out, len(err)) == (2, "", 1)
    assert reason in err[0]


def test_an_output_that_cannot_be_written_leaves_nothing(log, tmp_path, capsys):
    status, out, err = forecast(capsys, log, "--at", "100", "--output", tmp_path / "no" / "a.json")
    assert (status, out, len(err)) == (2, "", 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.csv"]


@pytest.mark.parametrize("points", [1, 2, 3])
def test_too_few_points_are_no_forecast(points, tmp_path, capsys):
    path = tmp_path / "few.csv"
    path.write_text("\n".join(ROWS.splitlines()[: points + 1]) + "\n")
    status, out, _ = forecast(capsys, path, "--at", "100", "--format", "json")
    (said,) = json.loads(out)["forecasts"]
    assert status == 3
    assert (said["value"], said["lower"], said["upper"]) == (None, None, None)
    assert "PRED101" in said["warnings"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (dict.fromkeys(range(1, 20), 2.5), "PRED104"),
        ({i: 2 + 3 / max(i, 1) ** 0.5 for i in range(-5, 30)}, "PRED105"),
        ({i: float("nan") if i == 7 else 2 + 3 / i**0.5 for i in range(1, 30)}, "PRED001"),
        ({i: float("inf") if i == 7 else 2 + 3 / i**0.5 for i in range(1, 30)}, "PRED002"),
        ({i: 2 + 3 / i**0.5 for i in (5, 3, 1, 2, 4, 9, 7, 8, 6, 10, 12, 11)}, "PRED005"),
    ],
)
def test_what_can_be_forecast_with_a_warning_is(values, code, tmp_path, capsys):
    path = tmp_path / "odd.csv"
    path.write_text("step,loss\n" + "".join(f"{k},{v}\n" for k, v in values.items()))
    status, out, _ = forecast(capsys, path, "--at", "60", "--format", "json")
    document = json.loads(out)
    assert status == 0
    assert document["forecasts"][0]["value"] is not None
    assert code in {finding["code"] for finding in document["warnings"]}


def test_a_tensorboard_file_cut_in_the_middle_is_forecast_from_what_is_left(tmp_path, capsys):
    writer_module = pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    writer = writer_module.EventFileWriter(str(tmp_path))
    for step in range(1, 101):
        value = Summary.Value(tag="loss", simple_value=2 + 3 / step**0.5)
        writer.add_event(Event(step=step, wall_time=step, summary=Summary(value=[value])))
    writer.close()
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    status, out, _ = forecast(
        capsys, path, "--metric", "loss", "--at", "step=100", "--format", "json"
    )
    document = json.loads(out)
    assert status == 0
    assert document["forecasts"][0]["value"] == pytest.approx(2.3, rel=0.02)
    assert "PRED007" in {finding["code"] for finding in document["warnings"]}


def test_json_is_one_document_of_the_contract_and_the_same_for_the_same_seed(log, capsys):
    call = (log, "--metric", "loss", "--at", "step=100", "--at", "step=200", "--format", "json")
    _, out, _ = forecast(capsys, *call)
    document = json.loads(out)
    assert document["schema"] == "predictor/forecast/1"
    assert set(document) == {"schema", "forecasts", "warnings"}
    assert [list(said) for said in document["forecasts"]] == [
        ["run", "metric", "at", "value", "lower", "upper", "level", "law", "points",
         "extrapolation", "warnings"]
    ] * 2  # fmt: skip
    assert forecast(capsys, *call)[1] == out


def test_the_package_is_light_and_a_forecast_loads_no_heavy_library(log):
    heavy = "{'scipy.optimize', 'sklearn', 'statsmodels', 'altair'}"
    light = f"import sys, predictor; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", light], check=True)
    call = f"['forecast', {str(log)!r}, '--at', '100', '--quiet']"
    used = (
        f"import sys; from predictor.cli import run; assert run({call}) == 0; "
        f"assert not ({heavy} | {{'duckdb'}}) & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", used], check=True, capture_output=True)
