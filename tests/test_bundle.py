"""The bundled data sets are found, are what they were when they were made, and can be read."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from predictor import bundle
from predictor.bundle import DATASETS, dataset_names, dataset_path, load_dataset
from predictor.errors import InputError
from predictor.findings import Severity

CHECKSUM = re.compile(r"^    (?P<sha256>[0-9a-f]{64})  (?P<file>\S+)$", re.MULTILINE)
EACH_DATASET = pytest.mark.parametrize("name", dataset_names())


def folder_of(name: str) -> Path:
    return dataset_path(name).parent


def files_of(name: str) -> dict[str, Path]:
    """Return the log files of a data set by the name that its card gives them."""
    place = dataset_path(name)
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    return {file.relative_to(folder_of(name)).as_posix(): file for file in files}


@EACH_DATASET
def test_every_file_matches_the_checksum_on_its_card(name: str) -> None:
    card = (folder_of(name) / "card.md").read_text("utf-8")
    promised = {found["file"]: found["sha256"] for found in CHECKSUM.finditer(card)}
    shipped = {
        file: hashlib.sha256(path.read_bytes()).hexdigest() for file, path in files_of(name).items()
    }
    assert shipped == promised


@EACH_DATASET
def test_every_dataset_has_its_script(name: str) -> None:
    assert (folder_of(name) / "train.py").is_file()


def test_the_data_stay_small() -> None:
    size = sum(path.stat().st_size for name in DATASETS for path in files_of(name).values())
    assert size < 2_000_000


@EACH_DATASET
def test_datasets_are_read_without_a_warning(name: str) -> None:
    findings = load_dataset(name).findings
    assert [finding for finding in findings if finding.severity is not Severity.INFO] == []


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"'mlp_run'.*mlp_runs\?$"):
        dataset_path("mlp_run")


def test_a_name_unlike_any_is_answered_with_all() -> None:
    with pytest.raises(InputError, match="learning_curves or mlp_runs"):
        load_dataset("???")


def test_data_inside_the_package_come_before_those_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = (tmp_path / "bundled", tmp_path / "datasets")
    for root in roots:
        (root / "learning_curves").mkdir(parents=True)
        (root / "learning_curves" / "curves.csv").touch()
    monkeypatch.setattr(bundle, "_ROOTS", roots)
    assert dataset_path("learning_curves") == roots[0] / "learning_curves" / "curves.csv"


def test_missing_data_are_an_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_ROOTS", (tmp_path,))
    with pytest.raises(InputError, match="install predictor again"):
        dataset_path("mlp_runs")
