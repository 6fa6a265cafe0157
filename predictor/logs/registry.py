"""The readers: one a format, found by content, open to other packages.

A package adds a format through an entry point of the group ``predictor.readers`` that names a
:class:`Reader`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from predictor.logs.source import Source
from predictor.logs.tables import Log


@dataclass(frozen=True)
class Reader:
    """How to recognise and read one log format.

    Parameters
    ----------
    name : str
        Format name, as in ``--log-format``.
    description : str
        One line for people.
    sniff : callable
        Whether this source is of the format, judged by its first 64 KiB (``source.head``) and,
        where the format is a folder, by what lies beside the file. Never raises on junk.
    read : callable
        Read the source into logs, as logged: rows in file order, repeats and NaN kept (cleaning is
        done once, for all formats, by ``read_logs``). Raises InputError that names file and place.
    whole_folder : bool
        Whether the format is a folder that the sniffed file stands for: nothing else below that
        file's folder is then read for itself.
    """

    name: str
    description: str
    sniff: Callable[[Source], bool]
    read: Callable[[Source], Sequence[Log]]
    whole_folder: bool = False
