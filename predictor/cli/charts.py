"""Write a chart where an option says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from predictor.errors import InputError
from predictor.writing import write_whole

_KINDS = (".html", ".json", ".png", ".svg")


def write_chart(chart: Any, path: Path) -> None:
    """Write an Altair chart in the project's look; the name's ending says in which form.

    Raises
    ------
    InputError
        If the ending is none of these, or the file cannot be written.
    """
    from predictor.report.drawing import as_html, as_png, as_svg, chart_spec

    kind = path.suffix.lower()
    if kind not in _KINDS:
        raise InputError(f"--chart {path}: the name must end in {', '.join(_KINDS)}")
    if kind == ".png":
        write_whole(as_png(chart), path, "--chart")
    elif kind == ".svg":
        write_whole(as_svg(chart), path, "--chart")
    elif kind == ".html":
        write_whole(as_html(chart, path.stem), path, "--chart")
    else:
        write_whole(json.dumps(chart_spec(chart), ensure_ascii=False), path, "--chart")
