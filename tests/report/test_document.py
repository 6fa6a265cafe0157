"""Reports: nothing outside them is asked for, nothing in a log is more than text."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from zipfile import ZipFile

import altair as alt
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from predictor.findings import Finding
from predictor.report.document import Section, cell_text, every_section, html_document
from predictor.report.html import html_report
from predictor.report.markdown import markdown_archive, markdown_document
from predictor.report.sections import (
    alignment_section,
    capacity_section,
    curves_section,
    downstream_section,
    gate_section,
    health_section,
    items_section,
    logged_section,
    scaling_section,
    trust_section,
)

from .examples import (
    HOSTILE,
    alignment,
    answer,
    backtested,
    capacity,
    chain,
    gated,
    health,
    runs,
    scaling,
    spiked,
    suite,
)

#: As it is shown: with nothing that could end a line.
SHOWN = HOSTILE.replace("\u2028", "\N{REPLACEMENT CHARACTER}")


class Parsed(HTMLParser):
    """What a page is made of: tags with attributes, scripts and text apart."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.scripts, self.text, self.open = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
        elif not self.open or self.open[-1] != "style":
            self.text.append(data)


def hostile_chart():
    rows = pd.DataFrame({"run": [HOSTILE, "b"], "value": [1.0, 2.0]})
    return alt.Chart(rows).mark_bar().encode(x="value:Q", y="run:N", tooltip="run:N")


@pytest.fixture(scope="module")
def hostile():
    table = pd.DataFrame({HOSTILE: [HOSTILE], "value": [float("nan")]})
    finding = Finding("PRED001", HOSTILE, HOSTILE)
    inner = Section(HOSTILE, HOSTILE, hostile_chart(), table, caption=HOSTILE)
    return [Section(HOSTILE, HOSTILE, hostile_chart(), table, (finding,), HOSTILE, parts=(inner,))]


@pytest.fixture(scope="module")
def page(hostile):
    return html_document(HOSTILE, hostile)


def test_no_address_leads_outside(page):
    parsed = Parsed(page)
    for tag, attrs in parsed.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img", "form"}, tag
        for name in ("src", "srcset", "action", "poster", "data"):
            assert name not in attrs, (tag, name)
        for name in ("href", "xlink:href"):
            assert attrs.get(name, "#").startswith(("#", "data:text/csv;base64,")), attrs
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_not_even_as_text(page):
    addresses = set(re.findall(r"https?://[^\s\"'`<>\\)]+", page.replace(HOSTILE, "")))
    assert all(address.startswith("http://www.w3.org/") for address in addresses), addresses


def test_markup_in_names_stays_text(page):
    parsed = Parsed(page)
    code = [text for attrs, text in parsed.scripts if attrs.get("type") != "application/json"]
    assert len(code) == 2
    assert not any(tag == "img" for tag, _ in parsed.tags)
    assert not any(name.startswith("on") for _, attrs in parsed.tags for name in attrs)
    assert "".join(parsed.text).count(SHOWN) >= 6


def test_a_chart_in_the_page_is_the_chart_as_data(page):
    data = [text for attrs, text in Parsed(page).scripts if attrs.get("type") == "application/json"]
    assert len(data) == 2
    for text in data:
        assert not set("<>&\u2028\u2029") & set(text)
        rows = next(iter(json.loads(text)["datasets"].values()))
        assert rows[0]["run"] == SHOWN


def test_rows_of_a_chart_can_be_taken_along_defused(page):
    links = [attrs["href"] for tag, attrs in Parsed(page).tags if attrs.get("download")]
    assert len(links) == 2
    rows = b64decode(links[0].partition(",")[2]).decode()
    assert pd.read_csv(io.StringIO(rows))["run"][0] == f"'{SHOWN}"


def test_no_character_of_a_name_breaks_a_chart():
    named = "a\u2028b\n\x00c"
    rows = pd.DataFrame({"run": [named], "value": [1.0]})
    tip = alt.Tooltip("value:Q", title=f'{named}"]; alert(1)', format=".3g")
    chart = alt.Chart(rows, title=named).mark_bar().encode(
        x="value:Q", y=alt.Y("run:N", sort=[named]), tooltip=["run:N", tip]
    )  # fmt: skip
    assert "<svg" in html_document("x", [Section("a", chart=chart)])


