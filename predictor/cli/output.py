"""Print a result: text for people, exactly one JSON document, or a CSV table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from predictor.findings import Finding, Severity, grouped
from predictor.writing import csv_text, printable, write_whole

if TYPE_CHECKING:
    from rich.table import Table

__all__ = [
    "csv_text", "emit", "json_text", "print_findings", "printable", "progress", "table_text",
]  # fmt: skip


def json_text(command: str, body: dict[str, Any], findings: Iterable[Finding]) -> str:
    """Return the command's JSON document."""
    warnings = [finding.to_dict() for finding in findings]
    document = {"schema": f"predictor/{command}/1", **body, "warnings": warnings}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def emit(text: str, output: Path | None) -> None:
    """Write to standard output, or whole or not at all to a file."""
    if output is None:
        click.echo(text, nl=False)
        return
    write_whole(text, output, "--output")


def print_findings(findings: Iterable[Finding], quiet: bool) -> None:
    """Say what was noticed on stderr, each thing once, with the number of runs it holds for."""
    if quiet:
        return
    loud = [finding for finding in findings if finding.severity is not Severity.INFO]
    for one, runs in grouped(loud):
        whose = f" [{runs}]" if runs else ""
        click.echo(printable(f"{one.code} {one.message}{whose}"), err=True)


def table_text(table: Table) -> str:
    """Return a rich table as plain text, as wide as it needs."""
    from rich.console import Console

    console = Console(width=200, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


@contextmanager
def progress(label: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on stderr while work goes on, when a person watches."""
    import sys

    if quiet or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
