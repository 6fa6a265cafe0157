"""Read logs of any format, from files and folders, into one log."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.cleaning import clean
from predictor.logs.discovery import Candidate, find_candidates, is_companion
from predictor.logs.merging import Part, merge_items, merge_responses, merge_runs, without_points
from predictor.logs.registry import Reader, detect, find_reader, reader_named
from predictor.logs.source import Source
from predictor.logs.tables import ItemLog, Log, ResponseLog, RunLog

Kind = Literal["runs", "items", "responses"]
KINDS: dict[Kind, type[Log]] = {"runs": RunLog, "items": ItemLog, "responses": ResponseLog}
_WHAT = {"runs": "training curves", "items": "results per item", "responses": "scored responses"}
#: Formats of evaluation tools that lie beside the scores they were summed up to.
_BESIDE_SCORES = frozenset({"lm-eval-samples", "inspect-ai"})

PathLike = str | os.PathLike[str]


@dataclass
class _Reading:
    """What has been read so far."""

    parts: dict[Kind, list[tuple[Source, Log]]] = field(
        default_factory=lambda: {kind: [] for kind in KINDS}
    )
    formats: dict[Kind, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    unknown: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, source: Source, reader: Reader, logs: Iterable[Log]) -> None:
        for log in logs:
            if isinstance(log, RunLog):
                log = _with_origin(log, reader.name, source.name)
            kind = next(kind for kind, table in KINDS.items() if isinstance(log, table))
            self.parts[kind].append((source, log))
            self.formats[kind].add(reader.name)

    def present(self) -> list[Kind]:
        return [kind for kind in KINDS if self.parts[kind]]


def read_logs(
    paths: PathLike | Sequence[PathLike],
    *,
    log_format: str | None = None,
    kind: Kind | None = None,
) -> Log:
    """Read logs from files and folders into one RunLog, ItemLog or ResponseLog.

    The format of each file is found by its content. A folder is searched through; files in it that
    are no logs are left out and named in a finding (PRED008), as are logs in it that cannot be
    read. A file named in ``paths`` must be readable. Run names are made unique: where two files
    hold different runs of one name, the file's path is put in front.

    Parameters
    ----------
    paths : path or sequence of paths
        Files and folders; gzip is undone.
    log_format : str, optional
        Name of the format (``"table"``, ``"tensorboard"``, ...) instead of detection.
    kind : {"runs", "items", "responses"}, optional
        What to read where the paths hold several kinds. By default training curves win over the
        per-item files that an evaluation tool wrote beside its scores; anything else is refused.

    Returns
    -------
    RunLog, ItemLog or ResponseLog
        Cleaned: see :func:`predictor.logs.cleaning.clean`.

    Raises
    ------
    InputError
        If a path does not exist, a named file cannot be read, or nothing was found.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"unknown kind '{kind}': choose one of {', '.join(KINDS)}")
    listed = _as_paths(paths)
    reader = reader_named(log_format) if log_format else None
    reading = _read_all(find_candidates(listed), reader)
    chosen, findings = _choose(reading, kind, listed)
    findings += _ignored(reading)
    return _finish(chosen, reading, findings, listed)


def read_kinds(paths: PathLike | Sequence[PathLike]) -> dict[Kind, Log]:
    """Read logs of every kind that the paths hold, each file once.

    Parameters
    ----------
    paths : path or sequence of paths
        As for :func:`read_logs`.

    Returns
    -------
    dict of str to RunLog, ItemLog or ResponseLog
        By kind; never empty.

    Raises
    ------
    InputError
        If a path does not exist, a named file cannot be read, or nothing was found.
    """
    listed = _as_paths(paths)
    reading = _read_all(find_candidates(listed), None)
    if not reading.present():
        raise InputError(_nothing(reading, None, listed))
    found: dict[Kind, Log] = {}
    refusal = None
    for kind in reading.present():
        try:
            found[kind] = _finish(kind, reading, _ignored(reading), listed)
        except InputError as error:
            refusal = error
    if not found and refusal is not None:
        raise refusal
    return found


def _with_origin(log: RunLog, log_format: str, source: str) -> RunLog:
    """Say of every run where it comes from, where the reader did not."""
    origin = {"format": log_format, "source": source}
    missing = {name: value for name, value in origin.items() if name not in log.runs}
    return replace(log, runs=log.runs.assign(**missing)) if missing else log


def _as_paths(paths: PathLike | Sequence[PathLike]) -> list[Path]:
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not several:
        raise InputError("no log was named; give at least one file or folder")
    return [Path(path) for path in several]


def _read_all(candidates: Sequence[Candidate], reader: Reader | None) -> _Reading:
    reading = _Reading()
    taken: list[Path] = []
    for candidate in candidates:
        source = candidate.source
        if not any(source.path.is_relative_to(folder) for folder in taken):
            used = _read_one(candidate, reader, reading)
            if used is not None and used.whole_folder:
                taken.append(source.path.parent)
    return reading


