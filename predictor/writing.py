"""Write files whole or not at all, and text so that nothing that reads it takes it for more."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from predictor.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: A spreadsheet would take a cell that starts so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
#: What Markdown, or HTML within it, would read as more than text.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:@<>&\"'])")


def write_whole(text: str | bytes, path: Path, option: str) -> None:
    """Write a file that others see only when it is complete.

    Parameters
    ----------
    text : str or bytes
        Text is written as UTF-8.
    path : Path
        The file; replaced where it is there.
    option : str
        What a user named the file with, for the error.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    partial = ""
    try:
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode("utf-8") if isinstance(text, str) else text)
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except OSError as error:
        if partial:
            os.unlink(partial)
        reason = (error.strerror or "unwritable").lower()
        raise InputError(f"{option} {path}: cannot be written ({reason})") from None


def csv_text(frame: pd.DataFrame) -> str:
    """Return a frame as CSV, text that a spreadsheet would take for a formula defused.

    Parameters
    ----------
    frame : DataFrame
        Names of columns are defused like cells.

    Examples
    --------
    >>> import pandas as pd
    >>> print(csv_text(pd.DataFrame({"run": ["=1+1"], "value": [-2.5]})), end="")
    run,value
    '=1+1,-2.5
    """
    return frame.map(_defused).rename(columns=_defused).to_csv(index=False, lineterminator="\n")


def _defused(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # A carriage return alone would end the row for many readers.
    text = value.replace("\r", " ")
    return f"'{text}" if value.startswith(_FORMULA) else text


def printable(text: str) -> str:
    """Return text from a log without control characters, which could steer a terminal.

    Examples
    --------
    >>> printable("a" + chr(27)) == "a" + chr(0xFFFD)
    True
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def markdown_escaped(text: str) -> str:
    """Return text on one line, every character that means something in Markdown as its number.

    Examples
    --------
    >>> markdown_escaped("a|b")
    'a&#124;b'
    """
    shown = printable(" ".join(text.split()))
    return _SPECIAL.sub(lambda match: f"&#{ord(match[1])};", shown)
