"""Several logs made into one: runs that go on from file to file, names that clash."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import PurePosixPath

import pandas as pd

from predictor.findings import Finding
from predictor.logs.tables import AXES, POINT_COLUMNS, ItemLog, ResponseLog, RunLog

#: Formats that write one run into several files of a folder, each going on from the last.
_SPREAD_OVER_FILES = frozenset({"tensorboard", "megatron"})
#: Formats that write one file a checkpoint, wherever it is.
_FILE_A_CHECKPOINT = frozenset({"lm-eval"})
_SUFFIXES = r"(\.(csv|tsv|txt|jsonl?|ndjson|parquet|log|out|gz))+$"
_JOB_NUMBER = re.compile(r"[-_.]?\d{4,}$")


@dataclass(frozen=True)
class Part:
    """A RunLog as read from one file.

    Parameters
    ----------
    log : RunLog
        What the reader returned.
    name : str
        The file's name as the user knows it.
    run_hint : str
        The run name that the file's name suggested.
    """

    log: RunLog
    name: str
    run_hint: str

    @property
    def folder(self) -> str:
        """Folder of the file."""
        return str(PurePosixPath(self.name).parent)

    @cached_property
    def metrics(self) -> dict[str, frozenset[str]]:
        """Metrics of each run."""
        pairs = self.log.points[["run", "metric"]].drop_duplicates()
        return {str(run): frozenset(names) for run, names in pairs.groupby("run")["metric"]}

    @cached_property
    def axes(self) -> frozenset[str]:
        """Axes on which the file has places."""
        return frozenset(axis for axis in AXES if self.log.points[axis].notna().any())

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Points of each run's longest curve."""
        curves = self.log.points.groupby(["run", "metric"], sort=False).size()
        return {str(run): int(size) for run, size in curves.groupby(level="run").max().items()}


def merge_runs(parts: Sequence[Part]) -> RunLog:
    """Make one RunLog of several, every run name unique.

    Files of one run (TensorBoard event files of a folder, console logs that go on after a
    restart, one evaluation file a checkpoint, tables of different metrics with the same run
    names) are joined in order of time. Other runs of the same name get the path of their file
    in front.
    """
    parts = _facts_of_curves(_join_restarts(parts))
    holders: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        for run in part.log.run_names:
            holders[run].append(part)
    base = _common_folder(parts)
    renamed = [_renamed(part, holders, base) for part in parts]
    return _stack([part.log for part in renamed])


def _common_folder(parts: Sequence[Part]) -> str:
    """Return the folder that all files are in: no need to name it in front of runs."""
    folders = [part.folder for part in parts]
    if len({folder.startswith("/") for folder in folders}) > 1:
        return ""
    return os.path.commonpath(folders)


def _join_restarts(parts: Sequence[Part]) -> list[Part]:
    """Give console logs of one job the same run name where each goes on from the last."""
    families: dict[tuple[str, str], list[Part]] = defaultdict(list)
    for part in parts:
        if _format(part) == "megatron" and part.log.run_names == [part.run_hint]:
            families[part.folder, _JOB_NUMBER.sub("", part.run_hint)].append(part)
    new_names = {
        id(part): base
        for (_, base), family in families.items()
        if base and len(family) > 1 and _go_on(family)
        for part in family
    }
    return [
        _rename(part, {part.run_hint: new_names[id(part)]}) if id(part) in new_names else part
        for part in parts
    ]


def _go_on(family: Iterable[Part]) -> bool:
    starts = [part.log.points["step"].min() for part in family]
    return all(later > earlier for earlier, later in pairwise(starts))


def _format(part: Part) -> str:
    return str(part.log.runs["format"].iloc[0]) if len(part.log.runs) else ""


def _renamed(part: Part, holders: dict[str, list[Part]], base: str) -> Part:
    """Put the file's path before run names that other files use for other runs."""
    new = {
        run: _qualified(part, run, holders[run], base)
        for run in part.log.run_names
        if len(holders[run]) > 1 and not _same_run(run, holders[run])
    }
    return _rename(part, new) if new else part


def _qualified(part: Part, run: str, holders: Sequence[Part], base: str) -> str:
    """Return the run's name with its folder, or its file where the folder does not suffice."""
    path = PurePosixPath(re.sub(_SUFFIXES, "", os.path.relpath(part.name, base or ".")))
    folders = {holder.folder for holder in holders}
    if path.parent.name == run and len(folders) == len(holders):
        return str(path.parent)
    return str(path) if run in (part.run_hint, path.name) else f"{path}/{run}"


