"""Take the picture of the dashboard that its page shows: ``python docs/screenshot.py``."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
PORT = 8599
SIZE = {"width": 1280, "height": 1230}


def main() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium: docs/dashboard.png stays as it is")
    with tempfile.TemporaryDirectory() as workspace:
        options = ["--no-open", "--port", str(PORT), "--workspace", workspace]
        served = subprocess.Popen([sys.executable, "-m", "predictor", "dashboard", *options])
        try:
            _wait()
            _write(_taken(chromium))
        finally:
            served.terminate()
            served.wait()


def _wait() -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/_stcore/health", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def _taken(chromium: str) -> bytes:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.set_default_timeout(120_000)
        page.goto(f"http://127.0.0.1:{PORT}/")
        page.get_by_role("button", name="Load the examples").click()
        page.get_by_text("The examples are in the workspace").wait_for()
        page.goto(f"http://127.0.0.1:{PORT}/curves?share=50")
        page.locator("canvas, svg.marks").first.wait_for()
        page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
        page.wait_for_timeout(2000)
        picture = page.screenshot()
        browser.close()
    return picture


def _write(picture: bytes) -> None:
    """Write the picture in a few colours: it is shown small, and cloned by everybody."""
    from PIL import Image

    Image.open(io.BytesIO(picture)).convert("RGB").quantize(64).save(
        HERE / "dashboard.png", optimize=True
    )


if __name__ == "__main__":
    main()
