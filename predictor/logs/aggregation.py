"""Rows of results per item, streamed from disk and summed to trials and passes by DuckDB.

The file is never held in memory: only the sums are, names as categories.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from predictor.findings import Finding
from predictor.logs.frames import read_table, told_apart
from predictor.logs.layout import Layout
from predictor.logs.source import MAX_LINE_BYTES, Source
from predictor.logs.tables import ITEM_COLUMNS

MEMORY_LIMIT = "300MB"
#: DuckDB holds buffers of twice this size a thread.
_MAX_OBJECT_BYTES = 4 * 1024**2
_THREADS = 2
_BATCH_ROWS = 100_000
#: Up to this many rows item names are kept as text, beyond as categories where they come again.
_MANY_ROWS = 1_000_000


@dataclass(frozen=True)
class ItemColumns:
    """Where in a table the parts of a result stand: column names, or None where there is none.

    Parameters
    ----------
    model, benchmark : str
        A column, or with ``fixed`` a name for all rows.
    item : str
        The item's column.
    checkpoint, shots : str, optional
        The model's checkpoint; the number of examples in the prompt, which makes it another
        benchmark.
    score : str, optional
        Share of trials passed, or pass and fail.
    trials, passes : str, optional
        Counts.
    facts : dict
        For ``params``, ``tokens`` and ``flops``: column and factor.
    kept : tuple of str
        Further columns to keep.
    only : tuple, optional
        A column and the one value of it to read.
    """

    item: str
    model: str | None = None
    benchmark: str | None = None
    checkpoint: str | None = None
    score: str | None = None
    trials: str | None = None
    passes: str | None = None
    shots: str | None = None
    facts: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, str] | None = None

    @property
    def used(self) -> list[str]:
        """Columns of the file that are read."""
        plain = [self.item, self.model, self.benchmark, self.checkpoint, self.score]
        plain += [self.trials, self.passes, self.shots, *self.kept]
        plain += [self.only[0]] if self.only else []
        facts = [column for column, _ in self.facts.values()]
        return list(dict.fromkeys([*(name for name in plain if name), *facts]))


def sum_items(
    source: Source, layout: Layout, columns: ItemColumns
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return one row a model, checkpoint, benchmark and item with trials and passes summed.

    Raises
    ------
    InputError
        If no row holds an item and a result, or passes exceed trials.
    """
    import duckdb

    with _connection() as connection:
        try:
            rows = _rows(connection, source, layout, columns)
            total, used = connection.execute(_count(rows, columns)).fetchall()[0]
            if not used:
                raise source.error(
                    f"no row holds an item ('{columns.item}') and a number "
                    f"('{columns.score or columns.passes}'); log the result of each item"
                )
            pieces = _fetch(connection.sql(_query(rows, columns)))
        except duckdb.Error as error:
            reason = str(error).strip().splitlines()[0][:160]
            raise source.error(f"cannot be read as a table of items ({reason})") from None
    frame = _frame(pieces)
    findings = _check(source, frame, columns.passes is not None)
    if used < total:
        message = f"{total - used} of {total} rows without an item and a number were left out"
        findings.append(Finding("PRED010", message, source=source.name))
    return _arranged(frame, columns), findings


@contextmanager
def _connection() -> Iterator[Any]:
    import duckdb

    with tempfile.TemporaryDirectory(prefix="predictor-") as spill:
        settings: dict[str, Any] = {
            "memory_limit": MEMORY_LIMIT,
            "threads": str(_THREADS),
            "temp_directory": spill,
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
        }
        connection = duckdb.connect(":memory:", config=settings)
        # Standard output belongs to the document that is printed there.
        connection.execute("SET enable_progress_bar = false")
        try:
            yield connection
        finally:
            connection.close()


