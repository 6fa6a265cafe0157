"""The data sets are found, are what they were when they were made, and can be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from predictor import ItemLog, ResponseLog, RunLog
from predictor.bundle import dataset_names, dataset_path, load_dataset, shipped
from predictor.bundle.shipped import SHIPPED, files_of, read_checksums, sha256
from predictor.errors import InputError, MissingExtraError
from predictor.findings import Severity

EACH_DATASET = pytest.mark.parametrize("name", dataset_names())
ROOT = dataset_path("learning_curves").parents[1]
#: Scripts, cards and their figures are no data.
NO_DATA = {".py", ".md", ".svg", ".pyc"}
TYPES = {"runs": RunLog, "items": ItemLog, "responses": ResponseLog, "table": pd.DataFrame}


def test_every_shipped_file_has_its_checksum_and_no_other_is_listed() -> None:
    folders = [folder for folder in ROOT.iterdir() if folder.is_dir()]
    shipped_files = {
        file.relative_to(ROOT).as_posix(): sha256(file)
        for folder in folders
        for file in files_of(folder)
        if file.suffix not in NO_DATA
    }
    assert read_checksums(ROOT / "SHA256SUMS") == shipped_files


@EACH_DATASET
def test_every_dataset_has_its_card_and_script(name: str) -> None:
    folder = ROOT / Path(SHIPPED[name].place).parts[0]
    assert (folder / "card.md").is_file()
    assert (folder / "train.py").is_file()


def test_the_data_stay_small() -> None:
    assert sum(path.stat().st_size for path in files_of(ROOT) if path.suffix != ".pyc") < 12_000_000


@EACH_DATASET
def test_datasets_are_read_without_a_warning(name: str) -> None:
    kind = SHIPPED[name].kind
    if kind == "weights":
        with pytest.raises(InputError, match="holds weights"):
            load_dataset(name)
        return
    try:
        read = load_dataset(name)
    except MissingExtraError:
        pytest.skip("needs the extra tensorboard")
    assert type(read) is TYPES[kind]
    findings = getattr(read, "findings", ())
    # One run of the ladder was made to diverge: its values end as no numbers.
    wanted = [finding for finding in findings if "diverges" not in str(finding.run)]
    assert [finding for finding in wanted if finding.severity is not Severity.INFO] == []


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"'mlp_run'.*mlp_runs"):
        dataset_path("mlp_run")


def test_a_name_unlike_any_is_answered_with_all() -> None:
    with pytest.raises(InputError, match=r"ladder or .* or text_compression"):
        load_dataset("???")


def test_a_public_dataset_has_no_shipped_path() -> None:
    with pytest.raises(InputError, match="load_dataset fetches it"):
        dataset_path("public-benchmarks")


def test_data_inside_the_package_come_before_those_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = (tmp_path / "bundled", tmp_path / "datasets")
    for root in roots:
        (root / "learning_curves").mkdir(parents=True)
        (root / "learning_curves" / "curves.csv").touch()
    monkeypatch.setattr(shipped, "ROOTS", roots)
    assert dataset_path("learning_curves") == roots[0] / "learning_curves" / "curves.csv"


def test_missing_data_are_an_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "ROOTS", (tmp_path,))
    with pytest.raises(InputError, match="install predictor again"):
        dataset_path("mlp_runs")


@pytest.mark.parametrize("name", ["mlp_scaling/runs.csv", "SHA256SUMS"])
def test_a_changed_file_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "mlp_scaling", tmp_path / "mlp_scaling")
    shutil.copy(ROOT / "SHA256SUMS", tmp_path)
    monkeypatch.setattr(shipped, "ROOTS", (tmp_path,))
    assert len(load_dataset("mlp_scaling")) == 49
    with (tmp_path / name).open("a") as stream:
        stream.write("1\n")
    with pytest.raises(InputError, match="install predictor again"):
        load_dataset("mlp_scaling")
