"""Text that should be numbers: thousands marks, blanks, NaN, and what is none of these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

BLANKS = ("", "null", "none", "n/a", "na", "-", "--", "<na>", "nil")
_NOT_A_NUMBER = ("nan", "+nan", "-nan")
_THOUSANDS = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
_DECIMAL_COMMA = r"^[+-]?\d+,\d+(?:[eE][+-]?\d+)?$"


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers.

    Parameters
    ----------
    values : array of float
        The numbers; NaN where there is none.
    logged_nan : array of bool
        Where the log says NaN itself, as opposed to a blank.
    other : array of bool
        Where something else stands, such as a word.
    """

    values: npt.NDArray[np.float64]
    logged_nan: npt.NDArray[np.bool_]
    other: npt.NDArray[np.bool_]

    @property
    def mostly(self) -> bool:
        """Whether at least half of what is not blank is a number."""
        good = int(np.isfinite(self.values).sum() + np.isinf(self.values).sum())
        good += int(self.logged_nan.sum())
        return good > 0 and good >= int(self.other.sum())


def read_numbers(column: pd.Series, *, decimal_comma: bool = False) -> Numbers:
    """Read a column of text, or of text and numbers mixed, as numbers.

    Examples
    --------
    >>> read_numbers(pd.Series(["1,234", "nan", "", "oom"])).values
    array([1234.,   nan,   nan,   nan])
    """
    codes, words = pd.factorize(column)
    if len(words) == 0 or len(words) > len(column) // 2:
        return _read(column, decimal_comma=decimal_comma)
    known = _read(pd.Series(words), decimal_comma=decimal_comma)
    present = codes >= 0
    values = np.where(present, known.values[codes], np.nan)
    return Numbers(values, present & known.logged_nan[codes], present & known.other[codes])


def _read(column: pd.Series, *, decimal_comma: bool) -> Numbers:
    blank = column.isna().to_numpy(copy=True)
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    open_ = np.isnan(values) & ~blank
    logged_nan = np.zeros(len(column), dtype=bool)
    if not open_.any():
        return Numbers(values, logged_nan, logged_nan)
    places = np.flatnonzero(open_)
    text = column.iloc[places].astype(str).str.strip()
    plain = text.str.lower()
    values = values.copy()
    values[places] = _with_marks(text, decimal_comma=decimal_comma)
    logged_nan[places] = plain.isin(_NOT_A_NUMBER).to_numpy()
    blank[places] |= plain.isin(BLANKS).to_numpy()
    return Numbers(values, logged_nan, np.isnan(values) & ~logged_nan & ~blank)


def _with_marks(text: pd.Series, *, decimal_comma: bool) -> npt.NDArray[np.float64]:
    """Undo thousands marks, or decimal commas where the file separates by semicolons."""
    if decimal_comma and text.str.match(_DECIMAL_COMMA).any():
        plain = text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    else:
        plain = text.where(~text.str.match(_THOUSANDS), text.str.replace(",", "", regex=False))
    found = pd.to_numeric(plain, errors="coerce")
    return found.to_numpy(dtype="float64", na_value=np.nan)
