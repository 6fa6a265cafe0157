"""Responses: which way of writing the answers to fine-tune on, and how sure that is."""

from __future__ import annotations

import streamlit as st
from panels.show import begin, figure, plain, problem, report_buttons, table
from panels.workspace import choose_upload, workspace

from predictor.alignment.response_alignment import ResponseAlignment
from predictor.errors import PredictorError
from predictor.report.alignment_charts import length_chart, p_best_chart, scores_chart
from predictor.report.words import alignment_words

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
        level = three.select_slider(
            "Level of intervals", [0.5, 0.8, 0.9, 0.95, 0.99], 0.9, key="level"
        )
        alignment = _alignment(workspace().owner, upload.id, score, aggregation, level)
        strategies = alignment.strategies_
        figure(
            scores_chart(strategies, alignment.score_),
            alignment_words(alignment),
            title="Scores of the strategies",
            key="scores",
            findings=alignment.findings_,
            table=strategies,
        )
        table(strategies, name="strategies", key="strategies")
        figure(
            p_best_chart(strategies),
            f"How often each strategy has the best score when the examples are drawn again: {', '.join(f'{s} {p:.0%}' for s, p in zip(strategies['strategy'][:4], strategies['p_best'][:4], strict=True))}.",
            title="Probability of being best",
            key="p-best",
        )
        figure(
            length_chart(strategies, alignment.score_),
            "A strategy that scores well only because it is short is no better to train on: look whether the score follows the length.",
            title="Score against length",
            key="length",
        )
        if alignment.tasks_:
            st.header("By task")
            for task, decision in alignment.tasks_.items():
                said = (
                    decision.best
                    if decision.decisive
                    else f"differences within noise: any of {', '.join(decision.best_set)}"
                )
                st.markdown(f"- **{plain(task)}**: {plain(said)}")
        report_buttons("Response strategies")
except PredictorError as error:
    problem(error)