def test_pictures_on_a_page_share_no_names():
    page = html_document("x", [Section(str(k), chart=hostile_chart()) for k in range(2)])
    names = [attrs["id"] for _, attrs in Parsed(page).tags if "id" in attrs]
    assert len(names) == len(set(names))
    for used in re.findall(r"url\(#([\w-]+)\)", page[: page.index("<script>")]):
        assert used in names


def test_the_policy_lets_only_the_two_scripts_run(page):
    from base64 import b64encode
    from hashlib import sha256

    (policy,) = [attrs["content"] for _, attrs in Parsed(page).tags if "http-equiv" in attrs]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    code = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert allowed == [b64encode(sha256(text.encode()).digest()).decode() for text in code]


def test_it_is_small_and_without_charts_smaller():
    chart = html_document("x", [Section("a", chart=hostile_chart())])
    assert 500_000 < len(chart.encode()) < 1_200_000
    assert len(html_document("x", [Section("a", "b")]).encode()) < 10_000


def test_long_tables_and_many_findings_are_cut_and_say_so():
    table = pd.DataFrame({"a": range(250)})
    findings = tuple(Finding("PRED003", f"step {k}") for k in range(203))
    page = html_document("x", [Section("a", table=table, findings=findings)])
    assert "... and 50 more" in page
    assert "... and 3 more" in page
    assert page.count("<tr>") + page.count('<tr class="info">') == 402


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, "True"), (None, ""), (3, "3"), (12_345_678, "1.235e+07"), (0.00012346, "0.0001235"),
     (54_321.6, "54322"), (float("inf"), "inf")],
)  # fmt: skip
def test_cells(value, shown):
    assert cell_text(value) == shown


def test_markdown_shows_names_as_they_are_and_nothing_else(hostile):
    document = markdown_document(HOSTILE, hostile, "r")
    rendered = Parsed(
        MarkdownIt("commonmark", {"html": True}).enable("table").render(document.text)
    )
    assert {tag for tag, _ in rendered.tags} <= {
        "h1", "h2", "h3", "p", "em", "img", "table", "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip
    pictures = [attrs["src"] for tag, attrs in rendered.tags if tag == "img"]
    assert pictures == list(document.pictures) == ["r-1.svg", "r-1-1.svg"]
    assert all(svg.startswith("<svg") for svg in document.pictures.values())
    assert HOSTILE.replace("\u2028", " ") in "".join(rendered.text)


def test_an_archive_holds_text_and_pictures(hostile):
    data = markdown_archive("x", hostile, "r")
    assert data == markdown_archive("x", hostile, "r")
    assert ZipFile(io.BytesIO(data)).namelist() == ["r.md", "r-1.svg", "r-1-1.svg"]


def answers():
    return [
        curves_section(answer()),
        scaling_section(scaling()),
        downstream_section(suite(), {"digits": chain()}),
        capacity_section(capacity()),
        alignment_section(alignment()),
        health_section(spiked(), health()),
        gate_section(gated()),
        trust_section(backtested()),
    ]


def test_every_section_has_question_answer_chart_and_table():
    for section in answers():
        every = list(every_section([section]))
        assert section.question.endswith("?"), section.title
        assert section.answered, section.title
        assert any(one.words for one in every), section.title
        assert any(one.table is not None for one in every), section.title
        charts = [one for one in every if one.chart is not None]
        assert charts, section.title
        assert all(one.caption for one in charts), section.title


def test_what_cannot_be_forecast_is_shown_with_the_reason():
    from predictor import dataset_path, read_logs

    logged = logged_section(runs(), "val_loss", "the log does not tell")
    items = items_section(read_logs(dataset_path("mlp_ladder")))
    assert not logged.answered
    assert not items.answered
    assert "the log does not tell" in logged.words
    assert len(items.table) == 10


def test_the_report_of_a_forecast_shows_what_then_happened():
    hidden = pd.DataFrame({"run": "width-16-seed-0", "place": [15000.0], "value": [1.2]})
    page = html_report(answer(), "Ends", hidden)
    assert page.count("rings are what then happened.") == 1
    assert "val_loss at step=20000 is 1." in page
    assert page == html_report(answer(), "Ends", hidden)
