"""A local Weights & Biases run folder: ``files/{wandb-summary.json, config.yaml, output.log}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.documents import read_json
from predictor.logs.readers import megatron, nanogpt
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import Log, RunLog

_SUMMARY = "wandb-summary.json"
_Scalar = str | int | float | bool
#: Facts that a run has from its folder, and W&B's own settings: not taken from the configuration.
_RESERVED = frozenset({"run", "format", "source", "_wandb", "wandb_version"})


def sniff(source: Source) -> bool:
    """Return whether this is the summary of a run."""
    return source.path.name == _SUMMARY and source.text_head.lstrip().startswith("{")


def read(source: Source) -> Sequence[Log]:
    """Read curves from the console output, where they are; the last values from the summary.

    Of a metric of which nothing but the summary is left, there is one point, at the last step.
    The full history is in the binary ``.wandb`` file, which is not read.
    """
    summary = read_json(source)
    folder = source.path.parent
    run = _name(folder)
    curves, facts = _console(source, run)
    last = _last_values(summary if isinstance(summary, dict) else {}, run)
    last = last[~last["metric"].isin(curves["metric"])]
    points = curves if last.empty else last if curves.empty else pd.concat([curves, last])
    facts |= {"run": run, "format": "wandb-run", "source": source.name}
    facts |= {key: value for key, value in _config(source).items() if key not in facts}
    findings = []
    if points.empty:
        message = "the run folder holds no values; export the run's history as CSV from its page"
        findings.append(Finding("PRED008", message, run, source.name))
    return [RunLog.from_points(points, pd.DataFrame([facts]), findings)]


def _name(folder: Path) -> str:
    """Return the run folder's name; the files lie in its folder ``files``."""
    absolute = folder.absolute()
    return absolute.parent.name if absolute.name == "files" else absolute.name


def _config(source: Source) -> dict[str, Any]:
    """Return the run's settings, each of which stands below its name as ``value``."""
    import yaml

    file = source.path.with_name("config.yaml")
    if not file.is_file():
        return {}
    try:
        content = yaml.safe_load(_beside(source, file.name).document())
    except (InputError, yaml.YAMLError, RecursionError, ValueError):
        return {}
    entries = content.items() if isinstance(content, dict) else ()
    plain = {str(key): item.get("value") for key, item in entries if isinstance(item, dict)}
    return {
        key: value
        for key, value in plain.items()
        if isinstance(value, _Scalar) and key not in _RESERVED
    }


def _console(source: Source, run: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return curves and facts from the console output, where it has iteration lines."""
    none = pd.DataFrame({"run": [], "metric": [], "step": [], "value": []})
    output = _beside(source, "output.log")
    if not output.path.is_file():
        return none, {}
    reader = nanogpt if nanogpt.sniff(output) else megatron
    try:
        logs = [log for log in reader.read(output) if isinstance(log, RunLog)]
    except InputError:
        return none, {}
    facts = {str(key): value for key, value in logs[0].runs.iloc[0].items()}
    return logs[0].points.assign(run=run), facts


def _last_values(summary: Mapping[str, Any], run: str) -> pd.DataFrame:
    """Return one point a metric of the summary, at its last step."""
    place = {"step": _number(summary.get("_step")), "wall_time": _number(summary.get("_runtime"))}
    rows = [
        {"run": run, "metric": key, "value": number, **place}
        for key, value in summary.items()
        if not key.startswith("_") and (number := _number(value)) is not None
    ]
    return pd.DataFrame(rows, columns=["run", "metric", "value", *place])


def _number(value: object) -> float | None:
    """Return a number, also NaN and infinity, which W&B writes as text."""
    if value in ("NaN", "Infinity", "-Infinity") or (
        isinstance(value, int | float) and not isinstance(value, bool)
    ):
        try:
            return float(str(value))
        except OverflowError:
            return None
    return None


def _beside(source: Source, name: str) -> Source:
    return Source(
        source.path.with_name(name), str(Path(source.name).with_name(name)), source.run_hint
    )


READER = Reader(
    name="wandb-run",
    description="local Weights & Biases run folder (summary, config, console output)",
    sniff=sniff,
    read=read,
    whole_folder=True,
)
