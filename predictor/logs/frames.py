"""A file that holds a table, read into one frame of numbers and text."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.layout import (
    Layout,
    document_rows,
    flatten,
    is_number,
    layout_of,
    split_row,
)
from predictor.logs.numbers import read_numbers
from predictor.logs.source import MAX_COLUMNS, MAX_LINE_BYTES, Source

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: A table with more cells than this is not read into memory.
MAX_CELLS = 500_000_000
_CHUNK_ROWS = 20_000
#: Bare NaN and Infinity stay words, to be told apart from null.
_DECODER = json.JSONDecoder(parse_constant=str)
#: pandas from 3.1 on reads floats exactly by itself and warns of the option.
_EXACT_FLOATS: dict[str, Any] = (
    {}
    if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)
    else {"float_precision": "round_trip"}
)
#: A last line without a line end counts as cut off when its last field is this many characters
#: shorter than the shortest of at least as many earlier rows, all of at least this length.
_MISSING_CHARACTERS, _ROWS_TO_COMPARE, _USUAL_LENGTH = 2, 8, 5


@dataclass
class Table:
    """A table as logged: numbers as float, everything else as text.

    Parameters
    ----------
    frame : DataFrame
        The columns; duplicate names have been told apart.
    logged_nan : dict
        For columns where the log itself says NaN (and is not merely blank): where.
    findings : list of Finding
        What was noticed while reading.
    """

    frame: pd.DataFrame
    logged_nan: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of all columns."""
        return [str(name) for name in self.frame.columns]

    def numeric(self) -> list[str]:
        """Names of the columns that hold numbers."""
        kinds = self.frame.dtypes.items()
        return [str(name) for name, kind in kinds if pd.api.types.is_numeric_dtype(kind)]

    def logged(self, column: str) -> npt.NDArray[np.bool_]:
        """Where the column holds a value, NaN included where the log says NaN."""
        present = self.frame[column].notna().to_numpy()
        return present | self.logged_nan[column] if column in self.logged_nan else present


def read_table(source: Source, layout: Layout | None = None) -> Table:
    """Read CSV (any separator), JSONL, a JSON table or Parquet.

    Raises
    ------
    InputError
        If the file is no table, has no rows, or is damaged; names file and line.
    """
    layout = layout or layout_of(source)
    if layout is None:
        raise source.error("is no table; give CSV, TSV, JSONL or Parquet with a header")
    findings: list[Finding] = []
    if layout.kind == "delimited":
        frame = _read_delimited(source, layout, findings)
    elif layout.kind == "lines":
        frame = _read_lines(source, findings)
    elif layout.kind == "document":
        frame = _framed(source, document_rows(json.loads(source.document(), parse_constant=str)))
    else:
        frame = _read_parquet(source)
    check_width(source, frame.shape[1])
    if frame.empty:
        raise source.error("has a header but no rows; log at least one row below it")
    return _typed(source, frame, findings, decimal_comma=layout.delimiter == ";")


def check_width(source: Source, columns: int) -> None:
    """Refuse a table with more than :data:`MAX_COLUMNS` columns."""
    if columns > MAX_COLUMNS:
        raise source.error(
            f"line 1: {columns:,} columns, more than the {MAX_COLUMNS:,} a log may have; "
            "log one row a step, metrics as columns"
        )


def _typed(
    source: Source, frame: pd.DataFrame, findings: list[Finding], *, decimal_comma: bool
) -> Table:
    table = Table(frame, findings=findings)
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_bool_dtype(column):
            frame[name] = column.astype("float64")
        elif not pd.api.types.is_numeric_dtype(column):
            _read_text(source, table, name, decimal_comma=decimal_comma)
        elif pd.api.types.is_extension_array_dtype(column.dtype):
            frame[name] = column.to_numpy(dtype="float64", na_value=np.nan)
    return table


