"""Read the runs that a command is about."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import click

from predictor.cli.place import parse_place
from predictor.curves.question import only_runs, seen_until
from predictor.errors import InputError
from predictor.logs.tables import AXES, RunLog

meta_option = click.option(
    "--meta",
    type=click.Path(path_type=Path),
    metavar="TABLE",
    help="Table with a column 'run' to join to the log: params, max_steps, ...  [default: none]",
)


def read_runs(
    paths: Sequence[Path],
    log_format: str | None,
    meta: Path | None,
    runs: Sequence[str],
    until: str | None = None,
    axis: str | None = None,
) -> RunLog:
    """Read training curves, join what is known of the runs, and keep what was asked for.

    Raises
    ------
    InputError
        If the paths hold no training curves, or a run or place is not there.
    """
    from predictor.logs.reading import read_logs

    log = read_logs(list(paths), log_format=log_format)
    if not isinstance(log, RunLog):
        raise InputError(f"{paths[0]}: no training curves; 'predictor inspect' says what it holds")
    if meta is not None:
        from predictor.logs.meta import join_meta

        log = join_meta(log, meta)
    log = only_runs(log, [run for name in runs for run in _meant(log, name)])
    if until is None:
        return log
    name, place = next(iter(parse_place(until, "--until").items()))
    there = [known for known in AXES if log.points[known].notna().any()]
    chosen = name or axis or next(iter(there), "step")
    if chosen not in there:
        raise InputError(
            f"--until {until}: the log has no axis '{chosen}'; it has {', '.join(there)}"
        )
    return seen_until(log, chosen, place)


def _meant(log: RunLog, name: str) -> list[str]:
    """Return the runs that a name or pattern stands for; the name itself where there is none."""
    if name in log.run_names:
        return [name]
    return [run for run in log.run_names if fnmatchcase(run, name)] or [name]
