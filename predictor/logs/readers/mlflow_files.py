"""MLflow's file store: ``mlruns/<experiment>/<run>/{meta.yaml, metrics/, params/, tags/}``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from predictor.findings import Finding
from predictor.logs.registry import Reader
from predictor.logs.settings import read_settings
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

_MOST_FACT_BYTES = 4_096
_MILLISECOND = 1e-3


def sniff(source: Source) -> bool:
    """Return whether this is the ``meta.yaml`` of a run."""
    if source.path.name != "meta.yaml":
        return False
    text = source.text_head
    return ("run_id:" in text or "run_uuid:" in text) and "experiment_id:" in text


def read(source: Source) -> Sequence[Log]:
    """Read one run: its metrics with their histories, and its params as facts."""
    meta, _ = read_settings(source)
    folder = source.path.parent
    run = _run_name(folder, meta)
    if meta.get("lifecycle_stage") == "deleted":
        message = f"{source.name}: run '{run}' is deleted and was left out"
        return [RunLog.from_points(_empty(), findings=[Finding("PRED008", message)])]
    rows, findings = [], []
    for key, file in _values(folder / "metrics"):
        for number, line in _source(source, folder, file).lines():
            row = _point(line)
            if row is not None:
                rows.append((run, key, *row))
            elif line.strip():
                where = f"metrics/{key} line {number}"
                findings.append(Finding("PRED010", f"{where} is no metric and was left out", run))
    columns = ["run", "metric", "wall_time", "value", "step"]
    points = pd.DataFrame(rows, columns=columns) if rows else _empty()
    facts = {"run": run, "format": "mlflow-files", "source": source.name, **_ids(meta)}
    facts |= {k: v for k, v in _params(folder).items() if k not in facts}
    return [RunLog.from_points(points, pd.DataFrame([facts]), findings)]


def _empty() -> pd.DataFrame:
    return pd.DataFrame({"run": [], "metric": [], "step": [], "value": []})


def _ids(meta: dict[str, Any]) -> dict[str, str]:
    uuid = str(meta.get("run_id") or meta.get("run_uuid") or "")
    return {"run_uuid": uuid, "experiment_id": str(meta.get("experiment_id", ""))}


def _run_name(folder: Path, meta: dict[str, Any]) -> str:
    """Return the run's name, or the first letters of its id where it has none."""
    tag = folder / "tags" / "mlflow.runName"
    named = _short_text(tag) if tag.is_file() else meta.get("run_name") or meta.get("name")
    return str(named or _ids(meta)["run_uuid"][:8] or folder.name)


def _values(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield metric or param names and their files; a name with a slash is a folder."""
    for here, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if not name.startswith("."):
                file = Path(here, name)
                yield file.relative_to(folder).as_posix(), file


def _source(meta: Source, folder: Path, file: Path) -> Source:
    name = str(Path(meta.name).parent / file.relative_to(folder))
    return Source(file, name, meta.run_hint)


def _point(line: str) -> tuple[float, float, float] | None:
    """Return time, value and step of ``timestamp value [step [...]]``."""
    parts = line.split()
    try:
        time, value = float(parts[0]) * _MILLISECOND, float(parts[1])
        return time, value, float(parts[2]) if len(parts) > 2 else 0.0
    except (IndexError, ValueError):
        return None


def _params(folder: Path) -> dict[str, Any]:
    return {name: as_value(_short_text(file)) for name, file in _values(folder / "params")}


def _short_text(file: Path) -> str:
    with file.open("rb") as stream:
        return stream.read(_MOST_FACT_BYTES).decode("utf-8", errors="replace").strip()


def as_value(text: str) -> str | float:
    """Return a param's text as a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


READER = Reader(
    name="mlflow-files",
    description="MLflow file store (mlruns folder)",
    sniff=sniff,
    read=read,
    whole_folder=True,
)
