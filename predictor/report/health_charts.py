"""Charts of a run's health: the curve with spikes marked, weights' k by layer and role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predictor.errors import InputError
from predictor.health.checkpoint import CheckpointHealth
from predictor.health.run_health import RunHealth, RunReport
from predictor.health.signals import losses, norms, signal
from predictor.health.weibull import INITIAL_K
from predictor.logs.tables import RunLog

if TYPE_CHECKING:
    import altair as alt

_MOST_POINTS, _MOST_RUNS = 2_000, 8
#: By kind of spike: two of the palette, and a third that stands out from both.
_COLOURS = {"narrow": "#E69F00", "wide": "#D55E00", "divergence": "#CC79A7"}


def spikes_chart(log: RunLog, one: RunReport, metric: str) -> alt.LayerChart | alt.FacetChart:
    """Draw a logged signal of a run with its spikes shaded.

    Parameters
    ----------
    log : RunLog
        As read.
    one : RunReport
        What was found.
    metric : str
        A loss or gradient norm of the run.
    """
    import altair as alt

    curve = signal(log, one.run, metric)
    assert curve is not None
    value = np.where(curve.value > 0, curve.value, np.nan)
    own = [spike for spike in one.spikes if spike.signal == metric]
    frame = pd.DataFrame({"place": curve.at, "value": value}).dropna()
    inside = np.zeros(len(frame), dtype=bool)
    for spike in own:
        inside |= frame["place"].between(spike.start, spike.end).to_numpy()
    # All of what lies in spikes, evenly spaced points of the rest.
    thin = np.zeros(len(frame), dtype=bool)
    thin[np.unique(np.linspace(0, max(len(frame) - 1, 0), _MOST_POINTS).astype(int))] = True
    frame = frame[thin | inside]
    y = alt.Y("value:Q", title=metric, scale=alt.Scale(type="log", nice=False))
    line = (
        alt.Chart(frame, description="logged")
        .mark_line(strokeWidth=1)
        .encode(
            x=alt.X("place:Q", title=curve.axis),
            y=y,
            tooltip=[
                alt.Tooltip("place:Q", title=curve.axis, format=".6~g"),
                alt.Tooltip("value:Q", format=".4g"),
            ],
        )
    )
    layers: list[alt.Chart] = []
    if own:
        # Half a step on each side, so that a spike of one point can be seen.
        half = float(np.median(np.diff(curve.at))) if len(curve.at) > 1 else 0.5
        marked = pd.DataFrame(
            [(s.start - half, s.end + half, s.kind, s.height, s.start, s.end) for s in own],
            columns=["from", "to", "kind", "z", "start", "end"],
        )
        layers.append(
            alt.Chart(marked, description="spikes")
            .mark_rect(opacity=0.35)
            .encode(
                x="from:Q",
                x2="to:Q",
                color=alt.Color(
                    "kind:N",
                    title="spike",
                    scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
                ),
                tooltip=["kind:N", "start:Q", "end:Q", alt.Tooltip("z:Q", format=".1f")],
            )
        )
    return alt.layer(*layers, line).properties(
        width=560, height=180, title=f"{one.run}: {metric} ({one.verdict})"
    )


def run_chart(log: RunLog, one: RunReport) -> alt.VConcatChart | None:
    """Draw the first loss and the first gradient norm of a run; None where it logs neither."""
    import altair as alt

    charts = _signals(log, one)
    return alt.vconcat(*charts) if charts else None


def _signals(log: RunLog, one: RunReport) -> list[alt.LayerChart | alt.FacetChart]:
    own = list(log.points.loc[log.points["run"] == one.run, "metric"].unique())
    return [spikes_chart(log, one, name) for name in (*losses(own)[:1], *norms(own)[:1])]


def weights_chart(weights: CheckpointHealth) -> alt.LayerChart | alt.FacetChart:
    """Draw Weibull's k by layer and role, one panel a checkpoint.

    Parameters
    ----------
    weights : CheckpointHealth
        Of one or more checkpoints.
    """
    import altair as alt

    frame = weights.tensors.dropna(subset=["k"])[
        ["checkpoint", "tensor", "role", "layer", "k", "r_squared"]
    ].copy()
    layers = sorted(frame["layer"].dropna().unique())
    frame["layer"] = frame["layer"].astype("string").fillna("none")
    base = alt.Chart(frame)
    points = base.mark_circle(size=55, opacity=0.8).encode(
        x=alt.X("layer:O", sort=["none", *map(str, layers)], axis=alt.Axis(labelAngle=0)),
        y=alt.Y("k:Q", title="Weibull k", scale=alt.Scale(zero=False)),
        color=alt.Color("role:N"),
        tooltip=["tensor:N", alt.Tooltip("k:Q", format=".4f"),
                 alt.Tooltip("r_squared:Q", format=".4f")],
    )  # fmt: skip
    start = base.mark_rule(strokeDash=[4, 4], style="faint").encode(y=alt.datum(INITIAL_K))
    both = alt.layer(start, points).properties(width=420, height=220)
    if frame["checkpoint"].nunique() == 1:
        return both.properties(title=f"{frame['checkpoint'].iloc[0]}: k (dashed: as initialised)")
    order = frame["checkpoint"].unique().tolist()
    return both.facet(facet=alt.Facet("checkpoint:N", sort=order, title=None), columns=2)


def health_chart(
    log: RunLog | None, health: RunHealth | None, weights: CheckpointHealth | None
) -> alt.VConcatChart:
    """Return all charts, one below the other: of runs, the first loss and gradient norm.

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    import altair as alt

    charts: list[alt.LayerChart | alt.FacetChart] = []
    if log is not None and health is not None:
        for one in health.runs[:_MOST_RUNS]:
            charts += _signals(log, one)
    if weights is not None and weights.tensors["k"].notna().any():
        charts.append(weights_chart(weights))
    if not charts:
        raise InputError("--chart: there is nothing to draw")
    return alt.vconcat(*charts)
