"""One look for all charts, on light and on dark ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import altair as alt

    AnyChart: TypeAlias = (
        alt.Chart | alt.LayerChart | alt.FacetChart | alt.VConcatChart | alt.HConcatChart
    )

#: Okabe and Ito's colours, which people with any colour vision tell apart; without their yellow,
#: which cannot be seen on white, and their black, which is each ground's ink.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Ground:
    """What is drawn in no series' colour, for one ground.

    Parameters
    ----------
    ink : str
        Text, logged points.
    faint : str
        Lines for comparison, axes.
    grid : str
        Grid.
    page : str
        The ground itself, where a picture has its own.
    """

    ink: str
    faint: str
    grid: str
    page: str


LIGHT = Ground(ink="#333333", faint="#858585", grid="#e4e4e4", page="#ffffff")
DARK = Ground(ink="#dedede", faint="#919191", grid="#3c3c3c", page="#141416")


def themed(chart: AnyChart, dark: bool = False) -> AnyChart:
    """Return a chart in the project's look; the ground behind it is transparent.

    Charts name roles instead of colours: marks of the style ``ink`` (what was logged), ``faint``
    (what to compare with) and ``accent`` (what then happened) get theirs here.

    Parameters
    ----------
    chart : Altair chart
        Any.
    dark : bool
        Whether it will stand on a dark ground.

    Examples
    --------
    >>> import altair as alt, pandas as pd
    >>> chart = alt.Chart(pd.DataFrame({"x": [1]})).mark_point().encode(x="x:Q")
    >>> themed(chart, dark=True).to_dict()["config"]["axis"]["labelColor"]
    '#dedede'
    """
    return chart.configure(**_settings(DARK if dark else LIGHT))


def counted() -> alt.Axis:
    """Return an axis of counts as the field writes them: 350M, 7B, 2T, 3e+21."""
    import altair as alt

    short = "replace(format(datum.value, '~s'), 'G', 'B')"
    return alt.Axis(labelExpr=f"datum.value < 1e15 ? {short} : format(datum.value, '.0e')")


def _settings(ground: Ground) -> dict[str, Any]:
    text = {"labelColor": ground.ink, "titleColor": ground.ink}
    return {
        "background": "transparent",
        "font": _FONT,
        "axis": {
            **text, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
            "gridColor": ground.grid, "domainColor": ground.faint, "tickColor": ground.faint,
            "titlePadding": 8, "labelSeparation": 6,
        },
        "legend": {**text, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
        "header": {**text, "labelFontSize": 12, "titleFontSize": 12},
        "title": {"color": ground.ink, "fontSize": 13, "anchor": "start", "offset": 10},
        "view": {"stroke": ground.grid},
        "range": {"category": [*PALETTE, ground.ink, ground.faint]},
        "mark": {"color": PALETTE[0]},
        "text": {"color": ground.ink},
        "style": {
            "ink": {"color": ground.ink},
            "faint": {"color": ground.faint},
            "accent": {"color": PALETTE[1]},
        },
    }  # fmt: skip
