"""What a person reads after ``predictor plan``: when, how sure, at what cost, and when to stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictor.cli.output import printable, table_text
from predictor.curves.needed import Needed, TargetPlan
from predictor.findings import KINDS

_MOST_ROWS = 200
_PARTS = {
    "hours": "hours",
    "gpu_hours": "GPU-hours",
    "usd": "USD",
    "kwh": "kWh",
    "kg_co2": "kg CO2",
}


def plan_text(plan: TargetPlan) -> str:
    """Return the plan as tables: places, then costs; what they rest on below."""
    parts = [_places(plan)]
    priced = [row for row in plan.needed if row.cost is not None]
    if priced:
        parts += [_costs(priced), _assumptions(priced)]
    return "\n".join([*parts, _legend(plan)])


def _places(plan: TargetPlan) -> str:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    one = plan.needed[0]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("run")
    heads = (f"{one.metric} {one.target:g} at {one.axis}", f"{100 * one.level:g} % interval")
    for name in (*map(printable, heads), "more", "chance", "stop at"):
        table.add_column(escape(name), justify="right")
    table.add_column("warnings")
    for row in plan.needed[:_MOST_ROWS]:
        table.add_row(escape(printable(row.run)), *_cells(row), " ".join(row.warnings))
    more = len(plan.needed) - _MOST_ROWS
    return table_text(table) + (
        f"... and {more} more; --format csv gives all\n" if more > 0 else ""
    )


def _cells(row: Needed) -> tuple[str, ...]:
    if row.reachable is None:
        return ("cannot say", "", "", "", "")
    value = "not reached" if row.value is None else f"{row.value:.4g}"
    interval = ""
    if row.lower is not None:
        upper = "beyond" if row.upper is None else f"{row.upper:.4g}"
        interval = f"{row.lower:.4g} to {upper}"
    more = "" if row.more is None else f"{row.more:.4g}"
    stop = "beyond" if row.stop is None else f"{row.stop:.4g}"
    return value, interval, more, f"{100 * row.reachable:.0f} %", stop


def _costs(rows: list[Needed]) -> str:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("cost from here on")
    for name in _PARTS.values():
        table.add_column(name, justify="right")
    for row in rows[:_MOST_ROWS]:
        assert row.cost is not None
        cells = [_amount(row.cost["more"][part]) for part in _PARTS]
        table.add_row(escape(printable(row.run)), *cells)
    return table_text(table)


def _amount(amount: Mapping[str, float | None]) -> str:
    value, lower, upper = (amount[k] for k in ("value", "lower", "upper"))
    if value is None and lower is None:
        return ""
    middle = "not reached" if value is None else f"{value:.3g}"
    return f"{middle} ({lower:.3g} to {'beyond' if upper is None else f'{upper:.3g}'})"


def _assumptions(rows: list[Needed]) -> str:
    lines = dict.fromkeys(_assumed(row.cost) for row in rows if row.cost is not None)
    return "".join(f"{line}\n" for line in list(lines)[:5])


def _assumed(cost: Mapping[str, Any]) -> str:
    said = [f"Cost from {cost['basis']}", f"{cost['gpus']} x {cost['gpu'] or 'accelerator'}"]
    if "wall_time" not in cost["basis"]:
        said.append(f"{100 * cost['mfu']:g} % of its {cost['precision']} peak")
    if cost["usd_per_hour"] is not None:
        said.append(f"{cost['usd_per_hour']:g} USD an hour")
    if cost["watts"] is not None:
        said.append(f"{cost['watts']:g} W, PUE {cost['pue']:g}")
        said.append(f"{cost['kg_co2_per_kwh']:g} kg CO2 per kWh")
    return ", ".join(said)


def _legend(plan: TargetPlan) -> str:
    shown = [f for f in plan.findings if f.code in ("PRED133", "PRED134")]
    lines = dict.fromkeys(f"{f.code} {f.message}" for f in shown)
    codes = sorted({code for row in plan.needed for code in row.warnings})
    return "".join(f"{line}\n" for line in (*(f"{c} {KINDS[c].title}" for c in codes), *lines))
