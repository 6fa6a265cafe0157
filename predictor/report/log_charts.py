"""Charts of what was logged, before anything is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predictor.logs.tables import RunLog

if TYPE_CHECKING:
    import altair as alt

_MOST_POINTS, _MOST_RUNS = 2_000, 20


def logged_chart(log: RunLog, metric: str, axis: str) -> alt.Chart:
    """Draw a metric of every run of a log as it was logged, evenly thinned where it is long.

    Parameters
    ----------
    log : RunLog
        The log; of more than 20 runs the first are drawn.
    metric, axis : str
        What is drawn, over which axis.
    """
    import altair as alt

    chosen = log.points[(log.points["metric"] == metric) & log.points[axis].notna()]
    parts = []
    for _, points in list(chosen.groupby("run", sort=False))[:_MOST_RUNS]:
        kept = np.unique(np.linspace(0, len(points) - 1, _MOST_POINTS).astype(int))
        parts.append(points.iloc[kept][["run", axis, "value"]])
    frame = pd.concat(parts) if parts else chosen[["run", axis, "value"]]
    frame = frame.rename(columns={axis: "place"})
    positive = bool((frame["place"] > 0).all())
    scale = alt.Scale(type="log", nice=False) if positive else alt.Scale(zero=False)
    return (
        alt.Chart(frame, description="logged")
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("place:Q", title=axis, scale=scale),
            y=alt.Y("value:Q", title=metric, scale=alt.Scale(zero=False)),
            color=alt.Color("run:N", title="run", sort=None),
            tooltip=[
                alt.Tooltip("run:N"),
                alt.Tooltip("place:Q", title=axis, format=".6~g"),
                alt.Tooltip("value:Q", title=metric, format=".5g"),
            ],
        )
        .properties(width=680, height=320)
    )
