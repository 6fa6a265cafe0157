"""The dashboard served as a user starts it, and windows of a browser on it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

#: Set to a folder, pictures of the pages are kept there.
SCREENSHOTS = "PREDICTOR_SCREENSHOTS"
_DONE = "[data-testid=stApp][data-test-script-state=notRunning]"
_PATIENCE = 120_000


@dataclass
class Served:
    """A running dashboard: where it is, what it printed, where its workspace is."""

    port: int
    log: Path
    workspace: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def wait(self, seconds: float = 60) -> Served:
        """Wait until it answers."""
        for _ in range(int(seconds * 10)):
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                    assert answer.read() == b"ok"
                return self
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Return what starts ``predictor dashboard`` with options; all end with the module's tests."""
    pytest.importorskip("streamlit")
    running: list[Served] = []

    def start(
        *options: str, port: int | None = None, cwd: Path | None = None, **env: str
    ) -> Served:
        folder = tmp_path_factory.mktemp("served")
        port = port or free_port()
        log = folder / "log"
        command = [sys.executable, "-m", "predictor", "dashboard", "--no-open", "--port", str(port),
                   "--workspace", str(folder / "workspace"), *options]  # fmt: skip
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL,
                cwd=cwd or folder, env={**os.environ, **env},
            )  # fmt: skip
        running.append(Served(port, log, folder / "workspace", process))
        return running[-1]

    yield start
    for each in running:
        each.stop()


class Window:
    """A window of the browser on a served dashboard; it remembers what went wrong in it."""

    def __init__(self, browser: Any, url: str, pictures: Path, **options: Any) -> None:
        self.url, self.pictures = url, pictures
        viewport = {"width": 1280, "height": 900}
        self.context = browser.new_context(**{"viewport": viewport, **options})
        self.page = self.context.new_page()
        self.outside: list[str] = []
        self.dialogs: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", self._asked)
        self.page.on("dialog", self._shown)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _asked(self, request: Any) -> None:
        if not re.match(rf"{re.escape(self.url)}/|data:|blob:", request.url):
            self.outside.append(request.url)

    def _shown(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def go(self, path: str = "") -> None:
        """Open an address of the dashboard."""
        self.page.goto(f"{self.url}/{path}")
        self.page.wait_for_selector("h1", timeout=_PATIENCE)
        self.settle()

    def settle(self) -> None:
        """Wait until the page has been run through and drawn."""
        for _ in range(3):
            self.page.wait_for_timeout(100)
            self.page.wait_for_selector(_DONE, timeout=_PATIENCE)
        self.page.wait_for_function(
            "!document.querySelector('[data-testid=stSkeleton]')", timeout=_PATIENCE
        )

    def switch(self, title: str) -> float:
        """Go to a page by the navigation; return the seconds until it is complete."""
        begun = time.perf_counter()
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title).click()
        heading = "Predictor" if title == "Home" else title
        self.page.get_by_role("heading", name=heading, level=1, exact=True).wait_for(
            timeout=_PATIENCE
        )
        self.page.wait_for_selector(_DONE, timeout=_PATIENCE)
        took = time.perf_counter() - begun
        self.settle()
        return took

    def upload(self, *files: Any) -> None:
        """Hand files to the page: paths, or their name and content."""
        given = [f if isinstance(f, str | Path) else _payload(*f) for f in files]
        self.page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(given)
        self.settle()

    def download(self, click: Any, folder: Path) -> Path:
        """Press a button that saves a file; return the file."""
        with self.page.expect_download(timeout=_PATIENCE) as waiting:
            click.click()
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    @property
    def text(self) -> str:
        """What can be read on the page."""
        return str(self.page.get_by_test_id("stMain").inner_text())

    def picture(self, name: str) -> Path:
        """Keep a picture of the whole page."""
        size = self.page.viewport_size
        height = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        self.page.set_viewport_size({**size, "height": min(max(height, 600), 6000)})
        self.page.wait_for_timeout(400)
        path = self.pictures / f"{name}.png"
        self.page.screenshot(path=path)
        self.page.set_viewport_size(size)
        return path

    def no_trouble(self) -> None:
        """Fail where the page asked the internet, opened a dialog or broke."""
        assert self.outside == []
        assert self.dialogs == []
        assert self.errors == []
        assert self.page.get_by_test_id("stException").count() == 0

    def close(self) -> None:
        """Close the window."""
        self.context.close()


def _payload(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


@pytest.fixture(scope="module")
def windows(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Return what opens windows on an address; all are closed with the module."""
    folder = Path(os.environ.get(SCREENSHOTS) or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    opened: list[Window] = []

    def open_window(url: str, **options: Any) -> Window:
        opened.append(Window(browser, url, folder, **options))
        return opened[-1]

    yield open_window
    for window in opened:
        window.close()
