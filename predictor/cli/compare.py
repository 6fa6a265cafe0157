"""The command ``predictor compare``: which run ends best, and from where on."""

from __future__ import annotations

from pathlib import Path

import click

from predictor.cli.logs import meta_option, read_runs
from predictor.cli.options import common_options, paths_argument
from predictor.cli.output import csv_text, emit, json_text, print_findings
from predictor.cli.place import one_place

_METRIC = "Metric.  [default: the validation loss, else the loss, else the only one]"
_AT = (
    "Where to compare: step=20000, 20k.  "
    "[default: the planned end, where the log tells it; else where the farthest run has got to]"
)
_AXIS = (
    "Axis: step, tokens, samples, epoch, flops or wall_time.  "
    "[default: that of --at, else the first logged]"
)
_BY = (
    "Column that names a method: runs with the same value are its repeats, and their mean is "
    "compared.  [default: every run by itself]"
)
_RUN = "Only runs of this name; * and ? stand for any text.  [default: all]"


@click.command("compare", short_help="Which run ends best, how surely, and from where on?")
@paths_argument
@click.option("--metric", metavar="M", help=_METRIC)
@click.option("--at", "place", metavar="A", help=_AT)
@click.option("--x", "axis", metavar="AXIS", help=_AXIS)
@click.option("--by", metavar="COLUMN", help=_BY)
@click.option("--until", metavar="A", help="Use the log up to here only.  [default: all of it]")
@click.option("--law", default="auto", show_default=True, metavar="NAME", help="Law, or auto.")
@click.option("--level", type=float, default=0.9, show_default=True, help="Level of the intervals.")
@click.option("--run", "runs", metavar="RUN", multiple=True, help=_RUN)
@meta_option
@common_options
def command(
    paths: tuple[Path, ...],
    log_format: str | None,
    metric: str | None,
    place: str | None,
    axis: str | None,
    by: str | None,
    until: str | None,
    law: str,
    level: float,
    runs: tuple[str, ...],
    meta: Path | None,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Compare the runs in PATHS: who ends best, where they cross, who is faster."""
    from predictor.cli.compare_page import comparison_text
    from predictor.curves.comparison import compare_runs

    axis, at = one_place(place, "--at", axis)
    log = read_runs(paths, log_format, meta, runs, until, axis)
    compared = compare_runs(log, metric, axis, at, by=by, level=level, law=law, seed=seed)
    if form == "json":
        emit(json_text("compare", compared.to_dict(), compared.findings), output)
    else:
        frame = form == "csv"
        emit(csv_text(compared.to_frame()) if frame else comparison_text(compared), output)
    print_findings(compared.findings, quiet)
    return 0 if any(row.value is not None for row in compared.runs) else 3
