"""Places on the command line: ``step=20000``, ``tokens=3e12``, ``params=7B,tokens=2T``."""

from __future__ import annotations

import re
from difflib import get_close_matches

from predictor.errors import InputError
from predictor.logs.tables import AXES

_SUFFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12, "p": 1e15, "e": 1e18}
_NUMBER = re.compile(r"([+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([kKmMgGbBtTpPE]?)")
_KNOWN = (*AXES, "params")


def parse_number(text: str) -> float:
    """Read a positive number with an SI suffix (B and G both mean 1e9).

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> parse_number("350M"), parse_number("1e21"), parse_number("2T")
    (350000000.0, 1e+21, 2000000000000.0)
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None or float(match[1].replace("_", "")) <= 0:
        raise InputError(f"'{text}' is not a positive number; write 20000, 3e12, 350M or 2T")
    value = float(match[1].replace("_", "")) * _SUFFIXES[match[2].lower()]
    if value > 1e60:
        raise InputError(f"'{text}' is too large")
    return value


def parse_place(text: str, option: str) -> dict[str | None, float]:
    """Read a place; the axis of a bare number is None.

    Raises
    ------
    InputError
        If an axis is unknown, named twice, or a number cannot be read.

    Examples
    --------
    >>> parse_place("params=7B,tokens=2T", "--at")
    {'params': 7000000000.0, 'tokens': 2000000000000.0}
    >>> parse_place("20k", "--at")
    {None: 20000.0}
    """
    place: dict[str | None, float] = {}
    for part in text.split(","):
        axis, equals, number = part.rpartition("=")
        name = axis.strip().lower() if equals else None
        if name is not None and name not in _KNOWN:
            near = get_close_matches(name, _KNOWN, n=1) or [", ".join(_KNOWN)]
            raise InputError(f"{option} {text}: no axis '{axis}'; did you mean {near[0]}?")
        if name in place:
            raise InputError(f"{option} {text}: the axis is given twice")
        try:
            place[name] = parse_number(number)
        except InputError as error:
            raise InputError(f"{option} {text}: {error}") from None
    return place


def one_place(text: str | None, option: str, axis: str | None) -> tuple[str | None, float | None]:
    """Return the axis, which a place may name too, and the place on it.

    Raises
    ------
    InputError
        If the place is no single number on that axis.
    """
    if text is None:
        return axis, None
    place = parse_place(text, option)
    name, value = next(iter(place.items()))
    if len(place) > 1 or name == "params" or (axis and name and axis != name):
        raise InputError(f"{option} {text}: one place on one axis is meant, such as step=1e6")
    return axis or name, value
