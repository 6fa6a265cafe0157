"""The dashboard of an installed wheel: its pages are there; what breaks in one stays in the log."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Return a folder with what a wheel of this tree installs."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_page_and_data_set_is_in_the_wheel(installed):
    for kept, there in (("dashboard", "pages"), ("datasets", "bundled")):
        listed = subprocess.run(
            ["git", "ls-files", kept], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.splitlines()
        if not listed:
            pytest.skip("not a clone")
        missing = [
            name for name in listed
            if not (installed / "predictor" / there / Path(name).relative_to(kept)).is_file()
        ]  # fmt: skip
        assert not missing
    found = subprocess.run(
        [sys.executable, "-c", "from predictor.cli.dashboard import app_path; print(app_path())"],
        cwd=installed, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert Path(found.strip()) == installed / "predictor" / "pages" / "app.py"


@pytest.mark.browser
def test_what_breaks_in_a_page_is_told_to_the_log_alone(installed, serve, browser):
    page_file = installed / "predictor" / "pages" / "app_pages" / "trust.py"
    page_file.write_text('raise RuntimeError("the inner workings, with a password")\n')
    served = serve(cwd=installed).wait()
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served.url}/trust")
    page.locator("[data-testid=stException], [data-testid=stAlert]").first.wait_for()
    shown = page.inner_text("body")
    context.close()
    for secret in ("RuntimeError", "inner workings", "Traceback", "trust.py", str(installed)):
        assert secret not in shown
    log = served.log.read_text()
    assert "RuntimeError: the inner workings, with a password" in log
    assert "trust.py" in log