def _read_text(source: Source, table: Table, name: str, *, decimal_comma: bool) -> None:
    """Turn a text column into numbers where it mostly holds numbers."""
    column = table.frame[name]
    if pd.api.types.is_datetime64_any_dtype(column):
        table.frame[name] = _seconds(column)
        return
    numbers = read_numbers(column, decimal_comma=decimal_comma)
    if not numbers.mostly:
        blank = column.isna() | column.astype(str).str.strip().eq("")
        table.frame[name] = column.astype(str).where(~blank, None)
        return
    table.frame[name] = numbers.values
    if numbers.logged_nan.any():
        table.logged_nan[name] = numbers.logged_nan
    if numbers.other.any():
        row = int(np.flatnonzero(numbers.other)[0])
        message = (
            f"{int(numbers.other.sum())} values of '{name}' are not numbers "
            f"(first '{str(column.iloc[row])[:40]}' in data row {row + 1})"
        )
        table.findings.append(Finding("PRED010", message, source=source.name))


def _seconds(moments: pd.Series) -> npt.NDArray[np.float64]:
    since = pd.to_datetime(moments, utc=True) - pd.Timestamp(0, tz="UTC")
    return np.asarray(since.dt.total_seconds(), dtype=np.float64)


def told_apart(columns: tuple[str, ...]) -> list[str]:
    """Return the names with repeated ones numbered and empty ones named by position.

    Examples
    --------
    >>> told_apart(("loss", "loss", ""))
    ['loss', 'loss (2)', 'column 3']
    """
    seen: dict[str, int] = {}
    names = []
    for position, column in enumerate(columns, start=1):
        name = column or f"column {position}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _read_delimited(source: Source, layout: Layout, findings: list[Finding]) -> pd.DataFrame:
    names = _header(source, layout)
    if len(set(layout.columns)) < len(names) and "" not in layout.columns:
        twice = sorted({name for name in layout.columns if layout.columns.count(name) > 1})
        message = f"the header repeats {', '.join(map(repr, twice))}; the later ones are numbered"
        findings.append(Finding("PRED008", message, source=source.name))
    with source.open() as stream:
        lines = CompleteLines(source, stream, layout)
        try:
            frame: pd.DataFrame = pd.read_csv(
                io.BufferedReader(lines, 1 << 18),
                sep=layout.delimiter if layout.delimiter != " " else r"\s+",
                names=names,
                header=None,
                skiprows=layout.skip,
                index_col=False,
                keep_default_na=False,
                na_values=[""],
                low_memory=False,
                **_EXACT_FLOATS,
                encoding="utf-8-sig",
                skipinitialspace=True,
            )
        except pd.errors.EmptyDataError:
            frame = pd.DataFrame(columns=names)
        except (pd.errors.ParserError, UnicodeError, pd.errors.ParserWarning) as error:
            raise _broken(source, error) from None
    if lines.cut:
        message = f"the last line is cut off ({lines.cut[:40]!r}) and was left out"
        findings.append(Finding("PRED007", message, source=source.name))
    return frame


def _header(source: Source, layout: Layout) -> list[str]:
    """Return column names from the whole header line, which may be longer than the head."""
    columns = layout.columns
    if not any(end in source.head.rstrip() for end in (b"\n", b"\r")):
        _, line = next(iter(source.lines()))
        check_width(source, line.count(layout.delimiter) + 1)
        columns = tuple(name.strip() for name in split_row(line, layout.delimiter))
    check_width(source, len(columns))
    if all(is_number(name) for name in columns):
        raise source.error(
            f"line {max(layout.skip, 1)} holds numbers where the header should be; "
            "add a first line with column names, such as 'step,loss'"
        )
    return told_apart(columns)


def _broken(source: Source, error: Exception) -> InputError:
    """Say where a delimited file is broken."""
    if isinstance(error, UnicodeError):
        for _ in source.lines():
            pass
        return source.error("is not UTF-8 text; save it as UTF-8")
    reason = str(error).replace("Error tokenizing data. C error: ", "").strip().splitlines()[0]
    return source.error(f"{reason[:1].lower()}{reason[1:]}; every row needs the header's columns")


