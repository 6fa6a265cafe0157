"""Trust: how past forecasts of this workspace compare with what then happened."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from panels import ask
from panels.show import begin, figure, plain, problem, report_buttons, table, warnings
from panels.workspace import workspace

from predictor.errors import PredictorError
from predictor.report.trust_charts import trust_chart
from predictor.report.words import scored_words
from predictor.store.trust import TrustReport

_MOST_LISTED = 1000


def _nothing_scored(made: int) -> None:
    st.info(
        f"{made} forecasts are kept; none of their places has been reached yet. Upload the runs "
        "again when they have got further. Or, on Learning curves, ask what would have been said "
        "from the first half only."
    )
    st.page_link("app_pages/curves.py", label="Learning curves", icon=":material/show_chart:")


def _kind(title: str, meaning: str, cases: pd.DataFrame, laws: pd.DataFrame, key: str) -> None:
    if cases.empty:
        return
    st.header(title)
    st.caption(plain(meaning))
    figure(
        trust_chart(cases), scored_words(laws), title="Forecasts and what then happened",
        key=key, table=laws,
    )  # fmt: skip
    table(laws, name=f"{key}-by-law", key=f"{key}-laws")


def _scores(report: TrustReport) -> None:
    warnings(report.findings)
    late = report.cases["hindsight"].astype(bool)
    _kind(
        "Forecasts of what had not happened yet",
        "Made before the log got there, scored with a later upload.",
        report.cases[~late], report.laws, "trust",
    )  # fmt: skip
    _kind(
        "In hindsight",
        "Made from the first part of a log whose end was there already: easier to choose well.",
        report.cases[late], report.hindsight, "hindsight",
    )  # fmt: skip
    st.subheader("Every scored forecast")
    table(report.cases.head(_MOST_LISTED), name="trust", key="scored")
    report_buttons("Trust")


begin(
    "Trust",
    "How far may these forecasts be trusted: what was forecast before, and what then happened?",
)
try:
    made = workspace().forecasts()
    if made.empty:
        st.info(
            "No forecast was made in this workspace yet. Every forecast that a page shows is kept, "
            "and is scored here once the run has got there."
        )
        st.page_link("app_pages/curves.py", label="Make a forecast", icon=":material/show_chart:")
    else:
        report = ask.trust(made)
        if report.cases.empty:
            _nothing_scored(len(made))
        else:
            _scores(report)
        with st.expander(f"All {len(made)} forecasts that were made"):
            table(made.head(_MOST_LISTED), name="forecasts", key="all")
except PredictorError as error:
    problem(error)
