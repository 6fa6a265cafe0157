"""Verdicts as Markdown for a step summary, with a small chart."""

from __future__ import annotations

import html

from predictor.gates.verdict import GateResult, Status, Verdict
from predictor.writing import markdown_escaped

_SIGNS = {
    Status.PASS: "✅ pass", Status.WARN: "⚠️ warn", Status.FAIL: "❌ fail",
    Status.UNDECIDED: "❔ undecided", Status.ERROR: "🛑 error",
}  # fmt: skip
_MOST_ROWS = 500
_WIDTH, _HEIGHT, _ROW = 320.0, 14.0, 22.0


def markdown_text(result: GateResult) -> str:
    """Return the verdicts as a Markdown table; nothing that a log says can be more than text."""
    lines = [f"## Predictor gate: {_SIGNS[result.status].split(' ', 1)[1]}", ""]
    lines += ["| verdict | check | run | value | interval | margin | what it says |"]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [_row(verdict) for verdict in result.verdicts[:_MOST_ROWS]]
    more = len(result.verdicts) - _MOST_ROWS
    lines += ["", f"... and {more} more"] if more > 0 else []
    return "\n".join(lines) + "\n"


def _row(verdict: Verdict) -> str:
    forecast = verdict.forecast
    value = interval = ""
    if forecast is not None and forecast.value is not None:
        value = f"{forecast.value:.5g}"
        interval = f"{forecast.lower:.5g} to {forecast.upper:.5g}"
    margin = "" if verdict.margin is None else f"{verdict.margin:.3g}"
    cells = (verdict.name, verdict.run or "", value, interval, margin, verdict.message)
    return (
        f"| {_SIGNS[verdict.status]} | "
        + " | ".join(markdown_escaped(cell) for cell in cells)
        + " |"
    )


def intervals_svg(result: GateResult) -> str:
    """Return a small picture: each run's interval as a share of its distance to the limit.

    Every row has its own scale: the requirement is the line in the middle, left of it is good.
    """
    rows = [v for v in result.verdicts if v.margin is not None and v.forecast is not None]
    rows = [v for v in rows if v.forecast is not None and v.forecast.value is not None]
    height = _ROW * max(len(rows), 1) + 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * _WIDTH:.0f}" height="{height:.0f}" '
        'font-family="sans-serif" font-size="11">',
        f'<line x1="{1.5 * _WIDTH:.1f}" x2="{1.5 * _WIDTH:.1f}" y1="0" y2="{height:.0f}" '
        'stroke="#333" stroke-dasharray="3 3"/>',
    ]
    parts += [line for k, verdict in enumerate(rows) for line in _bar(verdict, k)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(verdict: Verdict, place: int) -> list[str]:
    forecast = verdict.forecast
    assert forecast is not None
    assert forecast.value is not None
    assert forecast.lower is not None
    assert forecast.upper is not None
    assert verdict.margin is not None
    half = max(forecast.upper - forecast.value, forecast.value - forecast.lower, 1e-300)
    reach = 1.2 * max(abs(verdict.margin) + 2 * half, 1e-300)
    centre = 1.5 * _WIDTH - 0.5 * _WIDTH * verdict.margin / reach
    wide = 0.5 * _WIDTH * half / reach
    colour = "#009E73" if verdict.status is Status.PASS else "#D55E00"
    top = _ROW * place + 4
    label = html.escape(f"{verdict.name}: {verdict.run}"[:48])
    return [
        f'<text x="0" y="{top + 11:.0f}">{label}</text>',
        f'<rect x="{centre - wide:.1f}" y="{top:.0f}" width="{2 * wide:.1f}" '
        f'height="{_HEIGHT:.0f}" fill="{colour}" opacity="0.35"/>',
        f'<circle cx="{centre:.1f}" cy="{top + _HEIGHT / 2:.0f}" r="4" fill="{colour}"/>',
    ]
