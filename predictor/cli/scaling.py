"""The command ``predictor scaling``: loss over parameters and tokens, and a budget's best split."""

from __future__ import annotations

from pathlib import Path

import click

from predictor.cli.budget import read_number
from predictor.cli.options import common_options
from predictor.cli.output import csv_text, emit, json_text, print_findings
from predictor.errors import InputError
from predictor.logs.places import parse_place
from predictor.scaling.question import ScalingAnswer, ask_table

_LOSS = "Column of the loss.  [default: loss, val_loss, or the only one with 'loss' in its name]"
_PARAMS = "Column of the number of parameters.  [default: found by name]"
_TOKENS = "Column of the training tokens.  [default: found by name, else flops / (6 params)]"
_LAW = "Law: auto (an ensemble), chinchilla, overtrained, kaplan, data-constrained, compute, bnsl."
_AT = (
    "Where to forecast: params=7B,tokens=2T or flops=1e23; may be given several times.  "
    "[default: nowhere]"
)
_BUDGET = "Training compute to split, in FLOPs: 1e21; may be given several times.  [default: none]"
_WHERE = "Use rows with this value only: corpus=c4; may be given several times.  [default: all]"
_TARGET = "Loss to be reached with the least compute; may be given several times.  [default: none]"
_INFERENCE = (
    "With --target: tokens the model will read and write in use, at 2 FLOPs a parameter each.  "
    "[default: 0]"
)
_NEXT = (
    "With --at params=...,tokens=...: the runs within this compute that would narrow that forecast "
    "most.  [default: none]"
)
_CHART = "Write the charts here (.svg, .png, .html or .json).  [default: none]"
_UNIQUE = "Tokens there are, for --budget: more are read again.  [default: as many as needed]"
_LEVEL = "Probability that the intervals are to hold the truth with."


@click.command("scaling", short_help="How big a model, on how many tokens, for my budget?")
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--loss", metavar="C", help=_LOSS)
@click.option("--params", metavar="C", help=_PARAMS)
@click.option("--tokens", metavar="C", help=_TOKENS)
@click.option("--law", default="auto", show_default=True, metavar="NAME", help=_LAW)
@click.option("--at", "places", metavar="A", multiple=True, help=_AT)
@click.option("--budget", "budgets", metavar="FLOPS", multiple=True, help=_BUDGET)
@click.option("--target", "targets", type=float, metavar="L", multiple=True, help=_TARGET)
@click.option("--inference-tokens", metavar="N", help=_INFERENCE)
@click.option("--next-runs", "spare", metavar="FLOPS", help=_NEXT)
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help=_CHART)
@click.option("--unique-tokens", metavar="N", help=_UNIQUE)
@click.option("--where", metavar="C=V", multiple=True, help=_WHERE)
@click.option("--level", type=float, default=0.9, show_default=True, help=_LEVEL)
@click.option(
    "--draws", type=click.IntRange(2, 100_000), default=1000, show_default=True,
    help="Bootstrap draws.",
)  # fmt: skip
@common_options
def command(
    table: Path,
    loss: str | None,
    params: str | None,
    tokens: str | None,
    law: str,
    places: tuple[str, ...],
    budgets: tuple[str, ...],
    targets: tuple[float, ...],
    inference_tokens: str | None,
    spare: str | None,
    chart: Path | None,
    unique_tokens: str | None,
    where: tuple[str, ...],
    level: float,
    draws: int,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Fit a scaling law to TABLE, one row a run with its parameters, tokens and loss."""
    from predictor.scaling.scaling_law import ScalingLaw
    from predictor.scaling.table import read_runs

    if not 0 < level < 1:
        raise InputError(f"--level {level:g}: must lie between 0 and 1, such as 0.9")
    at = [_place(place) for place in places]
    flops = [read_number(budget, "--budget") for budget in budgets]
    unique = read_number(unique_tokens, "--unique-tokens") if unique_tokens else None
    used = read_number(inference_tokens, "--inference-tokens") if inference_tokens else 0.0
    extra = read_number(spare, "--next-runs") if spare else None
    runs = read_runs(
        table, loss=loss, params=params, tokens=tokens, where=[_condition(w) for w in where]
    )
    estimator = ScalingLaw(law, draws=draws, level=level, random_state=seed)
    answer = ask_table(
        estimator,
        runs,
        at=at,
        budgets=flops,
        unique_tokens=unique,
        targets=targets,
        inference_tokens=used,
        spare=extra,
    )
    if chart is not None and answer.estimator is not None:
        from predictor.cli.charts import write_chart
        from predictor.report.scaling_charts import scaling_chart

        write_chart(scaling_chart(answer.estimator), chart)
    emit(_shown(answer, form), output)
    print_findings(answer.findings, quiet)
    return 0 if answer.said_something else 3


def _place(text: str) -> dict[str, float]:
    place = parse_place(text, "--at")
    known = {"params", "tokens", "flops"}
    if not set(place) <= known:
        raise InputError(f"--at {text}: name the axes, such as params=7B,tokens=2T")
    return {str(axis): value for axis, value in place.items()}


def _condition(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not equals or not column:
        raise InputError(f"--where {text}: write COLUMN=VALUE, such as corpus=c4")
    return column, value


def _shown(answer: ScalingAnswer, form: str) -> str:
    if form == "json":
        return json_text("scaling", answer.to_dict(), answer.findings)
    if form == "csv":
        return csv_text(answer.to_frame())
    from predictor.cli.scaling_page import scaling_text

    return scaling_text(answer)
