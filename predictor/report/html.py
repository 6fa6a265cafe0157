"""The report of a forecast as one HTML file that needs nothing but itself."""

from __future__ import annotations

import pandas as pd

from predictor.curves.question import Answer
from predictor.report.document import html_document
from predictor.report.sections import curves_section


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
    return html_document(title, [curves_section(answer, happened)])
