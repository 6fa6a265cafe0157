"""Lightning's CSVLogger."""

from __future__ import annotations

from pathlib import Path

from predictor.logs import read_logs

METRICS = (
    "epoch,lr-AdamW,step,train_loss,val_loss\n"
    ",0.1,0,,\n0,,9,3.0,\n0,,9,,3.2\n,0.05,10,,\n1,,19,2.5,\n1,,19,,2.9\n"
)


def _write(folder: Path, hparams: str | None = "width: 8\nopt:\n  name: adam\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.csv").write_text(METRICS)
    if hparams is not None:
        (folder / "hparams.yaml").write_text(hparams)
    return folder / "metrics.csv"


def test_train_and_validation_rows_are_kept_apart(tmp_path: Path) -> None:
    log = read_logs(_write(tmp_path / "version_0"))
    assert log.metrics == ["train_loss", "val_loss"]
    for metric, values in {"train_loss": [3.0, 2.5], "val_loss": [3.2, 2.9]}.items():
        curve = log.curve(log.run_names[0], metric)
        assert list(curve["step"]) == [9, 19]
        assert list(curve["value"]) == values
        assert list(curve["lr"]) == [0.1, 0.05]
    assert list(log.runs["format"]) == ["lightning"]
    assert log.runs["width"].iloc[0] == 8
    assert log.runs["opt/name"].iloc[0] == "adam"
    assert not log.findings


def test_versions_are_runs(tmp_path: Path) -> None:
    _write(tmp_path / "lightning_logs" / "version_0")
    _write(tmp_path / "lightning_logs" / "version_1", hparams=None)
    assert read_logs(tmp_path).run_names == ["version_0", "version_1"]


def test_python_objects_in_hparams_are_never_made(tmp_path: Path) -> None:
    marker = tmp_path / "made"
    evil = f"width: 8\npath: !!python/object/apply:os.system ['touch {marker}']\nmine: !mine 3\n"
    log = read_logs(_write(tmp_path / "version_0", evil))
    assert not marker.exists()
    assert log.runs["width"].iloc[0] == 8
    (finding,) = log.findings
    assert finding.code == "PRED008"
    assert "path, mine" in finding.message


def test_broken_hparams_do_not_lose_the_curves(tmp_path: Path) -> None:
    log = read_logs(_write(tmp_path / "version_0", "width: [8\n"))
    assert log.metrics == ["train_loss", "val_loss"]
    assert "settings left out" in log.findings[0].message


def test_a_cut_off_file(tmp_path: Path) -> None:
    path = _write(tmp_path / "version_0")
    path.write_text(METRICS + "2,,29,2.")
    log = read_logs(path)
    assert log.points["step"].max() == 19
    assert [finding.code for finding in log.findings] == ["PRED007"]
