"""A schedule as a user gives it: a table's path, or a name with its numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from predictor.curves.schedule.logged import LoggedSchedule, headed, starts_late
from predictor.curves.schedule.plan import Schedule
from predictor.errors import InputError
from predictor.fitting.law import Array

#: A schedule given by name is forecast at this many steps, one from a table at most at these many.
_STEPS, _MOST_STEPS = 200, 10_000
_NAMES: dict[str, Callable[..., Schedule]] = {
    "constant": Schedule.constant,
    "cosine": Schedule.cosine,
    "linear": Schedule.linear,
    "wsd": Schedule.wsd,
    "inverse-sqrt": Schedule.inverse_sqrt,
}
_SHAPES = ("linear", "exponential", "cosine", "sqrt")
_NUMBER = re.compile(r"(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)([km]?)", re.IGNORECASE)


def read_schedule(path: Path, warmup: float = 0.0) -> tuple[Schedule, Array]:
    """Read a table (CSV, TSV, JSONL, Parquet) with columns ``step`` and ``lr``.

    Parameters
    ----------
    path : Path
        The table.
    warmup : float
        Steps of a linear warm-up that the table leaves out.

    Returns
    -------
    schedule : Schedule
    steps : array
        The table's steps after the warm-up.

    Raises
    ------
    InputError
        If it cannot be read, a column is missing, or a row is no schedule.
    """
    from predictor.logs import columns as names
    from predictor.logs.frames import read_table
    from predictor.logs.source import Source

    source = Source(path, str(path), path.stem)
    table = read_table(source)
    numeric = table.numeric()
    steps = names.axis_columns(numeric).get("step")
    rates = sorted((n for n in numeric if names.is_learning_rate(n)), key=len)
    if steps is None or not rates:
        have = ", ".join(table.names[:8])
        raise source.error(f"a schedule needs number columns 'step' and 'lr'; it has {have}")
    frame = table.frame[[steps[0], rates[0]]].dropna().to_numpy(dtype=float)
    if len(frame) < 2:
        raise source.error("a schedule needs two rows with a step and a learning rate, or more")
    step, lr = frame[:, 0] * steps[1], frame[:, 1]
    if (np.diff(step) <= 0).any():
        row = int(np.flatnonzero(np.diff(step) <= 0)[0]) + 2
        raise source.error(f"data row {row}: step {step[row - 1]:g} does not come after the last")
    try:
        schedule = headed(step, lr, warmup, path.stem)
    except InputError as error:
        raise source.error(str(error).partition(": ")[2]) from None
    return schedule, step[step >= max(warmup, 1.0)]


def schedule_from_text(
    text: str,
    known: Mapping[str, LoggedSchedule],
    *,
    warmup: float | None = None,
    last: float | None = None,
) -> tuple[Schedule, Array]:
    """Return the schedule that a text names, and the steps to forecast where none are asked for.

    Parameters
    ----------
    text : str
        A table's path, or such as ``cosine:peak=3e-4,end=3e-5,warmup=2160,steps=24k``. What is not
        said of peak and warm-up is that of the log's runs; ``last`` stands for missing steps.
    known : mapping of str to LoggedSchedule
        What the log tells of its runs' schedules.
    warmup : float, optional
        Steps of the warm-up that logs and table leave out.
    last : float, optional
        Last step of the schedule where the text does not say.

    Raises
    ------
    InputError
        If it is neither, or its numbers are no schedule.
    """
    name, colon, rest = text.partition(":")
    if name.strip().lower().replace("_", "-") in _NAMES and (colon or not Path(text).exists()):
        schedule = _from_name(name.strip().lower().replace("_", "-"), rest, known, warmup, last)
        first = float(schedule.step[np.argmax(schedule.lr >= 0.98 * schedule.peak)])
        steps = np.unique(np.ceil(np.linspace(max(first, 1.0), schedule.steps, _STEPS)))
        return schedule, np.minimum(steps, schedule.steps)
    path = Path(text)
    if not path.exists():
        near = get_close_matches(name, _NAMES, n=1)
        hint = f"; did you mean {near[0]}?" if near else f" ({', '.join(_NAMES)})"
        raise InputError(f"--schedule {text}: neither a file nor the name of a schedule{hint}")
    if warmup is None:
        schedule, steps = read_schedule(path)
        assumed = [k.assumed_warmup for k in known.values() if k.assumed_warmup]
        warmup = min(assumed, default=float(steps[0])) if starts_late(steps) else 0.0
    schedule, steps = read_schedule(path, warmup)
    every = -(-len(steps) // _MOST_STEPS)
    return schedule, steps[::-every][::-1]


def _from_name(
    name: str,
    rest: str,
    known: Mapping[str, LoggedSchedule],
    warmup: float | None,
    last: float | None,
) -> Schedule:
    make = _NAMES[name]
    allowed = list(signature(make).parameters)
    given = _settings(name, rest, allowed)
    seen = [logged.seen for logged in known.values()]
    if "peak" not in given and seen:
        given["peak"] = max(schedule.peak for schedule in seen)
    if "steps" not in given and last is not None:
        given["steps"] = last
    if "warmup" not in given and name != "inverse-sqrt":
        given["warmup"] = _usual_warmup(seen) if warmup is None else warmup
    needed = [key for key in ("peak", "steps", "decay") if key in allowed and key not in given]
    if needed:
        raise InputError(f"--schedule {name}: say {needed[0]}, as in {name}:{needed[0]}=...")
    try:
        return make(**given)
    except InputError as error:
        raise InputError(f"--schedule {error}") from None


def _settings(name: str, rest: str, allowed: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for part in filter(None, (piece.strip() for piece in rest.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in allowed or key in given:
            raise InputError(
                f"--schedule {name}: '{part}' is not understood; it takes "
                f"{', '.join(f'{a}=' for a in allowed)} each once"
            )
        given[key] = _shape(value) if key == "shape" else _number(name, key, value)
    return given


def _shape(value: str) -> str:
    if value not in _SHAPES:
        raise InputError(f"--schedule wsd: shape={value} is none of {', '.join(_SHAPES)}")
    return value


def _number(name: str, key: str, value: str) -> float:
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise InputError(f"--schedule {name}: {key}={value} is not a number such as 3e-4 or 24k")
    return float(match[1]) * {"": 1.0, "k": 1e3, "m": 1e6}[match[2].lower()]


def _usual_warmup(seen: list[Schedule]) -> float:
    """Return the step from which the runs' rates have warmed up."""
    warm = [float(s.step[np.argmax(s.lr >= s.peak)]) for s in seen if s.lr[0] < s.peak]
    return min(warm, default=0.0)
