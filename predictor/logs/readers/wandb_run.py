"""A local Weights & Biases run folder: ``files/{wandb-summary.json, config.yaml, output.log}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.documents import read_json
from predictor.logs.readers import megatron
from predictor.logs.registry import Reader
from predictor.logs.settings import read_settings
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

_SUMMARY = "wandb-summary.json"


def sniff(source: Source) -> bool:
    """Return whether this is the summary of a run."""
    return source.path.name == _SUMMARY and source.text_head.lstrip().startswith("{")


def read(source: Source) -> Sequence[Log]:
    """Read curves from the console output, where they are; the last values from the summary."""
    summary = read_json(source)
    folder = source.path.parent
    run = _name(folder)
    facts = {"run": run, "format": "wandb-run", "source": source.name, **_config(source, folder)}
    console = _console(source, folder, run)
    last = _last_values(summary if isinstance(summary, dict) else {}, run)
    points = console if console is not None else last
    findings = []
    if points.empty:
        message = "the run folder holds no curve; export its history as CSV from its page"
        findings.append(Finding("PRED008", message, run, source.name))
    return [RunLog.from_points(points, pd.DataFrame([facts]), findings)]


def _name(folder: Path) -> str:
    """Return the run folder's name; the files lie in its folder ``files``."""
    absolute = folder.absolute()
    return absolute.parent.name if absolute.name == "files" else absolute.name


def _config(source: Source, folder: Path) -> dict[str, Any]:
    file = folder / "config.yaml"
    if not file.is_file():
        return {}
    try:
        settings, _ = read_settings(_beside(source, file))
    except InputError:
        return {}
    values = {key.removesuffix("/value"): value for key, value in settings.items()}
    return {k: v for k, v in values.items() if "/" not in k and not k.startswith("wandb")}


def _console(source: Source, folder: Path, run: str) -> pd.DataFrame | None:
    file = folder / "output.log"
    if not file.is_file():
        return None
    try:
        (log,) = megatron.read(_beside(source, file))
    except InputError:
        return None
    assert isinstance(log, RunLog)
    return log.points.assign(run=run)


def _last_values(summary: Mapping[str, Any], run: str) -> pd.DataFrame:
    """Return one point a metric of the summary, at its last step."""
    rows = [
        {"run": run, "metric": key, "value": float(value), "step": summary.get("_step", 0)}
        for key, value in summary.items()
        if not key.startswith("_") and isinstance(value, int | float)
    ]
    return pd.DataFrame(rows, columns=["run", "metric", "value", "step"])


def _beside(source: Source, file: Path) -> Source:
    return Source(file, str(Path(source.name).parent / file.name), source.run_hint)


READER = Reader(
    name="wandb-run",
    description="local Weights & Biases run folder (summary, config, console output)",
    sniff=sniff,
    read=read,
    whole_folder=True,
)
