"""A report from sections as Markdown, with its pictures as files beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from predictor._version import __version__
from predictor.findings import grouped
from predictor.report.document import MOST_ROWS, Section, cell_text
from predictor.report.drawing import as_svg
from predictor.writing import markdown_escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from predictor.findings import Finding


class Markdown(NamedTuple):
    """A report in Markdown.

    Parameters
    ----------
    text : str
        The document.
    pictures : dict of str to str
        SVG documents by the name of the file that the text asks for.
    """

    text: str
    pictures: dict[str, str]


def markdown_document(title: str, sections: Sequence[Section], name: str = "report") -> Markdown:
    """Return a report as Markdown; nothing that a log says can be more than text in it.

    Parameters
    ----------
    title : str
        Heading.
    sections : sequence of Section
        What is in it.
    name : str
        What names of pictures begin with.

    Examples
    --------
    >>> print(markdown_document("Runs", [Section("Ends", "At 2.5.")]).text, end="")
    # Runs
    <BLANKLINE>
    ## Ends
    <BLANKLINE>
    At 2&#46;5&#46;
    <BLANKLINE>
    ...
    """
    pictures: dict[str, str] = {}
    lines = [f"# {markdown_escaped(title)}"]
    for k, section in enumerate(sections, start=1):
        lines += _section(section, name, f"{k}", 2, pictures)
    lines.append(f"Predictor {__version__}")
    return Markdown("\n\n".join(lines) + "\n", pictures)


def markdown_archive(title: str, sections: Sequence[Section], name: str = "report") -> bytes:
    """Return a report as Markdown and its pictures in one ZIP archive, the same bytes every time.

    Parameters
    ----------
    title, sections, name
        As in :func:`markdown_document`; the text is ``NAME.md``.
    """
    document = markdown_document(title, sections, name)
    held = BytesIO()
    with ZipFile(held, "w", ZIP_DEFLATED) as archive:
        for file, text in {f"{name}.md": document.text, **document.pictures}.items():
            archive.writestr(ZipInfo(file), text, ZIP_DEFLATED)
    return held.getvalue()


def _section(
    section: Section, name: str, number: str, level: int, pictures: dict[str, str]
) -> Iterator[str]:
    yield f"{'#' * min(level, 6)} {markdown_escaped(section.title)}"
    if section.question:
        yield f"*{markdown_escaped(section.question)}*"
    yield from (markdown_escaped(line) for line in section.words.splitlines() if line)
    if section.chart is not None:
        file = f"{name}-{number}.svg"
        pictures[file] = as_svg(section.chart, background="white")
        yield f"![{markdown_escaped(section.title)}](<{file}>)"
    if section.caption:
        yield markdown_escaped(section.caption)
    if section.table is not None:
        yield _table(section.table)
    for k, part in enumerate(section.parts, start=1):
        yield from _section(part, name, f"{number}-{k}", level + 1, pictures)
    yield from _findings(section.findings)


def _table(frame: pd.DataFrame) -> str:
    from pandas.api.types import is_numeric_dtype

    rule = ["---:" if is_numeric_dtype(kind) else "---" for kind in frame.dtypes]
    rows = [map(cell_text, row) for row in frame.head(MOST_ROWS).itertuples(index=False, name=None)]
    return _rows(map(str, frame.columns), rule, rows, len(frame))


def _findings(findings: Iterable[Finding]) -> Iterator[str]:
    groups = list(grouped(findings))
    if groups:
        rows = [(one.code, whose, one.message) for one, whose in groups[:MOST_ROWS]]
        yield _rows(("Code", "Run", "What was noticed"), ["---"] * 3, rows, len(groups))


def _rows(
    head: Iterable[str], rule: Iterable[str], rows: Iterable[Iterable[str]], count: int
) -> str:
    lines = [_row(map(markdown_escaped, head)), _row(rule)]
    lines += [_row(map(markdown_escaped, row)) for row in rows]
    more = count - MOST_ROWS
    return "\n".join(lines) + (f"\n\n... and {more:,} more" if more > 0 else "")


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
