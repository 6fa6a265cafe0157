"""Read a gate file: ``[tool.predictor.gate]`` of a TOML file."""

from __future__ import annotations

import json
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from predictor.errors import InputError
from predictor.gates.checks import Check, Gate, Mute

#: Looked for in this order where no file is named.
NAMES = ("predictor.toml", "pyproject.toml")
_LARGEST = 1_000_000


def find_gate(folder: Path) -> Path:
    """Return the gate file of a folder.

    Raises
    ------
    InputError
        If there is none.
    """
    for name in NAMES:
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"no gate file: neither {' nor '.join(NAMES)} in {folder}")


def read_gate(path: Path) -> Gate:
    """Read and validate a gate file.

    Parameters
    ----------
    path : Path
        A TOML file with a table ``[tool.predictor.gate]``.

    Raises
    ------
    InputError
        If the file cannot be read, has no such table, or something in it is not known or wrong.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: larger than {_LARGEST:,} bytes: no gate file")
        content = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"{path}: cannot be read ({reason})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
    table: Any = content
    for key in ("tool", "predictor", "gate"):
        table = table.get(key) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        raise InputError(f"{path}: no table [tool.predictor.gate]; docs/gates.md shows one")
    return parse_gate(table, str(path))


def parse_gate(table: dict[str, Any], source: str) -> Gate:
    """Validate a gate given as plain values.

    Raises
    ------
    InputError
        With the first thing that is wrong; nearest names where a key is not known.
    """
    try:
        return Gate.model_validate(table)
    except ValidationError as error:
        raise InputError(f"{source}: {_in_words(error, table)}") from None


def _in_words(error: ValidationError, table: dict[str, Any]) -> str:
    first = error.errors()[0]
    place = [part for part in first["loc"] if part not in _UNION_BRANCHES]
    where = _where(place, table)
    if first["type"] == "extra_forbidden":
        key = str(place[-1])
        known = list(_model_at(place).model_fields)
        near = get_close_matches(key, known, n=3, cutoff=0.5) or known
        return f"{where}key '{key}' is not known; did you mean {', '.join(near)}?"
    message = first["msg"].removeprefix("Value error, ")
    key = f"'{place[-1]}': " if place and isinstance(place[-1], str) else ""
    return f"{where}{key}{message[0].lower()}{message[1:]}"


#: pydantic names the branch of a union that failed; a user never wrote it.
_UNION_BRANCHES = ("constrained-str", "constrained-float", "float", "str")


def _where(place: list[int | str], table: dict[str, Any]) -> str:
    if len(place) < 2 or place[0] != "checks":
        return ""
    number = int(place[1])
    try:
        name = table["checks"][number]["name"]
    except (KeyError, TypeError, IndexError):
        name = None
    return f"check '{name}': " if isinstance(name, str) else f"check {number + 1}: "


def _model_at(place: list[int | str]) -> type[BaseModel]:
    if "mute" in place[:-1]:
        return Mute
    return Check if place and place[0] == "checks" and len(place) > 1 else Gate


def gate_toml(gate: Gate) -> str:
    """Return a gate as the text of a TOML file, settings at their defaults left out.

    Examples
    --------
    >>> check = {"name": "end", "logs": ["run.csv"], "metric": "loss", "upper": 2.5}
    >>> text = gate_toml(parse_gate({"checks": [check]}, "example"))
    >>> parse_gate(tomllib.loads(text)["tool"]["predictor"]["gate"], "example").checks[0].upper
    2.5
    """
    stated = gate.model_dump(exclude_defaults=True)
    checks = stated.pop("checks")
    lines = []
    if stated:
        lines += ["[tool.predictor.gate]", *_settings(stated), ""]
    for check in checks:
        lines += ["[[tool.predictor.gate.checks]]", *_settings(check), ""]
    return "\n".join(lines)


def _settings(table: dict[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in table.items()]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(_settings(value))} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # TOML reads what JSON writes of text, numbers and booleans; only DEL it wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