def _read_one(candidate: Candidate, reader: Reader | None, reading: _Reading) -> Reader | None:
    """Read one file; in a folder, note what cannot be read and go on."""
    source = candidate.source
    if candidate.named_by_user:
        used: Reader | None = reader or detect(source)
        assert used is not None
        reading.add(source, used, used.read(source))
        return used
    if is_companion(source.path) and reader is None:
        return _read_companion(source, reading)
    try:
        used = _reader_in_folder(source, reader)
        if used is None:
            reading.unknown.append(source.name)
        else:
            reading.add(source, used, used.read(source))
    except InputError as error:
        reading.broken.append(str(error))
        return None
    return used


def _read_companion(source: Source, reading: _Reading) -> Reader | None:
    """Read a companion only where it stands for a whole folder, as ``meta.yaml`` may."""
    try:
        used = find_reader(source, named_by_user=False)
        if used is None or not used.whole_folder:
            return None
        reading.add(source, used, used.read(source))
    except InputError:
        return None
    return used


def _reader_in_folder(source: Source, reader: Reader | None) -> Reader | None:
    if reader is None:
        return find_reader(source, named_by_user=False)
    return reader if source.head.strip() and reader.recognises(source) else None


def _choose(
    reading: _Reading, kind: Kind | None, paths: Sequence[Path]
) -> tuple[Kind, list[Finding]]:
    present = reading.present()
    if not present or (kind and kind not in present):
        raise InputError(_nothing(reading, kind, paths))
    if kind or len(present) == 1:
        return kind or present[0], []
    if present == ["runs", "items"] and reading.formats["items"] <= _BESIDE_SCORES:
        count = len(reading.parts["items"])
        message = f"{count} files with results per item left out; kind='items' reads those instead"
        return "runs", [Finding("PRED008", message)]
    what = " and ".join(f"{_WHAT[each]} (kind='{each}')" for each in present)
    raise InputError(f"{_shown(paths)}: holds {what}; choose one kind, or name fewer files")


def _nothing(reading: _Reading, kind: Kind | None, paths: Sequence[Path]) -> str:
    if reading.broken:
        more = len(reading.broken) - 1
        return reading.broken[0] + (f" ({more} more files cannot be read either)" if more else "")
    wanted = _WHAT[kind] if kind else "logs"
    seen = f"; {len(reading.unknown)} files there are of no known format" if reading.unknown else ""
    return (
        f"{_shown(paths)}: no {wanted} found{seen}; name a log file, or its format with log_format"
    )


def _shown(paths: Sequence[Path]) -> str:
    return ", ".join(str(path) for path in paths[:3]) + (" ..." if len(paths) > 3 else "")


def _ignored(reading: _Reading) -> list[Finding]:
    findings = [Finding("PRED008", f"left out: {error}") for error in reading.broken]
    if reading.unknown:
        names = ", ".join(reading.unknown[:3]) + (" ..." if len(reading.unknown) > 3 else "")
        message = f"{len(reading.unknown)} files are no logs and were left out: {names}"
        findings.append(Finding("PRED008", message))
    return findings


def _finish(kind: Kind, reading: _Reading, findings: list[Finding], paths: Sequence[Path]) -> Log:
    logs = reading.parts[kind]
    if kind == "items":
        items = merge_items([log for _, log in logs if isinstance(log, ItemLog)])
        return replace(items, findings=(*items.findings, *findings))
    if kind == "responses":
        responses = merge_responses([log for _, log in logs if isinstance(log, ResponseLog)])
        return replace(responses, findings=(*responses.findings, *findings))
    parts = [
        Part(log, source.name, source.run_hint) for source, log in logs if isinstance(log, RunLog)
    ]
    merged, more = without_points(merge_runs(parts))
    if merged.points.empty:
        why = "; ".join(f.message for f in merged.findings if f.code == "PRED008") or (
            "no column is an axis (step, tokens, samples, epoch, flops, wall_time); name the "
            "column that counts training so"
        )
        raise InputError(f"{_shown(paths)}: no curve found: {why}")
    merged = clean(merged)
    return replace(merged, findings=(*_grouped(merged.findings), *more, *findings))


def _grouped(findings: Iterable[Finding]) -> list[Finding]:
    """Say once what was noticed in the same words in several files."""
    files: dict[tuple[str, str, str | None], list[Finding]] = {}
    for finding in findings:
        files.setdefault((finding.code, finding.message, finding.run), []).append(finding)
    return [_of_many(same) for same in files.values()]


def _of_many(same: Sequence[Finding]) -> Finding:
    if len(same) == 1:
        return same[0]
    return replace(same[0], message=f"{same[0].message} ({len(same)} files)", source=None)
