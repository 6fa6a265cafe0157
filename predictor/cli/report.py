"""The command ``predictor report``: all answers to show a team, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from predictor.cli.logs import meta_option
from predictor.cli.options import common_options
from predictor.cli.output import csv_text, emit, json_text, print_findings, printable, progress
from predictor.logs.places import parse_place
from predictor.writing import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from predictor.report.document import Section

_HTML = "Where to write the report, one HTML file that needs nothing but itself."
_MARKDOWN = "Write it here as Markdown too, its pictures beside it (.svg).  [default: none]"
_AT = (
    "Where to forecast: step=20000 for runs, flops=1e24 or params=7B,tokens=2T for models; may be "
    "given several times.  [default: the planned end of each run, where the log tells it]"
)
_METRIC = "Metric of the runs.  [default: the validation loss, else the loss, else the only one]"
_SCALING = "Table of runs with params, tokens and loss, for a scaling law.  [default: none]"
_CAPACITY = "Table of compressions, for information capacity.  [default: none]"
_GATE = "Gate file whose checks are to be shown.  [default: none]"
_TRUST = "Backtest the runs' forecasts too.  [default: do not]"
_LEVEL = "Probability that the intervals are to hold the truth with."


@click.command("report", short_help="Show me and my team, in one file.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--at", "places", metavar="A", multiple=True, help=_AT)
@click.option("--metric", metavar="M", help=_METRIC)
@click.option("--scaling", type=click.Path(path_type=Path), metavar="TABLE", help=_SCALING)
@click.option("--capacity", type=click.Path(path_type=Path), metavar="TABLE", help=_CAPACITY)
@click.option("--gate", type=click.Path(path_type=Path), metavar="CONFIG", help=_GATE)
@click.option("--trust", is_flag=True, help=_TRUST)
@click.option("--title", default="Predictor report", show_default=True, help="Heading.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("predictor-report.html"),
    show_default=True,
    help=_HTML,
)
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help=_MARKDOWN)
@click.option("--level", type=float, default=0.9, show_default=True, help=_LEVEL)
@meta_option
@common_options
def command(
    paths: tuple[Path, ...],
    places: tuple[str, ...],
    metric: str | None,
    scaling: Path | None,
    capacity: Path | None,
    gate: Path | None,
    trust: bool,
    title: str,
    html: Path,
    markdown: Path | None,
    level: float,
    meta: Path | None,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Report on what PATHS hold: training curves, results per item, scored responses."""
    from predictor.report import live
    from predictor.report.document import every_section, html_document
    from predictor.report.gathering import Request, gather

    at = [parse_place(place, "--at") for place in places]
    request = Request(paths, scaling, capacity, gate, metric, at, meta, trust, level, seed)
    live.begin()
    with progress("reporting", quiet) as tell:
        found = gather(request, tell)
        write_whole(html_document(title, found), html, "--html")
    if markdown is not None:
        _write_markdown(title, found, markdown)
    emit(_shown(found, [html, *([markdown] if markdown else [])], form), output)
    print_findings([f for section in every_section(found) for f in section.findings], quiet)
    return 0 if any(section.answered for section in found) else 3


def _write_markdown(title: str, found: Sequence[Section], path: Path) -> None:
    from predictor.report.markdown import markdown_document

    document = markdown_document(title, found, path.stem)
    for name, picture in document.pictures.items():
        write_whole(picture, path.with_name(name), "--markdown")
    write_whole(document.text, path, "--markdown")


def _shown(found: Sequence[Section], files: Sequence[Path], form: str) -> str:
    if form == "json":
        said = [_body(section) for section in found]
        findings = [finding for section in found for finding in section.findings]
        body = {"sections": said, "files": [str(file) for file in files]}
        return json_text("report", body, dict.fromkeys(findings))
    if form == "csv":
        return csv_text(_frame(found))
    rows = _frame(found).to_numpy(dtype=str).tolist()
    lines = [
        f"{', '.join(name for name in names if name)}: {words}" for *names, words in rows if words
    ]
    lines += [f"Report: {file}" for file in files]
    return "".join(f"{printable(line)}\n" for line in lines)


def _body(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "question": section.question,
        "answered": section.answered,
        "words": section.words,
        "parts": [{"title": part.title, "words": part.words} for part in section.parts],
    }


def _frame(found: Sequence[Section]) -> pd.DataFrame:
    """Return one row a section and part: what it says."""
    import pandas as pd

    rows = []
    for section in found:
        rows.append((section.title, "", section.words))
        rows += [(section.title, part.title, part.words) for part in section.parts]
    return pd.DataFrame(rows, columns=["section", "part", "words"])
