"""What comes with the package: the registry, where the files are, and whether they are whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from predictor.errors import InputError

Kind = Literal["runs", "items", "responses", "table", "weights"]

_PACKAGE = Path(__file__).resolve().parents[1]
#: A wheel carries the data inside the package; a clone has it beside the package. Inside comes
#: first, for beside an installed package there may be somebody else's folder of that name.
ROOTS = (_PACKAGE / "bundled", _PACKAGE.parent / "datasets")
#: The checksums of all files, as ``sha256sum`` writes and checks them.
CHECKSUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Shipped:
    """A data set that comes with the package.

    Parameters
    ----------
    place : str
        Its file, or the folder of its files.
    kind : {"runs", "items", "responses", "table", "weights"}
        What it holds: training logs, results per item, scored responses, a table that a command of
        its own reads, or checkpoints.
    facts : str
        Table of what stays fixed of each run, to be joined to the logs; none where empty.
    """

    place: str
    kind: Kind
    facts: str = ""


SHIPPED = {
    "ladder": Shipped("ladder/points.parquet", "runs", "ladder/runs.csv"),
    "ladder-accuracies": Shipped("ladder/accuracies.csv", "table"),
    "ladder-checkpoints": Shipped("ladder/checkpoints", "weights"),
    "ladder-compression": Shipped("ladder/compression.parquet", "table"),
    "ladder-formats": Shipped("ladder/formats", "runs"),
    "ladder-items": Shipped("ladder/items.parquet", "items"),
    "ladder-responses": Shipped("ladder/responses.csv", "responses"),
    "ladder-runs": Shipped("ladder/runs.csv", "table"),
    "learning_curves": Shipped("learning_curves/curves.csv", "runs"),
    "mlp_ladder": Shipped("mlp_ladder/items.csv", "items"),
    "mlp_runs": Shipped("mlp_runs/logs", "runs"),
    "mlp_scaling": Shipped("mlp_scaling/runs.csv", "table"),
    "response_strategies": Shipped("response_strategies/responses.csv", "responses"),
    "text_compression": Shipped("text_compression/samples.jsonl", "table"),
}


def shipped_path(place: str) -> Path:
    """Return where a shipped file or folder is.

    Raises
    ------
    InputError
        If it is gone.
    """
    places = [root / place for root in ROOTS]
    for found in places:
        if found.exists():
            return found
    raise InputError(f"the data set is not at {places[0]}: install predictor again")


def verified_path(place: str) -> Path:
    """Return where a shipped file or folder is, once its checksums have been compared.

    Raises
    ------
    InputError
        If it is gone, or a file is not the one that was shipped.
    """
    path = shipped_path(place)
    root = path.parents[len(Path(place).parts) - 1]
    promised = read_checksums(root / CHECKSUMS)
    for file in files_of(path):
        name = file.relative_to(root).as_posix()
        if promised.get(name) != sha256(file):
            raise InputError(f"{file}: not as it was shipped (SHA-256); install predictor again")
    return path


def files_of(path: Path) -> Iterator[Path]:
    """Yield the files of a data set: itself, or those below its folder."""
    if path.is_file():
        yield path
    else:
        yield from sorted(file for file in path.rglob("*") if file.is_file())


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file.

    Examples
    --------
    >>> sha256(shipped_path("mlp_ladder/items.csv"))[:8]
    '655e69ee'
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_checksums(path: Path) -> dict[str, str]:
    """Return the SHA-256 of every file by its name, from what ``sha256sum`` wrote.

    Raises
    ------
    InputError
        If the file is gone or no such list.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        pairs = [line.split("  ", 1) for line in lines if line]
        return {name: value for value, name in pairs}
    except (OSError, ValueError):
        raise InputError(f"{path}: no list of checksums; install predictor again") from None
