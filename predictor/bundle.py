"""The real training logs that come with the package, read like any other log."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from predictor.errors import InputError

if TYPE_CHECKING:
    from predictor.logs.tables import RunLog

_PACKAGE = Path(__file__).resolve().parent
#: A wheel carries the data inside the package; a clone has it beside the package. Inside comes
#: first, for beside an installed package there may be somebody else's folder of that name.
_ROOTS = (_PACKAGE / "bundled", _PACKAGE.parent / "datasets")


#: The file or folder of logs of each data set, from the data set's own folder. What the files must
#: be, by checksum, stands in the card beside them.
DATASETS = {
    "learning_curves": "curves.csv",
    "mlp_runs": "logs",
}

#: Tables that are no training logs: what a command of its own reads, by ``dataset_path``.
TABLES = {
    "response_strategies": "responses.csv",
    "mlp_ladder": "items.csv",
    "mlp_scaling": "runs.csv",
    "text_compression": "samples.jsonl",
}


def dataset_names() -> list[str]:
    """Return the names of the bundled data sets.

    Returns
    -------
    list of str
        In alphabetical order.

    Examples
    --------
    >>> dataset_names()
    ['learning_curves', 'mlp_runs']
    """
    return sorted(DATASETS)


def dataset_path(name: str) -> Path:
    """Return where the logs of a bundled data set are.

    Parameters
    ----------
    name : str
        One of :func:`dataset_names`, or a table: ``"mlp_ladder"``, which items ten networks get
        right, for :class:`predictor.ClusteringOnDifficulty`; ``"mlp_scaling"``, 49 networks, for
        :class:`predictor.ScalingLaw`; ``"response_strategies"``, answers of five strategies scored
        by two language models, for :class:`predictor.ResponseAlignment`; ``"text_compression"``,
        samples of text as fifteen small language models compress them, for
        :class:`predictor.InformationCapacity`.

    Returns
    -------
    Path
        A file, or a folder with one file a run. The data set's card, ``card.md``, and the script
        that made it, ``train.py``, lie in the folder of the data set.

    Raises
    ------
    InputError
        If there is no such data set (the nearest names are suggested), or its files are gone.

    Examples
    --------
    >>> dataset_path("learning_curves").name
    'curves.csv'
    """
    known = DATASETS | TABLES
    if name not in known:
        near = get_close_matches(name, dataset_names(), n=3, cutoff=0.4) or dataset_names()
        raise InputError(f"no bundled data set '{name}': did you mean {' or '.join(near)}?")
    places = [root / name / known[name] for root in _ROOTS]
    for place in places:
        if place.exists():
            return place
    raise InputError(f"the data set '{name}' is not at {places[0]}: install predictor again")


def load_dataset(name: str) -> RunLog:
    """Read the logs of a bundled data set.

    Parameters
    ----------
    name : str
        One of :func:`dataset_names`: ``"learning_curves"`` holds the error rate and the log loss
        (nats per example) of ten learners on six data sets over the size of the training set;
        ``"mlp_runs"`` the losses (nats per pixel) of seven small networks over the steps of
        training.

    Returns
    -------
    RunLog

    Raises
    ------
    InputError
        If there is no such data set, or its files are gone.

    Examples
    --------
    >>> log = load_dataset("learning_curves")
    >>> log.metrics, len(log.run_names)
    (['error', 'log_loss'], 300)
    >>> curve = log.curve("digits/random-forest/0", "error")
    >>> float(curve["value"].iloc[0]) > 5 * float(curve["value"].iloc[-1])
    True
    """
    from predictor.logs.reading import read_logs
    from predictor.logs.tables import RunLog

    if name in TABLES:
        raise InputError(f"'{name}' holds no training logs; dataset_path('{name}') is its table")
    log = read_logs(dataset_path(name), kind="runs")
    assert isinstance(log, RunLog)
    return log
