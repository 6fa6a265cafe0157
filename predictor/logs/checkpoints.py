"""Which model, at which checkpoint, an evaluation was of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(
    r"(?:^|[^a-z])(?:global[_-]?step|checkpoint|ckpt|step|iter(?:ation)?)[_=-]?(?P<step>\d+)(?P<unit>k|m)?"
    r"(?![\dbt.])",
    re.IGNORECASE,
)
_TOKENS = re.compile(
    r"tokens?[_=-]?(?P<count>\d+(?:\.\d+)?)(?P<unit>[kmbt])(?![a-z])", re.IGNORECASE
)
_TOKENS_AFTER = re.compile(
    r"(?:^|[-_/])(?P<count>\d+(?:\.\d+)?)(?P<unit>[kmbt])[-_]?tokens?(?![a-z])", re.IGNORECASE
)
_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_CHECKPOINT_FOLDER = re.compile(
    r"[/_-](?:global[_-]?step|checkpoint|ckpt|step|iter(?:ation)?)[_=-]?\d+[^/]*/?$", re.IGNORECASE
)


@dataclass(frozen=True)
class Checkpoint:
    """A model at a point of its training; what is not told is None."""

    model: str
    step: float | None = None
    tokens: float | None = None
    params: float | None = None


def step_in(text: str) -> float | None:
    """Return the step that a revision or path names, or None.

    Examples
    --------
    >>> step_in("step143000"), step_in("out/checkpoint-500/"), step_in("pythia-410m")
    (143000.0, 500.0, None)
    """
    every = list(_STEP.finditer(text))
    if not every:
        return None
    return float(every[-1]["step"]) * _UNITS.get((every[-1]["unit"] or "").lower(), 1.0)


def tokens_in(text: str) -> float | None:
    """Return the number of tokens that a revision or path names, or None.

    Examples
    --------
    >>> tokens_in("step1000-tokens4B")
    4000000000.0
    """
    found = _TOKENS.search(text) or _TOKENS_AFTER.search(text)
    return float(found["count"]) * _UNITS[found["unit"].lower()] if found else None


def read_arguments(arguments: Any) -> dict[str, str]:
    """Return ``model_args`` as a mapping; newer versions write one, older a string.

    Examples
    --------
    >>> read_arguments("pretrained=a/b,revision=step10")
    {'pretrained': 'a/b', 'revision': 'step10'}
    """
    if isinstance(arguments, dict):
        return {str(key): str(value) for key, value in arguments.items()}
    pairs = (part.partition("=") for part in str(arguments or "").split(","))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def checkpoint_of(results: dict[str, Any], hint: str) -> Checkpoint:
    """Return the checkpoint that an evaluation's results describe; ``hint`` is the file's path."""
    config = results.get("config")
    config = config if isinstance(config, dict) else {}
    arguments = read_arguments(config.get("model_args"))
    name = str(
        results.get("model_name")
        or arguments.get("pretrained")
        or arguments.get("model")
        or config.get("model_name")
        or config.get("model")
        or hint
    )
    revision = str(arguments.get("revision") or config.get("model_revision") or "")
    places = [revision, arguments.get("pretrained", ""), name, hint]
    step = next((found for place in places if (found := step_in(place)) is not None), None)
    tokens = next((found for place in places if (found := tokens_in(place)) is not None), None)
    params = config.get("model_num_parameters")
    counted = float(params) if isinstance(params, int | float) and params > 0 else None
    return Checkpoint(_CHECKPOINT_FOLDER.sub("", name).rstrip("/") or name, step, tokens, counted)
