"""The command ``predictor capacity``: which model gives most per FLOP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from predictor.cli.options import common_options
from predictor.cli.output import csv_text, emit, json_text, print_findings
from predictor.errors import InputError

if TYPE_CHECKING:
    pass

_BIAS = (
    "Bias in bits a token, or 'fit' to have the sizes of each series agree.  "
    "[default: the published constant for the data set's name]"
)
_CONVENTION = "How to count FLOPs from a config: what it says, or by the published formula."
_AT = (
    "Predict another size of each series: forward FLOPs a token (1.4e11, 30G), or the path of a "
    "config.json; may be given several times.  [default: none]"
)
_SERIES = "Predict only for this series.  [default: all]"
_METRIC = "What to predict: nll_bits_per_token, bits_per_byte, perplexity or gain_bits_per_token."
_AGAINST = "Split every model's difference to this one among tokenizer, prediction and compute."
_COST = "Cost against which the models that no other beats are shown."
_CHART = "Write the charts here (.svg, .png, .html or .json).  [default: none]"
_METRICS = (
    "nll_bits_per_token", "bits_per_byte", "perplexity", "gain_bits_per_token",
    "information_capacity",
)  # fmt: skip


@click.command("capacity", short_help="Which model gives most per FLOP?")
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--bias", metavar="B|fit", help=_BIAS)
@click.option(
    "--convention",
    type=click.Choice(["exact", "paper"]),
    default="exact",
    show_default=True,
    help=_CONVENTION,
)
@click.option("--at", "places", metavar="A", multiple=True, help=_AT)
@click.option("--series", metavar="NAME", multiple=True, help=_SERIES)
@click.option(
    "--metric", type=click.Choice(_METRICS), help=_METRIC + "  [default: the first known]"
)
@click.option(
    "--cost",
    type=click.Choice(["flops", "memory", "latency"]),
    default="flops",
    show_default=True,
    help=_COST,
)
@click.option("--against", metavar="MODEL", help=_AGAINST + "  [default: none]")
@click.option("--level", type=float, default=0.9, show_default=True, help="Level of intervals.")
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help=_CHART)
@common_options
def command(
    table: Path,
    bias: str | None,
    convention: str,
    places: tuple[str, ...],
    series: tuple[str, ...],
    metric: str | None,
    cost: str,
    against: str | None,
    level: float,
    chart: Path | None,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Compare models by information capacity, from TABLE: how well each compresses a text."""
    from predictor.capacity.answer import (
        capacity_body,
        differences,
        forecast_sizes,
        models_table,
    )
    from predictor.capacity.information_capacity import InformationCapacity
    from predictor.cli.capacity_page import capacity_text

    capacity = InformationCapacity(
        bias=_bias(bias), convention=convention, level=level, random_state=seed,  # type: ignore[arg-type]
    ).fit(table)  # fmt: skip
    forecasts = forecast_sizes(capacity, places, series, metric) if places else None
    shares = differences(capacity, against)
    findings = [*capacity.findings_, *(forecasts.findings if forecasts else ())]
    if chart is not None:
        from predictor.cli.charts import write_chart
        from predictor.report.capacity_charts import capacity_chart

        write_chart(capacity_chart(capacity, cost), chart)
    if form == "json":
        body = capacity_body(capacity, cost, forecasts, shares)
        emit(json_text("capacity", body, findings), output)
    elif form == "csv":
        frame = models_table(capacity) if forecasts is None else forecasts.to_frame()
        emit(csv_text(frame), output)
    else:
        emit(capacity_text(capacity, cost, forecasts, shares, findings), output)
    print_findings(findings, quiet)
    unsaid = forecasts is not None and not any(forecast.trusted for forecast in forecasts)
    return 3 if unsaid else 0


def _bias(text: str | None) -> float | str:
    if text is None:
        return "published"
    if text == "fit":
        return text
    try:
        return float(text)
    except ValueError:
        raise InputError(f"--bias {text}: a number of bits a token such as -24, or fit") from None
