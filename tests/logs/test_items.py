"""Results per item and scored responses."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predictor.errors import InputError
from predictor.logs import ItemLog, ResponseLog, read_logs
from predictor.logs.tables import ITEM_COLUMNS


def _read(folder: Path, text: str, name: str = "items.csv") -> ItemLog:
    path = folder / name
    path.write_text(text)
    log = read_logs(path)
    assert isinstance(log, ItemLog)
    return log


def test_golden_items(tmp_path: Path) -> None:
    text = "model,params,checkpoint,benchmark,item,score\n"
    text += "m,1000,5,b,x,1\nm,1000,5,b,y,0\nm,1000,5,b,x,0\n"
    items = _read(tmp_path, text).items
    assert list(items.columns) == list(ITEM_COLUMNS)
    assert list(items["item"]) == ["x", "y"]
    assert list(items["trials"]) == [2, 1]
    assert list(items["passes"]) == [1, 0]
    assert list(items["params"]) == [1000, 1000]
    assert list(items["checkpoint"]) == [5, 5]


def test_trials_and_passes(tmp_path: Path) -> None:
    items = _read(tmp_path, "model,task,question_id,n,c\nm,b,1,10,3\nm,b,2,10,0\n").items
    assert list(items["trials"]) == [10, 10]
    assert list(items["passes"]) == [3, 0]
    assert set(items["benchmark"]) == {"b"}


@pytest.mark.parametrize(
    "words", [("true", "false"), ("True", "False"), ("1", "0"), ("pass", "fail")]
)
def test_pass_and_fail_in_words(words: tuple[str, str], tmp_path: Path) -> None:
    yes, no = words
    items = _read(tmp_path, f"model,item,correct\nm,1,{yes}\nm,2,{no}\n").items
    assert list(items["passes"]) == [1, 0]


def test_percent_is_told(tmp_path: Path) -> None:
    log = _read(tmp_path, "model,item,pass@1\nm,1,80\nm,2,10\n")
    assert list(log.items["passes"]) == [0.8, 0.1]
    assert [finding.code for finding in log.findings] == ["PRED011"]


def test_impossible_counts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="item '2' of 'm' has 900 passes in 1 trials"):
        _read(tmp_path, "model,item,score\nm,1,0.5\nm,2,900\n")


def test_rows_without_a_result_are_counted(tmp_path: Path) -> None:
    log = _read(tmp_path, "model,item,score\nm,1,0.5\nm,2,\nm,3,oops\n")
    assert list(log.items["item"]) == ["1"]
    assert log.findings[0].message.startswith("2 of 3 rows")


def test_no_result_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row holds an item"):
        _read(tmp_path, "model,item,score\nm,1,a\nm,2,b\n")


def test_an_item_a_row_and_a_model_a_column(tmp_path: Path) -> None:
    items = _read(tmp_path, "example_id,small,large\nq1,0,1\nq2,0.5,1\n", "humaneval.csv").items
    assert list(items["model"].astype(str)) == ["small", "small", "large", "large"]
    assert list(items["passes"]) == [0, 0.5, 1, 1]
    assert set(items["benchmark"]) == {"humaneval"}


def test_jsonl_gzip_and_a_cut_off_line(tmp_path: Path) -> None:
    rows = [
        {"model": "m", "item": i, "correct": i % 2 == 0, "response": "x" * 99} for i in range(5)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)[:-30]
    path = tmp_path / "items.jsonl.gz"
    path.write_bytes(gzip.compress(text.encode()))
    items = read_logs(path).items
    assert list(items["passes"]) == [1, 0, 1, 0]


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    pd.DataFrame({"model": ["m", "m"], "item": [2, 1], "score": [1.0, 0.0]}).to_parquet(path)
    assert list(read_logs(path).items["item"]) == ["1", "2"]


_results = st.lists(
    st.tuples(
        st.text("abcäß-_/ ", min_size=1, max_size=6).filter(str.strip),
        st.integers(0, 50),
        st.integers(1, 20),
        st.integers(0, 20),
    ),
    min_size=1,
    max_size=20,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(results=_results, way=st.sampled_from(["csv", "jsonl", "parquet"]))
def test_what_is_written_is_read(
    results: list[tuple[str, int, int, int]], way: str, tmp_path: Path
) -> None:
    frame = pd.DataFrame(
        [
            (model.strip(), f"i{item}", trials, min(trials, passes))
            for model, item, trials, passes in results
        ],
        columns=["model", "item", "trials", "passes"],
    )
    path = tmp_path / f"bench.{way}"
    if way == "jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    elif way == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    items = read_logs(path).items.astype({"model": str, "item": str})
    expected = frame.groupby(["model", "item"])[["trials", "passes"]].sum().sort_index()
    found = items.set_index(["model", "item"])[["trials", "passes"]].sort_index()
    np.testing.assert_array_equal(found, expected)
    assert list(found.index) == list(expected.index)


@pytest.mark.slow
def test_five_million_rows_stay_under_a_gibibyte(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    line = '{{"model": "m{:02d}", "benchmark": "b{}", "item": "item-{:06d}", "correct": {}}}\n'
    with path.open("w") as stream:
        for model in range(50):
            stream.writelines(
                line.format(model, i % 10, i, "true" if (i * model) % 3 else "false")
                for i in range(100_000)
            )
    # Not ru_maxrss: a child inherits the peak of the process that started it.
    script = (
        "from predictor.logs import read_logs; "
        f"log = read_logs({str(path)!r}); status = open('/proc/self/status').read(); "
        "print(len(log.items), status.split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    rows, kibibytes = map(int, done.stdout.split())
    assert rows == 5_000_000
    assert kibibytes < 1024**2


def test_real_pass_rates(shared_data: Path) -> None:
    items = read_logs(shared_data / "code-items" / "generation.csv.gz").items
    assert len(items) == 18_000
    assert items["model"].nunique() == 45
    assert items["passes"].between(0, 1).all()


def test_golden_responses(tmp_path: Path) -> None:
    path = tmp_path / "responses.csv"
    path.write_text(
        "Strategy,example_id,n_tokens,logprob_sum,similarity,note\ns,1,10,-5.5,0.9,x\nt,1,20,-4.0,,y\n"
    )
    log = read_logs(path)
    assert isinstance(log, ResponseLog)
    rows = log.responses
    assert list(rows.columns) == [
        "strategy",
        "example",
        "tokens",
        "log_likelihood",
        "similarity",
        "note",
    ]
    assert list(rows["example"]) == ["1", "1"]
    assert list(rows["log_likelihood"]) == [-5.5, -4.0]
