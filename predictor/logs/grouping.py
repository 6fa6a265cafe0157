"""Which rows of a table belong to which run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from predictor.logs import columns as names
from predictor.logs.tables import AXES

#: A text column with a new word in more than this share of the rows (but not in each, as names of
#: rows that are runs have) describes rows, not runs.
_TOO_VARIED = 0.5
_FEW_ROWS = 20


@dataclass(frozen=True)
class Runs:
    """The runs of a table.

    Parameters
    ----------
    names : list of str
        Run names in order of appearance, unique.
    codes : array of int
        For each row the position of its run in ``names``.
    columns : tuple of str
        The columns that tell the runs apart.
    """

    names: list[str]
    codes: npt.NDArray[np.intp]
    columns: tuple[str, ...]


def group_rows(
    frame: pd.DataFrame,
    axes: dict[str, tuple[str, float]],
    taken: Collection[str],
    run_hint: str,
    metric: str | None = None,
) -> Runs:
    """Tell the runs of a table apart.

    Columns named as a run's name (``run``, ``name``, ``model``, ...) always do. Other words and
    settings (``seed``, ``dataset``) do where they vary and the axis repeats or goes back without
    them: then the file holds several runs one after the other.
    """
    free = [name for name in frame.columns if name not in taken]
    strong = _strong(frame, free)
    codes = _codes(frame, strong)
    place = next((axes[axis][0] for axis in AXES if axis in axes), None)
    weak = [name for name in free if name not in strong and _may_divide(frame, name)]
    weak = [name for name in weak if frame[name].groupby(codes).nunique(dropna=False).max() > 1]
    if place is None:
        weak = [name for name in weak if not pd.api.types.is_numeric_dtype(frame[name])]
    if weak and (place is None or _repeats(frame, place, codes, metric)):
        strong = [name for name in frame.columns if name in (*strong, *weak)]
        codes = _codes(frame, strong)
    if not strong:
        return Runs([run_hint], codes, ())
    return Runs(_names(frame, strong, codes, run_hint), codes, tuple(strong))


def _strong(frame: pd.DataFrame, free: Sequence[str]) -> list[str]:
    """Columns that name runs by themselves."""
    found = [name for name in free if names.canonical(name) in names.RUN_NAMES]
    return [name for name in found if frame[name].notna().any()]


def _may_divide(frame: pd.DataFrame, name: str) -> bool:
    """Whether words or settings in this column may tell runs apart."""
    if pd.api.types.is_numeric_dtype(frame[name]):
        return names.is_setting(name) and not names.looks_measured(name)
    kinds = frame[name].nunique()
    return len(frame) <= _FEW_ROWS or kinds == len(frame) or kinds <= _TOO_VARIED * len(frame)


def _codes(frame: pd.DataFrame, by: Sequence[str]) -> npt.NDArray[np.intp]:
    if not by:
        return np.zeros(len(frame), dtype=np.intp)
    grouped = frame.groupby(list(by), sort=False, dropna=False)
    return np.asarray(grouped.ngroup(), dtype=np.intp)


def _repeats(
    frame: pd.DataFrame, place: str, codes: npt.NDArray[np.intp], metric: str | None
) -> bool:
    """Whether within a run the axis stands still or goes back from row to row."""
    key = [codes, frame[metric]] if metric else codes
    return bool((frame[place].groupby(key).diff() <= 0).any())


def _names(
    frame: pd.DataFrame, by: Sequence[str], codes: npt.NDArray[np.intp], run_hint: str
) -> list[str]:
    """Name each run by the one column that suffices, or by all joined."""
    first = frame.loc[~pd.Series(codes, index=frame.index).duplicated(), list(by)]
    best = sorted(by, key=_preference)[0]
    single = _words(first[best])
    if _preference(best) < len(names.RUN_NAMES) and single.is_unique and single.ne("").all():
        return list(single)
    parts = [_words(first[name], name) for name in by if first[name].nunique(dropna=False) > 1]
    if not parts:
        return [run_hint]
    return _unique(["/".join(row) for row in zip(*parts, strict=True)])


def _preference(name: str) -> int:
    plain = names.canonical(name)
    return names.RUN_NAMES.index(plain) if plain in names.RUN_NAMES else len(names.RUN_NAMES)


def _words(column: pd.Series, label: str = "") -> pd.Series:
    """Return the values as words; numbers of a named setting say which setting."""
    if not pd.api.types.is_numeric_dtype(column):
        return column.fillna("").astype(str).str.strip()
    numbers = column.map(lambda value: "" if pd.isna(value) else f"{value:.15g}").astype(str)
    return (
        f"{label}=" + numbers if label and _preference(label) >= len(names.RUN_NAMES) else numbers
    )


def _unique(labels: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
    count: dict[str, int] = {}
    unique = []
    for label in labels:
        count[label] = count.get(label, 0) + 1
        unique.append(label if seen[label] == 1 else f"{label} #{count[label]}")
    return unique
