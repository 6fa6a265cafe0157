"""Options that all commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

_COMMON = (
    click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json", "csv"]),
        default="text",
        show_default=True,
        help="How to print: for people, for programs, or as a table.",
    ),
    click.option(
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the result to this file.  [default: standard output]",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        show_default=True,
        help="Seed of everything random; the same seed gives the same bytes.",
    ),
    click.option("--quiet", is_flag=True, help="Print no messages or progress.  [default: print]"),
)


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--format``, ``--output``, ``--seed`` and ``--quiet``."""
    return reduce(lambda decorated, option: option(decorated), reversed(_COMMON), command)


def paths_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the files and folders that a command reads, and ``--log-format``."""
    command = click.option(
        "--log-format",
        metavar="NAME",
        help="Format of the logs, where detection by content errs.  [default: detected]",
    )(command)
    paths = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
    return paths(command)
