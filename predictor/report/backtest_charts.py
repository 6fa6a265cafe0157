"""Charts of backtests: whether intervals keep their promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from predictor.backtest.result import Backtest

if TYPE_CHECKING:
    import altair as alt


def calibration_chart(found: Backtest) -> alt.LayerChart | alt.FacetChart:
    """Draw how many truths lay within intervals of each level; an honest law lies on the diagonal.

    Parameters
    ----------
    found : Backtest
        From :func:`predictor.backtest`.
    """
    import altair as alt

    percent = alt.Axis(format=".0%")
    scale = alt.Scale(domain=[0, 1])
    x = alt.X("level:Q", title="level of the interval", axis=percent, scale=scale)
    y = alt.Y("coverage:Q", title="truths within it", axis=percent, scale=scale)
    ends = pd.DataFrame({"level": [0, 1], "coverage": [0, 1]})
    ideal = alt.Chart(ends, description="an honest law")
    hover = [alt.Tooltip("law:N"), alt.Tooltip("n:Q", title="forecasts")]
    hover += [alt.Tooltip(f"{name}:Q", format=".0%") for name in ("level", "coverage")]
    table = found.calibration
    laws = alt.Color("law:N", title="law", sort=list(table["law"].unique()))
    measured = alt.Chart(table, description="measured")
    said = measured.mark_line(point=True).encode(x=x, y=y, color=laws, tooltip=hover)
    dashed = ideal.mark_line(strokeDash=[4, 4], style="faint").encode(x=x, y=y)
    return alt.layer(dashed, said).properties(width=360, height=360)