def _same_run(run: str, parts: Sequence[Part]) -> bool:
    """Return whether these files are parts of one run rather than runs of one name."""
    formats = {_format(part) for part in parts}
    if len(formats) > 1:
        return False
    if formats <= _FILE_A_CHECKPOINT:
        return True
    if len({part.folder for part in parts}) > 1:
        return False
    if formats <= _SPREAD_OVER_FILES:
        return True
    metrics = [part.metrics.get(run, frozenset()) for part in parts]
    return len(frozenset().union(*metrics)) == sum(map(len, metrics))


def _facts_of_curves(parts: Sequence[Part]) -> list[Part]:
    """Where a table has one row a run and the curves are in other files, take it as facts."""
    curves: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        for run in (run for run, size in part.sizes.items() if size > 1):
            curves[run] |= part.axes
    return [_as_facts(part) if _describes(part, curves) else part for part in parts]


def _describes(part: Part, curves: dict[str, set[str]]) -> bool:
    """Return whether a table has one row a run, on no axis on which most runs have curves."""
    sizes = part.sizes
    if _format(part) != "table" or len(sizes) < 2 or max(sizes.values()) > 1:
        return False
    drawn = [run for run in sizes if curves.get(run)]
    return len(drawn) > len(sizes) / 2 and not any(curves[run] & part.axes for run in drawn)


def _as_facts(part: Part) -> Part:
    points = part.log.points
    values = points.pivot_table(index="run", columns="metric", values="value", aggfunc="last")
    runs = part.log.runs.merge(
        values.reset_index(), on="run", how="left", suffixes=("", " (value)")
    )
    return replace(part, log=replace(part.log, points=points.iloc[:0], runs=runs))


def _rename(part: Part, new: dict[str, str]) -> Part:
    log = part.log
    points, runs = log.points.copy(deep=False), log.runs.copy(deep=False)
    points["run"] = points["run"].replace(new)
    runs["run"] = runs["run"].replace(new)
    findings = tuple(replace(f, run=new.get(f.run, f.run)) if f.run else f for f in log.findings)
    return replace(part, log=RunLog(points, runs, findings))


def _stack(logs: Sequence[RunLog]) -> RunLog:
    if len(logs) == 1:
        return logs[0]
    filled = [log.points for log in logs if len(log.points)]
    points = pd.concat(filled, ignore_index=True) if filled else logs[0].points
    rows: dict[str, dict[str, object]] = {}
    for log in logs:
        for row in log.runs.to_dict("records"):
            known = rows.setdefault(str(row["run"]), {})
            known.update({str(key): value for key, value in row.items() if pd.notna(value)})
    runs = pd.DataFrame(list(rows.values()))
    return RunLog(points[list(POINT_COLUMNS)], runs, tuple(f for log in logs for f in log.findings))


def merge_items(logs: Sequence[ItemLog]) -> ItemLog:
    """Make one ItemLog of several."""
    findings = tuple(finding for log in logs for finding in log.findings)
    return ItemLog(_concat([log.items for log in logs]), findings)


def merge_responses(logs: Sequence[ResponseLog]) -> ResponseLog:
    """Make one ResponseLog of several."""
    findings = tuple(finding for log in logs for finding in log.findings)
    return ResponseLog(_concat([log.responses for log in logs]), findings)


def _concat(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Stack frames; columns of names stay compact."""
    if len(frames) == 1:
        return frames[0]
    columns = list(dict.fromkeys(name for frame in frames for name in frame.columns))
    filled = [frame.dropna(axis="columns", how="all") for frame in frames]
    return pd.concat([_with_plain_names(frame) for frame in filled], ignore_index=True).reindex(
        columns=columns
    )


def _with_plain_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Return categories as text: those of several files differ."""
    kinds = frame.dtypes.items()
    named = [name for name, kind in kinds if isinstance(kind, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(named, str)) if named else frame


def without_points(log: RunLog) -> tuple[RunLog, list[Finding]]:
    """Leave out runs of which only facts are known."""
    drawn = set(log.points["run"].unique())
    alone = [run for run in log.run_names if run not in drawn]
    if not alone:
        return log, []
    runs = log.runs[log.runs["run"].isin(drawn)].reset_index(drop=True)
    listed = ", ".join(alone[:3]) + (" ..." if len(alone) > 3 else "")
    finding = Finding("PRED008", f"{len(alone)} runs without any logged value left out: {listed}")
    return replace(log, runs=runs), [finding]
