"""Charts of information capacity: series over FLOPs, and what nobody beats at its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from predictor.capacity.information_capacity import InformationCapacity
from predictor.report.theme import counted

if TYPE_CHECKING:
    import altair as alt

_COSTS = {
    "flops": "forward FLOPs a token (logarithmic)",
    "memory": "bytes of weights and cache (logarithmic)",
    "latency": "time a token, as logged (logarithmic)",
}
_QUALITIES = {
    "bits_per_byte": "bits per byte (less is better)",
    "gain_bits_per_token": "gain, bits a token (more is better)",
}


def _log() -> alt.Scale:
    import altair as alt

    return alt.Scale(type="log", nice=False)


def series_frame(models: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return what the chart of series draws: one row a model, with its interval where known.

    Parameters
    ----------
    models : DataFrame
        ``InformationCapacity.models_``.
    dataset : str
        Data set.

    Returns
    -------
    DataFrame
        ``model, series, flops_per_token, information_capacity, lower, upper``.
    """
    chosen = models[(models["dataset"] == dataset) & models["final"]]
    columns = ["model", "series", "flops_per_token", "information_capacity", "lower", "upper"]
    return chosen[columns].sort_values(["series", "flops_per_token"], ignore_index=True)


def series_chart(models: pd.DataFrame, dataset: str) -> alt.LayerChart | alt.FacetChart:
    """Draw information capacity by series over FLOPs.

    Parameters
    ----------
    models : DataFrame
        ``InformationCapacity.models_``.
    dataset : str
        Data set.
    """
    import altair as alt

    frame = series_frame(models, dataset)
    x = alt.X("flops_per_token:Q", title=_COSTS["flops"], scale=_log(), axis=counted())
    y = alt.Y("information_capacity:Q", title="information capacity", scale=alt.Scale(zero=False))
    hover = [
        alt.Tooltip("model:N"),
        alt.Tooltip("flops_per_token:Q", format=".4~g"),
        *(alt.Tooltip(f"{name}:Q", format=".4f")
          for name in ("information_capacity", "lower", "upper")),
    ]  # fmt: skip
    base = alt.Chart(frame).encode(
        x=x, color=alt.Color("series:N", title=None), tooltip=hover
    )  # fmt: skip
    layers = [
        base.mark_line(opacity=0.6).encode(y=y),
        base.mark_circle(size=45, opacity=1).encode(y=y),
    ]
    if frame["lower"].notna().any():
        low = alt.Y("lower:Q", title="information capacity", scale=alt.Scale(zero=False))
        layers.insert(0, base.mark_rule(opacity=0.6).encode(y=low, y2="upper:Q"))
    return alt.layer(*layers).properties(
        width=620, height=320, title=f"Information capacity on {dataset}"
    )


def pareto_chart(front: pd.DataFrame, cost: str) -> alt.LayerChart | alt.FacetChart:
    """Draw quality against cost, the front joined by steps.

    Parameters
    ----------
    front : DataFrame
        From :meth:`InformationCapacity.pareto`.
    cost : {"flops", "memory", "latency"}
        The cost it was asked with.
    """
    import altair as alt

    shown, frame = str(front["measure"].iloc[0]), front
    x = alt.X("cost:Q", title=_COSTS[cost], scale=_log(), axis=counted())
    y = alt.Y("value:Q", title=_QUALITIES[shown], scale=alt.Scale(zero=False))
    hover = [
        "model:N",
        alt.Tooltip("cost:Q", format=".4~g"),
        alt.Tooltip("value:Q", format=".4f"),
    ]
    best = alt.Chart(frame[frame["on_front"]], description="not beaten")
    points = alt.Chart(frame, description="models").mark_circle(size=45, opacity=1)
    return alt.layer(
        best.mark_line(interpolate="step-after", style="ink", opacity=0.6).encode(
            x=x, y=y, tooltip=hover
        ),
        points.encode(x=x, y=y, color=alt.Color("series:N", title=None), tooltip=hover),
        best.mark_text(dy=-9, fontSize=10).encode(x=x, y=y, text="model:N"),
    ).properties(width=620, height=320, title=f"What no other model beats at its {cost}")


def capacity_chart(capacity: InformationCapacity, cost: str = "flops") -> alt.VConcatChart:
    """Draw, for each data set, the series over FLOPs and the front over a cost.

    Parameters
    ----------
    capacity : InformationCapacity
        Fitted.
    cost : {"flops", "memory", "latency"}
        Cost of the front.
    """
    import altair as alt

    panels = [dataset_chart(capacity, dataset, cost) for dataset in capacity.bias_]
    return alt.vconcat(*panels).resolve_scale(color="shared")


def dataset_chart(
    capacity: InformationCapacity, dataset: str, cost: str = "flops"
) -> alt.VConcatChart:
    """Draw, for one data set, the series over FLOPs and the front over a cost.

    Parameters
    ----------
    capacity : InformationCapacity
        Fitted.
    dataset : str
        Data set.
    cost : {"flops", "memory", "latency"}
        Cost of the front.
    """
    import altair as alt

    front = capacity.pareto(cost, dataset)  # type: ignore[arg-type]
    above, below = series_chart(capacity.models_, dataset), pareto_chart(front, cost)
    return alt.vconcat(above, below).resolve_scale(color="shared")
