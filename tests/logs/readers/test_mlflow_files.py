"""MLflow's file store, written by MLflow itself and by hand as older versions wrote it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.errors import InputError
from predictor.logs import RunLog, read_logs
from predictor.logs.readers import mlflow_files as reader
from predictor.logs.source import Source

META = "experiment_id: '0'\nlifecycle_stage: active\nname: ''\nrun_id: {0}\nrun_uuid: {0}\n"
UUID = "cb0096518b0e4c66a94428555f05420b"


def run_folder(folder: Path, files: dict[str, str], meta: str = META.format(UUID)) -> Path:
    """Write a run by hand and return its ``meta.yaml``."""
    (folder / "metrics").mkdir(parents=True)
    for name, content in {"meta.yaml": meta, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    return folder / "meta.yaml"


def source(path: Path) -> Source:
    return Source(path, f"{path.parent.name}/{path.name}", "hint")


def read(path: Path) -> RunLog:
    (log,) = reader.read(source(path))
    assert isinstance(log, RunLog)
    return log


def test_metrics_params_and_name_of_a_run(tmp_path: Path) -> None:
    files = {
        "metrics/loss": "1664364007310 3.5 0\n1664364008310 2.5 1\n",
        "metrics/val/top5/acc": "1664364007310 0.25 1 data digest\n",
        "params/BATCH_SIZE": "16",
        "params/LEARNING_RATE": "0.01",
        "params/seed": "3",
        "params/optimizer/name": "sgd",
        "tags/mlflow.runName": "first try",
    }
    path = run_folder(tmp_path / UUID, files)
    assert reader.sniff(source(path))
    log = read(path)
    assert log.points[["run", "metric", "step", "value"]].to_numpy().tolist() == [
        ["first try", "loss", 0.0, 3.5],
        ["first try", "loss", 1.0, 2.5],
        ["first try", "val/top5/acc", 1.0, 0.25],
    ]
    assert list(log.points["wall_time"]) == pytest.approx(
        [1664364007.31, 1664364008.31, 1664364007.31], abs=1e-6
    )
    (facts,) = log.runs.to_dict("records")
    assert facts == {
        "run": "first try",
        "format": "mlflow-files",
        "source": f"{UUID}/meta.yaml",
        "run_uuid": UUID,
        "experiment_id": "0",
        "batch_size": 16.0,
        "LEARNING_RATE": 0.01,
        "seed": 3.0,
        "optimizer/name": "sgd",
    }


def test_params_never_overwrite_what_the_store_says(tmp_path: Path) -> None:
    params = {"params/run": "x", "params/format": "y", "params/flops": "many"}
    path = run_folder(tmp_path / UUID, {"metrics/loss": "1 2 3\n", **params})
    (facts,) = read(path).runs.to_dict("records")
    assert facts["run"] == "cb009651"
    assert facts["format"] == "mlflow-files"
    assert facts["flops (logged)"] == "many"
    assert "flops" not in facts


def test_lines_of_two_three_and_five_fields(tmp_path: Path) -> None:
    files = {
        "metrics/old": "1540000000 0.5\n1540000060 0.25\n",
        "metrics/old and alone": "1540000000 0.5\n",
        "metrics/usual": "1664364007310 0.5 7\n",
        "metrics/new": "1664364007310 0.5 7 name 0a1b\n",
    }
    log = read(run_folder(tmp_path / UUID, files))
    old = log.curve("cb009651", "old")
    assert old["step"].isna().all(), "the clock is the only axis that was logged"
    assert list(old["wall_time"]) == [1540000000.0, 1540000060.0]
    assert list(log.curve("cb009651", "old and alone")["step"]) == [0.0]
    for metric in ("usual", "new"):
        assert list(log.curve("cb009651", metric)["step"]) == [7.0]
        assert list(log.curve("cb009651", metric)["wall_time"]) == [pytest.approx(1664364007.31)]


def test_windows_line_ends(tmp_path: Path) -> None:
    meta = META.format(UUID).replace("\n", "\r\n")
    files = {"metrics/loss": "1664364007310 3.5 0\r\n1664364008310 2.5 1\r\n"}
    path = run_folder(tmp_path / UUID, files, meta)
    assert reader.sniff(source(path))
    assert list(read(path).points["value"]) == [3.5, 2.5]


def test_a_metric_cut_off_in_its_last_line(tmp_path: Path) -> None:
    whole = "1664364007310 3.5 10\n1664364008310 2.5 20\n"
    for size in range(22, len(whole)):
        path = run_folder(tmp_path / str(size) / UUID, {"metrics/loss": whole[:size]})
        log = read(path)
        steps = list(log.points["step"])
        if [finding.code for finding in log.findings] == ["PRED007"]:
            assert steps == [10]
            assert "line 2" in log.findings[0].message
        else:  # with the step begun, the line cannot be told from one that lacks its end
            assert steps[1] in (2, 20)
            assert size >= len("1664364007310 3.5 10\n1664364008310 2.5 2")


def test_lines_that_are_no_metric_are_counted(tmp_path: Path) -> None:
    content = "1664364007310 3.5 0\noops\n1 2 3 4\n\n1664364007310 high 1\n"
    log = read(run_folder(tmp_path / UUID, {"metrics/loss": content}))
    assert len(log.points) == 1
    (finding,) = log.findings
    assert finding.code == "PRED010"
    assert "3 lines" in finding.message
    assert "first line 2" in finding.message


def test_a_deleted_run_is_left_out(tmp_path: Path) -> None:
    meta = META.format(UUID).replace("active", "deleted")
    log = read(run_folder(tmp_path / UUID, {"metrics/loss": "1 2 3\n"}, meta))
    assert log.points.empty
    assert log.run_names == []
    assert log.findings[0].code == "PRED008"
    assert "deleted" in log.findings[0].message


@pytest.mark.parametrize(
    "meta",
    [
        "artifact_location: a\nexperiment_id: '0'\nlifecycle_stage: active\nname: Default\n",
        "experiment_id: '1'\nmodel_id: m-1\nsource_run_id: 12\n",
        "name: net\nversion: 1\n",
        "junk",
        "",
    ],
    ids=["experiment", "logged model", "registered model", "junk", "empty"],
)
def test_other_meta_files_are_no_runs(meta: str, tmp_path: Path) -> None:
    path = run_folder(tmp_path / "1", {"metrics/loss": "1 2 3\n"}, meta)
    assert not reader.sniff(source(path))


def test_a_meta_file_without_metrics_beside_it_is_no_run(tmp_path: Path) -> None:
    path = tmp_path / "meta.yaml"
    path.write_text(META.format(UUID))
    assert not reader.sniff(source(path))


def test_a_meta_file_that_asks_for_python_runs_nothing(tmp_path: Path) -> None:
    meta = META.format(UUID) + "name: !!python/object/apply:os.mkdir ['made']\n"
    path = run_folder(tmp_path / UUID, {"metrics/loss": "1 2 3\n"}, meta)
    assert len(read(path).points) == 1
    assert not Path("made").exists()


def test_broken_yaml_is_one_clear_line(tmp_path: Path) -> None:
    path = run_folder(tmp_path / UUID, {}, META.format(UUID) + "a: [1, 2\nb: }\n")
    with pytest.raises(InputError, match="the YAML is broken"):
        read(path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """Return MLflow's own client and the folder of its file store."""
    folder = tmp_path_factory.mktemp("store") / "mlruns"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        mlflow = pytest.importorskip("mlflow")
        yield mlflow.MlflowClient(tracking_uri=folder.as_uri()), folder


