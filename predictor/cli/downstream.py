"""The command ``predictor downstream``: what the big model will score."""

from __future__ import annotations

from pathlib import Path

import click

from predictor.cli.options import common_options, paths_argument
from predictor.cli.output import csv_text, emit, json_text, print_findings
from predictor.cli.place import parse_place
from predictor.errors import InputError

_METHOD = (
    "auto (all, weighed by leaving out the ladder's largest models), cod, end-to-end, two-step, "
    "observational, last, or one law: cod-sum, exp, pass-rate, bnsl, exp-nd."
)
_AT = "Model to forecast: flops=1e24, params=7B,tokens=2T; may be given several times."
_BENCHMARK = "Only this benchmark; may be given several times.  [default: all]"
_META = "Table of models: model, and any of params, tokens, flops, family.  [default: none]"
_LOSS = "Metric of the task loss, for logs of runs.  [default: found by name]"
_CHANCE = "Score of a random guess, such as 0.25."
_WEIGHT = "Weight of a benchmark in the average: NAME=2; several times.  [default: equal]"
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
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Forecast benchmarks of a larger model from the small models' results in PATHS.

    PATHS hold results per item (lm-evaluation-harness samples, or a table of model, benchmark,
    item and score), or scores and task losses of runs.
    """
    from predictor.cli.downstream_pages import clusters_document, methods_document, suite_text
    from predictor.difficulty.question import ladders_of
    from predictor.difficulty.suite import clusters_of, forecast_suite
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
        weights=_weights(weights),
        level=level,
        draws=draws,
        seed=seed,
        findings=[*log.findings, *findings],
    )
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
            emit(json_text("downstream", body, suite.forecasts.findings), output)
        else:
            emit(suite_text(suite, chains), output)
    print_findings(suite.forecasts.findings, quiet)
    return 0 if any(forecast.trusted for forecast in suite.forecasts) else 3


def _place(text: str) -> dict[str, float]:
    place = parse_place(text, "--at")
    if None in place:
        raise InputError(f"--at {text}: say what it is, such as flops={text} or params={text}")
    unknown = set(place) - {"flops", "params", "tokens"}
    if unknown:
        raise InputError(f"--at {text}: a model is given by flops, params and tokens")
    return {str(axis): value for axis, value in place.items()}


def _weights(given: tuple[str, ...]) -> dict[str, float] | None:
    found = {}
    for text in given:
        name, equals, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError:
            equals = ""
        if not (equals and name):
            raise InputError(f"--weight {text}: write NAME=NUMBER, such as mmlu=2")
    return found or None
