"""How pages show things: a chart with its words, warnings and downloads; tables; problems."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from panels.drawn import once
from predictor.errors import CannotForecastError, PredictorError
from predictor.findings import Finding, Severity
from predictor.report.document import Section, html_document
from predictor.report.drawing import as_png, as_svg, chart_data, chart_spec
from predictor.writing import csv_text

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:=&@/^])")
#: What is made a link even where its characters are escaped; a joiner that is not seen parts it.
_ADDRESS = re.compile(r"https?:(?=//)|www(?=\.)", re.IGNORECASE)
#: Levels of intervals to choose from.
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)
_SHOWN_FINDINGS = 50
_COUNTS = ("flops", "params", "tokens", "training_bytes", "inference_bytes")
_SECTIONS = "sections of this page"


def plain(text: object) -> str:
    """Return text so that Markdown shows it as it is: it may come from a hostile log."""
    one_line = _ADDRESS.sub("\\g<0>\N{WORD JOINER}", " ".join(str(text).split()))
    return _SPECIAL.sub(r"\\\1", one_line)


def counted(number: int, what: str) -> str:
    """Say how many there are of something."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def begin(title: str, question: str) -> None:
    """Begin a page with its title and the question that it answers."""
    st.session_state[_SECTIONS] = []
    st.title(title)
    st.caption(question)


def figure(
    chart: alt.TopLevelMixin,
    words: str,
    *,
    title: str,
    key: str,
    findings: Iterable[Finding] = (),
    table: pd.DataFrame | None = None,
) -> None:
    """Show a chart, in words what it says, its warnings, and its data and picture to download."""
    noticed = list(findings)
    st.session_state.setdefault(_SECTIONS, []).append(
        Section(title, words, chart, table, tuple(noticed))
    )
    st.subheader(plain(title))
    dark = st.context.theme.type == "dark"
    st.vega_lite_chart(spec=once(_spec, chart, dark), theme=None, key=f"chart-{key}", alt=words)
    st.markdown(plain(words))
    warnings(noticed)
    name = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-").lower() or "chart"
    with st.popover("Download", icon=":material/download:", key=f"popover-{key}"):
        _download("Data (CSV)", lambda: csv_text(chart_data(chart)), f"{name}.csv", "text/csv", key)
        _download("Picture (SVG)", lambda: as_svg(chart), f"{name}.svg", "image/svg+xml", key)
        _download("Picture (PNG)", lambda: as_png(chart), f"{name}.png", "image/png", key)


def _spec(chart: alt.TopLevelMixin, dark: bool) -> dict[str, Any]:
    return chart_spec(chart, dark=dark)


def table(frame: pd.DataFrame, *, name: str, key: str) -> None:
    """Show a table, with its data to download; text that a spreadsheet would run is defused."""
    counts = [column for column in frame.columns if str(column).startswith(_COUNTS)]
    short = st.column_config.NumberColumn(format="%.4g")
    st.dataframe(frame, hide_index=True, column_config=dict.fromkeys(counts, short))
    _download("Table (CSV)", lambda: csv_text(frame), f"{name}.csv", "text/csv", f"table-{key}")


def report_buttons(title: str) -> None:
    """Offer what this page shows as one HTML file, and as Markdown."""
    sections = list(st.session_state.get(_SECTIONS, ()))
    if not sections:
        return
    from predictor.report.markdown import markdown_archive

    st.divider()
    with st.container(horizontal=True):
        _download(
            "Report (HTML)", lambda: html_document(title, sections), "predictor-report.html",
            "text/html", "report",
        )  # fmt: skip
        _download(
            "Report (Markdown)", lambda: markdown_archive(title, sections), "predictor-report.zip",
            "application/zip", "report-md",
        )  # fmt: skip


def _download(label: str, make: Callable[[], str | bytes], name: str, mime: str, key: str) -> None:
    st.download_button(
        label, make, name, mime, key=f"{label}-{key}", on_click="ignore",
        icon=":material/download:",
    )  # fmt: skip


def warnings(findings: Iterable[Finding]) -> None:
    """Show what was noticed: what blocks and warns openly, the rest folded away."""
    unique = list(dict.fromkeys((f.severity, f.code, f.run, f.message) for f in findings))
    open_, folded = [], []
    for severity, code, run, message in unique[:_SHOWN_FINDINGS]:
        whose = f"**{plain(run)}**: " if run else ""
        line = f"- {whose}{plain(message)} ({code})"
        (folded if severity is Severity.INFO else open_).append(line)
    if open_:
        st.warning("\n".join(open_), icon=":material/warning:")
    if folded:
        with st.expander(f"Also noticed ({len(folded)})"):
            st.markdown("\n".join(folded))


def own(findings: Iterable[Finding], run: str) -> list[Finding]:
    """Return what was noticed of a run, and of all."""
    return [finding for finding in findings if finding.run in (None, run)]


def problem(error: PredictorError) -> None:
    """Say what cannot be done, and why."""
    if isinstance(error, CannotForecastError):
        st.warning(f"Cannot say: {plain(error)}", icon=":material/help:")
    else:
        st.error(plain(error), icon=":material/error:")
