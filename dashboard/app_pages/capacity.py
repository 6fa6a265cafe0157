"""Capacity: which model gives most per FLOP, and what a sibling of another size would reach."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd
import streamlit as st
from panels.show import LEVELS, begin, figure, plain, problem, report_buttons, table
from panels.workspace import choose_upload, workspace

from predictor.capacity.answer import forecast_sizes, models_table
from predictor.capacity.information_capacity import InformationCapacity
from predictor.errors import InputError, PredictorError
from predictor.report.capacity_charts import pareto_chart, series_chart
from predictor.report.words import capacity_words, front_words

_COSTS = {"flops": "FLOPs a token", "memory": "memory", "latency": "latency"}


@st.cache_resource(max_entries=20, show_spinner="Comparing the models ...")
def _capacity(
    owner: str, upload: int, convention: str, level: float, bias: str
) -> InformationCapacity:
    del owner
    with workspace().folder_of(upload) as folder:
        path = next(path for path in sorted(folder.rglob("*")) if path.is_file())
        return InformationCapacity(bias=bias, convention=convention, level=level).fit(path)


def _fronts(capacity: InformationCapacity, dataset: str) -> dict[str, pd.DataFrame]:
    """Return what no other model beats, by each cost that is known of the models."""
    fronts = {}
    for cost in _COSTS:
        with suppress(InputError):
            fronts[cost] = capacity.pareto(cost, dataset)
    return {cost: front for cost, front in fronts.items() if not front.empty}


begin(
    "Capacity",
    "Which model compresses text best for what it computes, and what would a sibling reach?",
)
try:
    upload = choose_upload(
        "capacity", "compression results (bytes, tokens, log-likelihoods)", "capacity"
    )
    if upload is not None:
        with st.expander("Convention, bias and level"):
            convention = st.segmented_control(
                "FLOPs", ["exact", "paper"], default="exact", key="convention", required=True
            )
            bias = st.segmented_control(
                "Bias",
                ["published", "fit"],
                default="published",
                key="bias",
                required=True,
                help="The constant of the published law, or fitted to these series.",
            )
            level = st.select_slider("Level of intervals", LEVELS, 0.9, key="level")
        capacity = _capacity(workspace().owner, upload.id, convention, level, bias)
        datasets = list(capacity.bias_)
        dataset = (
            st.selectbox("Text", datasets, key="dataset", bind="query-params")
            if len(datasets) > 1
            else datasets[0]
        )
        models = capacity.models_[capacity.models_["dataset"] == dataset]
        st.header("Ranking")
        table(models_table(capacity), name="capacity", key="models")
        figure(
            series_chart(models, dataset),
            capacity_words(capacity),
            title="Series over FLOPs a token",
            key="series",
            findings=capacity.findings_,
        )
        st.header("What no other model beats at its cost")
        fronts = _fronts(capacity, dataset)
        if fronts:
            cost = st.segmented_control(
                "Cost",
                list(fronts),
                default=next(iter(fronts)),
                format_func=_COSTS.get,
                key="cost",
                required=True,
            )
            figure(
                pareto_chart(fronts[cost], cost),
                front_words(capacity, cost, dataset),
                title="Quality against cost",
                key="pareto",
            )
        st.header("A sibling of another size")
        names = sorted(map(str, models["series"].unique()))
        one, two = st.columns(2)
        series = one.selectbox("Series", names, key="series", bind="query-params")
        place = two.text_input("FLOPs a token", placeholder="30G", key="size", bind="query-params")
        if place:
            forecasts = forecast_sizes(capacity, [place.strip()], [series])
            workspace().record(forecasts, predictor="capacity", digest=f"upload {upload.id}")
            for line in forecasts.summary().splitlines():
                st.markdown(plain(line))
            table(forecasts.to_frame(), name="siblings", key="siblings")
        else:
            st.caption("Give a size to see what a sibling of it would reach.")
        report_buttons("Information capacity")
except PredictorError as error:
    problem(error)
