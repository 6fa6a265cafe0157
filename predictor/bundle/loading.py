"""From the name of a data set to its log or table."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, overload

from predictor.bundle.public import fetched, public_datasets
from predictor.bundle.shipped import SHIPPED, Kind, shipped_path, verified_path
from predictor.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from predictor.logs.tables import ItemLog, ResponseLog, RunLog

RunsName: TypeAlias = Literal[
    "ladder",
    "ladder-formats",
    "learning_curves",
    "mlp_runs",
    "schedule-curves-25m",
    "schedule-curves-100m",
]
ItemsName: TypeAlias = Literal["ladder-items", "mlp_ladder"]
ResponsesName: TypeAlias = Literal["ladder-responses", "response_strategies"]
TableName: TypeAlias = Literal[
    "ladder-accuracies",
    "ladder-compression",
    "ladder-runs",
    "mlp_scaling",
    "text_compression",
    "public-benchmarks",
    "public-emergent-tasks",
]


def dataset_names(*, public: bool = False) -> list[str]:
    """Return the names of the data sets.

    Parameters
    ----------
    public : bool
        The public ones, which are fetched or found in a folder, instead of those that come with
        the package.

    Returns
    -------
    list of str
        In alphabetical order.

    Examples
    --------
    >>> [name for name in dataset_names() if name.startswith("ladder")][:3]
    ['ladder', 'ladder-accuracies', 'ladder-checkpoints']
    >>> dataset_names(public=True)[0]
    'public-benchmarks'
    """
    return sorted(public_datasets() if public else SHIPPED)


def dataset_path(name: str) -> Path:
    """Return where a data set that comes with the package is.

    Parameters
    ----------
    name : str
        One of :func:`dataset_names`.

    Returns
    -------
    Path
        A file, or a folder of files. The data set's card, ``card.md``, and the scripts that made
        it lie in the folder of the data set.

    Raises
    ------
    InputError
        If there is no such data set (the nearest names are suggested), or its files are gone.

    Examples
    --------
    >>> dataset_path("ladder-runs").name
    'runs.csv'
    """
    if name in SHIPPED:
        return shipped_path(SHIPPED[name].place)
    if name in public_datasets():
        raise InputError(f"'{name}' does not come with the package; load_dataset fetches it")
    known = [*dataset_names(), *dataset_names(public=True)]
    near = get_close_matches(name, known, n=3, cutoff=0.4) or dataset_names()
    raise InputError(f"no data set '{name}': did you mean {' or '.join(near)}?")


@overload
def load_dataset(name: RunsName, folder: Path | None = None) -> RunLog: ...
@overload
def load_dataset(name: ItemsName, folder: Path | None = None) -> ItemLog: ...
@overload
def load_dataset(name: ResponsesName, folder: Path | None = None) -> ResponseLog: ...
@overload
def load_dataset(name: TableName, folder: Path | None = None) -> pd.DataFrame: ...
@overload
def load_dataset(
    name: str, folder: Path | None = None
) -> RunLog | ItemLog | ResponseLog | pd.DataFrame: ...
def load_dataset(
    name: str, folder: Path | None = None
) -> RunLog | ItemLog | ResponseLog | pd.DataFrame:
    """Read a data set.

    Parameters
    ----------
    name : str
        One of :func:`dataset_names`. Of those that come with the package ``"ladder"`` holds the
        runs of seven sizes of language models, ``"ladder-items"`` which items of our own
        benchmarks each gets right, ``"ladder-runs"`` one row a run with parameters, tokens and
        final loss (nats a token), ``"ladder-compression"`` how each compresses held-out text, and
        ``"ladder-responses"`` answers of several strategies, scored; ``"learning_curves"`` error
        rate and log loss of ten learners on six data sets; the others are small networks.
    folder : Path, optional
        For public sets: where their files were saved, by whatever names; by default the folder
        that the environment variable ``PREDICTOR_DATA`` names, else they are fetched and kept in
        the user's cache (``PREDICTOR_CACHE``).

    Returns
    -------
    RunLog, ItemLog, ResponseLog or DataFrame
        By what the data set holds. Files are compared with their checksums first.

    Raises
    ------
    InputError
        If there is no such data set, or its files are gone, cannot be fetched, or are not what
        they should be.

    Examples
    --------
    >>> log = load_dataset("ladder")
    >>> "3k-s0-8M" in log.run_names, log.metrics
    (True, ['loss', 'grad_norm', 'eval_loss', 'bits_per_byte'])
    >>> loss = log.curve("3k-s0-8M", "eval_loss")["value"]
    >>> float(loss.iloc[0]) > 1.2 * float(loss.iloc[-1])
    True
    """
    if name in public_datasets():
        dataset = public_datasets()[name]
        return _read(name, dataset.kind, fetched(name, dataset, folder))
    dataset_path(name)
    shipped = SHIPPED[name]
    facts = verified_path(shipped.facts) if shipped.facts else None
    return _read(name, shipped.kind, [verified_path(shipped.place)], facts)


def _read(
    name: str, kind: Kind, paths: list[Path], facts: Path | None = None
) -> RunLog | ItemLog | ResponseLog | pd.DataFrame:
    from predictor.logs.frames import read_table
    from predictor.logs.meta import join_meta
    from predictor.logs.reading import read_logs
    from predictor.logs.source import Source
    from predictor.logs.tables import RunLog

    if kind == "weights":
        raise InputError(f"'{name}' holds weights; dataset_path('{name}') is their folder")
    if kind == "table":
        (path,) = paths
        return read_table(Source(path, str(path), path.stem)).frame
    log = read_logs(paths, kind=kind)
    return join_meta(log, facts) if facts is not None and isinstance(log, RunLog) else log
