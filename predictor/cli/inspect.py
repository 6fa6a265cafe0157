"""The command ``predictor inspect``: what is in a log."""

from __future__ import annotations

from pathlib import Path

import click

from predictor.cli.options import common_options, paths_argument
from predictor.cli.output import csv_text, emit, json_text, print_findings


@click.command("inspect", short_help="What is in this log?")
@paths_argument
@click.option(
    "--kind",
    type=click.Choice(["runs", "items", "responses"]),
    help="What to read where a folder holds several kinds.  [default: training curves]",
)
@common_options
def command(
    paths: tuple[Path, ...],
    log_format: str | None,
    kind: str | None,
    form: str,
    output: Path | None,
    seed: int,  # noqa: ARG001 (nothing is random here; every command takes the option)
    quiet: bool,
) -> int:
    """Say what PATHS hold: runs, metrics, axes, and what had to be mended or left out."""
    from predictor.cli.inspection_page import inspection_text
    from predictor.logs.inspection import inspect_logs
    from predictor.logs.reading import read_logs

    log = read_logs(list(paths), log_format=log_format, kind=kind)  # type: ignore[arg-type]
    rows = inspect_logs(log)
    if form == "json":
        emit(json_text("inspect", {"runs": rows}, log.findings), output)
    elif form == "csv":
        import pandas as pd

        emit(csv_text(pd.json_normalize(rows)), output)
    else:
        emit(inspection_text(rows, log.findings), output)
    print_findings(log.findings, quiet)
    return 0
