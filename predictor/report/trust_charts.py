"""Charts of past forecasts: how far each was off, and whether its interval held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import altair as alt


def trust_chart(scored: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Draw every scored forecast: what then happened against what was said, with the interval.

    Parameters
    ----------
    scored : DataFrame
        One row a forecast: ``run, metric, law, value, lower, upper, truth, inside``.
    """
    import altair as alt

    frame = scored[["run", "metric", "law", "value", "lower", "upper", "truth", "inside"]].copy()
    frame["held"] = frame["inside"].map({True: "inside the interval", False: "outside"})
    positive = bool((frame[["value", "lower", "truth"]] > 0).all(axis=None))
    scale = alt.Scale(type="log", nice=False) if positive else alt.Scale(zero=False)
    hover = [alt.Tooltip(f"{name}:N") for name in ("run", "metric", "law")]
    hover += [alt.Tooltip(f"{n}:Q", format=".5g") for n in ("truth", "value", "lower", "upper")]
    base = alt.Chart(frame, description="forecasts").encode(
        x=alt.X("truth:Q", title="what then happened", scale=scale),
        color=alt.Color(
            "held:N",
            title=None,
            scale=alt.Scale(
                domain=["inside the interval", "outside"], range=["#0072B2", "#D55E00"]
            ),
        ),
        tooltip=hover,
    )
    intervals = base.mark_rule(opacity=0.5).encode(
        y=alt.Y("lower:Q", title="forecast and interval", scale=scale), y2="upper:Q"
    )
    values = base.mark_point(filled=True, size=45).encode(y=alt.Y("value:Q", scale=scale))
    ends = pd.DataFrame({"truth": [frame["truth"].min(), frame["truth"].max()]})
    same = (
        alt.Chart(ends, description="as forecast")
        .mark_line(strokeDash=[4, 4], style="faint")
        .encode(x=alt.X("truth:Q", scale=scale), y=alt.Y("truth:Q", scale=scale), tooltip="truth:Q")
    )
    return alt.layer(same, intervals, values).properties(width=520, height=360)
