"""Responses: which way of writing the answers to fine-tune on, and how sure that is."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from panels.drawn import once
from panels.show import LEVELS, begin, figure, plain, problem, report_buttons, table
from panels.workspace import choose_upload, workspace

from predictor.alignment.response_alignment import ResponseAlignment
from predictor.errors import PredictorError
from predictor.report.alignment_charts import length_chart, p_best_chart, scores_chart
from predictor.report.words import alignment_words, decision_words

_SCORES = (
    "auto",
    "self_perplexity",
    "perplexity",
    "alignment",
    "ifd",
    "log_probability",
    "car",
    "reward",
    "mixed",
)


@st.cache_resource(max_entries=20, show_spinner="Scoring the strategies ...")
def _alignment(
    owner: str, upload: int, score: str, aggregation: str, level: float
) -> ResponseAlignment:
    del owner
    log = workspace().response_log(upload)
    return ResponseAlignment(score=score, aggregation=aggregation, level=level).fit(log)


def _chances(strategies: pd.DataFrame) -> str:
    first = strategies.head(4)[["strategy", "p_best"]].itertuples(index=False)
    told = ", ".join(f"{name} {chance:.0%}" for name, chance in first if chance == chance)
    return f"How often each has the best score when the examples are drawn again: {told}."


def _by_task(alignment: ResponseAlignment) -> None:
    st.header("By task")
    for task, decision in alignment.tasks_.items():
        st.markdown(f"- **{plain(task)}**: {plain(decision_words(decision))}")


begin(
    "Responses",
    "Which way of writing the answers should the model be fine-tuned on, and how sure is that?",
)
try:
    upload = choose_upload("responses", "scored responses", "responses")
    if upload is not None:
        one, two, three = st.columns(3)
        score = one.selectbox("Score", _SCORES, key="score", bind="query-params")
        aggregation = two.selectbox(
            "From examples to strategies",
            ["median", "mean", "geometric"],
            key="aggregation",
            bind="query-params",
        )
        level = three.select_slider("Level of intervals", LEVELS, 0.9, key="level")
        alignment = _alignment(workspace().owner, upload.id, score, aggregation, level)
        strategies = alignment.strategies_
        figure(
            once(scores_chart, strategies, alignment.score_),
            alignment_words(alignment),
            title="Scores of the strategies",
            key="scores",
            findings=alignment.findings_,
            table=strategies,
        )
        table(strategies, name="strategies", key="strategies")
        figure(
            once(p_best_chart, strategies),
            _chances(strategies),
            title="Probability of being best",
            key="p-best",
        )
        figure(
            once(length_chart, strategies, alignment.score_),
            "A strategy that scores well only because it is short is no better to train on: look "
            "whether the score follows the length.",
            title="Score against length",
            key="length",
        )
        if alignment.tasks_:
            _by_task(alignment)
        report_buttons("Response strategies")
except PredictorError as error:
    problem(error)
