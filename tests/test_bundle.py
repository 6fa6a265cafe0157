"""The bundled data sets are found, are what they were when they were made, and can be read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from predictor import bundle
from predictor.bundle import DATASETS, dataset_names, dataset_path, load_dataset
from predictor.errors import InputError

SHIPPED = [(name, file) for name in DATASETS for file in DATASETS[name].sha256]


def folder_of(name: str) -> Path:
    return dataset_path(name).parent


@pytest.mark.parametrize(("name", "file"), SHIPPED)
def test_every_file_matches_its_checksum(name: str, file: str) -> None:
    content = (folder_of(name) / file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == DATASETS[name].sha256[file]


@pytest.mark.parametrize(("name", "file"), SHIPPED)
def test_the_card_names_every_file_and_its_checksum(name: str, file: str) -> None:
    card = (folder_of(name) / "card.md").read_text("utf-8")
    assert f"{DATASETS[name].sha256[file]}  {file}" in card


@pytest.mark.parametrize("name", dataset_names())
def test_no_log_is_without_a_checksum(name: str) -> None:
    place = dataset_path(name)
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    shipped = {file.relative_to(folder_of(name)).as_posix() for file in files}
    assert shipped == set(DATASETS[name].sha256)


@pytest.mark.parametrize("name", dataset_names())
def test_every_dataset_has_its_script(name: str) -> None:
    assert (folder_of(name) / "train.py").is_file()


def test_the_data_stay_small() -> None:
    assert sum((folder_of(name) / file).stat().st_size for name, file in SHIPPED) < 2_000_000


@pytest.mark.parametrize("name", dataset_names())
def test_datasets_are_read_without_a_finding(name: str) -> None:
    assert load_dataset(name).findings == ()


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
