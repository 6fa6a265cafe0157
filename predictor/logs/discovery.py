"""Which files the given paths mean."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from predictor.errors import InputError
from predictor.logs.source import Source

#: Files that belong to a log but hold no curve: passed over in a folder without a word.
_COMPANIONS = frozenset({
    "hparams.yaml", "hparams.yml", "config.json", "config.yaml", "config.yml", "meta.yaml",
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "vocab.json", "added_tokens.json", "all_results.json", "train_results.json",
    "eval_results.json",
    "wandb-metadata.json", "wandb-summary.json", "requirements.txt", "conda-environment.yaml",
    "license", "license.txt", "license.md", "readme.md", "readme", "readme.txt", "note.md",
    "manifest.tsv", "pyproject.toml", "makefile", "dockerfile",
})  # fmt: skip
_COMPANION_SUFFIXES = frozenset({
    ".py", ".sh", ".md", ".rst", ".png", ".jpg", ".jpeg", ".svg", ".gif", ".pdf", ".html", ".pt",
    ".pth", ".bin", ".safetensors", ".ckpt", ".onnx", ".h5", ".pkl", ".pickle", ".npy", ".npz",
    ".zip", ".tar", ".toml", ".cfg", ".ini", ".ipynb", ".lock", ".model", ".patch", ".diff",
})  # fmt: skip
_SUFFIXES = re.compile(
    r"(\.(csv|tsv|tab|txt|jsonl?|ndjson|parquet|pq|log|out|err|gz|db|sqlite3?|dat))+$",
    re.IGNORECASE,
)
_GENERIC = re.compile(
    r"^(metrics?|logs?|history|histories|train(ing)?([-_]?logs?)?|output|progress|results?(_.*)?|"
    r"trainer_state|events\.out\..*|summary|wandb[-_]?history|console|stdout|stderr|mlflow|mlruns|"
    r"samples_.*|items)$",
    re.IGNORECASE,
)
_VERSION = re.compile(r"^(version|checkpoint|run|files|step)[-_]?\d*$", re.IGNORECASE)
_GENERIC_FOLDERS = frozenset(
    {"lightning_logs", "logs", "log", "runs", "wandb", "tb_logs", "output", "."}
)


@dataclass(frozen=True)
class Candidate:
    """A file that may be a log, and whether the user named it."""

    source: Source
    named_by_user: bool


def find_candidates(paths: Sequence[Path]) -> list[Candidate]:
    """Return the files that the paths mean, each once, folders searched in order of name.

    Hidden files and folders are skipped and loops of symbolic links survived.

    Raises
    ------
    InputError
        If a path does not exist or is neither file nor folder.
    """
    found: dict[str, Candidate] = {}
    for path in paths:
        for candidate in _candidates(path):
            found.setdefault(os.path.realpath(candidate.source.path), candidate)
    return list(found.values())


def _candidates(path: Path) -> Iterator[Candidate]:
    if path.is_dir():
        for file in _files_below(path):
            yield Candidate(
                Source(file, file.relative_to(path).as_posix(), run_hint(file, path)), False
            )
    elif path.is_file():
        yield Candidate(Source(path, str(path), run_hint(path, None)), True)
    elif path.is_symlink():
        raise InputError(f"{path}: a symbolic link that leads nowhere; check where it points")
    elif path.exists():
        raise InputError(
            f"{path}: neither a file nor a folder; give a log file or a folder of logs"
        )
    else:
        raise InputError(f"{path}: there is no such file or folder; check the path")


def _files_below(folder: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(here)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(files):
            file = Path(here, name)
            if not _is_hidden(name) and file.is_file():
                yield file


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~", "__pycache__"))


def is_companion(path: Path) -> bool:
    """Return whether the file is one that usually lies beside logs and is none."""
    return path.name.lower() in _COMPANIONS or path.suffix.lower() in _COMPANION_SUFFIXES


def run_hint(file: Path, root: Path | None) -> str:
    """Return a run name from the file's name, or its folder's where that says nothing.

    Examples
    --------
    >>> run_hint(Path("runs/cosine_72000.csv.gz"), None)
    'cosine_72000'
    >>> run_hint(Path("lightning_logs/version_0/metrics.csv"), Path("lightning_logs"))
    'version_0'
    """
    stem = _SUFFIXES.sub("", file.name) or file.name
    if not _GENERIC.match(stem):
        return stem
    above = [part for part in file.absolute().parent.parts if part not in ("/", "\\")]
    while above and above[-1] in ("files", "metrics"):
        above.pop()
    if not above:
        return stem
    if (
        _VERSION.match(above[-1])
        and len(above) > 1
        and above[-2] not in _GENERIC_FOLDERS
        and root is None
    ):
        return "/".join(above[-2:])
    return above[-1]
