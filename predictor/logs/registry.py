"""The readers: one a format, found by content, open to other packages.

A package adds a format through an entry point of the group ``predictor.readers`` that names a
:class:`Reader`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from predictor.errors import InputError
from predictor.logs.source import Source
from predictor.logs.tables import Log
from predictor.logs.unknown import why_unknown

ENTRY_POINT_GROUP = "predictor.readers"

#: Format name and the module that holds its ``READER``; asked in this order, the specific first.
BUILT_IN = (
    ("tensorboard", "predictor.logs.readers.tensorboard"),
    ("trainer-state", "predictor.logs.readers.trainer_state"),
    ("mlflow-files", "predictor.logs.readers.mlflow_files"),
    ("mlflow-sqlite", "predictor.logs.readers.mlflow_sqlite"),
    ("megatron", "predictor.logs.readers.megatron"),
    ("nanogpt", "predictor.logs.readers.nanogpt"),
    ("wandb-run", "predictor.logs.readers.wandb_run"),
    ("lm-eval", "predictor.logs.readers.lm_eval_results"),
    ("lm-eval-samples", "predictor.logs.readers.lm_eval_samples"),
    ("inspect-ai", "predictor.logs.readers.inspect_ai"),
    ("wandb", "predictor.logs.readers.wandb"),
    ("lightning", "predictor.logs.readers.lightning"),
    ("responses", "predictor.logs.readers.responses"),
    ("items", "predictor.logs.readers.items"),
    ("table", "predictor.logs.readers.tables"),
)


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
    claims : callable, optional
        A stricter ``sniff`` for files met while searching a folder. A file that the user names
        may be read with less certainty than one that merely lies about.
    """

    name: str
    description: str
    sniff: Callable[[Source], bool]
    read: Callable[[Source], Sequence[Log]]
    whole_folder: bool = False
    claims: Callable[[Source], bool] | None = None

    def recognises(self, source: Source, *, named_by_user: bool = True) -> bool:
        """Return whether this reader should read the source."""
        if not self.sniff(source):
            return False
        return named_by_user or self.claims is None or self.claims(source)


@cache
def built_in(module: str) -> Reader:
    """Import one of the readers that come with Predictor."""
    reader: Reader = import_module(module).READER
    return reader


@cache
def plugged_in() -> tuple[Reader, ...]:
    """Return the readers that other packages add, by name."""
    points = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)
    return tuple(point.load() for point in points)


def all_readers() -> tuple[Reader, ...]:
    """Return every reader: those of other packages first, then the built-in ones in order."""
    return (*plugged_in(), *(built_in(module) for _, module in BUILT_IN))


def reader_names() -> list[str]:
    """Return the names that ``log_format`` takes."""
    return [*(reader.name for reader in plugged_in()), *(name for name, _ in BUILT_IN)]


def find_reader(source: Source, *, named_by_user: bool = True) -> Reader | None:
    """Return the first reader that recognises the source, or None."""
    if not source.head.strip():
        return None
    for reader in all_readers():
        if reader.recognises(source, named_by_user=named_by_user):
            return reader
    return None


def detect(source: Source) -> Reader:
    """Return the reader for this source, chosen by content.

    Raises
    ------
    InputError
        If no reader knows it; the message says what the file seems to be.
    """
    reader = find_reader(source)
    if reader is None:
        raise source.error(why_unknown(source, reader_names()))
    return reader


def reader_named(name: str) -> Reader:
    """Return the reader of a format by its name.

    Raises
    ------
    InputError
        If there is none of that name; the nearest names are suggested.

    Examples
    --------
    >>> reader_named("tabel")
    Traceback (most recent call last):
    predictor.errors.InputError: unknown log format 'tabel': did you mean 'table'? ...
    """
    modules = dict(BUILT_IN)
    if name in modules:
        return built_in(modules[name])
    for reader in plugged_in():
        if reader.name == name:
            return reader
    names = reader_names()
    near = [f"'{match}'" for match in get_close_matches(name, names, n=2)]
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise InputError(f"unknown log format '{name}': {hint}Formats are {', '.join(names)}")
