"""Scaling and budget: what a larger model will reach, and the best split of a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from panels.drawn import once
from panels.show import LEVELS, begin, figure, plain, problem, report_buttons, table, warnings
from panels.workspace import choose_runs, choose_upload, log_of, workspace

from predictor.architecture.accelerators import accelerator_named, read_accelerators
from predictor.architecture.cost import Rates
from predictor.curves.horizon import default_metric
from predictor.errors import PredictorError
from predictor.logs.places import parse_number, parse_place
from predictor.report.scaling_charts import contour_chart, isoflop_chart, residual_chart
from predictor.report.words import scaling_words
from predictor.scaling.allocation import Allocation
from predictor.scaling.from_log import table_of_log
from predictor.scaling.planning import price_allocations
from predictor.scaling.question import ScalingAnswer, ask_table
from predictor.scaling.scaling_law import ScalingLaw
from predictor.scaling.table import RunsTable, read_runs

_LAWS = ("auto", "chinchilla", "overtrained", "kaplan", "data-constrained", "compute", "bnsl")


@st.cache_data(max_entries=50, show_spinner=False)
def _table(owner: str, upload: int, digest: str) -> RunsTable:
    del owner, digest
    with workspace().folder_of(upload) as folder:
        path = next(path for path in sorted(folder.rglob("*")) if path.is_file())
        return replace(read_runs(path), source=path.name)


@st.cache_resource(max_entries=50, show_spinner="Fitting the law ...")
def _answer(
    owner: str,
    digest: str,
    law: str,
    level: float,
    place: str,
    budgets: str,
    spare: str,
    _runs: RunsTable,
) -> ScalingAnswer:
    del owner
    at = (
        [{str(axis): value for axis, value in parse_place(place, "Forecast at").items()}]
        if place
        else []
    )
    flops = [parse_number(each) for each in budgets.split(",") if each.strip()]
    answer = ask_table(
        ScalingLaw(law, level=level), _runs, at=at, budgets=flops,
        spare=parse_number(spare) if spare else None,
    )  # fmt: skip
    workspace().record(answer.forecasts, predictor="scaling", digest=digest)
    return answer


def _choose() -> tuple[RunsTable, str] | None:
    source = st.segmented_control(
        "From",
        ["A table of runs", "Logged runs"],
        default="A table of runs",
        key="from",
        bind="query-params",
        required=True,
    )
    if source == "A table of runs":
        upload = choose_upload("scaling", "tables of runs (parameters, tokens, loss)", "table")
        if upload is None:
            return None
        digest = " ".join(file.sha256 for file in upload.files)
        return _table(workspace().owner, upload.id, digest), digest
    chosen = choose_runs("scaling")
    if chosen.empty:
        return None
    runs = tuple(int(each) for each in chosen["id"])
    log = log_of(runs)
    metrics = log.metrics
    metric = st.selectbox("Loss", metrics, index=metrics.index(default_metric(log)), key="loss")
    return table_of_log(log, metric), f"{workspace().digest(runs)} {metric}"


def _charts(answer: ScalingAnswer) -> None:
    law = answer.estimator
    if law is None:
        return
    words = scaling_words(answer)
    if law.fit_.law.axes != ("flops",):
        figure(
            once(contour_chart, law),
            words,
            title="Loss over parameters and tokens",
            key="contour",
            findings=answer.findings,
        )
        figure(
            once(isoflop_chart, law),
            "Each curve is one amount of compute, split in many ways; the lowest point is best.",
            title="IsoFLOP curves",
            key="isoflop",
        )
        figure(
            once(residual_chart, law),
            "How far each run lies from the law; a slope or a bend tells that it does not fit.",
            title="Residuals",
            key="residuals",
        )
    else:
        figure(
            once(residual_chart, law),
            words,
            title="Residuals",
            key="residuals",
            findings=answer.findings,
        )
    with st.expander("The fitted law"):
        st.table(
            {
                plain(name): f"{value:.5g} (standard error {law.bse[name]:.2g})"
                for name, value in dict(law.params).items()
            }
        )


def _results(answer: ScalingAnswer) -> None:
    if answer.forecasts:
        st.subheader("Forecast")
        for line in answer.forecasts.summary().splitlines():
            st.markdown(plain(line.removeprefix(": ")))
    frame = answer.to_frame()
    if answer.forecasts or answer.allocations:
        st.subheader("Forecasts and best splits")
        table(frame, name="scaling", key="answer")
    if answer.next_runs is not None:
        st.subheader("Runs to make next")
        st.caption("Those that narrow the forecast most, in the order in which to make them.")
        table(answer.next_runs, name="next-runs", key="next")


def _costs(allocations: Sequence[Allocation]) -> None:
    st.header("What it costs")
    one, two, three = st.columns(3)
    names = list(read_accelerators())
    gpu = one.selectbox(
        "Accelerator", names, index=names.index("h100") if "h100" in names else 0, key="gpu"
    )
    mfu = two.slider("Model FLOPs utilisation", 0.1, 0.7, 0.4, 0.05, key="mfu")
    usd = three.number_input(
        "Dollars an hour (empty: a typical price)", min_value=0.0, value=None, key="usd"
    )
    plans = price_allocations(allocations, Rates(accelerator_named(gpu), mfu=mfu, usd_per_hour=usd))
    table(plans.to_frame(), name="costs", key="costs")
    for plan in plans.plans:
        if plan.cost is not None:
            one, cost = plan.allocation, plan.cost
            dollars = "" if cost.usd is None else f", {cost.usd:,.2f} dollars"
            said = f"{one.params:.3g} parameters on {one.tokens:.3g} tokens, "
            st.markdown(
                plain(f"{one.flops:.3g} FLOPs: {said}{cost.gpu_hours:.3g} GPU-hours{dollars}")
            )


begin(
    "Scaling and budget",
    "How big a model, on how many tokens, for my budget? What will it reach, at what cost?",
)
try:
    chosen = _choose()
    if chosen is not None:
        runs, digest = chosen
        owner = workspace().owner
        one, two, three = st.columns(3)
        budgets = one.text_input(
            "Budgets in FLOPs",
            f"{10 * runs.flops.max():.0e}",
            key="budget",
            bind="query-params",
            help="1e21; several with commas between",
        )
        place = two.text_input(
            "Forecast at", placeholder="params=7B,tokens=2T", key="place", bind="query-params"
        )
        spare = three.text_input(
            "Compute for further runs",
            placeholder="1e20, with a forecast",
            key="spare",
            help="Which runs within this compute narrow the forecast most.",
            disabled=not place,
        )
        with st.expander("Law and level"):
            law = st.selectbox("Law", _LAWS, key="scaling-law", bind="query-params")
            level = st.select_slider("Level of the interval", LEVELS, 0.9, key="scaling-level")
        answer = _answer(owner, digest, law, level, place, budgets, spare if place else "", runs)
        st.caption(
            f"{len(runs)} runs of {plain(runs.source)}, "
            f"{runs.flops.min():.2g} to {runs.flops.max():.2g} FLOPs"
        )
        _results(answer)
        if answer.estimator is None:
            warnings(answer.findings)
            st.info("This table cannot carry a law: what is said above tells what is missing.")
        _charts(answer)
        if answer.allocations:
            _costs(answer.allocations)
        report_buttons("Scaling and budget")
except PredictorError as error:
    problem(error)
