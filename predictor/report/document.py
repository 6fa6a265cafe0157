"""A report from sections: one HTML file that needs nothing but itself."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from predictor._version import __version__
from predictor.findings import Finding, grouped
from predictor.report import live
from predictor.report.drawing import chart_spec, spec_data, svg_text
from predictor.report.theme import DARK, LIGHT
from predictor.writing import csv_text, printable

if TYPE_CHECKING:
    from predictor.report.theme import AnyChart

#: More rows or findings than this nobody reads on a page.
MOST_ROWS = 200
_HERE = Path(__file__).parent
_IDENTITY = re.compile(r"""\b(id="|url\(#|href="#)([\w-]+)""")
#: What would end a script, or a line of it, within a text.
_UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class Section:
    """One question and its answer.

    Parameters
    ----------
    title : str
        Heading.
    words : str
        The answer, one paragraph a line.
    chart : Altair chart, optional
        Drawn live, with its picture where scripts are off.
    table : DataFrame, optional
        Its columns' names are shown as they are.
    findings : tuple of Finding
        What was noticed.
    question : str
        What is asked, below the heading.
    caption : str
        What the chart says, below it.
    parts : tuple of Section
        Sections within.
    answered : bool
        Whether the data carry an answer.
    """

    title: str
    words: str = ""
    chart: AnyChart | None = None
    table: pd.DataFrame | None = None
    findings: tuple[Finding, ...] = ()
    question: str = ""
    caption: str = ""
    parts: tuple[Section, ...] = ()
    answered: bool = True


def html_document(title: str, sections: Sequence[Section]) -> str:
    """Return a page with live charts in one file that asks for nothing outside it.

    All text is escaped, and a policy in the page lets no script run but its own two.

    Parameters
    ----------
    title : str
        Heading.
    sections : sequence of Section
        What is in it.

    Examples
    --------
    >>> page = html_document("Runs <b>", [Section("Where do they end?", "At 2.5.")])
    >>> "<h1>Runs &lt;b&gt;</h1>" in page, "vegaEmbed" in page
    (True, False)
    """
    parts = [_section(section, f"{k}", 2) for k, section in enumerate(sections, start=1)]
    drawn = any(section.chart is not None for section in every_section(sections))
    scripts = [live.bundle(), _text("page.js")] if drawn else []
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{_shown(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n",
            f"<h1>{_shown(title)}</h1>\n",
            _contents(sections),
            *parts,
            f"<footer>Predictor {__version__}</footer>\n",
            *(f"<script>{script}</script>\n" for script in scripts),
            "</body>\n</html>\n",
        ]
    )


def cell_text(value: Any) -> str:
    """Return what a table shows of a value.

    Examples
    --------
    >>> [cell_text(v) for v in (10700.0, 1.09231, 3e21, float("nan"), "a")]
    ['10700', '1.092', '3e+21', '', 'a']
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None or value is pd.NA else str(value)
    if value != value:
        return ""
    if 1e4 <= abs(value) < 1e7 or (float(value).is_integer() and abs(value) < 1e7):
        return f"{value:.0f}"
    return f"{value:.4g}"


def _section(section: Section, name: str, level: int) -> str:
    heading = f"h{min(level, 4)}"
    inner = [_section(p, f"{name}-{k}", level + 1) for k, p in enumerate(section.parts, start=1)]
    question = f'<p class="question">{_shown(section.question)}</p>\n' if section.question else ""
    return "".join(
        [
            f'<section id="s{name}">\n<{heading}>{_shown(section.title)}</{heading}>\n{question}',
            _paragraphs(section.words),
            _figure(section, name) if section.chart is not None else "",
            _table(section.table) if section.table is not None else "",
            *inner,
            _findings(section.findings),
            "</section>\n",
        ]
    )


def _contents(sections: Sequence[Section]) -> str:
    if len(sections) < 2:
        return ""
    lines = [f'<li><a href="#s{k}">{_shown(s.title)}</a></li>' for k, s in enumerate(sections, 1)]
    return f"<nav><ul>\n{''.join(lines)}\n</ul></nav>\n"


def _paragraphs(words: str) -> str:
    return "".join(f'<p class="answer">{_shown(line)}</p>\n' for line in words.splitlines() if line)


def _figure(section: Section, name: str) -> str:
    assert section.chart is not None
    spec = chart_spec(section.chart)
    picture, rows = svg_text(spec), spec_data(spec)
    # It is an address, though nobody asks for what is there.
    spec.pop("$schema", None)
    data = json.dumps(spec, allow_nan=False, separators=(",", ":")).translate(_UNSAFE)
    # Names within a picture are its own: those of several pictures on a page must differ.
    picture = _IDENTITY.sub(rf"\g<1>c{name}-\g<2>", picture)
    table = b64encode(csv_text(rows).encode()).decode()
    return (
        f'<figure data-chart="chart-{name}">\n<div class="picture">{picture}</div>\n'
        f'<script type="application/json">{data}</script>\n'
        f"<figcaption>{_shown(section.caption)} "
        f'<a class="download" download="chart-{name}.csv" href="data:text/csv;base64,{table}">'
        "Data (CSV)</a></figcaption>\n</figure>\n"
    )


def _table(frame: pd.DataFrame) -> str:
    numbers = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
    css = [' class="number"' if number else "" for number in numbers]
    cells = zip(css, frame.columns, strict=True)
    head = "".join(f'<th scope="col"{c}>{_shown(str(name))}</th>' for c, name in cells)
    rows = "".join(
        f"<tr>{''.join(_cell(c, v) for c, v in zip(css, row, strict=True))}</tr>\n"
        for row in frame.head(MOST_ROWS).itertuples(index=False, name=None)
    )
    return (
        f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}'
        f"</tbody></table></div>\n{_more(len(frame))}"
    )


def _cell(css: str, value: Any) -> str:
    return f"<td{css}>{_shown(cell_text(value))}</td>"


def _findings(findings: Iterable[Finding]) -> str:
    groups = list(grouped(findings))
    if not groups:
        return ""
    rows = "".join(
        f'<tr class="{one.severity}"><td class="code">{one.code}</td><td>{_shown(whose)}</td>'
        f"<td>{_shown(one.message)}</td></tr>\n"
        for one, whose in groups[:MOST_ROWS]
    )
    heads = ("Code", "Run" if any(whose for _, whose in groups) else "", "What was noticed")
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    return (
        f'<div class="table"><table>\n<caption>Findings</caption>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody></table></div>\n{_more(len(groups))}"
    )


def _more(count: int) -> str:
    more = count - MOST_ROWS
    return f'<p class="more">... and {more:,} more</p>\n' if more > 0 else ""


def _shown(text: str) -> str:
    return escape(printable(text))


def _policy(scripts: Iterable[str]) -> str:
    """Let nothing be fetched, and no script run but these."""
    digests = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _style() -> str:
    """Return the page's style; on dark ground charts change their ink with it."""
    inks = ("ink", "faint", "grid")
    swapped = "".join(_swapped(getattr(LIGHT, name), getattr(DARK, name)) for name in inks)
    ground = "--ink: #e8e8ea; --soft: #a9a9b0; --ground: #141416; --line: #37373c; --link: #7cc0ee;"
    return (
        f"{_text('page.css')}@media screen and (prefers-color-scheme: dark) {{\n"
        f"  :root {{ {ground} }}\n{swapped}}}\n"
    )


def _swapped(light: str, dark: str) -> str:
    return "".join(
        f'  figure svg [{part}="{light}"] {{ {part}: {dark}; }}\n' for part in ("fill", "stroke")
    )


def every_section(sections: Iterable[Section]) -> Iterator[Section]:
    """Yield sections and those within them, in the order of reading."""
    for section in sections:
        yield section
        yield from every_section(section.parts)
