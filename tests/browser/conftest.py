"""A headless Chromium, and the dashboard served as a user starts it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
          "--disable-component-update", "--disable-sync")  # fmt: skip


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


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Return a headless Chromium; what needs one is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium: install Debian's package of this name")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=path, args=list(_QUIET))
        yield chromium
        chromium.close()


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