class CompleteLines(io.RawIOBase):
    """A stream of whole lines: a last line that was cut off while written is held back.

    Lines longer than :data:`MAX_LINE_BYTES` are refused before they fill the memory.
    """

    def __init__(self, source: Source, stream: Any, layout: Layout) -> None:
        self._source = source
        self._stream = stream
        self._layout = layout
        self._ready = b""
        self._tail = b""
        self._ended = False
        self.cut = ""

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer with bytes of whole lines."""
        view = memoryview(buffer).cast("B")
        while not self._ready and not self._ended:
            self._refill()
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _refill(self) -> None:
        chunk = self._source.guarded(self._stream.read, 1 << 18)
        if not chunk:
            self._ended = True
            self._ready = self._last_line()
            return
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._tail += chunk
            if len(self._tail) > MAX_LINE_BYTES:
                raise self._source.error(
                    f"a line is longer than {MAX_LINE_BYTES // 1024**2} MiB: this is no log; "
                    "check the line ends"
                )
            return
        self._ready = self._tail + chunk[:end]
        self._tail = chunk[end:]

    def _last_line(self) -> bytes:
        whole, mark, last = self._tail.rpartition(b"\r")
        text = last.decode("utf-8", errors="replace").strip()
        if text and self._is_cut(text):
            self.cut = text
            return whole + mark
        return self._tail

    def _is_cut(self, text: str) -> bool:
        fields = split_row(text, self._layout.delimiter)
        if len(fields) != len(self._layout.columns):
            return len(fields) < len(self._layout.columns)
        if text.count('"') % 2:
            return True
        earlier = [row for row in self._layout.rows if row != tuple(fields)]
        usual = [len(row[-1]) for row in earlier if len(row) == len(fields) and row[-1]]
        if len(usual) < _ROWS_TO_COMPARE or min(usual) < _USUAL_LENGTH:
            return False
        return 0 < len(fields[-1]) <= min(usual) - _MISSING_CHARACTERS


def _read_lines(source: Source, findings: list[Finding]) -> pd.DataFrame:
    chunks, broken, last = [], [], 0
    for numbered in _batches(source):
        last = numbered[-1][0]
        rows = _objects(numbered)
        broken += [number for (number, _), row in zip(numbered, rows, strict=True) if row is None]
        chunks.append(_framed(source, [row for row in rows if row is not None]))
    if broken and broken[-1] == last:
        message = f"line {broken.pop()}, the last, is cut off and was left out"
        findings.append(Finding("PRED007", message, source=source.name))
    if broken:
        message = f"{len(broken)} lines are not JSON objects (first: line {broken[0]}); left out"
        findings.append(Finding("PRED008", message, source=source.name))
    return pd.concat(chunks, ignore_index=True) if len(chunks) > 1 else chunks[0]


def _framed(source: Source, rows: list[dict[str, Any]]) -> pd.DataFrame:
    try:
        return pd.DataFrame(rows)
    except UnicodeEncodeError:
        raise source.error("holds half of a surrogate pair, no text; write it again") from None


def _batches(source: Source) -> Iterator[list[tuple[int, str]]]:
    """Yield numbered lines that are not blank, many at a time."""
    lines = ((number, line) for number, line in source.lines() if not line.isspace())
    while batch := list(islice(lines, _CHUNK_ROWS)):
        yield batch


def _objects(numbered: list[tuple[int, str]]) -> list[dict[str, Any] | None]:
    """Parse lines, all at once where all are sound; None where a line is no JSON object."""
    joined = ",".join([line for _, line in numbered])
    try:
        rows = _DECODER.decode(f"[{joined}]")
    except (ValueError, RecursionError):
        rows = []
    if len(rows) != len(numbered):
        rows = [_object(line) for _, line in numbered]
    elif joined.count("{") == len(rows) and "[" not in joined:
        return [row if isinstance(row, dict) else None for row in rows]
    return [flatten(row) if isinstance(row, dict) else None for row in rows]


def _object(line: str) -> Any:
    try:
        return _DECODER.decode(line.strip())
    except (ValueError, RecursionError):
        return None


def _read_parquet(source: Source) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source.path) as file:
            flat = [item.name for item in file.schema_arrow if not pa.types.is_nested(item.type)]
            check_width(source, len(flat))
            if file.metadata.num_rows * max(1, len(flat)) > MAX_CELLS:
                raise source.error(f"holds more than {MAX_CELLS:,} values; split the file")
            frame: pd.DataFrame = file.read(columns=flat).to_pandas(ignore_metadata=True)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).strip().splitlines()[0][:120]
        raise source.error(f"the Parquet file is damaged ({reason}); write it again") from None
    frame.columns = told_apart(tuple(str(name) for name in frame.columns))
    return frame
