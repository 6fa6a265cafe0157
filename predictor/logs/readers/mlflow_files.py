"""MLflow's file store: ``mlruns/<experiment>/<run>/{meta.yaml, metrics/, params/, tags/}``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from predictor.findings import Finding
from predictor.logs.columns import canonical, params_factor
from predictor.logs.readers.tensorboard import carry_places
from predictor.logs.registry import Reader
from predictor.logs.settings import read_settings
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

_MOST_FACT_BYTES = 4_096
_RUN_ID = re.compile(r"^(run_id|run_uuid):", re.MULTILINE)
#: Clocks beyond this are in milliseconds; the first versions logged seconds.
_MOST_SECONDS = 1e11
_MILLISECOND = 1e-3
#: Params that say what other formats call by these names.
_FACT_NAMES = {"n_batch": "batch_size", "batchsize": "batch_size", "random_state": "seed"}
#: Facts that a run has from its store; a param of the same name gets a mark.
_OWN_FACTS = frozenset({"run", "format", "source", "run_uuid", "experiment_id"})
_NUMERIC_FACTS = frozenset({"params", "tokens", "flops", "batch_size", "seed", "max_steps"})

#: Time, value and step of a metric; the step is None where none was logged.
_Point = tuple[float, float, float | None]


def sniff(source: Source) -> bool:
    """Return whether this is the ``meta.yaml`` of a run; those of experiments and models are not.

    An artifact of a run may hold a ``meta.yaml`` too: a run has metrics, params or tags beside it.
    """
    if source.path.name != "meta.yaml" or not _RUN_ID.search(source.text_head):
        return False
    folder = source.path.parent
    return any((folder / name).is_dir() for name in ("metrics", "params", "tags"))


def read(source: Source) -> Sequence[Log]:
    """Read one run: its metrics with their histories, and its params as facts."""
    meta, _ = read_settings(source)
    folder = source.path.parent
    run = _run_name(folder, meta)
    if meta.get("lifecycle_stage") == "deleted":
        message = f"{source.name}: run '{run}' is deleted and was left out"
        return [RunLog.from_points(_no_points(), findings=[Finding("PRED008", message)])]
    rows: list[tuple[str, float, float, float | None]] = []
    findings: list[Finding] = []
    for key, file in _values(folder / "metrics"):
        history = _history(_beside(source, file), f"metrics/{key}", run, findings)
        rows += [(key, *point) for point in history]
    points = pd.DataFrame(rows, columns=["metric", "wall_time", "value", "step"])
    points.insert(0, "run", run)
    facts = {"run": run, "format": "mlflow-files", "source": source.name, **_ids(meta)}
    facts |= as_facts({name: _short_text(file) for name, file in _values(folder / "params")})
    frame = carry_places(points) if rows else _no_points()
    return [RunLog.from_points(frame, pd.DataFrame([facts]), findings)]


def as_facts(params: Mapping[str, str]) -> dict[str, Any]:
    """Return MLflow's params, which are text, as facts of a run.

    Numbers become numbers. What other formats know by a fixed name, such as ``batch_size``, gets
    that name, whatever its spelling; a text under such a name keeps its own with a mark.

    Examples
    --------
    >>> as_facts({"BATCH_SIZE": "16", "optimizer": "sgd", "params": "all", "n_params": "1e6"})
    {'batch_size': 16.0, 'optimizer': 'sgd', 'params (logged)': 'all', 'params': 1000000.0}
    """
    facts: dict[str, Any] = {}
    for name, text in params.items():
        value = _as_value(text)
        known = name
        if not isinstance(value, str):
            known, factor = _fact_name(name)
            value *= factor
        elif name in _NUMERIC_FACTS:
            known = f"{name} (logged)"
        clash = known in facts or known in _OWN_FACTS
        facts[f"{name} (logged)" if clash else known] = value
    return facts


def in_seconds(clock: float) -> float:
    """Return a logged clock in seconds since 1970."""
    return clock * _MILLISECOND if abs(clock) > _MOST_SECONDS else clock


def _as_value(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _fact_name(name: str) -> tuple[str, float]:
    """Return the name by which a param is known and the factor to its unit."""
    plain = canonical(name).replace("-", "_")
    factor = params_factor(plain)
    if factor is not None:
        return "params", factor
    plain = _FACT_NAMES.get(plain, plain)
    return (plain if plain in _NUMERIC_FACTS else name), 1.0


def _no_points() -> pd.DataFrame:
    return pd.DataFrame({"run": [], "metric": [], "step": [], "value": []})


def _ids(meta: Mapping[str, Any]) -> dict[str, str]:
    uuid = str(meta.get("run_id") or meta.get("run_uuid") or "")
    return {"run_uuid": uuid, "experiment_id": str(meta.get("experiment_id", ""))}


def _run_name(folder: Path, meta: Mapping[str, Any]) -> str:
    """Return the run's name, or the first letters of its id where it has none."""
    tag = folder / "tags" / "mlflow.runName"
    named = (_short_text(tag) if tag.is_file() else "") or meta.get("run_name") or meta.get("name")
    return str(named or _ids(meta)["run_uuid"][:8] or folder.name)


def _values(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield metric or param names and their files; a name with a slash is a folder."""
    for here, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if not name.startswith("."):
                file = Path(here, name)
                yield file.relative_to(folder).as_posix(), file


def _beside(meta: Source, file: Path) -> Source:
    within = file.relative_to(meta.path.parent)
    return Source(file, str(Path(meta.name).parent / within), meta.run_hint)


def _history(source: Source, key: str, run: str, findings: list[Finding]) -> list[_Point]:
    """Read a metric's file; a last line that lacks its end and its step was cut off."""
    points: list[_Point] = []
    wrong: list[int] = []
    fields = 0
    for number, line in source.lines():
        parts = line.split()
        point = _point(parts)
        if not line.endswith("\n") and len(parts) < fields:
            message = f"{key} is cut off in line {number}; the {len(points)} values before it stay"
            findings.append(Finding("PRED007", message, run, source.name))
        elif point is not None:
            fields = len(parts)
            points.append(point)
        elif parts:
            wrong.append(number)
    if wrong:
        message = (
            f"{key}: {len(wrong)} lines are no metric and were left out, first line {wrong[0]}"
        )
        findings.append(Finding("PRED010", message, run, source.name))
    # MLflow takes a lone value without a step as that of step 0; several stand on the clock only.
    if len(points) == 1 and points[0][2] is None:
        return [(*points[0][:2], 0.0)]
    return points


def _point(parts: Sequence[str]) -> _Point | None:
    """Return time, value and step of ``timestamp value [step [dataset digest]]``."""
    if len(parts) not in (2, 3, 5):
        return None
    try:
        step = float(parts[2]) if len(parts) > 2 else None
        return in_seconds(float(parts[0])), float(parts[1]), step
    except ValueError:
        return None


def _short_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_FACT_BYTES).decode("utf-8", errors="replace").strip()
    except OSError:
        return ""


READER = Reader(
    name="mlflow-files",
    description="MLflow file store (mlruns folder)",
    sniff=sniff,
    read=read,
    whole_folder=True,
)
