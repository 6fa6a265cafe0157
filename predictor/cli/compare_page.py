"""What a person reads after ``predictor compare``: standings, crossings, speed-ups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from predictor.cli.output import printable, table_text
from predictor.curves.crossing import Crossing
from predictor.curves.standings import Comparison, SpeedUp, Standing
from predictor.findings import KINDS

_MOST_ROWS = 200


def comparison_text(compared: Comparison) -> str:
    """Return tables: the likeliest to end best first, then how the others compare with it."""
    rows = sorted(compared.runs, key=lambda row: -(row.best or 0.0))
    parts = [_standings(compared, rows), _rivals(compared)]
    codes = sorted({code for row in rows for code in row.warnings})
    codes += sorted({f.code for f in compared.findings if f.run is None and f.code > "PRED130"})
    parts.append("".join(f"{code} {KINDS[code].title}\n" for code in codes))
    return "\n".join(part for part in parts if part)


def _standings(compared: Comparison, rows: Sequence[Standing]) -> str:
    heads = [f"{compared.metric} at {compared.axis}={compared.at:g}"]
    heads += [f"{100 * rows[0].level:g} % interval", "best with", "seen to", "repeats"]
    unit = next((row.cost_unit for row in rows if row.cost_unit), None)
    heads += [unit, "on the front"] if unit else []
    cells = [(row.run, *_standing(row, unit), " ".join(row.warnings)) for row in rows[:_MOST_ROWS]]
    more = len(rows) - _MOST_ROWS
    note = f"... and {more} more; --format csv gives all\n" if more > 0 else ""
    return _table(["run", *heads, "warnings"], cells) + note


def _standing(row: Standing, unit: str | None) -> tuple[str, ...]:
    value = "cannot say" if row.value is None else f"{row.value:.4g}"
    interval = "" if row.lower is None else f"{row.lower:.4g} to {row.upper:.4g}"
    best = "" if row.best is None else f"{100 * row.best:.0f} %"
    cells = (value, interval, best, f"{row.last:g}", str(row.repeats))
    if unit is None:
        return cells
    front = "" if row.on_front is None else ("yes" if row.on_front else "no")
    return (*cells, f"{row.cost:.3g}", front)


def _rivals(compared: Comparison) -> str:
    if not compared.crossings:
        return ""
    faster = {one.over: one for one in compared.speed_ups}
    cells = []
    for cross in compared.crossings:
        one = faster.get(cross.second)
        speed = "" if one is None else _speed(one)
        shares = " / ".join(
            f"{100 * share:.0f}" for share in (cross.none, cross.one, cross.several)
        )
        cells.append((cross.second, _place(cross), _interval(cross), shares, speed))
    winner = compared.crossings[0].first
    heads = [f"{winner} against", "is better", f"{100 * compared.crossings[0].level:g} % interval"]
    return _table([*heads, "% of draws with 0 / 1 / more crossings", "is faster"], cells)


def _speed(one: SpeedUp) -> str:
    sure = "" if one.lower is None else f" ({one.lower:.3g} to {one.upper:.3g})"
    return f"{one.ratio:.3g}x{sure} in {one.of} to {one.quality:.4g}"


def _place(cross: Crossing) -> str:
    if cross.value is None:
        where = {
            cross.first: "no crossing: better",
            cross.second: "no crossing: worse",
            "": "cannot say",
        }
        return where[cross.better_after]
    side = "from" if cross.better_after == cross.first else "up to"
    return f"{side} {cross.value:.4g}{' (extrapolated)' if cross.extrapolated else ''}"


def _interval(cross: Crossing) -> str:
    if cross.value is None:
        return ""
    lower = "before" if cross.lower is None else f"{cross.lower:.4g}"
    return f"{lower} to {'beyond' if cross.upper is None else f'{cross.upper:.4g}'}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for k, head in enumerate(heads):
        numbers = k > 0 and head != "warnings"
        table.add_column(escape(printable(head)), justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*(escape(printable(cell)) for cell in row))
    return table_text(table)
