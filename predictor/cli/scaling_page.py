"""What a person reads of a scaling law: parameters, forecasts, how to spend a budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from predictor.cli.output import printable, table_text
from predictor.findings import KINDS
from predictor.fitting.forecast import Forecast
from predictor.scaling.allocation import Allocation
from predictor.scaling.question import ScalingAnswer

if TYPE_CHECKING:
    import pandas as pd


def scaling_text(answer: ScalingAnswer) -> str:
    """Return the law's parameters, the forecasts and the allocations as tables."""
    parts = [_law(answer)]
    if answer.forecasts:
        parts.append(_forecasts(list(answer.forecasts)))
    if answer.allocations:
        parts.append(_allocations(answer.allocations))
    if answer.next_runs is not None and len(answer.next_runs):
        parts.append(_next_runs(answer.next_runs))
    codes = sorted({f.code for f in answer.findings})
    parts.append("".join(f"{code} {KINDS[code].title}\n" for code in codes))
    return "\n".join(part for part in parts if part)


def _law(answer: ScalingAnswer) -> str:
    known = answer.estimator
    if known is None:
        return "No law can be fitted to this table.\n"
    source = f"source: {known.fit_.law.source}"
    lines = [line.rstrip() for line in known.fit_.summary().splitlines()]
    auto = "forecasts: weighted median of " + ", ".join(known.ensemble_.params)
    return "\n".join([*lines, source, *([auto] if known.law == "auto" else [])]) + "\n"


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    return table_text(table)


def _forecasts(forecasts: list[Forecast]) -> str:
    level = f"{100 * forecasts[0].level:g} % interval"
    rows = [
        (
            ", ".join(f"{axis}={value:g}" for axis, value in f.at.items()),
            "cannot say" if f.value is None else f"{f.value:.4g}",
            "" if f.lower is None else f"{f.lower:.4g} to {f.upper:.4g}",
            "" if f.extrapolation is None else f"{f.extrapolation:.3g}x",
            " ".join(f.warnings),
        )
        for f in forecasts
    ]
    metric = printable(forecasts[0].metric)
    return _table(("at", metric, level, "beyond", "warnings"), rows)


def _allocations(allocations: tuple[Allocation, ...]) -> str:
    level = f"{100 * allocations[0].level:g} %"
    rows = [
        (
            f"{a.flops:.3g}",
            f"{a.params:.3g}",
            f"{a.params_lower:.3g} to {a.params_upper:.3g}",
            f"{a.tokens:.3g}",
            f"{a.tokens_lower:.3g} to {a.tokens_upper:.3g}",
            "cannot say" if a.value is None else f"{a.value:.4g}",
            "" if a.lower is None else f"{a.lower:.4g} to {a.upper:.4g}",
        )
        for a in allocations
    ]
    headings = ("FLOPs", "params", level, "tokens", level, "loss", level)
    return _table(headings, rows)


def _next_runs(found: pd.DataFrame) -> str:
    rows = [
        (
            f"{row['params']:.3g}",
            f"{row['tokens']:.3g}",
            f"{row['flops']:.3g}",
            f"{100 * row['spread_after']:.3g} %",
            f"{100 * row['reduction']:.0f} %",
        )
        for row in found.to_dict("records")
    ]
    headings = ("next run: params", "tokens", "FLOPs", "spread then", "taken away")
    return _table(headings, rows)
