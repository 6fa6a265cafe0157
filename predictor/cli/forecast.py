"""The command ``predictor forecast``: where a run will end."""

from __future__ import annotations

from pathlib import Path

import click

from predictor.cli.options import common_options, paths_argument
from predictor.cli.output import csv_text, emit, json_text, print_findings, progress
from predictor.cli.pages import answer_text
from predictor.curves.question import Answer, ask, only_runs, pose, seen_until
from predictor.curves.schedule.laws import SCHEDULE_LAWS
from predictor.errors import InputError
from predictor.fitting.laws import LAWS
from predictor.logs.places import parse_place
from predictor.logs.tables import RunLog

_LAWS = (
    "auto (one that knows the learning rate where that falls and is known ahead, else laws "
    "weighted by backtest), trace (learning trace), or "
    f"{', '.join((*SCHEDULE_LAWS, *LAWS))}."
)
_SCHEDULE = (
    "Learning-rate schedule: a table with columns step and lr, or a name such as "
    "cosine:peak=3e-4,end=3e-5,warmup=2000,steps=24k (also constant, linear, wsd with decay=, "
    "inverse-sqrt). That of the run itself, or of another run.  [default: what the log tells]"
)
_WARMUP = "Steps of a linear warm-up that the log does not show.  [default: inferred]"
_TOLERANCE = (
    "With --law trace: stop where no more than this is left to gain, in the metric's units.  "
    "[default: say what is left]"
)
_METRIC = "Metric to forecast.  [default: the validation loss, else the loss, else the only one]"
_AT = (
    "Where to forecast: step=20000, tokens=3e12, 20k; may be given several times.  "
    "[default: the planned end, where the log tells it]"
)
_AXIS = (
    "Axis: step, tokens, samples, epoch, flops or wall_time.  "
    "[default: that of --at, else the first logged]"
)
_META = "Table with a column 'run' to join to the log: params, max_steps, ...  [default: none]"
_LEVEL = "Probability that the interval is to hold the truth with."


@click.command("forecast", short_help="Where will this run end?")
@paths_argument
@click.option("--metric", metavar="M", help=_METRIC)
@click.option("--at", "places", metavar="A", multiple=True, help=_AT)
@click.option("--x", "axis", metavar="AXIS", help=_AXIS)
@click.option("--until", metavar="A", help="Use the log up to here only.  [default: all of it]")
@click.option("--law", default="auto", show_default=True, metavar="NAME", help=_LAWS)
@click.option("--schedule", metavar="CSV|NAME", help=_SCHEDULE)
@click.option("--warmup", type=click.FloatRange(min=0), metavar="STEPS", help=_WARMUP)
@click.option("--tolerance", type=float, metavar="T", help=_TOLERANCE)
@click.option("--level", type=float, default=0.9, show_default=True, help=_LEVEL)
@click.option("--run", "runs", metavar="RUN", multiple=True, help="Only this run.  [default: all]")
@click.option("--meta", type=click.Path(path_type=Path), metavar="TABLE", help=_META)
@common_options
def command(
    paths: tuple[Path, ...],
    log_format: str | None,
    metric: str | None,
    places: tuple[str, ...],
    axis: str | None,
    until: str | None,
    law: str,
    schedule: str | None,
    warmup: float | None,
    tolerance: float | None,
    level: float,
    runs: tuple[str, ...],
    meta: Path | None,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Forecast a metric of every run found in PATHS (files and folders, any log format)."""
    if not 0 < level < 1:
        raise InputError(f"--level {level:g}: must lie between 0 and 1, such as 0.9")
    wanted = [parse_place(place, "--at") for place in places]
    last_seen = parse_place(until, "--until") if until else None
    log = only_runs(_read(paths, log_format, meta), runs)
    question = pose(
        log,
        metric=metric,
        places=wanted,
        axis=axis,
        law=law,
        level=level,
        schedule=schedule,
        warmup=warmup,
        tolerance=tolerance,
    )
    if last_seen:
        name, place = next(iter(last_seen.items()))
        log = seen_until(log, name or question.axis, place)
    with progress("forecasting", quiet) as tell:
        answer = ask(log, question, seed=seed, bands=form == "text", progress=tell, n_jobs=-1)
    emit(_shown(answer, form), output)
    print_findings(answer.forecasts.findings, quiet)
    return 0 if any(forecast.trusted for forecast in answer.forecasts) else 3


def _read(paths: tuple[Path, ...], log_format: str | None, meta: Path | None) -> RunLog:
    from predictor.logs.reading import read_logs

    log = read_logs(list(paths), log_format=log_format)
    if not isinstance(log, RunLog):
        raise InputError(f"{paths[0]}: no training curves; 'predictor inspect' says what it holds")
    if meta is None:
        return log
    from predictor.logs.meta import join_meta

    return join_meta(log, meta)


def _shown(answer: Answer, form: str) -> str:
    if form == "json":
        body = {"forecasts": answer.forecasts.to_dict()}
        return json_text("forecast", body, answer.forecasts.findings)
    if form == "csv":
        return csv_text(answer.forecasts.to_frame())
    return answer_text(answer)
