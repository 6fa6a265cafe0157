"""What every chart of the project must do; a new one is tested by existing."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import predictor.report
from predictor.report.drawing import as_png, as_svg, chart_data, chart_spec
from predictor.report.theme import DARK, LIGHT

from .examples import charts

_FOLDER = Path(predictor.report.__file__).parent
NAMES = sorted(
    name
    for path in _FOLDER.glob("*charts.py")
    for name in vars(import_module(f"predictor.report.{path.stem}"))
    if name.endswith("_chart")
)
_NESTED = ("layer", "vconcat", "hconcat", "concat")


@pytest.fixture(scope="module", params=NAMES)
def example(request):
    known = charts()
    assert request.param in known, f"give tests/report/examples.py an example of {request.param}"
    return known[request.param]


def views(spec):
    """Yield every view of a Vega-Lite document that has a mark, with encodings from above."""

    def walk(view, above):
        encoding = {**above, **view.get("encoding", {})}
        children = [child for key in _NESTED for child in view.get(key, ())]
        children += [view["spec"]] if "spec" in view else []
        for child in children:
            yield from walk(child, encoding)
        if "mark" in view:
            yield view["mark"], encoding

    return list(walk(spec, {}))


def test_hover_values_wherever_rows_are_drawn(example):
    chart, _ = example
    for mark, encoding in views(chart_spec(chart())):
        compared_with = mark.get("style") == "faint" or mark["type"] == "text"
        assert compared_with or encoding.get("tooltip"), mark


def test_what_it_draws_can_be_had_as_a_table(example):
    chart, _ = example
    spec, rows = chart_spec(chart()), chart_data(chart())
    assert len(rows) > 0
    drawn = {
        channel["field"]
        for _, encoding in views(spec)
        for channel in encoding.values()
        if isinstance(channel, dict) and "field" in channel
    }
    assert drawn <= set(rows.columns)


@pytest.mark.parametrize("dark", [False, True])
def test_it_renders_in_both_themes(example, dark):
    chart, _ = example
    svg, ground = as_svg(chart(), dark=dark), DARK if dark else LIGHT
    assert svg.startswith("<svg")
    assert f'fill="{ground.ink}"' in svg
    other = LIGHT if dark else DARK
    assert f'"{other.ink}"' not in svg
    assert f'"{other.faint}"' not in svg


def test_it_says_something_in_words_on_one_line(example):
    _, words = example
    said = words()
    assert re.search(r"\w+ .*\.", said)
    assert "\n" not in said


def test_no_colour_is_named_that_is_not_of_the_theme(example):
    chart, _ = example
    spec = chart_spec(chart())
    spec.pop("config")
    spec.pop("datasets")
    named = {colour.upper() for colour in re.findall(r"#[0-9a-fA-F]{6}\b", str(spec))}
    from predictor.report.theme import PALETTE

    assert named <= {colour.upper() for colour in PALETTE} | {"#999999"}


@pytest.mark.parametrize("name", [
    "curve_chart", "series_chart", "pareto_chart", "forecast_chart", "clusters_chart",
    "contour_chart", "isoflop_chart", "residual_chart",
])  # fmt: skip
def test_numbers_over_orders_of_magnitude_have_log_axes(name):
    spec = chart_spec(charts()[name][0]())
    across = [encoding["x"] for _, encoding in views(spec) if "x" in encoding]
    scales = {x["scale"]["type"] for x in across if "type" in x.get("scale", {})}
    assert scales == {"log"}


def test_a_picture_is_as_large_as_asked():
    chart = charts()["p_best_chart"][0]()
    small, large = (as_png(chart, scale) for scale in (1, 3))
    width = [int.from_bytes(png[16:20], "big") for png in (small, large)]
    assert small.startswith(b"\x89PNG")
    assert width[1] == pytest.approx(3 * width[0], abs=3)
