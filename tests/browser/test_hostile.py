"""Names that mean harm, in a real browser: shown, saved and reported as the text that they are."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

from predictor.store.workspace import Workspace

pytestmark = pytest.mark.browser

MARKUP = (
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/x.png)",
    "[x](http://evil.example/page)",
    "+1+1",
    "@SUM(1)",
    "-2+3",
    "javascript:alert(1)//www.evil.example",
    "';alert(1);//\u2028",
)
METRIC = "<b>loss</b> ![x](http://evil.example/y.png)"
ACTIVE = (
    "img[src*=evil], a[href*=evil]:not([href^='#']), a[href^='javascript'], "
    "[data-testid=stMain] script"
)


def hostile_log() -> bytes:
    target = io.StringIO()
    rows = csv.writer(target, lineterminator="\n")
    rows.writerow(["run", "step", METRIC])
    for k, name in enumerate(MARKUP):
        for step in range(1, 21):
            rows.writerow([name, step, 2 + 3 / step + 0.01 * k])
    return target.getvalue().encode()


@pytest.fixture(scope="module")
def served(serve: Any) -> Any:
    return serve("--max-upload", "2").wait()


@pytest.fixture(scope="module")
def window(windows: Any, served: Any) -> Any:
    window = windows(served.url)
    window.go()
    return window


def harmless(window: Any) -> None:
    window.no_trouble()
    active = window.page.locator(ACTIVE).evaluate_all("all => all.map(one => one.outerHTML)")
    assert active == []


def test_a_file_that_is_too_large_is_refused(window: Any, served: Any) -> None:
    window.upload(("large.csv", b"step,loss\n" + b"1,2\n" * (700 * 1024)))
    assert re.search(r"must be .*2.*MB or smaller", window.text)
    with Workspace.open(served.workspace) as workspace:
        assert workspace.uploads() == []
    window.go()


def test_markup_is_text_on_every_page(window: Any, served: Any) -> None:
    window.upload(("<u>a</u> ![x](http://evil.example/z.png).csv", hostile_log()))
    assert "<b>loss</b>" in window.text
    window.picture("hostile-home")
    harmless(window)
    with Workspace.open(served.workspace) as workspace:
        runs = workspace.runs()
        workspace.set_group([int(n) for n in runs["id"]], "![g](http://evil.example/g.png)")
        assert set(runs["name"]) >= set(MARKUP[:-1])
    for title in ("Runs", "Learning curves", "Run health", "Gates", "Trust", "Home"):
        window.switch(title)
        harmless(window)
    window.switch("Learning curves")
    window.page.get_by_test_id("stMultiSelect").get_by_role("combobox").click()
    for _ in range(3):
        window.page.keyboard.press("Enter")
        window.settle()
    window.page.keyboard.press("Escape")
    assert window.page.get_by_test_id("stVegaLiteChart").count() > 1
    window.page.get_by_test_id("stVegaLiteChart").first.hover()
    harmless(window)
    window.picture("hostile-curves")


def test_tables_that_are_saved_run_no_formula(window: Any, tmp_path: Path) -> None:
    window.switch("Gates")
    saved = window.download(window.page.get_by_role("button", name="Table (CSV)").first, tmp_path)
    cells = [cell for row in csv.reader(io.StringIO(saved.read_text())) for cell in row]
    assert any("cmd|" in cell for cell in cells)
    for cell in cells:
        assert not re.match(r"[=@\t]|[+-](?![\d.])|[+-][\d.]+[^\d.e+-]", cell), cell


def test_a_report_of_such_names_is_text(window: Any, browser: Any, tmp_path: Path) -> None:
    window.switch("Learning curves")
    report = window.download(window.page.get_by_role("button", name="Report (HTML)"), tmp_path)
    context = browser.new_context(offline=True)
    page, dialogs, asked = context.new_page(), [], []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_timeout(500)
    assert "<b>loss</b>" in page.inner_text("body")
    assert page.locator("img[src*=evil], a[href*=evil], a[href^='javascript']").count() == 0
    assert dialogs == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()
