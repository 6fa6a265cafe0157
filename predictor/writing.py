"""Write files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from predictor.errors import InputError


def write_whole(text: str, path: Path, option: str) -> None:
    """Write text to a file that others see only when it is complete.

    Parameters
    ----------
    text : str
        Written as UTF-8.
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
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except OSError as error:
        if partial:
            os.unlink(partial)
        reason = (error.strerror or "unwritable").lower()
        raise InputError(f"{option} {path}: cannot be written ({reason})") from None
