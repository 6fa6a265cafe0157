"""The real training logs that come with the package: small, checksummed, read like any other log."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Dataset:
    """A bundled data set.

    Parameters
    ----------
    name : str
        Its name, which is also its folder's.
    logs : str
        The file or folder of logs, from the data set's folder.
    sha256 : dict of str to str
        Checksum of every log file, by its place in the data set's folder.
    """

    name: str
    logs: str
    sha256: dict[str, str]


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "learning_curves",
            "curves.csv",
            {"curves.csv": "bface917565e52d6ccf0028e44e0b6df89b6fe208f5a1d8ea5a2f24e2660e0c1"},
        ),
        Dataset(
            "mlp_runs",
            "logs",
            {
                "logs/width-128-cosine-seed-0.jsonl": "ceddef54372368c69c06dc52344fce4e5d3c75f9d1cde04b0976ff50d5a95751",
                "logs/width-128-seed-0.jsonl": "360da53de404b7faf761b2983f7c8d0befef90d576994c435e65992e5ef4d44b",
                "logs/width-128-seed-1.jsonl": "0ce74f1ea45b469cbd59eba4a2548a9c1a9448ec4383c0c6bc0f1e531efdc448",
                "logs/width-128-seed-2.jsonl": "5159fe2747f6ac8632687343008c12ad4ee3b11f8ebbac9e13ce7157499d3276",
                "logs/width-16-seed-0.jsonl": "48db38c7be9adbc2c9c7b57dd88d5dcdd4d38602e1ae44988450248ad1380e4a",
                "logs/width-16-seed-1.jsonl": "c18b0fa3c1a81060ca94b883e5d5cdbef44a656cd795008c9fc53f5bbf584c9e",
                "logs/width-16-seed-2.jsonl": "9eca09defcbd4f95088bfaac633a546776097f94522e742f9fd51cc34f505825",
            },
        ),
    )
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
        One of :func:`dataset_names`.

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
    if name not in DATASETS:
        near = get_close_matches(name, dataset_names(), n=3, cutoff=0.4) or dataset_names()
        raise InputError(f"no bundled data set '{name}': did you mean {' or '.join(near)}?")
    places = [root / name / DATASETS[name].logs for root in _ROOTS]
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

    log = read_logs(dataset_path(name), kind="runs")
    assert isinstance(log, RunLog)
    return log
