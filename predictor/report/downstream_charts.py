"""Charts of benchmark forecasts: the forecast with its band, clusters, the mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predictor.difficulty.cluster_law import CLUSTER_LAW, log_size
from predictor.difficulty.cod import Chain
from predictor.difficulty.outlook import Outlook
from predictor.difficulty.subset import ClusterKind
from predictor.report.theme import counted

if TYPE_CHECKING:
    import altair as alt

_POINTS = 60
_SHARE = [0.0, 1.0]


def downstream_chart(
    found: Outlook, chain: Chain | None
) -> alt.VConcatChart | alt.LayerChart | alt.FacetChart:
    """Draw the forecast; below it clusters and mapping, where items are known.

    Parameters
    ----------
    found : Outlook
        From :func:`predictor.difficulty.outlook.outlook`.
    chain : Chain or None
        From :func:`predictor.difficulty.suite.clusters_of`.
    """
    import altair as alt

    above = forecast_chart(found)
    if chain is None:
        return above
    below = [clusters_chart(found, chain)]
    below += [mapping_chart(chain)] if chain.mapping is not None else []
    return alt.vconcat(above, *below).resolve_scale(color="independent")


def forecast_chart(found: Outlook) -> alt.LayerChart | alt.FacetChart:
    """Draw the ladder's scores and the stacked forecast with its interval."""
    import altair as alt

    ladder = found.ladder
    size, value, lower, upper = found.band
    band = pd.DataFrame({"size": size, "value": value, "lower": lower, "upper": upper}).dropna()
    models = pd.DataFrame({"size": ladder.size, "value": ladder.score, "model": ladder.models})
    x = alt.X("size:Q", scale=alt.Scale(type="log", nice=False), axis=counted(), title=ladder.axis)
    y = alt.Y("value:Q", title=ladder.benchmark, scale=alt.Scale(domain=_SHARE))
    said = alt.Chart(band, description="forecast")
    where = alt.Tooltip("size:Q", title=ladder.axis, format=".3~g")
    wide = [where, *(_tip(name) for name in ("value", "lower", "upper"))]
    area = said.mark_area(opacity=0.25).encode(
        x=x, y=alt.Y("lower:Q", scale=alt.Scale(domain=_SHARE)), y2="upper:Q", tooltip=wide
    )  # fmt: skip
    line = said.mark_line().encode(x=x, y=y, tooltip=wide)
    known = alt.Chart(models, description="models").mark_circle(style="ink", size=40)
    points = known.encode(x=x, y=y, tooltip=["model:N", where, _tip("value")])
    return alt.layer(area, line, points).properties(width=420, height=260, title="forecast")


def clusters_chart(found: Outlook, chain: Chain) -> alt.LayerChart | alt.FacetChart:
    """Draw each cluster's mean pass rates; where it has one, its law with a band of one error."""
    import altair as alt

    ladder, curves = found.ladder, chain.curves
    size = np.geomspace(ladder.size[0], found.band[0].max(), _POINTS)
    z = log_size(size, float(ladder.size[0]))
    rows, laws = [], []
    for k, rates in enumerate(curves.rates):
        label = f"{k}: {curves.sizes[k]} items, {curves.kinds[k].value}"
        rows.append(pd.DataFrame({"size": ladder.size, "rate": rates, "cluster": label}))
        if curves.kinds[k] is ClusterKind.EXTRAPOLATABLE:
            said = CLUSTER_LAW.value(z[None], curves.params[[k]])[0]
            error = np.sqrt(np.clip(said * (1 - said), 0.0, None) / curves.sizes[k])
            ends = {"lower": said - error, "upper": said + error}
            laws.append(pd.DataFrame({"size": size, "rate": said, "cluster": label, **ends}))
    x = alt.X("size:Q", scale=alt.Scale(type="log", nice=False), axis=counted(), title=ladder.axis)
    y = alt.Y("rate:Q", title="pass rate", scale=alt.Scale(domain=_SHARE, clamp=True))
    colour = alt.Color("cluster:N", sort=None, legend=alt.Legend(labelLimit=260))
    hover = ["cluster:N", alt.Tooltip("size:Q", title=ladder.axis, format=".3~g"), _tip("rate")]
    points = alt.Chart(pd.concat(rows), description="models").mark_circle(size=26)
    layers = [points.encode(x=x, y=y, color=colour, tooltip=hover)]
    if laws:
        drawn = alt.Chart(pd.concat(laws), description="laws")
        layers.append(drawn.mark_area(opacity=0.15).encode(
            x=x, y=alt.Y("lower:Q", scale=alt.Scale(domain=_SHARE, clamp=True)), y2="upper:Q",
            color=colour, tooltip=hover,
        ))  # fmt: skip
        layers.append(drawn.mark_line().encode(x=x, y=y, color=colour, tooltip=hover))
    return alt.layer(*layers).properties(width=420, height=260, title="clusters of items")


def mapping_chart(chain: Chain) -> alt.LayerChart | alt.FacetChart:
    """Draw the curve from the predictable subset's score to that of all items."""
    import altair as alt

    assert chain.mapping is not None
    grid = np.linspace(0, 1, _POINTS)
    curve = pd.DataFrame({"subset": grid, "all": chain.mapping(grid)})
    knots = pd.DataFrame({"subset": chain.mapping.x, "all": chain.mapping.y})
    x = alt.X("subset:Q", title="score on the predictable subset", scale=alt.Scale(domain=_SHARE))
    y = alt.Y("all:Q", title="score on all items", scale=alt.Scale(domain=_SHARE))
    hover = [_tip("subset"), _tip("all")]
    line = alt.Chart(curve, description="mapping").mark_line().encode(x=x, y=y, tooltip=hover)
    known = alt.Chart(knots, description="knots").mark_circle(style="ink")
    points = known.encode(x=x, y=y, tooltip=hover)
    return alt.layer(line, points).properties(width=260, height=260, title="mapping")


def _tip(name: str) -> alt.Tooltip:
    import altair as alt

    return alt.Tooltip(f"{name}:Q", format=".3f")
