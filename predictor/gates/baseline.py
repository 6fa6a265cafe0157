"""The stored baseline: what runs were, in a file that a reviewer can read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from predictor.curves.batch import binned
from predictor.errors import InputError
from predictor.fitting.law import Array
from predictor.writing import write_whole

_LARGEST = 20_000_000
_DIGITS = 7


class CheckBaseline(BaseModel):
    """What one check is compared with.

    Parameters
    ----------
    metric, axis : str
        What was logged, on which axis.
    runs : dict of list of pairs
        Curves by run: places and values, long ones averaged in bins.
    """

    model_config = ConfigDict(extra="forbid")

    metric: str
    axis: str
    runs: Annotated[dict[str, list[tuple[float, float]]], Field(min_length=1)]

    def curves(self) -> dict[str, tuple[Array, Array]]:
        """Return the curves as arrays."""
        tables = {run: np.array(points, dtype=float) for run, points in self.runs.items()}
        return {run: (table[:, 0], table[:, 1]) for run, table in tables.items()}


class Baseline(BaseModel):
    """A baseline file: one entry a check that compares with it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    schema_: Literal["predictor/gate-baseline/1"] = Field(
        default="predictor/gate-baseline/1", alias="schema"
    )
    checks: dict[str, CheckBaseline] = {}

    def of(self, name: str, path: Path) -> CheckBaseline:
        """Return what a check is compared with.

        Raises
        ------
        InputError
            If nothing is stored for it.
        """
        if name not in self.checks:
            raise InputError(
                f"{path}: no baseline for check '{name}'; store one with 'predictor gate "
                "--update-baseline'"
            )
        return self.checks[name]


def condensed(metric: str, axis: str, curves: dict[str, tuple[Array, Array]]) -> CheckBaseline:
    """Return curves as they are stored: tidy, long ones averaged in bins, rounded."""
    runs = {}
    for run, (x, y) in curves.items():
        known = np.isfinite(x) & np.isfinite(y) & (x > 0)
        order = np.argsort(x[known], kind="stable")
        place, value = x[known][order], y[known][order]
        if len(place):
            place, value = binned(place, value)
        runs[run] = [(_rounded(a), _rounded(b)) for a, b in zip(place, value, strict=True)]
    return CheckBaseline(metric=metric, axis=axis, runs=runs)


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file.

    Raises
    ------
    InputError
        If it is not there or not such a file.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: larger than {_LARGEST:,} bytes: no baseline")
        return Baseline.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no baseline yet; store one with 'predictor gate --update-baseline'"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or '').lower()})") from None
    except (ValueError, RecursionError, ValidationError):
        raise InputError(
            f"{path}: not a baseline file; store one anew with 'predictor gate --update-baseline'"
        ) from None


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline file, a line a point, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    checks = baseline.model_dump(by_alias=True)
    text = json.dumps(checks, indent=1, ensure_ascii=False, sort_keys=True, allow_nan=False)
    write_whole(_points_on_one_line(text), path, "baseline_file")


def _points_on_one_line(text: str) -> str:
    """Put each pair of numbers on one line, so that a change of a point is a change of a line."""
    return re.sub(r"\[\s+(-?[\d.e+-]+),\s+(-?[\d.e+-]+)\s+\]", r"[\1, \2]", text) + "\n"
