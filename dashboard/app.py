"""The entry: who may come in, which pages there are; ``predictor dashboard`` starts it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from panels import access, ahead, workspace
from panels.show import problem

from predictor.errors import PredictorError

st.set_page_config(
    page_title="Predictor",
    # A file: Streamlit would fetch the picture of a named icon from the internet.
    page_icon=str(Path(__file__).with_name("icon.svg")),
    layout="wide",
    menu_items={"About": "Forecasts training runs from the logs you already have."},
)

PAGES = {
    "": [
        st.Page("app_pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("app_pages/runs.py", title="Runs", icon=":material/list:", url_path="runs"),
    ],
    "Forecasts": [
        st.Page("app_pages/curves.py", title="Learning curves", icon=":material/show_chart:"),
        st.Page("app_pages/scaling.py", title="Scaling and budget", icon=":material/stacks:"),
        st.Page("app_pages/benchmarks.py", title="Benchmarks", icon=":material/quiz:"),
        st.Page("app_pages/capacity.py", title="Capacity", icon=":material/compress:"),
        st.Page("app_pages/responses.py", title="Responses", icon=":material/forum:"),
    ],
    "Decisions": [
        st.Page("app_pages/health.py", title="Run health", icon=":material/monitor_heart:"),
        st.Page("app_pages/gates.py", title="Gates", icon=":material/fact_check:"),
        st.Page("app_pages/trust.py", title="Trust", icon=":material/verified:"),
    ],
}

owner = access.admitted()
page = st.navigation(PAGES, position="hidden" if owner is None else "sidebar")
if page.title != "Home":
    st.set_page_config(page_title=f"{page.title} | Predictor")
if owner is not None:
    try:
        workspace.enter(owner)
        ahead.load_ahead()
        page.run()
    except PredictorError as error:
        problem(error)
