"""Run health: spikes, divergence, early signals; whether a run is worth going on."""

from __future__ import annotations

import streamlit as st
from panels.show import begin, figure, plain, problem, report_buttons, table
from panels.workspace import choose_runs, log_of, workspace

from predictor.errors import PredictorError
from predictor.health.run_health import RunHealth, run_health
from predictor.health.signals import losses, norms
from predictor.report.health_charts import spikes_chart
from predictor.report.words import health_words

_MOST_CHARTS = 8


@st.cache_resource(max_entries=50, show_spinner="Looking for spikes ...")
def _health(owner: str, digest: str, runs: tuple[int, ...], false_alarms: float) -> RunHealth:
    del owner, digest
    return run_health(log_of(runs), false_alarms=false_alarms)


begin("Run health", "Is this run sound, did something break, and is it worth going on?")
chosen = choose_runs("health")
if not chosen.empty:
    runs = tuple(int(each) for each in chosen["id"])
    try:
        rate = st.select_slider(
            "False alarms allowed in 10,000 logged points",
            [0.1, 0.5, 1.0, 2.0, 5.0, 10.0],
            1.0,
            key="alarms",
            bind="query-params",
        )
        health = _health(workspace().owner, workspace().digest(runs), runs, rate)
        log = log_of(runs)
        st.markdown("\n".join(f"- **{plain(one.run)}**: {one.verdict}" for one in health.runs))
        found = health.to_frame()
        if found.empty:
            st.success("No spike, divergence, stall or missing step was found.")
        else:
            table(found, name="health", key="health")
        for one in health.runs[:_MOST_CHARTS]:
            own = list(log.points.loc[log.points["run"] == one.run, "metric"].unique())
            for metric in (*losses(own)[:1], *norms(own)[:1]):
                findings = (
                    [f for f in health.findings if f.run == one.run]
                    if metric in losses(own)
                    else []
                )
                figure(
                    spikes_chart(log, one, metric),
                    health_words(one),
                    title=f"{one.run}: {metric}",
                    key=f"health-{one.run}-{metric}",
                    findings=findings,
                )
            for advice in one.advice:
                source = f" ({plain(advice.source)})" if advice.source else ""
                st.markdown(f"- {plain(advice.text)}{source}")
        if health.early is not None:
            st.header("Early signals")
            table(health.early.to_frame(), name="early-signals", key="early")
        report_buttons("Run health")
    except PredictorError as error:
        problem(error)
