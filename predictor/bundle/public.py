"""Public data sets of others: fetched when there is a network, found in a folder when not.

None of these files comes with the package. ``public.json`` lists them: each checksum was computed
from a copy of the file that was taken at the named commit, so what is at the address must be that
very file, or it is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from predictor.bundle.shipped import Kind, sha256
from predictor.errors import InputError

#: Names a folder of data sets that were saved by hand; it is searched before the network is.
FOLDER_VARIABLE = "PREDICTOR_DATA"
#: Names the folder that fetched files are kept in, instead of the user's cache.
CACHE_VARIABLE = "PREDICTOR_CACHE"
_TIMEOUT = 30.0


@dataclass(frozen=True)
class PublicFile:
    """A file: its length in bytes and its SHA-256, by which it is found and checked."""

    length: int
    sha256: str


@dataclass(frozen=True)
class PublicDataset:
    """A data set that others have published.

    Parameters
    ----------
    title : str
        What it is, in a line.
    origin : str
        Where it comes from and the paper that describes it.
    licence : str
        Its licence.
    address : str
        What the names of the files are put behind.
    files : mapping
        Length and checksum of each file, by its name there.
    kind : {"runs", "table"}
        What its files hold.
    """

    title: str
    origin: str
    licence: str
    address: str
    files: Mapping[str, PublicFile]
    kind: Kind


@cache
def public_datasets() -> dict[str, PublicDataset]:
    """Return the registry of public data sets.

    Examples
    --------
    >>> public_datasets()["public-benchmarks"].licence
    'Apache-2.0'
    """
    listed = json.loads(Path(__file__).with_name("public.json").read_text(encoding="utf-8"))
    return {
        name: PublicDataset(
            **{**entry, "files": {file: PublicFile(*it) for file, it in entry["files"].items()}}
        )
        for name, entry in listed.items()
    }


def fetched(name: str, dataset: PublicDataset, folder: Path | None = None) -> list[Path]:
    """Return the files of a public data set, from a folder or fetched.

    Parameters
    ----------
    name : str
        Name of the data set.
    dataset : PublicDataset
        What is to be found.
    folder : Path, optional
        Folder that is searched for the files, by length and checksum whatever their names; by
        default the one that ``PREDICTOR_DATA`` names, if it is set. Where a folder is given the
        network is not asked.

    Raises
    ------
    InputError
        If a file is not in the folder, cannot be fetched, or is another than is wanted.
    """
    named = folder or os.environ.get(FOLDER_VARIABLE)
    if named:
        return _found(name, dataset, Path(named))
    return _downloaded(name, dataset)


def _found(name: str, dataset: PublicDataset, folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no folder to search for '{name}'; save its files in one")
    by_length: dict[int, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            by_length.setdefault(path.stat().st_size, []).append(path)
    return [_same(file, by_length, name, dataset, folder) for file in dataset.files]


def _same(
    file: str,
    by_length: Mapping[int, Sequence[Path]],
    name: str,
    dataset: PublicDataset,
    folder: Path,
) -> Path:
    wanted = dataset.files[file]
    for path in by_length.get(wanted.length, ()):
        if sha256(path) == wanted.sha256:
            return path
    raise InputError(
        f"{folder}: no file in it is {file} of '{name}' (by length and SHA-256); "
        f"save it there from {dataset.address}{file}"
    )


def _downloaded(name: str, dataset: PublicDataset) -> list[Path]:
    import pooch
    import requests

    fetcher = pooch.create(
        path=pooch.os_cache("predictor") / name,
        base_url=dataset.address,
        registry={file: f"sha256:{wanted.sha256}" for file, wanted in dataset.files.items()},
        env=CACHE_VARIABLE,
    )
    downloader = pooch.HTTPDownloader(timeout=_TIMEOUT)
    advice = f"save the files in a folder and name it with {FOLDER_VARIABLE}"
    try:
        return [Path(fetcher.fetch(file, downloader=downloader)) for file in dataset.files]
    except (requests.RequestException, OSError) as error:
        reason = type(error).__name__
        raise InputError(
            f"'{name}' cannot be fetched from {dataset.address} ({reason}); {advice}"
        ) from None
    except ValueError:
        raise InputError(
            f"'{name}': {dataset.address} holds another file than is wanted (SHA-256); {advice}"
        ) from None
