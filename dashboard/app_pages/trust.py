"""Trust: how past forecasts of this workspace compare with what then happened."""

from __future__ import annotations

import streamlit as st
from panels.show import begin, figure, problem, report_buttons, table, warnings
from panels.workspace import workspace
from predictor.report.trust_charts import trust_chart
from predictor.store.trust import score_forecasts

from predictor.errors import PredictorError
from predictor.report.words import trust_words

begin(
    "Trust",
    "How far may these forecasts be trusted: what was forecast here before, and what then happened?",
)
try:
    made = workspace().forecasts()
    if made.empty:
        st.info(
            "No forecast was made in this workspace yet. Every forecast that a page shows is kept, and is scored here once the run has got there."
        )
        st.page_link("app_pages/curves.py", label="Make a forecast", icon=":material/show_chart:")
    else:
        report = score_forecasts(workspace())
        warnings(report.findings)
        scored = report.to_frame()
        if scored.empty:
            st.info(
                f"{len(made)} forecasts are kept; none of their places has been reached yet. Upload the runs again when they "
                "have got further. Or, on Learning curves, ask what would have been said from the first half only."
            )
            st.page_link(
                "app_pages/curves.py", label="Learning curves", icon=":material/show_chart:"
            )
        else:
            figure(
                trust_chart(report),
                trust_words(report),
                title="Forecasts and what then happened",
                key="trust",
                table=report.laws,
            )
            st.subheader("By law")
            table(report.laws, name="trust-by-law", key="laws")
            st.subheader("Every scored forecast")
            table(scored, name="trust", key="scored")
            report_buttons("Trust")
        with st.expander(f"All {len(made)} forecasts that were made"):
            table(made.head(1000), name="forecasts", key="all")
except PredictorError as error:
    problem(error)
