"""What every chart can be turned into: pictures, a page, the rows that it draws."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from predictor.report.theme import DARK, LIGHT, themed

if TYPE_CHECKING:
    import pandas as pd

    from predictor.report.theme import AnyChart

_UNPRINTABLE = dict.fromkeys([*range(32), 127, 0x2028, 0x2029], "\N{REPLACEMENT CHARACTER}")
_NESTED = ("layer", "vconcat", "hconcat", "concat")


def chart_spec(chart: AnyChart, *, dark: bool = False) -> dict[str, Any]:
    """Return a chart in the project's look as a Vega-Lite document, however many rows it draws.

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
    >>> chart_spec(chart)["mark"]["type"]
    'point'
    """
    import altair as alt

    # What a chart is made of is checked when it is made; to check the whole again takes long.
    with alt.data_transformers.enable("default", max_rows=None):
        drawn: dict[str, Any] = themed(chart, dark).to_dict(validate=False)
    return {key: _plain(value) for key, value in drawn.items()}


def _plain(value: Any) -> Any:
    """Return text without what would end a line in an expression that Vega makes of it."""
    if isinstance(value, str):
        return value.translate(_UNPRINTABLE)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def as_svg(chart: AnyChart, *, dark: bool = False, background: str | None = None) -> str:
    """Return the chart as an SVG document, made without a browser.

    Parameters
    ----------
    chart : Altair chart
        Any.
    dark : bool
        Whether it will stand on a dark ground.
    background : str, optional
        Colour of the ground where it is to have its own; transparent where not given.
    """
    return svg_text(_grounded(chart_spec(chart, dark=dark), background))


def svg_text(spec: dict[str, Any]) -> str:
    """Return a Vega-Lite document, as :func:`chart_spec` gives it, as an SVG document."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec))


def as_png(
    chart: AnyChart, scale: float = 2.0, *, dark: bool = False, background: str | None = None
) -> bytes:
    """Return the chart as a PNG picture.

    Parameters
    ----------
    chart : Altair chart
        Any.
    scale : float
        Pixels of the picture a pixel of the chart.
    dark : bool
        Whether it will stand on a dark ground.
    background : str, optional
        Colour of the ground; white, or nearly black where dark, where not given.
    """
    import vl_convert

    ground = background or (DARK if dark else LIGHT).page
    drawn = _grounded(chart_spec(chart, dark=dark), ground)
    return bytes(vl_convert.vegalite_to_png(drawn, scale=scale))


def as_html(chart: AnyChart, title: str, words: str = "") -> str:
    """Return the chart as a page that needs nothing but itself.

    Parameters
    ----------
    chart : Altair chart
        Any.
    title : str
        Heading.
    words : str
        What stands below the chart.
    """
    from predictor.report.document import Section, html_document

    return html_document(title, [Section(title, chart=chart, caption=words)])


def chart_data(chart: AnyChart) -> pd.DataFrame:
    """Return the rows that a chart draws, as one tidy table.

    Parameters
    ----------
    chart : Altair chart
        Any whose rows are in it (not behind an address).

    Returns
    -------
    DataFrame
        ``panel`` and ``part`` tell, where there are several, in which panel and as what a row is
        drawn (a layer's description, else its mark); then the columns of the rows.

    Examples
    --------
    >>> import altair as alt, pandas as pd
    >>> points = alt.Chart(pd.DataFrame({"x": [1, 2]})).mark_point().encode(x="x:Q")
    >>> line = alt.Chart(pd.DataFrame({"x": [0.5]})).mark_rule().encode(x="x:Q")
    >>> chart_data(points + line)
        part    x
    0  point  1.0
    1  point  2.0
    2   rule  0.5
    """
    return spec_data(chart_spec(chart))


def spec_data(spec: dict[str, Any]) -> pd.DataFrame:
    """Return the rows of a Vega-Lite document as :func:`chart_data` does those of a chart."""
    import pandas as pd

    parts, seen = [], set()
    for panel, part, name in _drawn(spec, "", None):
        if (panel, name) not in seen and spec["datasets"][name]:
            seen.add((panel, name))
            rows = pd.DataFrame(spec["datasets"][name])
            taken = [c for c in rows if c in ("panel", "part")]
            rows = rows.rename(columns={c: f"{c}_" for c in taken})
            rows.insert(0, "part", part)
            rows.insert(0, "panel", panel)
            parts.append(rows)
    if not parts:
        return pd.DataFrame()
    every = pd.concat(parts, ignore_index=True)
    alike = [name for name in ("panel", "part") if every[name].nunique() < 2]
    return every.drop(columns=alike)


def _drawn(view: dict[str, Any], panel: str, data: str | None) -> Iterator[tuple[str, str, str]]:
    """Yield panel, part and name of the rows of every mark of a view."""
    data = (view.get("data") or {}).get("name", data)
    panel = _text(view.get("title")) or panel
    children = [child for key in _NESTED for child in view.get(key, ())]
    children += [view["spec"]] if "spec" in view else []
    for child in children:
        yield from _drawn(child, panel, data)
    if "mark" in view and data is not None:
        mark = view["mark"]
        kind = mark if isinstance(mark, str) else mark["type"]
        yield panel, _text(view.get("description")) or kind, data


def _text(title: Any) -> str:
    text = title.get("text", "") if isinstance(title, dict) else title
    return " ".join(text) if isinstance(text, list) else str(text or "")


def _grounded(spec: dict[str, Any], background: str | None) -> dict[str, Any]:
    return spec if background is None else {**spec, "background": background}
