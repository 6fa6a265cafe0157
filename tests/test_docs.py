"""The pages say what the program says; their Python sessions run as doctests."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from predictor.cli import cli
from predictor.findings import KINDS

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
refresh = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(refresh)

SHOWN = [(page.name, *shown) for page in refresh.PAGES for shown in refresh.commands(page)]


@pytest.mark.parametrize(("page", "command", "output"), SHOWN)
def test_command_prints_what_the_page_shows(page, command, output, tmp_path):
    printed = refresh.run(command)
    for written in ("predictor-demo.html", "predictor-report.html"):
        (ROOT / written).unlink(missing_ok=True)
    assert _numbers_rounded(printed) == _numbers_rounded(output)


def _numbers_rounded(text: str) -> str:
    """Round long numbers: their last digits differ between processors."""
    return re.sub(r"\d+\.\d{6,}", lambda match: f"{float(match[0]):.5g}", text)


def test_every_command_is_shown_and_every_shown_command_is_there():
    shown = {command.split()[1] for _, command, _ in SHOWN}
    assert shown == set(cli.list_commands(None))


def test_every_finding_is_explained_and_every_explained_finding_is_there():
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    explained = dict(re.findall(r"`(PRED\d+)` \| (\w+) \|", page))
    assert explained == {code: kind.severity.value for code, kind in KINDS.items()}


@pytest.mark.parametrize("page", refresh.PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target


def test_no_page_has_a_placeholder_left():
    for page in refresh.PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"\b(BENCH\w*|SPEED\w*|[A-Z]+TABLE|TEST_LINE|TODO)\b", text), page.name
