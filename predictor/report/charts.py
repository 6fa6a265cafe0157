"""Charts: one Altair definition each, for pages, HTML, SVG and PNG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predictor.curves.question import Answer
from predictor.curves.schedule.plan import Schedule
from predictor.report.drawing import as_svg as as_svg
from predictor.report.theme import counted

if TYPE_CHECKING:
    import altair as alt

_MOST_POINTS = 2_000


def curve_frames(answer: Answer, run: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what a chart of one run draws: the logged curve, and the forecast with its band.

    Parameters
    ----------
    answer : Answer
        From :func:`predictor.curves.question.ask` with ``bands=True``.
    run : str
        Name of the run.

    Returns
    -------
    logged : DataFrame
        Columns ``place, value``; the averages that the laws were fitted to.
    ahead : DataFrame
        Columns ``place, value, lower, upper``; empty where nothing can be said.
    """
    curve = answer.outcomes[run].prepared
    scaled = np.log(curve.z) if curve.kind.residual == "log" else curve.z
    logged = pd.DataFrame({"place": curve.x, "value": curve.to_metric(scaled)})
    band = answer.bands.get(run)
    if band is None:
        return logged, pd.DataFrame(columns=["place", "value", "lower", "upper"], dtype=float)
    columns = {"place": band.at, "value": band.value, "lower": band.lower, "upper": band.upper}
    return logged, pd.DataFrame(columns).dropna()


def curve_chart(
    answer: Answer, run: str, happened: pd.DataFrame | None = None
) -> alt.LayerChart | alt.FacetChart:
    """Draw a run's curve, its forecast and interval, and what then happened where that is known.

    Parameters
    ----------
    answer : Answer
        From :func:`predictor.curves.question.ask` with ``bands=True``.
    run : str
        Name of the run.
    happened : DataFrame, optional
        Columns ``place, value``: the points that were hidden from the forecast.
    """
    import altair as alt

    logged, ahead = curve_frames(answer, run)
    question = answer.question
    x = alt.X(
        "place:Q", title=f"{question.axis} (logarithmic)", axis=counted(),
        scale=alt.Scale(type="log", nice=False),
    )  # fmt: skip
    y = alt.Y("value:Q", title=question.metric, scale=alt.Scale(zero=False))
    hover = [
        alt.Tooltip("place:Q", title=question.axis, format=".4~g"),
        alt.Tooltip("value:Q", title=question.metric, format=".5g"),
    ]
    wide = [*hover, *(alt.Tooltip(f"{end}:Q", format=".5g") for end in ("lower", "upper"))]
    forecast = alt.Chart(ahead, description="forecast")
    points = alt.Chart(logged, description="logged").mark_circle(style="ink", size=22)
    layers = [
        forecast.mark_area(opacity=0.25).encode(
            x=x,
            y=alt.Y("lower:Q", title=question.metric, scale=alt.Scale(zero=False)),
            y2="upper:Q",
            tooltip=wide,
        ),
        forecast.mark_line().encode(x=x, y=y, tooltip=wide),
        points.encode(x=x, y=y, tooltip=hover),
    ]
    if happened is not None and len(happened):
        shown = happened.iloc[:: max(1, len(happened) // _MOST_POINTS)]
        later = alt.Chart(shown[["place", "value"]], description="what then happened")
        rings = later.mark_point(style="accent", size=22, filled=False, opacity=0.7)
        layers.append(rings.encode(x=x, y=y, tooltip=hover))
    return alt.layer(*layers).properties(width=680, height=360)


def schedules_chart(schedules: Sequence[Schedule], ends: Sequence[float]) -> alt.Chart:
    """Draw learning rates over the steps, each named with the loss that it is said to end at.

    Parameters
    ----------
    schedules : sequence of Schedule
        The schedules.
    ends : sequence of float
        Loss at the end of each, as a law says.
    """
    import altair as alt

    frames = [
        pd.DataFrame(
            {"step": (at := np.linspace(0, s.steps, 401)), "lr": s.rate(at)}
            | {"schedule": f"{s.name}: {end:.4g}"}
        )
        for s, end in zip(schedules, ends, strict=True)
    ]
    return (
        alt.Chart(pd.concat(frames))
        .mark_line()
        .encode(
            x=alt.X("step:Q", axis=counted()),
            y=alt.Y("lr:Q", title="learning rate", axis=alt.Axis(format="~g")),
            color=alt.Color("schedule:N", title="schedule: loss at the end", sort=None),
            tooltip=["schedule:N", alt.Tooltip("step:Q", format=".0f"),
                     alt.Tooltip("lr:Q", title="learning rate", format=".3~g")],
        )
        .properties(width=560, height=280)
    )  # fmt: skip
