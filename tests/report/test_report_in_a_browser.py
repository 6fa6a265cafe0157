"""A report opened in a real browser, without a network: with scripts, without, and printed."""

from __future__ import annotations

import pandas as pd
import pytest

from predictor.report.document import html_document
from predictor.report.sections import capacity_section, curves_section, scaling_section

from .examples import HOSTILE, answer, capacity, hostile_log, scaling

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a report whose run is named as an attacker would, with other charts below."""
    from predictor.curves.question import ask, pose
    from predictor.logs.reading import read_logs

    folder = tmp_path_factory.mktemp("report")
    log = read_logs(hostile_log(folder))
    answered = ask(log, pose(log, places=[{"step": 3000.0}]), bands=True)
    sections = [
        curves_section(answered), curves_section(answer()), scaling_section(scaling()),
        capacity_section(capacity()),
    ]  # fmt: skip
    path = folder / "report.html"
    path.write_text(html_document(HOSTILE, sections), encoding="utf-8")
    return path


@pytest.fixture
def opened(chromium, page, request):
    """Open the report offline; return the tab and what it asked for and complained about."""
    asked = {"viewport": {"width": 1100, "height": 900}} | getattr(request, "param", {})
    context = chromium.new_context(offline=True, **asked)
    tab = context.new_page()
    tab.asked, tab.said = [], []
    tab.on("request", lambda asked: tab.asked.append(asked.url))
    tab.on("console", lambda line: tab.said.append(line.text))
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    tab.on("dialog", lambda dialog: (tab.said.append(dialog.message), dialog.dismiss()))
    tab.goto(page.as_uri())
    yield tab
    context.close()


def until_live(tab):
    tab.wait_for_function("document.querySelectorAll('.picture').length == 0", timeout=60_000)


def test_charts_come_alive_and_nothing_is_asked_for_or_complained_of(opened, page):
    until_live(opened)
    assert opened.locator("figure .vega-embed").count() == opened.locator("figure").count() == 5
    assert opened.asked == [page.as_uri()]
    assert opened.said == []


def test_hovering_shows_values_and_names_as_text(opened):
    until_live(opened)
    mark = opened.locator("figure").first.locator(".mark-symbol path").nth(20)
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    hover = opened.locator("#vg-tooltip-element.visible")
    hover.wait_for()
    assert "step" in hover.inner_text()
    assert HOSTILE[:20] in hover.inner_text()
    assert hover.locator("script, img").count() == 0
    assert opened.said == []


def test_the_picture_of_a_live_chart_can_be_taken_along(opened):
    until_live(opened)
    figure = opened.locator("figure").nth(1)
    figure.locator("summary").click()
    with opened.expect_download() as taken:
        figure.get_by_text("Save as PNG").click()
    assert taken.value.suggested_filename == "chart-2-1.png"
    with open(taken.value.path(), "rb") as file:
        assert file.read(4) == b"\x89PNG"


def test_rows_can_be_taken_along(opened):
    with opened.expect_download() as taken:
        opened.get_by_text("Data (CSV)").nth(1).click()
    rows = pd.read_csv(taken.value.path())
    assert {"part", "place", "value", "lower", "upper"} <= set(rows.columns)
    assert len(rows) > 50


@pytest.mark.parametrize("opened", [{"java_script_enabled": False}], indirect=True)
def test_without_scripts_pictures_stand_there(opened):
    pictures = opened.locator("figure .picture > svg")
    assert pictures.count() == 5
    box = pictures.first.bounding_box()
    assert box["width"] > 500
    assert box["height"] > 250


@pytest.mark.parametrize(
    ("opened", "dark"),
    [({"color_scheme": "light"}, False), ({"color_scheme": "dark"}, True)],
    indirect=["opened"],
)
def test_text_can_be_read_on_light_and_dark_ground(opened, dark):
    until_live(opened)
    script = "e => getComputedStyle(e).{}.match(/\\d+/g).slice(0, 3).map(Number)"
    ground = opened.locator("body").evaluate(script.format("backgroundColor"))
    text = opened.locator("p.answer").first.evaluate(script.format("color"))
    label = opened.locator(".role-axis-label text").first.evaluate(script.format("fill"))
    point = opened.locator(".mark-symbol path").first.evaluate(script.format("fill"))
    assert (sum(ground) < 150) is dark
    assert min(contrast(ground, colour) for colour in (text, label, point)) >= 4.5


def contrast(first, second):
    """Return the contrast of two colours as WCAG has it."""

    def luminance(colour):
        shares = [c / 255 for c in colour]
        red, green, blue = (
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in shares
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("opened", [{"viewport": {"width": 390, "height": 800}}], indirect=True)
def test_a_phone_need_not_scroll_sideways(opened):
    until_live(opened)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


def test_no_chart_is_cut_in_print(opened):
    until_live(opened)
    opened.emulate_media(media="print")
    opened.set_viewport_size({"width": 688, "height": 1000})
    for figure in opened.locator("figure svg.marks, figure .vega-embed > div > svg").all():
        box = figure.bounding_box()
        assert box["x"] + box["width"] <= 688
        assert box["height"] <= 21 * 96 / 2.54 + 1
    assert not opened.locator("nav").is_visible()
    assert opened.pdf(format="A4").startswith(b"%PDF")
