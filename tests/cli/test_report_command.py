"""``predictor report``: what is in it, where it goes, what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from predictor.bundle import dataset_path
from predictor.cli import run

SCALING = str(dataset_path("mlp_scaling"))


@pytest.fixture
def logs(tmp_path):
    """Return a folder with two runs, a table of items, and one of responses."""
    folder = tmp_path / "logs"
    folder.mkdir()
    step = np.arange(20, 2020, 20)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        value = 2 + 5 * step**-0.5 + 0.01 * rng.normal(size=len(step))
        rows = [{"step": int(s), "loss": float(v)} for s, v in zip(step, value, strict=True)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    items = ["model,params,tokens,benchmark,item,trials,passes"]
    items += [f"m{k},{10**k},{10**k * 20},quiz,{i},10,{min(10, k + i % 3)}"
              for k in range(3, 8) for i in range(12)]  # fmt: skip
    (tmp_path / "items.csv").write_text("\n".join(items) + "\n")
    responses = ["strategy,example,tokens,logprob_sum"]
    responses += [f"{s},{i},10,{-5 - j - 0.1 * (i % 5)}"
                  for j, s in enumerate(("plain", "steps")) for i in range(60)]  # fmt: skip
    (tmp_path / "responses.csv").write_text("\n".join(responses) + "\n")
    return tmp_path


def report(capsys, *args):
    status = run(["report", *map(str, args), "--quiet"])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_what_the_paths_hold_decides_what_is_in_it(logs, capsys):
    page, text = logs / "r.html", logs / "r.md"
    status, out, err = report(
        capsys, logs, "--at", "step=4000", "--at", "params=1e10,tokens=2e11", "--html", page,
        "--markdown", text, "--title", "Ours", "--format", "json",
    )  # fmt: skip
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert document["schema"] == "predictor/report/1"
    titles = [section["title"] for section in document["sections"]]
    assert titles == ["Learning curves", "Health of the runs", "Benchmarks", "Response strategies"]
    assert [part["title"] for part in document["sections"][0]["parts"]] == ["a", "b"]
    assert document["files"] == [str(page), str(text)]
    assert page.read_text().count("<figure ") == 4
    for picture in [line for line in text.read_text().splitlines() if line.startswith("![")]:
        assert (logs / picture[picture.index("(<") + 2 : -2]).read_text().startswith("<svg")


def test_tables_that_are_named(logs, capsys):
    status, out, _ = report(
        capsys, "--scaling", SCALING, "--at", "flops=1e12", "--html", logs / "r.html"
    )
    assert status == 0
    assert out.startswith("Scaling law: ")
    assert "1e+12 FLOPs are best spent on" in out
    assert out.endswith(f"Report: {logs / 'r.html'}\n")


def test_it_says_what_it_says_as_a_table(logs, capsys):
    status, out, _ = report(
        capsys, logs / "logs", "--at", "step=4000", "--html", logs / "r.html", "--format", "csv"
    )
    assert status == 0
    assert out.splitlines()[0] == "section,part,words"
    assert "Learning curves,a,loss at step=4000 is " in out.replace('"', "")


def test_the_same_bytes_every_time(logs, capsys):
    pages = []
    for name in ("one.html", "two.html"):
        report(capsys, logs / "logs", "--at", "step=4000", "--html", logs / name)
        pages.append((logs / name).read_bytes())
    assert pages[0] == pages[1]


def test_nothing_forecast_is_said_and_the_logs_are_shown(logs, capsys):
    (logs / "short.jsonl").write_text(
        '{"step": 1, "accuracy": 0.1}\n{"step": 2, "accuracy": 0.2}\n'
    )
    status, out, _ = report(capsys, logs / "short.jsonl", "--html", logs / "r.html")
    assert status == 3
    assert "Nothing was forecast: the log does not tell how long the run is to be" in out
    assert (logs / "r.html").read_text().count("<figure ") == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "nothing to report on"),
        (["nowhere"], "nowhere"),
        (["--scaling", SCALING, "--at", "params=1e9"], "nothing in this report can be forecast"),
        (["--scaling", SCALING, "--level", "2"], "between 0 and 1"),
        (["--scaling", SCALING, "--html", "/nowhere/r.html"], "cannot be written"),
    ],
)
def test_what_it_refuses_in_one_line(args, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status, out, err = report(capsys, *args)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())
