"""Console logs of Megatron's versions; lines as they print them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.errors import InputError
from predictor.logs import RunLog, read_logs
from predictor.logs.readers import megatron as reader
from predictor.logs.source import Source

DEEPSPEED = """\
0: using world size: 8, data-parallel-size: 8, tensor-model-parallel size: 1
0:   seed ............................................ 1234
0:   seq_length ...................................... 2048
0:  > number of parameters on (tensor, pipeline) model parallel rank (0, 0): 354871296
0: [Rank 0] (after 200 iterations) memory (MB) | allocated: 7482.2 | reserved: 27182.0
0:  iteration      100/  148693 | consumed samples:        12800 | consumed tokens:     26214400 \
| elapsed time per iteration (s): 3.45 | learning rate: 1.500E-05 | global batch size:   128 \
| lm loss: 9.5E+00 | loss scale: 12.0 | grad norm: 4.036 | number of skipped iterations:   0 \
| number of nan iterations:   1 |
0: valid loss at iteration 100 | lm loss value: 8.75E+00 | lm loss PPL: 6.3E+03 |\x20
0:  iteration      200/  148693 | consumed samples:        25600 | consumed tokens:     52428800 \
| elapsed time per iteration (s): 3.25 | learning rate: 3.000E-05 | global batch size:   128 \
| lm loss: 8.25E+00 | loss scale: 12.0 | grad norm: 2.5 | number of skipped iterations:   0 \
| number of nan iterations:   0 |
0: valid loss at iteration 200 | lm loss value: 8.0E+00 | lm loss PPL: 3.0E+03 |\x20
Traceback (most recent call last):
"""
LM = """\
------------------------ arguments ------------------------
  hidden_size ..................................... 1024
-------------------- end of arguments ---------------------
 > number of parameters on (tensor, pipeline) model parallel rank (0, 0): 100
 > number of parameters on (tensor, pipeline) model parallel rank (1, 0): 110
 > number of parameters on (tensor, pipeline) model parallel rank (0, 0): 100
 [2024-05-01 12:00:00] iteration       10/     500 | consumed samples:         2560 | \
elapsed time per iteration (ms): 123.4 | throughput per GPU (TFLOP/s/GPU): 99.5 | \
learning rate: 1.000000E-04 | global batch size:   256 | lm loss: 5.0E+00 | grad norm: 1.5 |
 [2024-05-01 12:00:30] iteration       20/     500 | consumed samples:         7680 | \
elapsed time per iteration (ms): 123.4 | throughput per GPU (TFLOP/s/GPU): 99.5 | \
learning rate: 2.000000E-04 | global batch size:   512 | lm loss: nan | grad norm: inf |
(min, max) time across ranks (ms):
------------------------------------------------------------------------------------------------
 validation loss at iteration 20 on validation set | lm loss value: 4.5E+00 | lm loss PPL: 90.0 |
------------------------------------------------------------------------------------------------
 validation loss at iteration 20 on test set | lm loss value: 4.75E+00 | lm loss PPL: 115.0 |
 validation loss at the end of training for val data | lm loss value: 4.25E+00 | lm loss PPL: 70 |
