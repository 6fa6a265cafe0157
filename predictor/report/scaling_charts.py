"""Charts of scaling laws: loss over parameters and tokens, IsoFLOP curves, residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predictor.report.theme import counted
from predictor.scaling.allocation import best_params, loss_at
from predictor.scaling.scaling_law import ScalingLaw
from predictor.scaling.table import FLOPS_PER_PARAM_TOKEN

if TYPE_CHECKING:
    import altair as alt

_CELLS, _CURVES, _POINTS = 28, 5, 40
_RUN = ["params", "tokens", "loss"]


def scaling_chart(law: ScalingLaw) -> alt.VConcatChart | alt.LayerChart | alt.FacetChart:
    """Draw contour, IsoFLOP curves and residuals; residuals alone for a law of compute.

    Parameters
    ----------
    law : ScalingLaw
        Fitted.
    """
    import altair as alt

    below = residual_chart(law)
    if law.fit_.law.axes == ("flops",):
        return below
    return alt.vconcat(contour_chart(law), isoflop_chart(law), below).resolve_scale(
        color="independent", size="independent"
    )


def contour_chart(law: ScalingLaw) -> alt.LayerChart | alt.FacetChart:
    """Draw the law's loss over log params and log tokens, with the runs and the best split."""
    import altair as alt

    runs = law.table_.runs
    size, data = (_around(runs[name]) for name in ("params", "tokens"))
    grid_n, grid_d = (g.ravel() for g in np.meshgrid(size, data))
    loss = loss_at(law.fit_.law, law.fit_.estimates[None], grid_n, grid_d)[0]
    half_n, half_d = (np.sqrt(v[1] / v[0]) for v in (size, data))
    cells = pd.DataFrame(
        {
            "from_n": grid_n / half_n, "to_n": grid_n * half_n,
            "from_d": grid_d / half_d, "to_d": grid_d * half_d, "loss": loss,
        }
    )  # fmt: skip
    scale = alt.Scale(type="log", nice=False, domain=[size[0] / half_n, size[-1] * half_n])
    up = alt.Scale(type="log", nice=False, domain=[data[0] / half_d, data[-1] * half_d])
    colour = alt.Color("loss:Q", scale=alt.Scale(scheme="viridis", reverse=True, type="log"))
    drawn = alt.Chart(cells, description="law").mark_rect().encode(
        x=alt.X("from_n:Q", scale=scale, title="parameters", axis=counted()), x2="to_n:Q",
        y=alt.Y("from_d:Q", scale=up, title="tokens", axis=counted()), y2="to_d:Q",
        color=colour, tooltip=[alt.Tooltip("loss:Q", title="loss by the law", format=".4g")],
    )  # fmt: skip
    hover = [alt.Tooltip(f"{name}:Q", format=".4g") for name in _RUN]
    known = alt.Chart(runs[_RUN], description="runs")
    points = known.mark_circle(color="white", stroke="black", size=36).encode(
        x=alt.X("params:Q", scale=scale), y=alt.Y("tokens:Q", scale=up), tooltip=hover
    )  # fmt: skip
    split = alt.Chart(_best_split(law, size, data), description="best split")
    best = split.mark_line(style="accent", clip=True).encode(
        x=alt.X("params:Q", scale=scale), y=alt.Y("tokens:Q", scale=up), tooltip=hover[:2]
    )  # fmt: skip
    title = f"loss by {law.fit_.law.title}; line: the best split of each budget"
    return alt.layer(drawn, best, points).properties(width=420, height=320, title=title)


def isoflop_chart(law: ScalingLaw) -> alt.LayerChart | alt.FacetChart:
    """Draw loss over params at a few budgets, and the lowest point of each."""
    import altair as alt

    flops = law.table_.flops
    rows, lowest, names = [], [], []
    for budget in np.geomspace(flops.min(), 10 * flops.max(), _CURVES):
        best = float(best_params(law.fit_.law, law.fit_.estimates[None], budget)[0])
        size = best * np.geomspace(0.05, 20, _POINTS)
        loss = loss_at(
            law.fit_.law, law.fit_.estimates[None], size, budget / FLOPS_PER_PARAM_TOKEN / size
        )[0]
        name = f"{budget:.2g} FLOPs"
        rows.append(pd.DataFrame({"params": size, "loss": loss, "budget": name}))
        names.append(name)
        lowest.append({"params": best, "loss": float(loss.min()), "budget": name})
    x = alt.X(
        "params:Q", scale=alt.Scale(type="log", nice=False), title="parameters", axis=counted()
    )
    y = alt.Y("loss:Q", scale=alt.Scale(type="log", nice=False))
    hover = ["budget:N", alt.Tooltip("params:Q", format=".3g"), alt.Tooltip("loss:Q", format=".4g")]
    colour = alt.Color("budget:N", sort=names)
    along = alt.Chart(pd.concat(rows), description="law").mark_line()
    curves = along.encode(x=x, y=y, color=colour, tooltip=hover)
    low = alt.Chart(pd.DataFrame(lowest), description="best").mark_point(filled=True, size=50)
    points = low.encode(
        x=x, y=y, color=colour, tooltip=hover
    )  # fmt: skip
    title = "loss over size at a fixed budget"
    return alt.layer(curves, points).properties(width=420, height=240, title=title)


def residual_chart(law: ScalingLaw) -> alt.LayerChart | alt.FacetChart:
    """Draw how far each run lies off the law, over its compute."""
    import altair as alt

    rows = law.residuals()
    rows["off"] = np.expm1(rows["residual"])
    x = alt.X(
        "flops:Q", scale=alt.Scale(type="log", nice=False), title="training FLOPs", axis=counted()
    )
    y = alt.Y("off:Q", axis=alt.Axis(format="+.1%"), title="loss off the law")
    shown = ["params", "tokens", "loss", "fitted", "leverage"]
    hover = [alt.Tooltip(f"{name}:Q", format=".4g") for name in shown]
    size = alt.Size("leverage:Q", scale=alt.Scale(domain=[0, 1], range=[15, 200]))
    runs = alt.Chart(rows[[*shown, "flops", "off"]], description="runs").mark_point(filled=True)
    points = runs.encode(x=x, y=y, size=size, tooltip=hover)
    level = alt.Chart(pd.DataFrame({"off": [0.0]}), description="the law")
    zero = level.mark_rule(style="faint").encode(y="off:Q")
    return alt.layer(zero, points).properties(width=420, height=160, title="residuals")


def _around(values: pd.Series) -> np.ndarray:
    return np.geomspace(values.min() / 1.5, values.max() * 4, _CELLS)


def _best_split(law: ScalingLaw, size: np.ndarray, data: np.ndarray) -> pd.DataFrame:
    budgets = FLOPS_PER_PARAM_TOKEN * np.geomspace(size[0] * data[0], size[-1] * data[-1], _POINTS)
    best = [float(best_params(law.fit_.law, law.fit_.estimates[None], c)[0]) for c in budgets]
    tokens = budgets / FLOPS_PER_PARAM_TOKEN / np.array(best)
    found = pd.DataFrame({"params": best, "tokens": tokens})
    inside = found["params"].between(size[0], size[-1]) & found["tokens"].between(data[0], data[-1])
    return found[inside]
