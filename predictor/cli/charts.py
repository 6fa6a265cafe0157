"""Write a chart where an option says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from predictor.errors import InputError

_KINDS = (".html", ".json", ".png", ".svg")


def write_chart(chart: Any, path: Path) -> None:
    """Write an Altair chart; the name's ending says in which form.

    Raises
    ------
    InputError
        If the ending is none of these, or the file cannot be written.
    """
    if path.suffix.lower() not in _KINDS:
        raise InputError(f"--chart {path}: the name must end in {', '.join(_KINDS)}")
    try:
        chart.save(str(path))
    except OSError as error:
        reason = (error.strerror or "unwritable").lower()
        raise InputError(f"--chart {path}: cannot be written ({reason})") from None