"""
NEMO = """\
[NeMo I 2025-01-01 00:00:00 nemo_logging:381] Doing selective restore
Training epoch 0, iteration 0/99 | lr: 1.5e-07 | global_batch_size: 64 | global_step: 0 | \
reduced_train_loss: 11.5 | train_step_timing in s: 9.1
Training epoch 0, iteration 1/99 | lr: 3e-07 | global_batch_size: 64 | global_step: 1 | \
reduced_train_loss: 11.25 | train_step_timing in s: 1.1 | consumed_samples: 128
Training epoch 1, iteration 0/99 | lr: 4.5e-07 | global_batch_size: 64 | global_step: 100 | \
reduced_train_loss: 7.5 | train_step_timing in s: 1.2 | consumed_samples: 6464 | val_loss: 7.25
"""


def source(path: Path) -> Source:
    return Source(path, path.name, "a job")


def write(folder: Path, text: str | bytes, name: str = "job.out") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path) -> RunLog:
    (log,) = reader.read(source(path))
    assert isinstance(log, RunLog)
    return log


def facts(log: RunLog) -> dict[str, object]:
    (row,) = log.runs.to_dict("records")
    return {str(key): value for key, value in row.items()}


def test_train_and_validation_lines_with_rank_prefixes(tmp_path: Path) -> None:
    path = write(tmp_path, DEEPSPEED)
    assert reader.sniff(source(path))
    log = read(path)
    loss = log.curve("a job", "lm loss")
    assert list(loss["step"]) == [100, 200]
    assert list(loss["value"]) == [9.5, 8.25]
    assert list(loss["samples"]) == [12800, 25600]
    assert list(loss["tokens"]) == [26214400, 52428800]
    assert list(loss["lr"]) == [1.5e-05, 3e-05]
    valid = log.curve("a job", "valid lm loss")
    assert list(valid["value"]) == [8.75, 8.0]
    assert list(valid["tokens"]) == [26214400, 52428800], "as on the train line of the iteration"
    assert list(log.curve("a job", "grad norm")["value"]) == [4.036, 2.5]
    assert list(log.curve("a job", "number of nan iterations")["value"]) == [1, 0]
    assert list(log.curve("a job", "elapsed time per iteration (s)")["value"]) == [3.45, 3.25]
    assert "consumed tokens" not in log.metrics
    assert facts(log) == {
        "run": "a job",
        "format": "megatron",
        "source": "job.out",
        "seed": 1234,
        "seq_length": 2048,
        "max_steps": 148693,
        "batch_size": 128,
        "params": 354871296,
    }
    assert log.findings == ()


def test_lines_with_clocks_and_two_sets(tmp_path: Path) -> None:
    path = write(tmp_path, LM)
    assert reader.sniff(source(path))
    log = read(path)
    loss = log.curve("a job", "lm loss")
    assert loss["value"].iloc[0] == 5.0
    assert math.isnan(loss["value"].iloc[1])
    assert list(loss["wall_time"].diff().dropna()) == [30]
    assert list(log.curve("a job", "grad norm")["value"]) == [1.5, math.inf]
    assert list(log.curve("a job", "valid lm loss")["value"]) == [4.5, 4.25]
    assert list(log.curve("a job", "valid lm loss")["step"]) == [20, 20]
    assert list(log.curve("a job", "test lm loss")["value"]) == [4.75]
    assert list(log.curve("a job", "valid lm loss PPL")["value"]) == [90, 70]
    assert "batch_size" not in facts(log), "it grows"
    assert facts(log)["params"] == 210


def test_a_log_that_starts_with_a_clock_in_brackets(tmp_path: Path) -> None:
    path = write(tmp_path, LM[LM.index("[2024") :])
    assert reader.sniff(source(path))


def test_tokens_from_samples_and_sequence_length(tmp_path: Path) -> None:
    text = DEEPSPEED.replace("consumed tokens", "num tokens x")
    log = read(write(tmp_path, text))
    assert list(log.curve("a job", "lm loss")["tokens"]) == [12800 * 2048, 25600 * 2048]
    assert [finding.code for finding in log.findings] == ["PRED011"]


def test_nemo_lines_count_by_their_global_step(tmp_path: Path) -> None:
    path = write(tmp_path, NEMO)
    assert reader.sniff(source(path))
    log = read(path)
    loss = log.curve("a job", "reduced_train_loss")
    assert list(loss["step"]) == [0, 1, 100]
    assert list(loss["value"]) == [11.5, 11.25, 7.5]
    assert list(loss["lr"]) == [1.5e-07, 3e-07, 4.5e-07]
    assert list(log.curve("a job", "val_loss")["step"]) == [100]
    assert facts(log)["batch_size"] == 64


def test_a_restart_repeats_iterations_as_logged(tmp_path: Path) -> None:
    lines = [f" iteration {i}/ 10 | lm loss: {v} |\n" for i, v in ((1, 3), (2, 2), (2, 1), (3, 0))]
    path = write(tmp_path, "".join(lines))
    assert list(read(path).points["step"]) == [1, 2, 2, 3]
    cleaned = read_logs(path)
    assert isinstance(cleaned, RunLog)
    assert list(cleaned.points["value"]) == [3, 1, 0]


def test_named_validation_sets_keep_their_names(tmp_path: Path) -> None:
    text = "valid-en loss at iteration 5 | lm loss value: 2.5 | lm loss PPL: 12.2 |\n"
    assert read(write(tmp_path, text)).metrics == ["valid-en lm loss", "valid-en lm loss PPL"]


def test_junk_between_the_lines_is_passed_over(tmp_path: Path) -> None:
    junk = b"\xff\xfe\0\x1b[31m | loss: 3 | a: b |\n" + b"x" * 100_000 + b"\n: | : |\n"
    lines = [b" iteration %d/ 9 | lm loss: %d.5 |\r\n" % (i, i) for i in (1, 2)]
    path = write(tmp_path, lines[0] + junk + b"progress\r" + lines[1])
    assert reader.sniff(source(path))
    assert list(read(path).points["value"]) == [1.5, 2.5]


def test_a_line_of_a_million_blanks_is_no_trouble(tmp_path: Path) -> None:
    text = DEEPSPEED + " iteration 300/ 500 | lm loss: 3" + " " * 1_000_000 + "x | a: 1 |\n"
    assert read(write(tmp_path, text)).points["step"].max() == 300


def test_a_log_cut_anywhere_gives_whole_fields_only(tmp_path: Path) -> None:
    whole = read(write(tmp_path, DEEPSPEED)).points[["metric", "step", "value"]]
    known = set(whole.itertuples(index=False, name=None))
    start = DEEPSPEED.index("lm loss: 9.5E+00 |") + len("lm loss: 9.5E+00 |")
    for size in range(start, len(DEEPSPEED), 3):
        log = read(write(tmp_path, DEEPSPEED[:size]))
        rows = log.points[["metric", "step", "value"]].itertuples(index=False, name=None)
        assert set(rows) <= known
        assert {finding.code for finding in log.findings} <= {"PRED007"}


def test_a_value_that_the_cut_goes_through_is_left_out(tmp_path: Path) -> None:
    cut = DEEPSPEED[: DEEPSPEED.index("lm loss: 8.25E+00") + len("lm loss: 8.2")]
    log = read(write(tmp_path, cut))
    assert list(log.curve("a job", "lm loss")["value"]) == [9.5]
    assert [finding.code for finding in log.findings] == ["PRED007"]
    assert "cut off" in log.findings[0].message


def test_a_log_without_iterations_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, "using tensor-model-parallel size: 1\nOut of memory\n")
    assert reader.sniff(source(path)), "its iterations may begin beyond the head"
    with pytest.raises(InputError, match=r"job.out: no iteration lines found"):
        read_logs(path)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": " iteration 1/ 2 | lm loss: 3 |"}',
        '[{"a": " iteration 1/ 2 | lm loss: 3 |"}]',
        "step,loss\n1,2\n",
        "iteration 5 of 7\n",
        "the loss at iteration 5 was high\n",
    ],
)
def test_other_texts_are_not_taken(text: str, tmp_path: Path) -> None:
    assert not reader.sniff(source(write(tmp_path, text)))


def test_a_clock_that_is_none_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, "[2024-99-99 12:00:00] iteration 1/ 2 | lm loss: 3 |\n")
    assert read(path).points["wall_time"].isna().all()


rows = st.lists(
    st.tuples(
        st.integers(0, 10**7),
        st.floats(),
        st.floats(0, 1e4, allow_nan=False),
        st.sampled_from(["", "0: ", " [2024-05-01 12:00:00] ", "[default0]: "]),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=50, deadline=None)
@given(rows=rows)
def test_what_was_printed_is_read(
    rows: list[tuple[int, float, float, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "".join(
        f"{prefix} iteration {step:8d}/ 10000000 | consumed samples: {step * 8:12d} | "
        f"learning rate: {rate:.6E} | lm loss: {loss:.6E} | loss scale: 1.0 |\n"
        for step, loss, rate, prefix in rows
    )
    curve = read(write(tmp_path_factory.mktemp("log"), text)).curve("a job", "lm loss")
    assert list(curve["step"]) == [step for step, *_ in rows]
    assert list(curve["samples"]) == [step * 8 for step, *_ in rows]
    assert list(curve["lr"]) == [float(f"{rate:.6E}") for _, _, rate, _ in rows]
    printed = [float(f"{loss:.6E}") for _, loss, _, _ in rows]
    assert [repr(value) for value in curve["value"]] == [repr(value) for value in printed]
