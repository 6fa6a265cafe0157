"""What uploaded files are good for: found by reading them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.reading import Kind, read_kinds
from predictor.logs.tables import Log, RunLog

#: Tables of a few rows: larger files are not tried, so that a long log is read once.
_LARGEST_TABLE = 4 * 1024**2
_MOST_TABLES = 50
#: Columns of a compression table that name files.
_FILES_NAMED = ("config", "samples", "results")
_TABLES = (".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet", ".gz")


@dataclass(frozen=True)
class Content:
    """What an upload holds.

    Parameters
    ----------
    kinds : tuple of str
        Of "runs", "items", "responses" (logs), "scaling" and "capacity" (tables).
    logs : mapping
        The log of each of the first three kinds.
    """

    kinds: tuple[str, ...]
    logs: Mapping[Kind, Log]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed on reading, each thing once."""
        return tuple(dict.fromkeys(f for log in self.logs.values() for f in log.findings))


def read_content(root: Path, names: Sequence[str]) -> Content:
    """Read the files below a folder.

    Parameters
    ----------
    root : Path
        The folder; its name stands for the run where nothing else names it.
    names : sequence of str
        The files, relative to it. One alone must be readable; of several, those that are no logs
        are left out with a finding, as in a folder.

    Raises
    ------
    InputError
        If nothing can be read; the reader's own words.
    """
    paths = [root / names[0]] if len(names) == 1 else [root]
    logs: dict[Kind, Log] = {}
    refusal: InputError | None = None
    try:
        logs = {kind: _relative(log, root) for kind, log in read_kinds(paths).items()}
    except InputError as error:
        refusal = error
    tables = [root / name for name in names if _may_be_table(root / name)][:_MOST_TABLES]
    uses = {"scaling": _is_scaling, "capacity": _is_capacity}
    found = [use for use, test in uses.items() if _any(test, tables)]
    if refusal is not None and not found:
        raise InputError(_without(str(refusal), root)) from None
    if found and not _has_curves(logs.get("runs")):
        logs.pop("runs", None)
    return Content((*logs, *found), logs)


def _has_curves(log: Log | None) -> bool:
    """Return whether a curve has more than one point; a table of final results has none."""
    if not isinstance(log, RunLog):
        return False
    return bool(log.points.duplicated(["run", "metric"]).any())


def _may_be_table(path: Path) -> bool:
    return path.suffix.lower() in _TABLES and path.stat().st_size <= _LARGEST_TABLE


def _any(test: Callable[[Path], bool], paths: Sequence[Path]) -> bool:
    for path in paths:
        with suppress(InputError):
            if test(path):
                return True
    return False


def _is_scaling(path: Path) -> bool:
    """Return whether a table has runs of different sizes, and the loss of each."""
    from predictor.scaling.table import read_runs

    runs = read_runs(path).runs
    return bool(runs["params"].nunique() > 1 or runs["flops"].nunique() == len(runs) > 1)


def _is_capacity(path: Path) -> bool:
    """Return whether a table says how well models compress text, alone or by what came along."""
    from predictor.capacity.table import read_table

    return not _leads_outside(path) and bool(read_table(path)[0])


def _leads_outside(path: Path) -> bool:
    """Return whether a table names files that did not come with it: those of the server."""
    from predictor.capacity.columns import by_canonical_name
    from predictor.logs.frames import read_table
    from predictor.logs.source import Source

    frame = read_table(Source(path, path.name, path.stem)).frame
    known = by_canonical_name([str(column) for column in frame.columns])
    columns = [frame[known[name]] for name in _FILES_NAMED if name in known]
    named = {value for column in columns for value in column.dropna() if isinstance(value, str)}
    return any(value.strip() and not _beside(path, value) for value in named)


def _beside(path: Path, value: str) -> bool:
    plain = PurePosixPath(value)
    inside = not plain.is_absolute() and ".." not in plain.parts
    return inside and (path.parent / plain).is_file()


def _relative(log: Any, root: Path) -> Any:
    """Speak of files by the names that they came with."""
    findings = tuple(
        replace(
            finding,
            message=_without(finding.message, root),
            source=finding.source and _without(finding.source, root),
        )
        for finding in log.findings
    )
    if isinstance(log, RunLog) and "source" in log.runs:
        sources = log.runs["source"].astype(str).map(lambda source: _without(source, root))
        log = replace(log, runs=log.runs.assign(source=sources))
    return replace(log, findings=findings)


def _without(text: str, root: Path) -> str:
    return text.replace(f"{root}/", "").replace(str(root), "the upload")
