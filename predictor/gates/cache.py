"""Verdicts kept by the content of what they rest on, so that an unchanged gate costs nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from predictor._version import __version__
from predictor.fitting.forecast import Forecast
from predictor.gates.baseline import CheckBaseline
from predictor.gates.checks import Check
from predictor.gates.verdict import Status, Verdict
from predictor.writing import write_whole

_CHUNK = 1 << 20


class Cache:
    """A folder of verdicts; several processes may share it.

    Parameters
    ----------
    folder : Path
        Made where it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(
        self,
        check: Check,
        files: Sequence[Path],
        base: CheckBaseline | None,
        work: Callable[[], list[Verdict]],
    ) -> list[Verdict]:
        """Return what was found for the same check on the same content, or work it out."""
        path = self._folder / f"{_key(check, files, base)}.json"
        try:
            return [_verdict(entry) for entry in json.loads(path.read_bytes())]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not there, or not ours: work it out
        found = work()
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(json.dumps([v.to_dict() for v in found]), path, "cache")
        return found


def _key(check: Check, files: Sequence[Path], base: CheckBaseline | None) -> str:
    digest = hashlib.sha256(__version__.encode())
    digest.update(check.model_dump_json().encode())
    digest.update(b"" if base is None else base.model_dump_json().encode())
    for path in files:
        inner = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in inner:
            digest.update(f"\0{path.name}/{file.relative_to(path.parent)}\0".encode())
            with file.open("rb") as stream:
                while block := stream.read(_CHUNK):
                    digest.update(block)
    return digest.hexdigest()


def _verdict(entry: dict[str, Any]) -> Verdict:
    forecast = entry["forecast"]
    if forecast is not None:
        forecast = Forecast(**(forecast | {"warnings": tuple(forecast["warnings"])}))
    entry.pop("warnings")
    return Verdict(**(entry | {"status": Status(entry["status"]), "forecast": forecast}))
