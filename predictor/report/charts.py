"""Charts: one Altair definition each, for pages, HTML, SVG and PNG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predictor.curves.question import Answer
from predictor.curves.schedule.plan import Schedule

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
        "place:Q", title=f"{question.axis} (logarithmic)", scale=alt.Scale(type="log", nice=False)
    )
    y = alt.Y("value:Q", title=question.metric, scale=alt.Scale(zero=False))
    hover = [alt.Tooltip("place:Q", format=".4~g"), alt.Tooltip("value:Q", format=".5g")]
    band = alt.Chart(ahead).mark_area(opacity=0.25, color="#0072B2")
    layers = [
        band.encode(
            x=x,
            y=alt.Y("lower:Q", title=question.metric, scale=alt.Scale(zero=False)),
            y2="upper:Q",
        ),
        alt.Chart(ahead).mark_line(color="#0072B2").encode(x=x, y=y, tooltip=hover),
        alt.Chart(logged).mark_circle(color="#333333", size=22).encode(x=x, y=y, tooltip=hover),
    ]
    if happened is not None and len(happened):
        shown = happened.iloc[:: max(1, len(happened) // _MOST_POINTS)]
        later = alt.Chart(shown).mark_point(color="#D55E00", size=22, filled=False, opacity=0.7)
        layers.append(later.encode(x=x, y=y, tooltip=hover))
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
            x=alt.X("step:Q"),
            y=alt.Y("lr:Q", title="learning rate"),
            color=alt.Color("schedule:N", title="schedule: loss at the end", sort=None),
        )
        .properties(width=560, height=280)
    )


def as_svg(chart: alt.Chart | alt.LayerChart | alt.FacetChart) -> str:
    """Return the chart as an SVG document, made without a browser."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(chart.to_dict()))
