"""Charts of a gate: each check's interval beside what it must not pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import altair as alt

_MOST_ROWS = 60


def gate_frame(verdicts: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row a verdict that rests on a number.

    Parameters
    ----------
    verdicts : iterable of mapping
        As ``GateResult.to_dict()["checks"]`` holds them.

    Returns
    -------
    DataFrame
        ``check, status, value, lower, upper, margin, limit``: the limit is what the end of the
        interval that counts, or the value, must not pass; NaN for a comparison of runs.
    """
    rows = []
    for verdict in verdicts:
        forecast = verdict["forecast"]
        if forecast is None or forecast["value"] is None:
            continue
        name = f"{verdict['name']}: {verdict['run']}" if verdict["run"] else verdict["name"]
        numbers = {key: forecast[key] for key in ("value", "lower", "upper")}
        rest = {key: verdict[key] for key in ("status", "margin", "requirement")}
        rows.append({"check": name, **numbers, **rest})
    columns = ["check", "status", "value", "lower", "upper", "margin", "requirement"]
    return pd.DataFrame(rows, columns=columns)


def gate_chart(frame: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Draw the interval of every check, coloured by its verdict.

    Parameters
    ----------
    frame : DataFrame
        From :func:`gate_frame`; the first 60 rows are drawn.
    """
    import altair as alt

    shown = frame.head(_MOST_ROWS)
    order = ["pass", "warn", "undecided", "fail", "error"]
    colour = alt.Color(
        "status:N",
        title="verdict",
        scale=alt.Scale(
            domain=order, range=["#0072B2", "#E69F00", "#999999", "#D55E00", "#CC79A7"]
        ),
    )
    hover = [alt.Tooltip(f"{name}:N") for name in ("check", "status", "requirement")]
    hover += [alt.Tooltip(f"{n}:Q", format=".5g") for n in ("value", "lower", "upper", "margin")]
    base = alt.Chart(shown, description="checks").encode(
        y=alt.Y("check:N", sort=None, title=None, axis=alt.Axis(labelLimit=320)),
        color=colour,
        tooltip=hover,
    )
    interval = base.mark_rule(strokeWidth=3).encode(
        x=alt.X("lower:Q", title="forecast and interval", scale=alt.Scale(zero=False)), x2="upper:Q"
    )
    value = base.mark_point(filled=True, size=70).encode(x="value:Q")
    return alt.layer(interval, value).properties(width=560)
