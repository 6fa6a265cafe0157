"""The command ``predictor backtest``: how far these forecasts may be trusted."""

from __future__ import annotations

from pathlib import Path

import click

from predictor.cli.logs import meta_option, read_runs
from predictor.cli.options import common_options, paths_argument
from predictor.cli.output import csv_text, emit, json_text, print_findings, progress

_METRIC = "Metric.  [default: the validation loss, else the loss, else the only one]"
_HORIZON = (
    "How far ahead: place forecast over last place seen; may be given several times.  "
    "[default: 1.5, 2, 4 and 8]"
)
_AXIS = "Axis: step, tokens, samples, epoch, flops or wall_time.  [default: the first logged]"
_LAW = (
    "Law, auto, or 'last value'; may be given several times.  "
    "[default: auto, its laws, and last value]"
)
_ORIGINS = "Origins a run and horizon, each 1.4 times earlier than the one before."
_RUN = "Only runs of this name; * and ? stand for any text.  [default: all]"


@click.command("backtest", short_help="How far may these forecasts be trusted?")
@paths_argument
@click.option("--metric", metavar="M", help=_METRIC)
@click.option("--horizon", "horizons", type=float, multiple=True, metavar="F", help=_HORIZON)
@click.option("--x", "axis", metavar="AXIS", help=_AXIS)
@click.option("--law", "laws", multiple=True, metavar="NAME", help=_LAW)
@click.option("--origins", type=int, default=4, show_default=True, metavar="K", help=_ORIGINS)
@click.option("--level", type=float, default=0.9, show_default=True, help="Level of the intervals.")
@click.option("--run", "runs", metavar="RUN", multiple=True, help=_RUN)
@meta_option
@common_options
def command(
    paths: tuple[Path, ...],
    log_format: str | None,
    metric: str | None,
    horizons: tuple[float, ...],
    axis: str | None,
    laws: tuple[str, ...],
    origins: int,
    level: float,
    runs: tuple[str, ...],
    meta: Path | None,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Forecast the known parts of the runs in PATHS from earlier parts, and compare."""
    from predictor.backtest.rolling import HORIZONS, LAWS, backtest
    from predictor.cli.backtest_page import backtest_text

    log = read_runs(paths, log_format, meta, runs, None, axis)
    with progress("backtesting", quiet) as tell:
        found = backtest(
            log,
            metric,
            axis,
            laws=laws or LAWS,
            horizons=horizons or HORIZONS,
            origins=origins,
            level=level,
            seed=seed,
            n_jobs=-1,
            progress=tell,
        )
    findings = (*log.findings, *found.findings)
    if form == "json":
        emit(json_text("backtest", found.to_dict(), findings), output)
    else:
        emit(csv_text(found.cases) if form == "csv" else backtest_text(found), output)
    print_findings(findings, quiet)
    return 0 if found.cases["value"].notna().any() else 3
