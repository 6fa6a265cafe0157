"""Console text of nanoGPT; lines as it prints them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.errors import InputError
from predictor.logs import RunLog, read_logs
from predictor.logs.readers import nanogpt as reader
from predictor.logs.source import Source

CONSOLE = """\
tokens per iteration will be: 491,520
number of parameters: 124.34M
step 0: train loss 10.9500, val loss 10.9750
iter 0: loss 10.9625, time 15500.25ms, mfu -100.00%
iter 10: loss 9.5000, time 250.50ms, mfu 31.75%
saving checkpoint to out
step 20: train loss 8.5000, val loss 8.7500
iter 20: loss 8.6250, time 251.00ms, mfu 31.70%
"""


def source(path: Path) -> Source:
    return Source(path, path.name, "a run")


def write(folder: Path, text: str) -> Path:
    path = folder / "output.log"
    path.write_text(text)
    return path


def read(path: Path) -> RunLog:
    (log,) = reader.read(source(path))
    assert isinstance(log, RunLog)
    return log


def test_iterations_and_evaluations(tmp_path: Path) -> None:
    path = write(tmp_path, CONSOLE)
    assert reader.sniff(source(path))
    log = read(path)
    assert log.metrics == ["train loss", "val loss", "loss"]
    assert list(log.curve("a run", "loss")["step"]) == [0, 10, 20]
    assert list(log.curve("a run", "loss")["value"]) == [10.9625, 9.5, 8.625]
    assert list(log.curve("a run", "val loss")["value"]) == [10.975, 8.75]
    (facts,) = log.runs.to_dict("records")
    assert facts == {
        "run": "a run",
        "format": "nanogpt",
        "source": "output.log",
        "batch_size_in_tokens": 491520,
        "params": 124.34e6,
    }
    assert log.findings == ()


def test_it_is_found_by_content_and_its_tokens_are_counted(tmp_path: Path) -> None:
    log = read_logs(write(tmp_path, CONSOLE))
    assert isinstance(log, RunLog)
    curve = log.points[log.points["metric"] == "val loss"]
    assert list(curve["tokens"]) == [0, 20 * 491520]


def test_a_logged_learning_rate_stands_with_the_loss(tmp_path: Path) -> None:
    log = read(write(tmp_path, "iter 3: loss 2.5, lr 6e-4, time 9.0ms\n"))
    assert log.points[["metric", "lr", "value"]].to_numpy().tolist() == [["loss", 6e-4, 2.5]]


def test_a_log_cut_anywhere_gives_whole_values_only(tmp_path: Path) -> None:
    whole = read(write(tmp_path, CONSOLE)).points[["metric", "step", "value"]]
    known = set(whole.itertuples(index=False, name=None))
    start = CONSOLE.index("step 0: train loss 10.9500,") + len("step 0: train loss 10.9500,")
    for size in range(start, len(CONSOLE)):
        log = read(write(tmp_path, CONSOLE[:size]))
        rows = log.points[["metric", "step", "value"]].itertuples(index=False, name=None)
        assert set(rows) <= known
        assert {finding.code for finding in log.findings} <= {"PRED007"}
    assert read(write(tmp_path, CONSOLE.rstrip())).findings == ()
    cut = read(write(tmp_path, CONSOLE[: CONSOLE.index("00\niter 20")]))
    assert [finding.code for finding in cut.findings] == ["PRED007"]
    assert list(cut.curve("a run", "val loss")["value"]) == [10.975]


def test_a_line_of_a_million_blanks_is_no_trouble(tmp_path: Path) -> None:
    text = CONSOLE + "step 30: train" + " " * 1_000_000 + "x\n"
    assert len(read(write(tmp_path, text)).points) == 7


@pytest.mark.parametrize("text", ["", "epoch 1: loss 3.0\n", "iter one\n", "step 5: val 3\n"])
def test_other_texts_are_refused(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    assert not reader.sniff(source(path))
    with pytest.raises(InputError, match="no lines 'iter"):
        read(path)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 10**7), st.floats(0, 20)), min_size=1))
def test_what_was_printed_is_read(
    rows: list[tuple[int, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "".join(f"iter {step}: loss {loss:.4f}, time 9.1ms\n" for step, loss in rows)
    points = read(write(tmp_path_factory.mktemp("log"), text)).points
    assert list(points["step"]) == [step for step, _ in rows]
    assert list(points["value"]) == [float(f"{loss:.4f}") for _, loss in rows]
