"""A table of runs: parameters, tokens, compute and the loss each run ended with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.law import Array, Law
from predictor.logs import columns as names

#: Training compute of a dense transformer in FLOPs: ``C = 6 N D`` (Kaplan et al. 2020).
FLOPS_PER_PARAM_TOKEN = 6.0
#: Tokens a parameter beyond which a model is larger than its fresh data deserve (Hoffmann et al.).
OPTIMAL_TOKENS_PER_PARAM = 20.0
#: Columns of a run, in order.
RUN_COLUMNS = ("params", "tokens", "flops", "unique_tokens")
MAX_RUNS = 100_000

_LOSSES = (
    "loss", "val_loss", "validation_loss", "valid_loss", "eval_loss", "test_loss", "final_loss",
    "dev_loss", "train_loss", "training_loss", "nll", "cross_entropy",
)  # fmt: skip
#: The letters of the papers, taken where no word tells.
_LETTERS = {"params": "N", "tokens": "D", "flops": "C", "loss": "L"}
_UNIQUE = ("unique_tokens", "dataset_tokens", "tokens_unique", "unique_train_tokens")


@dataclass(frozen=True)
class RunsTable:
    """Final results of training runs, one row a run.

    Parameters
    ----------
    runs : DataFrame
        Columns ``params, tokens, flops, unique_tokens, loss``, all positive numbers: parameters
        and tokens as counts, compute in FLOPs, the loss in its own unit. The index is the row's
        number in the table, from 0.
    others : DataFrame
        The table's other columns, row by row: they tell of settings that differ.
    loss_name : str
        Name of the loss in the table.
    source : str
        The file, or "table".
    findings : tuple of Finding
        What was noticed on reading.
    counted : tuple of str
        Columns that hold a count of parameters, the one that is used first.
    """

    runs: pd.DataFrame
    others: pd.DataFrame
    loss_name: str = "loss"
    source: str = "table"
    findings: tuple[Finding, ...] = field(default=())
    counted: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def loss(self) -> Array:
        """Loss of each run, (runs,)."""
        return self.runs["loss"].to_numpy(dtype=float)

    @property
    def flops(self) -> Array:
        """Training compute of each run in FLOPs, (runs,)."""
        return self.runs["flops"].to_numpy(dtype=float)

    @property
    def repeats(self) -> bool:
        """Whether any run saw part of its data more than once."""
        return bool((self.runs["tokens"] > 1.05 * self.runs["unique_tokens"]).any())

    def axes(self, law: Law) -> list[Array]:
        """Return the inputs of a law, one array an axis, each (1, runs)."""
        return law_axes(law, self.runs)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> RunsTable:
        """Return the table with these rows only."""
        runs = self.runs[rows] if rows.dtype == bool else self.runs.iloc[rows]
        others = self.others[rows] if rows.dtype == bool else self.others.iloc[rows]
        return replace(self, runs=runs, others=others)


def law_axes(law: Law, runs: pd.DataFrame) -> list[Array]:
    """Return the inputs of a law from columns ``params, tokens, flops, unique_tokens``."""
    known: dict[str, Array] = {name: runs[name].to_numpy(dtype=float) for name in RUN_COLUMNS}
    known["unique_tokens"] = np.minimum(known["unique_tokens"], known["tokens"])
    known["repeats"] = known["tokens"] / known["unique_tokens"] - 1.0
    enough = known["unique_tokens"] / OPTIMAL_TOKENS_PER_PARAM
    known["fresh_params"] = np.minimum(known["params"], enough)
    known["excess_params"] = known["params"] / known["fresh_params"] - 1.0
    return [known[axis][None] for axis in law.axes]


def complete(runs: Mapping[str, Array | float]) -> pd.DataFrame:
    """Return runs or places with compute, or what else is missing, from ``C = 6 N D``.

    Raises
    ------
    InputError
        If a number is not positive, or too little is given.

    Examples
    --------
    >>> complete({"params": 7e9, "tokens": 2e12})["flops"].item()
    8.4e+22
    """
    known = {
        name: np.atleast_1d(np.asarray(value, dtype=float))
        for name, value in runs.items()
        if name in RUN_COLUMNS
    }
    for name, value in known.items():
        if not (np.isfinite(value) & (value > 0)).all():
            raise InputError(f"{name} must be positive numbers, not {value.min():g}")
    if "tokens" not in known and {"params", "flops"} <= set(known):
        known["tokens"] = known["flops"] / (FLOPS_PER_PARAM_TOKEN * known["params"])
    if "params" not in known and {"tokens", "flops"} <= set(known):
        known["params"] = known["flops"] / (FLOPS_PER_PARAM_TOKEN * known["tokens"])
    if "flops" not in known and {"params", "tokens"} <= set(known):
        known["flops"] = FLOPS_PER_PARAM_TOKEN * known["params"] * known["tokens"]
    if "flops" not in known:
        raise InputError(
            f"params and tokens, or flops, are needed; given: {', '.join(runs) or 'nothing'}"
        )
    if "tokens" in known:
        known.setdefault("unique_tokens", known["tokens"])
    return pd.DataFrame(known).reindex(columns=list(RUN_COLUMNS))


def runs_table(
    frame: pd.DataFrame,
    *,
    loss: str | None = None,
    params: str | None = None,
    tokens: str | None = None,
    flops: str | None = None,
    source: str = "table",
) -> RunsTable:
    """Find parameters, tokens, compute and loss in a frame, by the field's usual spellings.

    Parameters
    ----------
    frame : DataFrame
        One row a run.
    loss, params, tokens, flops : str, optional
        Names of columns, where the usual spellings do not tell.
    source : str
        Name of the file, for messages.

    Returns
    -------
    RunsTable
        Rows without a finite loss are left out and said so.

    Raises
    ------
    InputError
        If a column is missing, ambiguous or holds what is no positive number.

    Examples
    --------
    >>> frame = pd.DataFrame({"n_params": [1e6, 2e6], "D": [1e8, 2e8], "loss": [4.0, 3.5]})
    >>> runs_table(frame, tokens="D").flops
    array([6.0e+14, 2.4e+15])
    """
    frame = frame if frame.index.is_unique else frame.reset_index(drop=True)
    if len(frame) > MAX_RUNS:
        raise InputError(f"{source}: {len(frame):,} rows; a table of runs has {MAX_RUNS:,} at most")
    found = _Columns(frame, source)
    loss_column = found.loss(loss)
    given = {
        "params": found.params(params),
        "tokens": found.axis("tokens", tokens),
        "flops": found.axis("flops", flops),
    }
    data = {name: found.numbers(*place) for name, place in given.items() if place is not None}
    if not {"params", "tokens"} <= set(data) and "flops" not in data:
        missing = [name for name in ("params", "tokens") if name not in data]
        raise InputError(
            f"{source}: no column for {' and '.join(missing)}; it has "
            f"{', '.join(map(str, frame.columns[:12]))}; name them with --params and --tokens"
        )
    data |= found.unique(data)
    losses = found.numbers(loss_column, 1.0)
    kept, findings = found.usable(data, losses)
    runs = complete({name: values[kept] for name, values in data.items()})
    derived = [n for n in ("params", "tokens", "flops") if n not in data and runs[n].notna().all()]
    if derived:
        text = f"{' and '.join(derived)} computed from flops = 6 x params x tokens"
        findings.append(Finding("PRED011", text, source=source))
    runs["loss"] = losses[kept]
    runs.index = frame.index[kept]
    used = {loss_column, *(place[0] for place in given.values() if place is not None)}
    others = frame.loc[kept, [c for c in frame.columns if c not in used]]
    counted = found.counted(given["params"])
    return RunsTable(runs, others, loss_column, source, tuple(findings), counted)


def read_runs(
    path: Path,
    *,
    loss: str | None = None,
    params: str | None = None,
    tokens: str | None = None,
    flops: str | None = None,
    where: Sequence[tuple[str, str]] = (),
) -> RunsTable:
    """Read a table of runs from a CSV, TSV, JSONL or Parquet file.

    Parameters
    ----------
    path : Path
        The file, gzip undone.
    loss, params, tokens, flops : str, optional
        Names of columns, where the usual spellings do not tell.
    where : sequence of (str, str)
        Column and value of the rows to keep.

    Returns
    -------
    RunsTable

    Raises
    ------
    InputError
        If the file is no table, or the columns are not there.
    """
    from predictor.logs.frames import read_table
    from predictor.logs.source import Source

    source = Source(path, str(path), path.stem)
    table = read_table(source)
    frame = table.frame
    for column, value in where:
        frame = _only(frame, column, value, source.name)
    chosen = {"loss": loss, "params": params, "tokens": tokens, "flops": flops}
    read = runs_table(frame, **chosen, source=source.name)
    return replace(read, findings=(*table.findings, *read.findings))


def _only(frame: pd.DataFrame, column: str, value: str, source: str) -> pd.DataFrame:
    if column not in frame:
        known = ", ".join(map(str, frame.columns[:12]))
        raise InputError(f"{source}: no column '{column}' for --where; it has {known}")
    text = frame[column].map(lambda cell: f"{cell:g}" if isinstance(cell, float) else str(cell))
    kept = frame[text == value]
    if kept.empty:
        known = ", ".join(sorted(text.unique())[:8])
        raise InputError(f"{source}: no row has {column}={value}; there are {known}")
    return kept


class _Columns:
    """Columns of a table, found by name."""

    def __init__(self, frame: pd.DataFrame, source: str) -> None:
        self.frame, self.source = frame, source
        self.names = [str(name) for name in frame.columns]

    def loss(self, wanted: str | None) -> str:
        if wanted is not None:
            return self._named(wanted, "--loss")
        named = names.first_named(self.names, _LOSSES)
        if named:
            return named
        if _LETTERS["loss"] in self.names:
            return _LETTERS["loss"]
        near = [n for n in self.names if "loss" in names.canonical(n) and self._is_number(n)]
        if len(near) == 1:
            return near[0]
        known = ", ".join(near[:8] or self.names[:12])
        raise InputError(f"{self.source}: which column is the loss? Name it with --loss: {known}")

    def params(self, wanted: str | None) -> tuple[str, float] | None:
        if wanted is not None:
            name = self._named(wanted, "--params")
            return name, names.params_factor(name) or 1.0
        counts = self._counts()
        return counts[0] if counts else self._letter("params")

    def counted(self, used: tuple[str, float] | None) -> tuple[str, ...]:
        first = used[0] if used else None
        rest = (name for name, _ in self._counts() if name != first)
        return (first, *rest) if first else ()

    def _counts(self) -> list[tuple[str, float]]:
        found = [(name, names.params_factor(name)) for name in self.names]
        known = [(name, factor) for name, factor in found if factor]
        order = {name: k for k, name in enumerate(names.PARAMS)}
        return sorted(known, key=lambda f: order.get(names.canonical(f[0]), -1))

    def axis(self, axis: str, wanted: str | None) -> tuple[str, float] | None:
        if wanted is None:
            return names.axis_columns(self.names).get(axis) or self._letter(axis)
        name = self._named(wanted, f"--{axis}")
        place = names.place_of(name)
        return name, place.factor if place and place.axis == axis else 1.0

    def _letter(self, what: str) -> tuple[str, float] | None:
        return (_LETTERS[what], 1.0) if _LETTERS[what] in self.names else None

    def unique(self, data: Mapping[str, Array]) -> dict[str, Array]:
        named = names.first_named(self.names, _UNIQUE)
        if named:
            return {"unique_tokens": self.numbers(named, 1.0)}
        epochs = names.axis_columns(self.names).get("epoch")
        if epochs and "tokens" in data:
            passes = np.maximum(self.numbers(*epochs), 1.0)
            return {"unique_tokens": data["tokens"] / passes}
        return {}

    def numbers(self, name: str, factor: float) -> Array:
        from predictor.logs.numbers import read_numbers

        if pd.api.types.is_numeric_dtype(self.frame[name]):
            return self.frame[name].to_numpy(dtype=float, na_value=np.nan) * factor
        read = read_numbers(self.frame[name])
        if read.other.any():
            row = int(read.other.argmax())
            raise InputError(
                f"{self.source}: row {row + 1}, column '{name}': "
                f"'{str(self.frame[name].iloc[row])[:40]}' is not a number; write 7000000000 or 7e9"
            )
        return read.values * factor

    def usable(
        self, data: Mapping[str, Array], losses: Array
    ) -> tuple[NDArray[np.bool_], list[Finding]]:
        """Return which rows can be used, and what is wrong with those that cannot."""
        for name, values in {**data, "loss": losses}.items():
            wrong = np.isfinite(values) & (values <= 0)
            if wrong.any():
                row = int(wrong.argmax())
                raise InputError(
                    f"{self.source}: row {row + 1}: {name} is {values[row]:g}; it must be positive"
                )
        known = np.isfinite(losses) & np.all([np.isfinite(v) for v in data.values()], axis=0)
        findings = []
        if not known.all():
            text = f"{int((~known).sum())} of {len(known)} rows without a finite number left out"
            findings.append(Finding("PRED001", text, source=self.source))
        return known, findings

    def _is_number(self, name: str) -> bool:
        return bool(pd.api.types.is_numeric_dtype(self.frame[name]))

    def _named(self, wanted: str, option: str) -> str:
        if wanted in self.names:
            return wanted
        same = [n for n in self.names if names.canonical(n) == names.canonical(wanted)]
        if same:
            return same[0]
        known = ", ".join(self.names[:12])
        raise InputError(f"{self.source}: no column '{wanted}' for {option}; it has {known}")
