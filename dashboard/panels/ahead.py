"""What the first forecast would wait for, loaded while the first user still reads."""

from __future__ import annotations

from importlib import import_module
from threading import Thread

import pandas as pd
import streamlit as st

_MODULES = (
    "predictor.logs.inspection", "predictor.scaling.question", "predictor.scaling.planning",
    "predictor.difficulty.suite", "predictor.capacity.answer",
    "predictor.alignment.response_alignment", "predictor.health.run_health",
    "predictor.gates.checking", "predictor.backtest.rolling", "predictor.report.document",
    "predictor.report.scaling_charts", "predictor.report.downstream_charts",
)  # fmt: skip


@st.cache_resource(show_spinner=False)
def load_ahead() -> None:
    """Begin to load, once for the server."""
    Thread(target=_load, daemon=True).start()


def _load() -> None:
    """Forecast and draw a small curve, then load what other pages need."""
    from predictor.curves.question import Question, ask
    from predictor.logs.tables import RunLog
    from predictor.report.charts import curve_chart

    step = pd.Series([1.0, 2, 4, 8, 16, 32, 64, 128])
    points = pd.DataFrame({"run": "a", "metric": "loss", "step": step, "value": 2 + step**-0.5})
    log = RunLog.from_points(points, pd.DataFrame({"run": ["a"]}), [])
    curve_chart(ask(log, Question("loss", "step", {"a": (256.0,)}, "auto", 0.9), bands=True), "a")
    for name in _MODULES:
        import_module(name)