def _rows(connection: Any, source: Source, layout: Layout, columns: ItemColumns) -> str:
    """Return SQL for the file's rows, the columns needed as text."""
    path = _quoted(str(source.path))
    gzip = ", compression='gzip'" if source.compressed else ""
    if layout.kind == "lines":
        typed = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in columns.used)
        return (
            f"read_json({path}, format='newline_delimited', columns={{{typed}}}, "
            f"ignore_errors=true, maximum_object_size={_MAX_OBJECT_BYTES}{gzip})"
        )
    if layout.kind == "delimited" and layout.delimiter != " ":
        typed = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in told_apart(layout.columns))
        return (
            f"read_csv({path}, columns={{{typed}}}, auto_detect=false, header=false, "
            f"skip={layout.skip}, delim={_quoted(layout.delimiter)}, quote='\"', escape='\"', "
            f"ignore_errors=true, strict_mode=false, nullstr='', "
            f"max_line_size={MAX_LINE_BYTES}{gzip})"
        )
    if layout.kind == "parquet" and not source.compressed:
        return f"read_parquet({path})"
    connection.register("held", read_table(source, layout).frame)
    return "held"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _column(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(name: str) -> str:
    return f"trim(CAST({_column(name)} AS VARCHAR))"


def _number(name: str, factor: float = 1.0) -> str:
    """Return SQL for a number; pass and fail in words count as 1 and 0."""
    text = f"lower({_text(name)})"
    words = "WHEN 'true' THEN 1 WHEN 'false' THEN 0 WHEN 'yes' THEN 1 WHEN 'no' THEN 0 "
    words += "WHEN 'correct' THEN 1 WHEN 'incorrect' THEN 0 WHEN 'pass' THEN 1 WHEN 'fail' THEN 0 "
    words += "WHEN 'passed' THEN 1 WHEN 'failed' THEN 0"
    number = f"TRY_CAST({text} AS DOUBLE)"
    scaled = number if factor == 1.0 else f"{number} * {factor!r}"
    return f"(CASE {text} {words} ELSE CASE WHEN isfinite({number}) THEN {scaled} END END)"


def _trials(columns: ItemColumns) -> str:
    return _number(columns.trials) if columns.trials else "1.0"


def _passes(columns: ItemColumns) -> str:
    if columns.passes:
        return _number(columns.passes)
    assert columns.score
    return f"{_number(columns.score)} * {_trials(columns)}"


def _where(columns: ItemColumns) -> str:
    known = f"{_text(columns.item)} IS NOT NULL AND ({_passes(columns)}) IS NOT NULL"
    if columns.trials:
        known += f" AND {_trials(columns)} > 0"
    if columns.model:
        known += f" AND {_text(columns.model)} IS NOT NULL"
    return known


def _only(columns: ItemColumns) -> str:
    if not columns.only:
        return "true"
    name, value = columns.only
    return f"({_text(name)} = {_quoted(value)} OR {_text(name)} IS NULL)"


def _count(rows: str, columns: ItemColumns) -> str:
    return (
        f"SELECT count(*), count(*) FILTER ({_where(columns)}) FROM {rows} WHERE {_only(columns)}"
    )


def _query(rows: str, columns: ItemColumns) -> str:
    keys = {
        "model": _name(columns, "model", columns.model),
        "checkpoint": _name(columns, "checkpoint", columns.checkpoint),
        "benchmark": _benchmark(columns),
        "item": _text(columns.item),
    }
    chosen = [f"{sql} AS {name}" for name, sql in keys.items()]
    chosen += [
        f"max({_number(name, factor)}) AS {fact}" for fact, (name, factor) in columns.facts.items()
    ]
    chosen += [f"min({_text(name)}) AS {_column(name)}" for name in columns.kept]
    chosen += [
        f"CAST(sum({_trials(columns)}) AS DOUBLE) AS trials",
        f"CAST(sum({_passes(columns)}) AS DOUBLE) AS passes",
    ]
    return (
        f"SELECT {', '.join(chosen)} FROM {rows} WHERE {_only(columns)} AND {_where(columns)} "
        "GROUP BY 1, 2, 3, 4"
    )


def _name(columns: ItemColumns, what: str, column: str | None) -> str:
    if column:
        return _text(column)
    return _quoted(columns.fixed[what]) if what in columns.fixed else "CAST(NULL AS VARCHAR)"


def _benchmark(columns: ItemColumns) -> str:
    name = _name(columns, "benchmark", columns.benchmark)
    if not columns.shots:
        return name
    return f"{name} || coalesce(' (' || {_text(columns.shots)} || '-shot)', '')"


def _fetch(relation: Any) -> dict[str, list[Any]]:
    """Fetch in batches; names become categories before they pile up."""
    import pyarrow as pa

    stream = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    reader = stream(_BATCH_ROWS)
    pieces: dict[str, list[Any]] = {name: [] for name in reader.schema.names}
    items = ItemNames()
    for batch in reader:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name == "item":
                items.add(column)
            else:
                text = pa.types.is_string(column.type)
                pieces[name].append(column.dictionary_encode() if text else column)
    pieces["item"] = [items]
    return pieces


class ItemNames:
    """Names of items as they stream in, each kept once while most of them come again."""

    def __init__(self) -> None:
        self._known: Any = None
        self._codes: list[Any] = []
        self._plain: list[Any] = []
        self._rows = 0

    def add(self, names: Any) -> None:
        """Take a batch of names."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._plain:
            self._plain.append(names)
            return
        self._rows += len(names)
        if self._known is None:
            self._known = names.slice(0, 0)
        fresh = names.filter(pc.is_null(pc.index_in(names, value_set=self._known))).unique()
        self._known = pa.concat_arrays([self._known, fresh])
        self._codes.append(pc.index_in(names, value_set=self._known))
        if self._rows > _MANY_ROWS and len(self._known) > self._rows / 2:
            self._plain = [self._known.take(codes) for codes in self._codes]
            self._codes, self._known = [], None

    def column(self) -> pd.Series:
        """Return all names: text, or categories where there are many rows."""
        import pyarrow as pa

        if self._plain:
            return pd.Series(pa.chunked_array(self._plain).to_pandas())
        codes = pa.chunked_array(self._codes).to_numpy()
        names = self._known.to_pandas()
        if self._rows <= _MANY_ROWS:
            return pd.Series(names.to_numpy()[codes], dtype="str")
        return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(names)))


def _frame(pieces: dict[str, list[Any]]) -> pd.DataFrame:
    """Make the batches a frame, column by column, each batch freed when it is copied."""
    import pyarrow as pa

    found = {"item": pieces.pop("item")[0].column()}
    for name in list(pieces):
        found[name] = pa.chunked_array(pieces.pop(name)).unify_dictionaries().to_pandas()
    pa.default_memory_pool().release_unused()
    return pd.DataFrame(found, copy=False)


_RANGE = "scores must lie in [0, 1], or in [0, 100] as percent"


def _check(source: Source, frame: pd.DataFrame, counted: bool) -> list[Finding]:
    """Turn percentages into shares; refuse counts that cannot be."""
    trials, passes = frame["trials"].to_numpy(), frame["passes"].to_numpy()
    share = (passes / trials).max()
    most = 1 if counted else 100
    if passes.min() < 0 or share > most * (1 + 1e-9):
        row = int((passes < 0).argmax() if passes.min() < 0 else (passes / trials).argmax())
        raise source.error(
            f"item '{frame['item'].iloc[row]}' of '{frame['model'].iloc[row]}' has "
            f"{passes[row]:g} passes in {trials[row]:g} trials; "
            + ("there cannot be more passes than trials" if counted else _RANGE)
        )
    if share <= 1 + 1e-9:
        return []
    frame["passes"] = passes / 100
    message = "scores above 1: read as percent and divided by 100"
    return [Finding("PRED011", message, source=source.name)]


def _arranged(frame: pd.DataFrame, columns: ItemColumns) -> pd.DataFrame:
    """Put rows and columns in order; a checkpoint that is a number becomes one."""
    frame["checkpoint"] = _as_numbers(frame["checkpoint"])
    order = _order(frame)
    arranged = {str(name): frame.pop(name).take(order).array for name in list(frame.columns)}
    blank = {name: np.nan for name in ITEM_COLUMNS if name not in arranged}
    whole = pd.DataFrame(arranged, copy=False).assign(**blank)
    return whole[[*ITEM_COLUMNS, *columns.kept]]


def _order(frame: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Return the order by model, checkpoint, benchmark, item: rows come from DuckDB in none."""
    key = np.zeros(len(frame), dtype=np.int64)
    for name in ("model", "checkpoint", "benchmark", "item"):
        words = frame[name].astype("category").array
        names = words.categories.to_numpy()
        order = np.argsort(names if name == "checkpoint" else names.astype(str), kind="stable")
        rank = np.empty(len(names) + 1, dtype=np.int64)
        rank[order], rank[-1] = np.arange(len(names)), len(names)
        key *= len(rank)
        key += rank[words.codes]
    return np.argsort(key, kind="stable")


def _as_numbers(column: pd.Series) -> pd.Series:
    """Return checkpoints as numbers where all of them are."""
    words = column.astype("category").cat
    numbers = pd.to_numeric(pd.Series(words.categories, dtype="object"), errors="coerce")
    if numbers.isna().any():
        return column
    values = np.append(numbers.to_numpy(dtype="float64"), np.nan)
    return pd.Series(values[words.codes], index=column.index)
