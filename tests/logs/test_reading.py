"""Files and folders: what is searched, merged, named and left out."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from predictor.errors import InputError
from predictor.logs import ItemLog, ResponseLog, RunLog, read_logs

CURVE = "step,loss\n1,3.0\n2,2.5\n3,2.25\n"
ITEMS = "model,benchmark,item,score\nm,b,1,1\nm,b,2,0\n"


def _put(path: Path, text: str = CURVE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _codes(log: RunLog) -> list[str]:
    return [finding.code for finding in log.findings]


def test_a_folder_is_searched_and_runs_are_named_by_their_files(tmp_path: Path) -> None:
    _put(tmp_path / "b.csv")
    _put(tmp_path / "deep" / "er" / "a.tsv", CURVE.replace(",", "\t"))
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(CURVE.encode()))
    log = read_logs(str(tmp_path))
    assert log.run_names == ["b", "c", "a"]
    assert list(log.runs["source"]) == ["b.csv", "c.csv.gz", "deep/er/a.tsv"]


def test_runs_of_one_name_get_the_path_in_front(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        _put(tmp_path / folder / "curve.csv")
        _put(tmp_path / folder / "many.csv", "run,step,loss\nx,1,3.0\nx,2,2.5\n")
    names = read_logs(tmp_path).run_names
    assert names == ["first/curve", "first/many/x", "second/curve", "second/many/x"]


def test_a_file_that_says_nothing_is_named_by_its_folder(tmp_path: Path) -> None:
    _put(tmp_path / "lr3e-4" / "metrics.csv")
    assert read_logs(tmp_path / "lr3e-4" / "metrics.csv").run_names == ["lr3e-4"]


def test_the_same_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = _put(tmp_path / "a.csv")
    assert len(read_logs([path, tmp_path, path]).points) == 3


def test_tables_of_different_metrics_with_the_same_run_names_are_joined(tmp_path: Path) -> None:
    _put(tmp_path / "train.csv", "run,step,train_loss\n1,1,3.0\n1,2,2.5\n2,1,3.1\n2,2,2.6\n")
    _put(tmp_path / "val.csv", "run,step,val_loss\n1,2,2.7\n2,2,2.8\n")
    log = read_logs(tmp_path)
    assert log.run_names == ["1", "2"]
    assert log.metrics == ["train_loss", "val_loss"]


def test_a_table_of_facts_joins_the_curves(tmp_path: Path) -> None:
    _put(tmp_path / "curves.csv", "run,step,loss\na,1,3.0\na,2,2.5\nb,1,3.1\nb,2,2.6\n")
    _put(tmp_path / "runs.csv", "run,params,gpu\na,1000,A\nb,2000,B\n")
    log = read_logs(tmp_path)
    assert list(log.runs.set_index("run")["params"]) == [1000, 2000]
    assert log.metrics == ["loss"]


def test_unknown_files_are_named_and_companions_are_not(tmp_path: Path) -> None:
    _put(tmp_path / "a.csv")
    _put(tmp_path / "notes.txt", "nothing to see\nhere\n")
    _put(tmp_path / "config.json", '{"hidden_size": 8}')
    _put(tmp_path / "train.py", "print('step,loss')\n")
    _put(tmp_path / ".hidden.csv")
    _put(tmp_path / ".git" / "b.csv")
    log = read_logs(tmp_path)
    assert log.run_names == ["a"]
    (finding,) = log.findings
    assert finding.code == "PRED008"
    assert "notes.txt" in finding.message
    assert "config.json" not in finding.message


def test_a_broken_file_in_a_folder_is_named_and_left_out(tmp_path: Path) -> None:
    _put(tmp_path / "a.csv")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(CURVE.encode() * 999)[:60])
    log = read_logs(tmp_path)
    assert log.run_names == ["a"]
    assert "b.csv.gz" in log.findings[0].message


def test_a_folder_with_only_a_broken_file_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(CURVE.encode() * 999)[:60])
    with pytest.raises(InputError, match=r"b\.csv\.gz: gzip"):
        read_logs(tmp_path)


def test_a_loop_of_links_is_survived(tmp_path: Path) -> None:
    _put(tmp_path / "runs" / "a.csv")
    (tmp_path / "runs" / "again").symlink_to(tmp_path / "runs", target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert read_logs(tmp_path).run_names == ["a"]


def test_kinds_are_not_mixed_without_being_asked(tmp_path: Path) -> None:
    _put(tmp_path / "a.csv")
    _put(tmp_path / "items.csv", ITEMS)
    with pytest.raises(InputError, match=r"kind='runs'.*kind='items'"):
        read_logs(tmp_path)
    assert isinstance(read_logs(tmp_path, kind="runs"), RunLog)
    assert isinstance(read_logs(tmp_path, kind="items"), ItemLog)
    with pytest.raises(InputError, match="no scored responses found"):
        read_logs(tmp_path, kind="responses")
    with pytest.raises(InputError, match="unknown kind"):
        read_logs(tmp_path, kind="curves")


def test_several_item_and_response_files_are_stacked(tmp_path: Path) -> None:
    _put(tmp_path / "i" / "1.csv", ITEMS)
    _put(tmp_path / "i" / "2.csv", ITEMS.replace("\nm,", "\nn,"))
    items = read_logs(tmp_path / "i")
    assert isinstance(items, ItemLog)
    assert list(items.items["model"]) == ["m", "m", "n", "n"]
    _put(tmp_path / "r" / "1.csv", "strategy,example,ppl\ns,1,2.0\n")
    _put(tmp_path / "r" / "2.csv", "strategy,example,ppl\nt,1,3.0\n")
    responses = read_logs(tmp_path / "r")
    assert isinstance(responses, ResponseLog)
    assert list(responses.responses["strategy"]) == ["s", "t"]


def test_the_format_can_be_named(tmp_path: Path) -> None:
    path = _put(tmp_path / "a.csv")
    assert list(read_logs(path, log_format="table").runs["format"]) == ["table"]
    with pytest.raises(InputError, match="did you mean 'lightning'"):
        read_logs(path, log_format="lightening")


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        _put(tmp_path / f"{name}.csv")
    first, second = read_logs(tmp_path), read_logs(tmp_path)
    assert first.points.equals(second.points)
    assert first.findings == second.findings
