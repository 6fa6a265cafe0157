"""What a person reads in the terminal: tables of forecasts and of what a log holds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from predictor.cli.chart import draw
from predictor.cli.output import printable, table_text
from predictor.curves.question import Answer
from predictor.findings import KINDS
from predictor.fitting.forecast import Forecast
from predictor.report.words import shares_words

_MOST_ROWS = 200


def answer_text(answer: Answer) -> str:
    """Return forecasts as a table, reasons below, and a chart where one run was asked for."""
    parts = [forecast_table(list(answer.forecasts))]
    if len(answer.outcomes) == 1:
        run = next(iter(answer.outcomes))
        said = shares_words(answer, run)
        parts += [_chart(answer, run), f"{said}\n" if said else ""]
    parts.append(_verdicts(answer))
    parts.append(legend(answer.forecasts))
    return "\n".join(part for part in parts if part)


def forecast_table(forecasts: list[Forecast]) -> str:
    """Return forecasts as a table."""
    from rich import box
    from rich.table import Table

    level = f"{100 * forecasts[0].level:g} % interval" if forecasts else "interval"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("run", "metric", "at"):
        table.add_column(name)
    for name in ("forecast", level, "beyond", "points"):
        table.add_column(name, justify="right")
    table.add_column("warnings")
    for forecast in forecasts[:_MOST_ROWS]:
        table.add_row(*_forecast_row(forecast))
    more = len(forecasts) - _MOST_ROWS
    note = f"... and {more} more; --format csv gives all\n" if more > 0 else ""
    return table_text(table) + note


def _forecast_row(forecast: Forecast) -> Iterable[str]:
    from rich.markup import escape

    place = ", ".join(f"{axis}={value:g}" for axis, value in forecast.at.items())
    value = "cannot say" if forecast.value is None else f"{forecast.value:.4g}"
    interval = "" if forecast.lower is None else f"{forecast.lower:.4g} to {forecast.upper:.4g}"
    ahead = "" if forecast.extrapolation is None else f"{forecast.extrapolation:.3g}x"
    names = (escape(printable(text)) for text in (forecast.run, forecast.metric))
    return (
        *names,
        place,
        value,
        interval,
        ahead,
        str(forecast.points),
        " ".join(forecast.warnings),
    )


def _chart(answer: Answer, run: str) -> str:
    curve, band = answer.outcomes[run].prepared, answer.bands.get(run)
    if band is None or not len(curve.x):
        return ""
    logged = curve.to_metric(np.log(curve.z) if curve.kind.residual == "log" else curve.z)
    ahead = (band.at, band.value, band.lower, band.upper)
    question = answer.question
    return draw((curve.x, logged), ahead, metric=printable(question.metric), axis=question.axis)


def _verdicts(answer: Answer) -> str:
    said = [
        f"{printable(run)}: {outcome.verdict}\n"
        for run, outcome in answer.outcomes.items()
        if outcome.verdict is not None
    ]
    return "".join(said[:_MOST_ROWS])


def legend(forecasts: Iterable[Forecast]) -> str:
    """Return what the warning codes of forecasts mean."""
    codes = sorted({code for forecast in forecasts for code in forecast.warnings})
    return "".join(f"{code} {KINDS[code].title}\n" for code in codes)
