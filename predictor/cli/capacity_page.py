"""What a person reads of information capacities: models ranked, the bias, the front, forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from predictor.cli.output import printable, table_text
from predictor.findings import KINDS, Finding
from predictor.report.words import bias_words, front_words

if TYPE_CHECKING:
    from rich.table import Table

    from predictor.capacity.comparison import Decomposition
    from predictor.capacity.information_capacity import InformationCapacity
    from predictor.fitting.forecast import Forecasts

_MOST_ROWS, _MOST_CROSSINGS = 200, 10


def capacity_text(
    capacity: InformationCapacity,
    cost: str,
    forecasts: Forecasts | None,
    shares: Sequence[Decomposition],
    findings: Iterable[Finding],
) -> str:
    """Return the models of each data set by rank, with what else there is to say."""
    parts = []
    for dataset in capacity.bias_:
        said = (bias_words(capacity, dataset), front_words(capacity, cost, dataset))
        parts += [_models(capacity, dataset), *(f"{printable(words)}\n" for words in said)]
        parts.append(_crossings(capacity, dataset))
    if shares:
        parts.append(_shares(shares))
    if forecasts is not None:
        parts.append(_forecasts(forecasts))
    codes = sorted({finding.code for finding in findings})
    parts.append("".join(f"{code} {KINDS[code].title}\n" for code in codes))
    return "\n".join(part for part in parts if part)


def _table(left: Iterable[str], right: Iterable[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right")
    return table


def _models(capacity: InformationCapacity, dataset: str) -> str:
    rows = capacity.models_[capacity.models_["dataset"] == dataset]
    in_training = rows["checkpoint"].notna().any()
    shown = rows.sort_values(["rank", "checkpoint"], na_position="last")
    with_interval = rows["lower"].notna().any()
    interval = f"{100 * capacity.level:g} % interval"
    right = ["text bits", "NLL bits", "bits/byte", "FLOPs/token", "IC"]
    right += [interval, "tied with"] if with_interval else []
    table = _table(["rank", "model", "series", *(["checkpoint"] if in_training else [])], right)
    for row in shown.head(_MOST_ROWS).to_dict("records"):
        cells = [_rank(row["rank"]), row["model"], row["series"]]
        cells += [_number(row["checkpoint"], "g")] if in_training else []
        cells += [
            _number(row["text_bits_per_token"], ".2f"),
            _number(row["nll_bits_per_token"], ".3f"),
            _number(row["bits_per_byte"], ".3f"),
            _number(row["flops_per_token"], ".4g"),
            _number(row["information_capacity"], ".4f"),
        ]
        if with_interval:
            low, high = _number(row["lower"], ".4f"), _number(row["upper"], ".4f")
            cells += [f"{low} to {high}" if low else "", _names(row["tied_with"])]
        table.add_row(*(_safe(cell) for cell in cells))
    more = len(shown) - _MOST_ROWS
    note = f"... and {more} more; --format csv gives all\n" if more > 0 else ""
    return f"{printable(dataset)}\n{table_text(table)}{note}"


def _crossings(capacity: InformationCapacity, dataset: str) -> str:
    lines = []
    for one in capacity.crossings(dataset)[:_MOST_CROSSINGS]:
        where = "beyond what both have measured" if one.extrapolated else "within"
        names = f"{one.first} and {one.second} cross at {one.place:.3g} {one.axis}"
        lines.append(printable(f"{names} ({where}), {one.ahead} ahead from there") + "\n")
    return "".join(lines)


def _shares(shares: Sequence[Decomposition]) -> str:
    table = _table(
        [f"against {_safe(shares[0].second)}"], ["IC", "tokenizer", "prediction", "compute"]
    )
    for one in shares[:_MOST_ROWS]:
        numbers = (one.difference, one.tokenizer, one.prediction, one.compute)
        table.add_row(_safe(one.first), *(f"{number:+.4f}" for number in numbers))
    return table_text(table)


def _forecasts(forecasts: Forecasts) -> str:
    level = f"{100 * forecasts[0].level:g} % interval" if len(forecasts) else "interval"
    table = _table(["series", "metric"], ["FLOPs/token", "forecast", level, "beyond"])
    table.add_column("warnings")
    for one in list(forecasts)[:_MOST_ROWS]:
        said = one.value is not None
        table.add_row(
            _safe(one.run),
            one.metric,
            f"{one.at['flops_per_token']:.4g}",
            f"{one.value:.4g}" if said else "cannot say",
            f"{one.lower:.4g} to {one.upper:.4g}" if said else "",
            f"{one.extrapolation:.3g}x",
            " ".join(one.warnings),
        )
    return table_text(table)


def _names(tied: Iterable[str]) -> str:
    names = list(tied)
    more = f" and {len(names) - 2} more" if names[2:] else ""
    return ", ".join(names[:2]) + more


def _rank(rank: Any) -> str:
    return str(rank) if isinstance(rank, int) else ""


def _number(value: float, form: str) -> str:
    return "" if isnan(value) else f"{value:{form}}"


def _safe(text: Any) -> str:
    from rich.markup import escape

    return escape(printable(str(text)))
