"""Questions to the library; answers are kept by what was asked, and of which content."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from panels.workspace import log_of, workspace
from predictor.backtest.rolling import backtest
from predictor.curves.horizon import default_places, last_places, seen_share
from predictor.curves.planning import plan_target
from predictor.curves.question import Answer, Question, ask
from predictor.store.trust import TrustReport


@st.cache_resource(max_entries=200, show_spinner=False)
def _forecast(
    owner: str, digest: str, runs: tuple[int, ...], metric: str, axis: str,
    place: float | None, law: str, level: float, share: float,
) -> Answer:  # fmt: skip
    del owner
    log = log_of(runs)
    seen = seen_share(log, metric, axis, share)
    at = {run: (place or end,) for run, end in default_places(log, metric, axis).items()}
    at = {run: at[run] for run in last_places(seen, metric, axis) if run in at}
    question = Question(metric, axis, at, law, level)
    bar = st.progress(0.0, "Forecasting ...")
    answer = ask(
        seen, question, bands=True,
        progress=lambda done, total: bar.progress(done / max(total, 1), f"{done} of {total} runs"),
    )  # fmt: skip
    bar.empty()
    names = dict(zip(log.run_names, runs, strict=True))
    workspace().record(
        answer.forecasts, predictor="curve", runs=names, digest=digest,
        seen_until=last_places(seen, metric, axis),
    )  # fmt: skip
    return answer


def forecast(
    runs: tuple[int, ...], metric: str, axis: str, *, place: float | None = None,
    law: str = "auto", level: float = 0.9, share: float = 1.0,
) -> Answer:  # fmt: skip
    """Forecast runs, from their first ``share`` only; every new forecast is kept for Trust."""
    here = workspace()
    return _forecast(
        here.owner, here.digest(runs), runs, metric, axis, place, law, level, share
    )  # fmt: skip


@st.cache_data(max_entries=50, show_spinner="Forecasting what is known already, by every law ...")
def backtests(
    digest: str, runs: tuple[int, ...], metric: str, axis: str, laws: tuple[str, ...]
) -> pd.DataFrame:
    """Return how well each law forecast these runs' later points from their earlier ones."""
    del digest
    return backtest(log_of(runs), metric, axis, laws=laws, horizons=(2.0,), origins=3).laws


@st.cache_data(max_entries=50, show_spinner="Looking for when the target is reached ...")
def target_plan(
    digest: str, runs: tuple[int, ...], metric: str, axis: str, target: float, level: float
) -> tuple[pd.DataFrame, str]:
    """Return when runs reach a value of the metric, as a table and in words."""
    del digest
    plan = plan_target(log_of(runs), metric, target, axis, level=level)
    return plan.to_frame(), plan.summary()


@st.cache_resource(max_entries=20, show_spinner="Scoring past forecasts ...")
def _trust(owner: str, forecasts: int, digest: str) -> TrustReport:
    del owner, forecasts, digest
    return workspace().trust()


def trust(made: pd.DataFrame) -> TrustReport:
    """Return how these forecasts, all of the workspace's, did; scored again as runs are added."""
    here = workspace()
    return _trust(here.owner, int(made["id"].max()), here.digest())
