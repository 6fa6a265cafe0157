"""A user's way through the dashboard, in a real browser on a real server."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from predictor.store.workspace import Workspace

pytestmark = pytest.mark.browser

TITLES = ("Runs", "Learning curves", "Scaling and budget", "Benchmarks", "Capacity", "Responses",
          "Run health", "Gates", "Trust", "Home")  # fmt: skip
EXAMPLES = ("mlp_runs", "mlp_scaling", "mlp_ladder", "text_compression", "response_strategies")
LOGS = Path(__file__).resolve().parents[2] / "datasets" / "mlp_runs" / "logs"
CSV = "step,val_loss\n" + "".join(f"{n * 100},{2 + 3 / n**0.5:.6f}\n" for n in range(1, 41))
NANOGPT = "number of parameters: 124.34M\n" + "".join(
    f"step {n}: train loss {3 + 8 / (n / 100 + 1):.4f}, val loss {3.1 + 8 / (n / 100 + 1):.4f}\n"
    f"iter {n}: loss {3 + 8 / (n / 100 + 1):.4f}, time 250.50ms, mfu 31.75%\n"
    for n in range(0, 5000, 100)
)
#: Logs that the tools wrote themselves, and how each is called on the page of runs.
REAL = {
    "trainer-state": ["hf_trainer_state/mt5_summarize_2023.json"],
    "lightning": ["lightning_csv/version_5"],
    "lm-eval": ["lm_eval/v03_pythia"],
    "megatron": ["megatron_console/blowup-1-1793404.out"],
    "mlflow-sqlite": ["mlflow_sqlite/four_runs.db"],
    "mlflow-files": ["mlflow_file_store"],
    "tensorboard": ["tensorboard/torch_writer"],
    "wandb": ["wandb/ui_export.csv"],
}


def zipped(folder: Path) -> tuple[str, bytes]:
    """Return a folder as the zip file that a user makes of it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, Path(folder.name) / path.relative_to(folder))
    return f"{folder.name}.zip", target.getvalue()


@pytest.fixture(scope="module")
def served(serve: Any) -> Any:
    return serve().wait()


@pytest.fixture(scope="module")
def window(windows: Any, served: Any) -> Any:
    window = windows(served.url)
    window.go()
    return window


def button(window: Any, name: str) -> Any:
    return window.page.get_by_role("button", name=name, exact=True)


def formats(served: Any) -> set[str]:
    with Workspace.open(served.workspace) as workspace:
        return set(workspace.runs()["format"])


def test_an_empty_workspace_says_what_to_do(window: Any) -> None:
    assert "First upload a log" in window.text
    window.picture("home-empty")
    for title in TITLES:
        window.switch(title)
        assert window.page.get_by_test_id("stAlert").count(), title
    window.no_trouble()


def test_a_log_is_dropped_and_a_forecast_stands_on_screen(window: Any) -> None:
    window.switch("Home")
    window.upload(("first.csv", CSV.encode()))
    window.page.locator("canvas, .vega-embed svg").first.wait_for()
    assert "90 % interval" in window.text
    assert re.search(r"val_loss at step=\d+ is 2\.\d+", window.text)
    window.picture("home-forecast")
    window.no_trouble()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("output.log", NANOGPT.encode()),
        ("metrics.tsv", CSV.replace(",", "\t").encode()),
        zipped(LOGS),
    ],
    ids=["nanogpt", "tsv", "zip"],
)
def test_every_text_format_is_read(window: Any, name: str, content: bytes) -> None:
    window.go()
    window.upload((name, content))
    assert "Read:" in window.text, window.text
    assert "90 % interval" in window.text
    window.no_trouble()


@pytest.mark.parametrize("kind", REAL)
def test_every_tool_s_own_log_is_read(
    window: Any, served: Any, shared_data: Path, kind: str
) -> None:
    paths = [shared_data / "sample-logs" / name for name in REAL[kind]]
    window.go()
    window.upload(*(zipped(path) if path.is_dir() else path for path in paths))
    assert "Read:" in window.text, window.text
    assert kind in formats(served)
    window.no_trouble()


def test_results_by_item_are_read(window: Any, served: Any, shared_data: Path) -> None:
    window.go()
    window.upload(shared_data / "sample-logs" / "inspect_ai" / "data_arc_qwen.json")
    assert "Benchmarks: what a larger model will score" in window.text
    window.no_trouble()


def test_the_examples_fill_every_page(window: Any) -> None:
    window.go()
    button(window, "Load the examples").click()
    window.settle()
    for title in TITLES:
        window.switch(title)
        window.no_trouble()
        assert not window.page.get_by_text("nothing here yet").count()
        window.picture(title.lower().replace(" ", "-"))
        if title not in ("Runs", "Trust"):
            assert window.page.get_by_test_id("stVegaLiteChart").count(), title


