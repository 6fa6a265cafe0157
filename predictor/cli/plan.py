"""The command ``predictor plan``: how much more until a target is reached, and what it costs."""

from __future__ import annotations

from pathlib import Path

import click

from predictor.cli.logs import meta_option, read_runs
from predictor.cli.options import common_options, paths_argument
from predictor.cli.output import csv_text, emit, json_text, print_findings
from predictor.cli.pricing import Prices, pricing_options
from predictor.errors import InputError
from predictor.logs.places import one_place

_METRIC = "Metric.  [default: the validation loss, else the loss, else the only one]"
_TARGET = "Value of the metric that is to be reached.  [required]"
_AXIS = (
    "Axis: step, tokens, samples, epoch, flops or wall_time.  "
    "[default: that of --within, else the first logged]"
)
_WITHIN = "Farthest place to look at: step=1e6, 20k.  [default: 100 times the log's end]"
_LEVEL = "Probability that the interval is to hold the truth with."
_RUN = "Only runs of this name; * and ? stand for any text.  [default: all]"
_GAIN = (
    "Say when to stop: where --gain-per more of the axis improves the metric by less than this.  "
    "[default: 0.01 % of its last value by 1 % more]"
)
_BUDGET = (
    "PATHS is one table of runs (params, tokens, loss): plan this training compute, 1e21, by a "
    "scaling law; may be given several times.  [default: none]"
)
_UNIQUE = "With --budget: tokens there are; more are read again.  [default: as many as needed]"
_PER = "What --min-gain is to be gained by: 1 % more of the axis, one unit of it, or one dollar."


@click.command("plan", short_help="How much more until it reaches a target, and what does it cost?")
@paths_argument
@click.option("--metric", metavar="M", help=_METRIC)
@click.option("--target", type=float, metavar="V", help=_TARGET)
@click.option("--x", "axis", metavar="AXIS", help=_AXIS)
@click.option("--within", metavar="A", help=_WITHIN)
@click.option("--until", metavar="A", help="Use the log up to here only.  [default: all of it]")
@click.option("--law", default="auto", show_default=True, metavar="NAME", help="Law, or auto.")
@click.option("--level", type=float, default=0.9, show_default=True, help=_LEVEL)
@click.option("--min-gain", type=float, metavar="G", help=_GAIN)
@click.option(
    "--gain-per",
    type=click.Choice(["percent", "unit", "usd"]),
    default="percent",
    show_default=True,
    help=_PER,
)
@click.option("--budget", "budgets", metavar="FLOPS", multiple=True, help=_BUDGET)
@click.option("--unique-tokens", metavar="N", help=_UNIQUE)
@pricing_options
@click.option("--run", "runs", metavar="RUN", multiple=True, help=_RUN)
@meta_option
@common_options
def command(
    paths: tuple[Path, ...],
    log_format: str | None,
    metric: str | None,
    target: float | None,
    axis: str | None,
    within: str | None,
    until: str | None,
    law: str,
    level: float,
    min_gain: float | None,
    gain_per: str,
    budgets: tuple[str, ...],
    unique_tokens: str | None,
    prices: Prices,
    runs: tuple[str, ...],
    meta: Path | None,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Say when each run in PATHS reaches a target, what that costs, and when to stop.

    With --budget, PATHS is a table of finished runs: say what to train for that compute, how it
    will end and what it costs.
    """
    from predictor.cli.plan_page import plan_text
    from predictor.curves.planning import plan_target

    if budgets:
        from predictor.cli.budget import plan_table

        asked = {"metric": metric, "law": law, "level": level, "seed": seed}
        return plan_table(paths, budgets, unique_tokens, prices, asked, form, output, quiet)
    if target is None:
        raise InputError("say what is to be reached with --target V, such as --target 2.5")
    axis, horizon = one_place(within, "--within", axis)
    log = read_runs(paths, log_format, meta, runs, until, axis)
    plan = plan_target(
        log,
        metric,
        target,
        axis,
        level=level,
        law=law,
        within=horizon,
        least_gain=min_gain,
        gain_per=gain_per,  # type: ignore[arg-type]
        rates=prices.rates,
        cost_from=prices.basis,
        seed=seed,
    )
    if form == "json":
        emit(json_text("plan", plan.to_dict(), plan.findings), output)
    else:
        emit(plan_text(plan) if form == "text" else csv_text(plan.to_frame()), output)
    print_findings(plan.findings, quiet)
    return 0 if any(row.reachable is not None for row in plan.needed) else 3
