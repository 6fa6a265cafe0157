"""Learning curves: where runs end, what was said earlier on, and other laws."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from panels import ask
from panels.drawn import once
from panels.show import LEVELS, begin, figure, own, plain, problem, report_buttons, table
from panels.workspace import choose_runs, log_of, workspace

from predictor.curves.horizon import default_metric, hidden_share
from predictor.curves.question import Answer
from predictor.errors import PredictorError
from predictor.fitting.laws import LAWS
from predictor.logs.places import parse_number
from predictor.logs.tables import RunLog
from predictor.report.charts import curve_chart
from predictor.report.words import curve_words

_MOST_CHARTS = 12


def _settings(log: RunLog) -> tuple[str, str, float | None, str, float, float]:
    first = default_metric(log) if log.metrics else ""
    one, two, three = st.columns(3)
    metrics = log.metrics
    metric = one.selectbox(
        "Metric",
        metrics,
        index=metrics.index(first) if first else 0,
        key="metric",
        bind="query-params",
    )
    axes = [
        axis
        for axis in log.points.columns[2:8]
        if log.points.loc[log.points["metric"] == metric, axis].notna().any()
    ]
    axis = two.selectbox("Axis", axes, key="axis", bind="query-params")
    place = three.text_input(
        "Forecast at",
        placeholder="the planned end, else twice as far",
        key="at",
        bind="query-params",
        help="20000, 20k, 3e12, 2T",
    )
    share = st.slider(
        "Only the first x % of each run",
        5,
        100,
        100,
        5,
        format="%d %%",
        key="share",
        bind="query-params",
        help="What would have been said then; rings show what then happened.",
    )
    with st.expander("Law and level"):
        law = st.selectbox("Law", ["auto", *LAWS], key="law", bind="query-params")
        level = st.select_slider("Level of the interval", LEVELS, 0.9, key="level")
    return metric, axis, parse_number(place) if place else None, law, level, share / 100


def _table(answer: Answer) -> None:
    frame = answer.forecasts.to_frame()
    table(frame, name="forecasts", key="forecasts")


def _figures(answer: Answer, log: RunLog, share: float) -> None:
    question = answer.question
    happened = None
    if share < 1:
        happened = hidden_share(log, question.metric, question.axis, share)
    for run in list(answer.outcomes)[:_MOST_CHARTS]:
        later = None if happened is None else happened[happened["run"] == run]
        figure(
            once(curve_chart, answer, run, later),
            curve_words(answer, run),
            title=f"{run}: {answer.question.metric}",
            key=f"curve-{run}",
            findings=own(answer.forecasts.findings, run),
        )
    more = len(answer.outcomes) - _MOST_CHARTS
    if more > 0:
        st.caption(f"{more} more runs stand in the table only.")


def _alternatives(
    answer: Answer, runs: tuple[int, ...], level: float, place: float | None, share: float
) -> None:
    st.header("Other laws, and how they did before")
    if not st.toggle(
        "Show what other laws say, and how well each forecast these runs' own past", key="others"
    ):
        return
    question = answer.question
    laws = (
        "auto",
        *sorted(
            {law for outcome in answer.outcomes.values() for law in outcome.shares} & set(LAWS)
        ),
    )
    said = [
        ask.forecast(
            runs, question.metric, question.axis, place=place, law=law, level=level, share=share
        ).forecasts.to_frame()
        for law in laws
    ]
    frame = pd.concat(said)[["run", "law", "value", "lower", "upper", "warnings"]]
    st.subheader("What each law says")
    table(frame.sort_values(["run", "law"], kind="stable"), name="laws", key="laws")
    st.subheader("How each law did on the runs' own past")
    scores = ask.backtests(
        workspace().digest(runs), runs, question.metric, question.axis, (*laws, "last value")
    )
    if scores.empty:
        st.info("The runs are too short to hide a part of them and forecast it.")
        return
    table(scores, name="backtests", key="backtests")
    best = scores.sort_values("median_ape").iloc[0]
    st.markdown(
        f"Half of each run's way hidden, the median error is smallest by {plain(best['law'])}: "
        f"{best['median_ape']:.2g} %, from {int(best['n'])} forecasts. "
        "auto weighs the laws by such evidence."
    )


def _target(answer: Answer, runs: tuple[int, ...], level: float) -> None:
    st.header("When is a target reached?")
    wanted = st.number_input(
        "Value of the metric to reach",
        value=None,
        key="target",
        bind="query-params",
        placeholder="such as 2.5",
    )
    if wanted is None:
        st.caption("Give a value to see when each run gets there, with what probability.")
        return
    question = answer.question
    frame, words = ask.target_plan(
        workspace().digest(runs), runs, question.metric, question.axis, float(wanted), level
    )
    for line in words.splitlines():
        st.markdown(plain(line))
    table(frame, name="target", key="target-table")


begin(
    "Learning curves",
    "Where will these runs end, how sure is that, and what would have been said earlier on?",
)
chosen = choose_runs("curves")
if not chosen.empty:
    runs = tuple(int(each) for each in chosen["id"])
    try:
        log = log_of(runs)
        metric, axis, place, law, level, share = _settings(log)
        answer = ask.forecast(runs, metric, axis, place=place, law=law, level=level, share=share)
        _table(answer)
        _figures(answer, log, share)
        _alternatives(answer, runs, level, place, share)
        _target(answer, runs, level)
        report_buttons(f"Where {metric} ends")
    except PredictorError as error:
        problem(error)