def test_a_report_and_pictures_are_saved(window: Any, browser: Any, tmp_path: Path) -> None:
    window.go()
    window.upload(("last.csv", CSV.replace("100,", "101,", 1).encode()))
    window.switch("Learning curves")
    report = window.download(button(window, "Report (HTML)"), tmp_path)
    opens_alone(browser, report)
    markdown = window.page.get_by_role("button", name=re.compile("Markdown"))
    assert "90 % interval" in saved_text(window.download(markdown, tmp_path))
    button(window, "Download").first.click()
    picture = window.download(window.page.get_by_text("Picture (PNG)").first, tmp_path)
    with Image.open(picture) as image:
        assert min(image.size) > 200
    drawing = window.download(window.page.get_by_text("Picture (SVG)").first, tmp_path)
    assert "<svg" in drawing.read_text()
    data = window.download(window.page.get_by_text("Data (CSV)").first, tmp_path)
    assert len(data.read_text().splitlines()) > 10
    window.page.keyboard.press("Escape")
    window.no_trouble()


def opens_alone(browser: Any, report: Path) -> None:
    """Check that a report is drawn with the network cut, asking for nothing."""
    text = report.read_text()
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", text)
    context = browser.new_context(offline=True)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.locator("figure svg, figure canvas").first.wait_for()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert "90 % interval" in page.inner_text("body")
    context.close()


def saved_text(path: Path) -> str:
    """Return the text of a Markdown report, alone or with its pictures in a zip file."""
    if path.suffix != ".zip":
        return path.read_text()
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".md"))
        return archive.read(name).decode()


def test_runs_are_there_again_and_deleting_is_undone(
    window: Any, windows: Any, served: Any
) -> None:
    window.page.reload()
    window.settle()
    again = windows(served.url)
    again.go("runs")
    names = kept_names(served)
    assert "first" in names
    again.page.get_by_label("Filter by name, group or tag").fill("first")
    again.page.keyboard.press("Enter")
    again.settle()
    tick_first_row(again)
    again.page.get_by_test_id("stVegaLiteChart").wait_for()
    button(again, "Delete").click()
    again.page.get_by_text("Deleted first.").wait_for()
    assert kept_names(served) == names - {"first"}
    button(again, "Undo").click()
    again.page.get_by_text("Deleted first.").wait_for(state="detached")
    assert kept_names(served) == names
    again.no_trouble()


def kept_names(served: Any) -> set[str]:
    with Workspace.open(served.workspace) as workspace:
        return set(workspace.runs()["name"])


def tick_first_row(window: Any) -> None:
    """Tick the first row of the table: it is drawn, so that one clicks at a place."""
    window.page.get_by_test_id("stDataFrame").first.click(position={"x": 15, "y": 50})
    window.settle()


def test_thresholds_are_edited_and_the_verdict_turns(window: Any) -> None:
    window.go("gates")
    before = window.page.get_by_text(re.compile(r"Gate: \w+")).first.inner_text()
    grid = window.page.get_by_test_id("stDataFrame").first
    grid.click(position={"x": 60, "y": 50})
    for _ in ("metric", "at", "upper end at most"):
        window.page.keyboard.press("ArrowRight")
        window.page.wait_for_timeout(100)
    window.page.keyboard.type("0.001", delay=100)
    window.page.keyboard.press("Enter")
    window.page.get_by_text(re.compile("Gate: fail")).wait_for()
    window.settle()
    assert "Gate: fail" not in before
    assert "upper = 0.001" in window.text
    window.no_trouble()


@pytest.mark.parametrize(
    "paths",
    [
        ("", "runs", "curves"),
        pytest.param(
            ("scaling", "benchmarks", "capacity", "responses", "health", "gates", "trust"),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["first pages", "all others"],
)
def test_a_phone_wide_window_needs_no_scrolling_aside(
    windows: Any, served: Any, paths: tuple[str, ...]
) -> None:
    with_examples(served)
    phone = windows(served.url, viewport={"width": 390, "height": 844}, is_mobile=True,
                    has_touch=True)  # fmt: skip
    for path in paths:
        phone.go(path)
        wide = phone.page.evaluate(
            "Math.max(document.documentElement.scrollWidth,"
            " document.querySelector('[data-testid=stMain]').scrollWidth)"
        )
        phone.picture(f"phone-{path or 'home'}")
        assert wide <= 390, f"{path}: {wide} pixels wide"
    phone.no_trouble()


def with_examples(served: Any) -> None:
    """Store what the button on the first page does, where it was not pressed yet."""
    with Workspace.open(served.workspace) as workspace:
        for name in EXAMPLES:
            workspace.add_bundled(name)


def test_dark_and_light(windows: Any, served: Any) -> None:
    with_examples(served)
    shades = {}
    for scheme in ("light", "dark"):
        window = windows(served.url, color_scheme=scheme)
        window.go("curves")
        window.page.get_by_test_id("stVegaLiteChart").first.wait_for()
        with Image.open(window.picture(f"curves-{scheme}")) as image:
            shades[scheme] = image.convert("L").resize((1, 1)).getpixel((0, 0))
        window.no_trouble()
    assert shades["dark"] < 80 < 175 < shades["light"]
