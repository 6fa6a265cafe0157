"""Benchmarks: what a larger model will score, from which items small ones get right."""

from __future__ import annotations

import streamlit as st
from panels.show import begin, figure, plain, problem, report_buttons, table
from panels.workspace import choose_upload, workspace

from predictor.difficulty.cod import Chain
from predictor.difficulty.question import ladders_of
from predictor.difficulty.suite import Suite, clusters_of, forecast_suite
from predictor.errors import PredictorError
from predictor.logs.places import parse_place
from predictor.logs.tables import ItemLog
from predictor.report.downstream_charts import clusters_chart, forecast_chart, mapping_chart
from predictor.report.words import downstream_words

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


def _default_place(log: ItemLog) -> str:
    """Return ten times the largest model there is."""
    for axis in ("flops", "params"):
        largest = log.items[axis].max() if axis in log.items else None
        if largest is not None and largest == largest:
            return f"{axis}={10 * float(largest):.3g}"
    return ""


begin("Benchmarks", "What will a larger model score, and can it be forecast at all?")
try:
    upload = choose_upload("items", "results per benchmark item", "items")
    if upload is not None:
        log = _items(workspace().owner, upload.id)
        one, two, three = st.columns(3)
        names = sorted(map(str, log.items["benchmark"].dropna().unique()))
        benchmark = one.selectbox("Benchmark", names, key="benchmark", bind="query-params")
        place = two.text_input(
            "Model to forecast",
            _default_place(log),
            key="model",
            bind="query-params",
            help="flops=1e24 or params=7B,tokens=2T",
        )
        method = three.selectbox("Method", _METHODS, key="method", bind="query-params")
        with st.expander("Chance and level"):
            chance = st.number_input("Score of a random guess", 0.0, 0.99, 0.0, 0.05, key="chance")
            level = st.select_slider(
                "Level of the interval", [0.5, 0.8, 0.9, 0.95, 0.99], 0.9, key="level"
            )
        if not place:
            st.info(
                "The sizes of these models are not known. Say which model is to be forecast: flops=1e22."
            )
        else:
            suite, chain = _suite(
                workspace().owner, upload.id, benchmark, place, method, level, chance
            )
            outlook = suite.outlooks[0]
            figure(
                forecast_chart(outlook),
                downstream_words(suite),
                title=f"{benchmark} over size",
                key="forecast",
                findings=suite.forecasts.findings,
                table=suite.forecasts.to_frame(),
            )
            table(suite.forecasts.to_frame(), name="benchmarks", key="benchmarks")
            if chain is None:
                st.info("There are too few models or items to cluster these items on difficulty.")
            else:
                share = 100 * chain.predictable_share
                st.metric("Items in clusters that can be extrapolated", f"{share:.0f} %")
                figure(
                    clusters_chart(outlook, chain),
                    f"Items clustered on difficulty: each line is a cluster's pass rate over the size of the model. {share:.0f} % of the items lie in clusters that can be extrapolated.",
                    title="Clusters of items",
                    key="clusters",
                )
                if chain.mapping is not None:
                    figure(
                        mapping_chart(chain),
                        "From the predictable items' pass rate to the score over all items.",
                        title="From predictable items to the whole benchmark",
                        key="mapping",
                    )
            report_buttons(f"{plain(benchmark)} at {plain(place)}")
except PredictorError as error:
    problem(error)
