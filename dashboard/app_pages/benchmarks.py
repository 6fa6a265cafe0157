"""Benchmarks: what a larger model will score, from which items small ones get right."""

from __future__ import annotations

import streamlit as st
from panels.drawn import once
from panels.show import LEVELS, begin, figure, problem, report_buttons, table
from panels.workspace import choose_upload, workspace

from predictor.difficulty.cod import Chain
from predictor.difficulty.outlook import Outlook
from predictor.difficulty.question import ladders_of
from predictor.difficulty.suite import Suite, clusters_of, forecast_suite
from predictor.errors import PredictorError
from predictor.logs.places import parse_place
from predictor.logs.tables import ItemLog
from predictor.report.downstream_charts import clusters_chart, forecast_chart, mapping_chart
from predictor.report.words import cluster_words, downstream_words

_METHODS = ("auto", "cod", "end-to-end", "two-step", "observational", "last")


@st.cache_data(max_entries=20, show_spinner="Reading the results ...")
def _items(owner: str, upload: int) -> ItemLog:
    del owner
    return workspace().item_log(upload)


@st.cache_resource(max_entries=50, show_spinner="Clustering the items and forecasting ...")
def _suite(
    owner: str, upload: int, benchmark: str, place: str, method: str, level: float, chance: float
) -> tuple[Suite, Chain | None]:
    at = {str(axis): value for axis, value in parse_place(place, "Model").items()}
    ladders, findings = ladders_of(_items(owner, upload), benchmarks=(benchmark,), chance=chance)
    suite = forecast_suite(ladders, [at], method=method, level=level, findings=findings)
    workspace().record(suite.forecasts, predictor="downstream", digest=f"upload {upload}")
    return suite, clusters_of(ladders[0])


@st.cache_data(max_entries=50, show_spinner=False)
def _default_place(owner: str, upload: int, benchmark: str) -> str:
    """Return ten times the largest model there is."""
    ladder = ladders_of(_items(owner, upload), benchmarks=(benchmark,))[0][0]
    return f"{ladder.axis}={10 * float(ladder.size[-1]):.3g}"


def _clusters(outlook: Outlook, chain: Chain | None) -> None:
    if chain is None:
        st.info("There are too few models or items to cluster these items on difficulty.")
        return
    share = f"{100 * chain.predictable_share:.0f} %"
    st.metric("Items in clusters that can be extrapolated", share)
    figure(
        once(clusters_chart, outlook, chain),
        cluster_words(outlook, chain),
        title="Clusters of items",
        key="clusters",
    )
    if chain.mapping is not None:
        figure(
            once(mapping_chart, chain),
            "From the predictable items' pass rate to the score over all items.",
            title="From predictable items to the whole benchmark",
            key="mapping",
        )


begin("Benchmarks", "What will a larger model score, and can it be forecast at all?")
try:
    upload = choose_upload("items", "results per benchmark item", "items")
    if upload is not None:
        owner = workspace().owner
        log = _items(owner, upload.id)
        one, two, three = st.columns(3)
        names = sorted(map(str, log.items["benchmark"].dropna().unique()))
        benchmark = one.selectbox("Benchmark", names, key="benchmark", bind="query-params")
        place = two.text_input(
            "Model to forecast",
            _default_place(owner, upload.id, benchmark),
            key="model",
            bind="query-params",
            help="flops=1e24 or params=7B,tokens=2T",
        )
        method = three.selectbox("Method", _METHODS, key="method", bind="query-params")
        with st.expander("Chance and level"):
            chance = st.number_input("Score of a random guess", 0.0, 0.99, 0.0, 0.05, key="chance")
            level = st.select_slider("Level of the interval", LEVELS, 0.9, key="level")
        suite, chain = _suite(owner, upload.id, benchmark, place, method, level, chance)
        forecasts = suite.forecasts.to_frame()
        figure(
            once(forecast_chart, suite.outlooks[0]),
            downstream_words(suite),
            title=f"{benchmark} over size",
            key="forecast",
            findings=suite.forecasts.findings,
            table=forecasts,
        )
        table(forecasts, name="benchmarks", key="benchmarks")
        _clusters(suite.outlooks[0], chain)
        report_buttons(f"{benchmark} at {place}")
except PredictorError as error:
    problem(error)
