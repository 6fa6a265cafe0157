"""A report as one HTML file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import pandas as pd

from predictor._version import __version__
from predictor.curves.question import Answer
from predictor.findings import Finding
from predictor.fitting.forecast import Forecast, Forecasts
from predictor.report.charts import as_svg, curve_chart

_STYLE = """
:root { color-scheme: light; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #ddd; }
td.number, th.number { text-align: right; }
figure { margin: 1.5rem 0; } figure svg { max-width: 100%; height: auto; }
figcaption, footer { color: #555; font-size: .9rem; }
.table { overflow-x: auto; }
"""
_HEADINGS = ("Run", "Metric", "At", "Forecast", "Interval", "Beyond the data", "Points", "Warnings")
_MOST_CHARTS = 12


def html_report(answer: Answer, title: str, happened: pd.DataFrame | None = None) -> str:
    """Return forecasts, charts and findings as an HTML document; all text from logs is escaped.

    Parameters
    ----------
    answer : Answer
        From :func:`predictor.curves.question.ask` with ``bands=True``.
    title : str
        Heading.
    happened : DataFrame, optional
        Columns ``run, place, value``: hidden points, drawn beside the forecast.
    """
    charts = [_figure(answer, run, happened) for run in list(answer.bands)[:_MOST_CHARTS]]
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n",
            f"<h1>{escape(title)}</h1>\n",
            _in_words(answer.forecasts),
            _table(answer.forecasts),
            *charts,
            _findings(answer.forecasts.findings),
            f"<footer>Predictor {__version__}</footer>\n</body>\n</html>\n",
        ]
    )


def _in_words(forecasts: Iterable[Forecast]) -> str:
    lines = Forecasts(forecasts).summary().splitlines()[:5]
    return "".join(f"<p>{escape(line)}</p>\n" for line in lines)


def _table(forecasts: Iterable[Forecast]) -> str:
    head = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
    rows = "".join(f"<tr>{_cells(forecast)}</tr>\n" for forecast in forecasts)
    return f'<div class="table"><table>\n<tr>{head}</tr>\n{rows}</table></div>\n'


def _cells(forecast: Forecast) -> str:
    place = ", ".join(f"{axis} {value:g}" for axis, value in forecast.at.items())
    value = "cannot say" if forecast.value is None else f"{forecast.value:.4g}"
    interval = ""
    if forecast.lower is not None:
        interval = f"{forecast.lower:.4g} to {forecast.upper:.4g} ({100 * forecast.level:g} %)"
    ahead = "" if forecast.extrapolation is None else f"{forecast.extrapolation:.3g} times"
    warnings = " ".join(forecast.warnings)
    cells = (
        forecast.run,
        forecast.metric,
        place,
        value,
        interval,
        ahead,
        forecast.points,
        warnings,
    )
    return "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)


def _figure(answer: Answer, run: str, happened: pd.DataFrame | None) -> str:
    later = None if happened is None else happened[happened["run"] == run]
    svg = as_svg(curve_chart(answer, run, later))
    caption = (
        f"{run}: points are logged, the line is the forecast, the band its "
        f"{100 * answer.question.level:g} % interval"
    )
    caption += "; rings are what then happened." if later is not None and len(later) else "."
    return f"<figure>\n{svg}\n<figcaption>{escape(caption)}</figcaption>\n</figure>\n"


def _findings(findings: Iterable[Finding]) -> str:
    unique = dict.fromkeys((f.code, f.run or "", f.message) for f in findings)
    if not unique:
        return ""
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n"
        for row in list(unique)[:200]
    )
    head = "<tr><th>Code</th><th>Run</th><th>What was noticed</th></tr>\n"
    return f'<h2>Findings</h2>\n<div class="table"><table>\n{head}{rows}</table></div>\n'
