"""The command ``predictor downstream``: what the big model will score."""

from __future__ import annotations

from pathlib import Path

import click

from predictor.cli.options import common_options, paths_argument
from predictor.cli.output import csv_text, emit, json_text, print_findings
from predictor.errors import InputError
from predictor.logs.places import parse_place
from predictor.writing import write_whole

_METHOD = (
    "auto (all, weighed by leaving out the ladder's largest models), cod, end-to-end, two-step, "
    "observational, last, or one law: cod-sum, exp, pass-rate, bnsl, exp-nd."
)
_AT = "Model to forecast: flops=1e24, params=7B,tokens=2T; may be given several times.  [required]"
_BENCHMARK = "Only this benchmark; may be given several times.  [default: all]"
_META = "Table of models: model, and any of params, tokens, flops, family.  [default: none]"
_LOSS = "Metric of the task loss, for logs of runs.  [default: found by name]"
_CHANCE = "Score of a random guess, such as 0.25."
_WEIGHT = "Weight of a benchmark in the average: NAME=2; several times.  [default: equal]"
_ACTUAL = (
    "Score a checkpoint in training reached, at the first --at: NAME=0.62; several times.  "
    "[default: none]"
)
_KEEP = (
    "Write the fewest items that give the full score, one benchmark's, to this CSV file.  "
    "[default: none]"
)
_TOLERANCE = "With --keep: largest accepted difference to the full score."
_CHART = "Write one benchmark's charts here (.svg, .png, .html or .json).  [default: none]"
_DRAWS = "Bootstrap draws of items and trials."
_LEVEL = "Probability that the interval is to hold the truth with."


@click.command("downstream", short_help="What will the big model score on the benchmark?")
@paths_argument
@click.option("--method", default="auto", show_default=True, metavar="NAME", help=_METHOD)
@click.option("--at", "places", metavar="A", multiple=True, required=True, help=_AT)
@click.option("--benchmark", "benchmarks", metavar="B", multiple=True, help=_BENCHMARK)
@click.option("--meta", type=click.Path(path_type=Path), metavar="TABLE", help=_META)
@click.option("--family", metavar="F", help="Only models of this family.  [default: all]")
@click.option("--loss", metavar="M", help=_LOSS)
@click.option("--chance", type=float, default=0.0, show_default=True, help=_CHANCE)
@click.option("--weight", "weights", metavar="W", multiple=True, help=_WEIGHT)
@click.option("--level", type=float, default=0.9, show_default=True, help=_LEVEL)
@click.option("--draws", type=click.IntRange(0, 5000), default=200, show_default=True, help=_DRAWS)
@click.option("--actual", metavar="W", multiple=True, help=_ACTUAL)
@click.option("--keep", type=click.Path(dir_okay=False, path_type=Path), help=_KEEP)
@click.option("--tolerance", type=float, default=0.01, show_default=True, help=_TOLERANCE)
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help=_CHART)
@common_options
def command(
    paths: tuple[Path, ...],
    log_format: str | None,
    method: str,
    places: tuple[str, ...],
    benchmarks: tuple[str, ...],
    meta: Path | None,
    family: str | None,
    loss: str | None,
    chance: float,
    weights: tuple[str, ...],
    level: float,
    draws: int,
    actual: tuple[str, ...],
    keep: Path | None,
    tolerance: float,
    chart: Path | None,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Forecast benchmarks of a larger model from the small models' results in PATHS.

    PATHS hold results per item (lm-evaluation-harness samples, or a table of model, benchmark,
    item and score), or scores and task losses of runs.
    """
    import pandas as pd

    from predictor.cli.downstream_pages import clusters_document, methods_document, suite_text
    from predictor.difficulty.keep import keep_items
    from predictor.difficulty.question import ladders_of
    from predictor.difficulty.suite import clusters_of, forecast_suite
    from predictor.difficulty.watch import watch
    from predictor.logs.reading import read_logs

    if not 0 < level < 1:
        raise InputError(f"--level {level:g}: must lie between 0 and 1, such as 0.9")
    at = [_place(place) for place in places]
    log = read_logs(list(paths), log_format=log_format)
    ladders, findings = ladders_of(
        log, benchmarks=benchmarks, loss=loss, meta=meta, family=family, chance=chance
    )
    suite = forecast_suite(
        ladders,
        at,
        method=method,
        weights=_named(weights, "--weight") or None,
        level=level,
        draws=draws,
        seed=seed,
        findings=[*log.findings, *findings],
    )
    watched = watch(suite.outlooks, _named(actual, "--actual"))
    noticed = [*suite.forecasts.findings, *watched]
    if (keep or chart) and len(ladders) != 1:
        raise InputError("--keep and --chart take one benchmark: name it with --benchmark")
    if keep is not None:
        kept = keep_items(ladders[0], tolerance, seed)
        table = pd.DataFrame({"item": kept.items, "weight": kept.weights})
        write_whole(csv_text(table), keep, "--keep")
    if chart is not None:
        from predictor.cli.charts import write_chart
        from predictor.report.downstream_charts import downstream_chart

        write_chart(downstream_chart(suite.outlooks[0], clusters_of(ladders[0])), chart)
    if form == "csv":
        emit(csv_text(suite.forecasts.to_frame()), output)
    else:
        chains = {ladder.benchmark: clusters_of(ladder) for ladder in ladders}
        if form == "json":
            body = {
                "forecasts": suite.forecasts.to_dict(),
                **clusters_document(chains),
                "methods": methods_document(suite),
            }
            emit(json_text("downstream", body, noticed), output)
        else:
            emit(suite_text(suite, chains), output)
    print_findings(noticed, quiet)
    return 0 if any(forecast.trusted for forecast in suite.forecasts) else 3


def _place(text: str) -> dict[str, float]:
    place = parse_place(text, "--at")
    if None in place:
        raise InputError(f"--at {text}: say what it is, such as flops={text} or params={text}")
    unknown = set(place) - {"flops", "params", "tokens"}
    if unknown:
        raise InputError(f"--at {text}: a model is given by flops, params and tokens")
    return {str(axis): value for axis, value in place.items()}


def _named(given: tuple[str, ...], option: str) -> dict[str, float]:
    found = {}
    for text in given:
        name, equals, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError:
            equals = ""
        if not (equals and name):
            raise InputError(f"{option} {text}: write NAME=NUMBER, such as mmlu=0.6")
    return found
