"""How fast the dashboard is: first forecast of a large log, switch of pages, many sessions at once.

    python benchmarks/dashboard.py [--seconds 120] [--sessions 20]

A server is started as a user starts it. The first two are measured in a headless Chromium, which
shares the machine with the server; the sessions speak the server's own protocol over websockets,
as that many browsers would need a machine of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np

from predictor.store.workspace import Given, Workspace

EXAMPLES = ("mlp_runs", "mlp_scaling", "mlp_ladder", "text_compression", "response_strategies")
TITLES = ("Runs", "Learning curves", "Scaling and budget", "Benchmarks", "Capacity", "Responses",
          "Run health", "Gates", "Trust", "Home")  # fmt: skip
CHARTLESS = ("Runs", "Trust")
RUNS, BYTES = 200, 5 * 10**6
FINISHED = "[data-testid=stApp][data-test-script-state=notRunning]"


def log_text(rows: int, seed: int) -> str:
    """Return a log such as a trainer writes: a falling loss with noise, and three more columns."""
    rng = np.random.default_rng(seed)
    step = np.arange(1, rows + 1) * 10
    loss = 2 + rng.uniform(2, 4) * step**-0.3 * np.exp(0.02 * rng.standard_normal(rows))
    norm = np.exp(0.2 * rng.standard_normal(rows))
    lines = (f"{s},{v:.6f},{g:.5f},0.0003\n" for s, v, g in zip(step, loss, norm, strict=True))
    return "step,train_loss,grad_norm,learning_rate\n" + "".join(lines)


def large_log(folder: Path, seed: int) -> Path:
    """Write a log of 5 MB."""
    path = folder / f"large-{seed}.csv"
    path.write_text(log_text(BYTES // len("100000,2.123456,1.12345,0.0003\n"), seed))
    return path


def fill(folder: Path) -> None:
    """Store 200 runs, in uploads of different sizes, and one example of each kind."""
    with Workspace.open(folder) as workspace:
        for name in EXAMPLES:
            workspace.add_bundled(name)
        sizes = [1] * 40 + [8] * 20
        for number, size in enumerate(sizes):
            seeds = [number * 100 + k for k in range(size)]
            files = [Given(f"s{n}/run-{n}.csv", log_text(400, n).encode()) for n in seeds]
            workspace.add(files, f"sweep {number}")
        print(f"{len(workspace.runs())} runs in {len(workspace.uploads())} uploads are stored")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a workspace; yield the address once it answers and has imported what it needs."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    command = [sys.executable, "-m", "predictor", "dashboard", "--no-open", "--port", str(port),
               "--workspace", str(folder)]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


@contextmanager
def browser_page(url: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(180_000)
        page.goto(url)
        page.wait_for_selector("h1")
        page.wait_for_selector(FINISHED)
        yield page
        chromium.close()


def measure_upload(folder: Path) -> None:
    """Print the seconds from dropping 5 MB to the forecast on screen, for several such logs."""
    with served(folder / "workspace") as url, browser_page(url) as page:
        page.wait_for_timeout(5000)
        times = [dropped(page, url, large_log(folder, seed)) for seed in range(5)]
    shown = ", ".join(f"{took:.2f}" for took in times)
    print(f"first forecast of a log of {BYTES / 1e6:.1f} MB: {shown} s (bar 3 s){load()}")


def dropped(page: Any, url: str, path: Path) -> float:
    """Drop a log on the page; return the seconds until its forecast is drawn."""
    begun = time.perf_counter()
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(path)
    page.get_by_role("heading", name=f"{path.stem}: train_loss").wait_for()
    page.locator(".vega-embed canvas, .vega-embed svg").first.wait_for()
    took = time.perf_counter() - begun
    page.goto(url)
    page.wait_for_selector(FINISHED)
    page.wait_for_timeout(1000)
    return took


def measure_switches(url: str) -> None:
    """Print how long each page takes, the first time and when its answers are known."""
    with browser_page(url) as page:
        times: dict[str, list[float]] = {title: [] for title in TITLES}
        for _ in range(4):
            for title in TITLES:
                times[title].append(switch(page, title))
    print(f"switch to a page with {RUNS} runs stored (bar 1 s when its answers are known){load()}")
    for title, (first, *later) in times.items():
        print(f"  {title:20} first {first:6.2f} s, then {np.median(later):5.2f} s")


def switch(page: Any, title: str) -> float:
    """Go to a page; return the seconds until it is complete."""
    heading = "Predictor" if title == "Home" else title
    begun = time.perf_counter()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
    page.get_by_role("heading", name=heading, level=1, exact=True).wait_for()
    if title not in CHARTLESS:
        page.locator(".vega-embed canvas, .vega-embed svg").first.wait_for()
    page.wait_for_selector(FINISHED)
    took = time.perf_counter() - begun
    page.wait_for_timeout(500)
    return took


class Session:
    """One who clicks: asks the server for pages over its websocket, as a browser does."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url.replace("http", "ws") + "/_stcore/stream"
        self._rng = random.Random(seed)
        self._pages: dict[str, str] = {}
        self.times: list[float] = []
        self.errors: list[str] = []

    async def run(self, until: float) -> None:
        """Click until a time; errors are kept."""
        from websockets.asyncio.client import connect

        try:
            async with connect(self._url, max_size=None, subprotocols=["streamlit"]) as socket:
                await self._ask(socket, "", "")
                while time.monotonic() < until:
                    path, code = self._rng.choice(list(self._pages.items()))
                    share = self._rng.choice((50, 75, 100))
                    query = f"share={share}" if path == "curves" else ""
                    begun = time.perf_counter()
                    await self._ask(socket, code, query)
                    self.times.append(time.perf_counter() - begun)
                    await asyncio.sleep(self._rng.uniform(1, 5))
        except Exception as error:
            self.errors.append(f"{type(error).__name__}: {error}")

    async def _ask(self, socket: Any, code: str, query: str) -> None:
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        ask = BackMsg()
        ask.rerun_script.query_string = query
        ask.rerun_script.page_script_hash = code
        await socket.send(ask.SerializeToString())
        while True:
            message = ForwardMsg.FromString(await socket.recv())
            kind = message.WhichOneof("type")
            if kind == "navigation":
                self._pages = {
                    p.url_pathname: p.page_script_hash for p in message.navigation.app_pages
                }
            elif kind == "delta":
                self._look(message.delta.new_element)
            elif kind == "script_finished":
                if message.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
                    self.errors.append("the script did not finish")
                return

    def _look(self, element: Any) -> None:
        from streamlit.proto.Alert_pb2 import Alert

        if element.WhichOneof("type") == "exception":
            self.errors.append(element.exception.message)
        elif element.alert.format == Alert.ERROR and "Gate: " not in element.alert.body:
            self.errors.append(element.alert.body)