# MLflow warns that its file store will go some day: that is what is wanted here.
by_mlflow = pytest.mark.filterwarnings("ignore")


@by_mlflow
def test_a_store_written_by_mlflow(store: tuple[Any, Path]) -> None:
    client, folder = store
    experiment = client.create_experiment("sizes")
    run = client.create_run(experiment, run_name="tiny").info.run_id
    client.log_param(run, "batch_size", 32)
    for step in range(4):
        client.log_metric(run, "train/loss", 4.0 / (step + 1), step=step)
        client.log_metric(run, "learning_rate", 0.5**step, step=step)
    gone = client.create_run(experiment, run_name="gone").info.run_id
    client.log_metric(gone, "train/loss", 1.0, step=1)
    client.delete_run(gone)
    log = read_logs(folder / experiment)
    assert isinstance(log, RunLog)
    assert log.run_names == ["tiny"]
    assert list(log.runs["batch_size"]) == [32]
    curve = log.curve("tiny", "train/loss")
    assert list(curve["value"]) == [4.0, 2.0, 4 / 3, 1.0]
    assert list(curve["lr"]) == [1.0, 0.5, 0.25, 0.125]
    assert any("'gone' is deleted" in finding.message for finding in log.findings)


points = st.lists(
    st.tuples(
        st.sampled_from(["loss", "val/loss", "val/acc top 5", "a-b_c.d"]),
        st.floats(),
        st.integers(0, 2**53),
        st.integers(10**12, 2 * 10**12),
    ),
    min_size=1,
    max_size=30,
)


@by_mlflow
@settings(max_examples=15, deadline=None)
@given(points=points)
def test_what_mlflow_wrote_is_read(
    points: list[tuple[str, float, int, int]], store: tuple[Any, Path]
) -> None:
    from mlflow.entities import Metric

    client, folder = store
    run = client.create_run("0").info.run_id
    logged = [Metric(key, value, clock, step) for key, value, step, clock in points]
    client.log_batch(run, metrics=logged)
    log = read(folder / "0" / run / "meta.yaml")
    for key in {point[0] for point in points}:
        written = [point for point in points if point[0] == key]
        curve = log.points[log.points["metric"] == key]
        assert list(curve["step"]) == [float(point[2]) for point in written]
        assert np.allclose(curve["wall_time"], [point[3] / 1000 for point in written], atol=1e-6)
        values = [point[1] for point in written]
        assert np.array_equal(curve["value"], values, equal_nan=True)
    assert not any(math.isnan(place) for place in log.points["step"])
