"""Run the commands that the pages show, and put their real output below them.

A block that starts with ```` ```console ```` holds a command (``$ predictor ...``) and what it
prints, one with ```` ```pycon ```` a Python session. The tests run the same and fail where a page
says otherwise. Run it as ``python docs/refresh.py``.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_SESSION = re.compile(r"```pycon\n(.*?)```", re.DOTALL)


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the ``predictor`` commands of a page's console blocks, and their output."""
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        command, _, output = block.partition("\n")
        if command.startswith("$ predictor "):
            yield command.removeprefix("$ "), output


def run(command: str) -> str:
    """Run a command in the repository's folder; return what it prints on standard output.

    Each has an empty workspace of its own, gone afterwards.
    """
    arguments = shlex.split(command)[1:]
    with tempfile.TemporaryDirectory() as workspace:
        done = subprocess.run(
            [sys.executable, "-m", "predictor", *arguments],
            cwd=ROOT,
            env={**os.environ, "PREDICTOR_WORKSPACE": workspace, "PREDICTOR_DATABASE": ""},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip("\n") + "\n"


def refreshed(text: str) -> str:
    """Return a page's text with the output of its commands renewed."""

    def renew(match: re.Match[str]) -> str:
        command, _, _ = match[1].partition("\n")
        if not command.startswith("$ predictor "):
            return match[0]
        return f"```console\n{command}\n{run(command.removeprefix('$ '))}```"

    names: dict[str, object] = {"__name__": "__main__"}
    return _SESSION.sub(lambda match: _session(match[1], names), _BLOCK.sub(renew, text))


def _session(source: str, names: dict[str, object]) -> str:
    """Run a Python session; return its block with the output renewed."""
    lines = []
    for example in doctest.DocTestParser().get_examples(source):
        prompt = ">>> "
        for line in example.source.splitlines():
            lines.append((prompt + line).rstrip())
            prompt = "... "
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example.source, "<page>", "single"), names)
        lines += [line.rstrip() for line in printed.getvalue().splitlines()]
    # Without the empty line a doctest would take the fence for output.
    return "```pycon\n" + "\n".join(lines) + "\n\n```"


def main() -> None:
    """Refresh every page."""
    for page in PAGES:
        page.write_text(refreshed(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
