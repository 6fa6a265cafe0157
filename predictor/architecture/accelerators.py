"""Accelerators: peak rates, memory, power and what an hour of one typically costs.

The figures stand in ``accelerators.csv``, each with its source; prices carry their month, as they
age. A table of one's own with the same columns can be read instead.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from pathlib import Path

from predictor.errors import InputError

PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "fp8")
_FILE = Path(__file__).with_name("accelerators.csv")
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Accelerator:
    """One kind of accelerator.

    Parameters
    ----------
    name : str
        Name, such as ``"h100"``.
    peak_flops : mapping of str to float
        Dense peak in FLOP/s, by precision (:data:`PRECISIONS`); without sparsity.
    memory_bytes : float or None
        Memory.
    watts : float or None
        Board power (TDP).
    usd_per_hour : float or None
        Typical price of an hour on demand, in US dollars.
    price_date, price_source : str
        Month and source of that price.
    source : str
        Source of the rates.
    aliases : tuple of str
        Other names.

    Examples
    --------
    >>> accelerator_named("H100").peak_flops["bf16"]
    989400000000000.0
    """

    name: str
    peak_flops: Mapping[str, float]
    memory_bytes: float | None = None
    watts: float | None = None
    usd_per_hour: float | None = None
    price_date: str = ""
    price_source: str = ""
    source: str = ""
    aliases: tuple[str, ...] = ()

    def peak(self, precision: str) -> float:
        """Return the dense peak in FLOP/s at this precision.

        Raises
        ------
        InputError
            If it is not known for this accelerator.
        """
        if precision not in self.peak_flops:
            known = ", ".join(self.peak_flops) or "none"
            raise InputError(f"no {precision} rate is known of '{self.name}'; known: {known}")
        return self.peak_flops[precision]


def read_accelerators(path: Path | None = None) -> dict[str, Accelerator]:
    """Read a table of accelerators.

    Parameters
    ----------
    path : Path, optional
        A CSV file with the columns of ``accelerators.csv``; that file where not given. Only
        ``name`` and one rate, such as ``bf16_tflops``, must be there.

    Returns
    -------
    dict of Accelerator
        By name.

    Raises
    ------
    InputError
        If the file cannot be read, or a row has no name, no rate or a number that is none.

    Examples
    --------
    >>> sorted(read_accelerators())[:3]
    ['a10', 'a100', 'a100-40gb']
    """
    path = path or _FILE
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path}: too large for a table of accelerators")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = enumerate(csv.DictReader(stream), 2)
            rows = [_from_row(row, path, line) for line, row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a CSV table ({error})") from None
    if not rows:
        raise InputError(f"{path}: holds no accelerator; columns are name, bf16_tflops, watts, ...")
    return {one.name: one for one in rows}


def accelerator_named(name: str, table: Mapping[str, Accelerator] | None = None) -> Accelerator:
    """Return the accelerator of this name or alias, any case.

    Raises
    ------
    InputError
        If there is none; the nearest names are suggested.

    Examples
    --------
    >>> accelerator_named("A100-80GB").watts
    400.0
    """
    table = read_accelerators() if table is None else table
    wanted = _plain(name)
    known = {alias: one for one in table.values() for alias in (one.name, *one.aliases)}
    if wanted in known:
        return known[wanted]
    near = get_close_matches(wanted, known, n=3, cutoff=0.5) or sorted(table)
    raise InputError(f"accelerator '{name}' is not known; did you mean {', '.join(near)}?")


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "-").replace("_", "-")


def _from_row(row: Mapping[str, str | None], path: Path, line: int) -> Accelerator:
    numbers = {
        column: _number(row.get(column), column, path, line)
        for column in ("memory_gb", "watts", "usd_per_hour", *(f"{p}_tflops" for p in PRECISIONS))
    }
    rates = {p: 1e12 * rate for p in PRECISIONS if (rate := numbers[f"{p}_tflops"]) is not None}
    name = _plain(row.get("name") or "")
    if not name or not rates:
        raise InputError(f"{path}, line {line}: needs a name and a rate, such as bf16_tflops")
    memory = numbers["memory_gb"]
    return Accelerator(
        name,
        rates,
        None if memory is None else 1e9 * memory,
        numbers["watts"],
        numbers["usd_per_hour"],
        row.get("price_date") or "",
        row.get("price_source") or "",
        row.get("specification_source") or "",
        tuple((row.get("aliases") or "").lower().split()),
    )


def _number(text: str | None, column: str, path: Path, line: int) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not isfinite(value) or value <= 0:
        raise InputError(f"{path}, line {line}: {column} '{text}' is not a positive number")
    return value
