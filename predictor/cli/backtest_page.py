"""What a person reads after ``predictor backtest``: scores by law, then how ``auto`` fares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from predictor.backtest.result import Backtest
from predictor.cli.output import printable, table_text
from predictor.report.words import calibration_words

if TYPE_CHECKING:
    import pandas as pd

_HEADS = {
    "law": "law",
    "n": "forecasts",
    "cannot_say": "cannot say",
    "mape": "MAPE %",
    "median_ape": "median APE %",
    "rmsle": "RMSLE",
    "coverage": "coverage",
    "interval_score": "interval score",
    "crps": "CRPS",
}


def backtest_text(found: Backtest) -> str:
    """Return the scores by law, and horizon by horizon for the first law that was asked."""
    if found.cases.empty:
        return "nothing could be hidden and forecast: the runs are too short\n"
    first = str(found.cases["law"].iloc[0])
    by_horizon = found.horizons
    by_horizon = by_horizon[by_horizon["law"] == first].drop(columns="law")
    said = calibration_words(found, first)
    head = f"{found.metric} on {found.axis}, {100 * found.level:g} % intervals\n\n"
    return (
        head
        + _table(found.laws, _HEADS)
        + f"\n{first}, by how far ahead\n\n"
        + _table(by_horizon, {"horizon": "horizon", **_HEADS})
        + (f"\n{said}\n" if said else "")
    )


def _table(frame: pd.DataFrame, heads: dict[str, str]) -> str:
    from rich import box
    from rich.table import Table

    shown = [name for name in heads if name in frame]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in shown:
        table.add_column(heads[name], justify="left" if name == "law" else "right")
    for row in frame[shown].to_dict("records"):
        table.add_row(*(_cell(name, row[name]) for name in shown))
    return table_text(table)


def _cell(name: str, value: object) -> str:
    if isinstance(value, str):
        return printable(value)
    number = float(str(value))
    if number != number:
        return ""
    return f"{100 * number:.1f} %" if name == "coverage" else f"{number:.4g}"
