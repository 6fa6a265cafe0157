"""The command ``predictor gate``: whether this may be merged or launched."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from predictor.cli.options import common_options
from predictor.cli.output import csv_text, emit, json_text, printable, progress
from predictor.writing import write_whole

if TYPE_CHECKING:
    import pandas as pd

_GATE = "Gate file: TOML with [tool.predictor.gate].  [default: predictor.toml or pyproject.toml]"
_JUNIT = "Write the verdicts here as JUnit XML.  [default: none]"
_MARKDOWN = "Write the verdicts here as Markdown, with a picture beside it (.svg).  [default: none]"
_GITHUB = "Print GitHub annotations on stderr.  [default: where GITHUB_ACTIONS=true]"
_CACHE = "Folder that keeps verdicts by the content of logs and checks.  [default: none]"
_UPDATE = "Store the logs of now as the baseline instead of checking."


@click.command("gate", short_help="May this be merged or launched?")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help=_JUNIT)
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help=_MARKDOWN)
@click.option("--github/--no-github", default=None, help=_GITHUB)
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help=_CACHE)
@click.option("--update-baseline", is_flag=True, help=_UPDATE + "  [default: check]")
@common_options
def command(
    config: Path | None,
    junit: Path | None,
    markdown: Path | None,
    github: bool | None,
    cache: Path | None,
    update_baseline: bool,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Carry out the checks of CONFIG: forecasts against thresholds, a baseline or other runs."""
    from predictor.gates.annotations import annotations_text
    from predictor.gates.checking import check_gates
    from predictor.gates.config import find_gate
    from predictor.gates.junit import junit_text
    from predictor.gates.markdown import intervals_svg, markdown_text

    path = config if config is not None else find_gate(Path())
    if update_baseline:
        return _update(path, output, quiet)
    with progress("checking", quiet) as tell:
        result = check_gates(path, cache=cache, seed=seed or None, progress=tell)
    files: dict[Path | None, Callable[[], str]] = {
        junit: lambda: junit_text(result),
        markdown: lambda: markdown_text(result),
        markdown and markdown.with_suffix(".svg"): lambda: intervals_svg(result),
    }
    for file, text in files.items():
        if file is not None:
            write_whole(text(), file, "--junit" if file == junit else "--markdown")
    if form == "json":
        emit(json_text("gate", result.to_dict(), ()), output)
    elif form == "csv":
        emit(csv_text(_frame(result.to_dict()["checks"])), output)
    else:
        emit(_text(result.summary(), str(result.status)), output)
    if github if github is not None else os.environ.get("GITHUB_ACTIONS") == "true":
        click.echo(annotations_text(result, str(path)), nl=False, err=True)
    return result.exit_status


def _update(path: Path, output: Path | None, quiet: bool) -> int:
    from predictor.gates.baseline import write_baseline
    from predictor.gates.checking import update_baseline

    file, baseline = update_baseline(path)
    write_baseline(baseline, output or file)
    if not quiet:
        runs = sum(len(entry.runs) for entry in baseline.checks.values())
        click.echo(f"{output or file}: {len(baseline.checks)} checks, {runs} runs stored", err=True)
    return 0


def _text(summary: str, status: str) -> str:
    lines = [printable(line) for line in summary.splitlines()]
    return "\n".join([*lines, f"gate: {status}"]) + "\n"


def _frame(checks: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for check in checks:
        forecast = check.pop("forecast") or {}
        numbers = {key: forecast.get(key) for key in ("value", "lower", "upper", "level")}
        check["warnings"], check["muted"] = " ".join(check["warnings"]), " ".join(check["muted"])
        rows.append(check | numbers)
    return pd.DataFrame(rows)