async def click_through(url: str, sessions: int, seconds: float) -> None:
    """Print errors and times of many sessions at once."""
    clicking = [Session(url, seed) for seed in range(sessions)]
    until = time.monotonic() + seconds
    await asyncio.gather(*(each.run(until) for each in clicking))
    times = np.array([t for each in clicking for t in each.times])
    errors = [error for each in clicking for error in each.errors]
    print(f"{sessions} sessions for {seconds:g} s: {len(times)} reruns, {len(errors)} errors, "
          f"median {np.median(times):.2f} s, 95th percentile {np.quantile(times, 0.95):.2f} s, "
          f"longest {times.max():.2f} s{load()}")  # fmt: skip
    for error in sorted(set(errors))[:10]:
        print(f"  {error}")


def load() -> str:
    """Return what else the machine has to do."""
    return f"; load of {os.cpu_count()} cores {os.getloadavg()[0]:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--only", choices=["upload", "switches", "sessions"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.only in (None, "upload"):
            measure_upload(Path(name))
        if options.only == "upload":
            return
        folder = Path(name) / "full"
        fill(folder)
        with served(folder) as url:
            if options.only in (None, "switches"):
                measure_switches(url)
            if options.only in (None, "sessions"):
                asyncio.run(click_through(url, options.sessions, options.seconds))


if __name__ == "__main__":
    main()
