"""Work on thousands of curves in parts: here, on all cores, or on a cluster.

joblib decides where: ``parallel_config(backend="dask")`` around a call sends the same parts to a
cluster. A part in which something breaks is gone through curve by curve, so that one curve's
trouble stays its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from predictor.curves.batch import CurveBatch
from predictor.curves.outlook import Outlook
from predictor.fitting.law import Array

#: Curves handled at a time, so that memory stays bounded.
CURVES = 200
Look = Callable[[CurveBatch, Array], Outlook]
#: The curves of a part, by their row in the batch, and what is said of them; None where it broke.
Looked = tuple[NDArray[np.intp], Outlook | None]


def look_in_parts(
    look: Look, batch: CurveBatch, at: Array, n_jobs: int | None = None
) -> Iterator[Looked]:
    """Look at every curve of a batch, part after part, in their order.

    Parameters
    ----------
    look : callable
        Takes a batch and places, (curves, targets), and returns an :class:`Outlook`.
    batch : CurveBatch
        The curves.
    at : array, (curves, targets)
        Places.
    n_jobs : int, optional
        As joblib has it: None for one process, or what ``joblib.parallel_config`` says; -1 for all
        cores.

    Yields
    ------
    rows : array of int
        Curves of the part.
    outlook : Outlook or None
        What ``look`` returned; None for a curve, alone in its part, that it failed on.
    """
    starts = range(0, len(batch.x), CURVES)
    parts = [np.arange(first, min(first + CURVES, len(batch.x))) for first in starts]
    if len(parts) == 1:
        yield from _part(look, batch, at, parts[0])
        return
    from joblib import Parallel, delayed

    work = (delayed(_part)(look, batch.take(rows), at[rows], rows) for rows in parts)
    for done in Parallel(n_jobs=n_jobs, return_as="generator")(work):
        yield from done


def _part(look: Look, batch: CurveBatch, at: Array, rows: NDArray[np.intp]) -> list[Looked]:
    try:
        return [(rows, look(batch, at))]
    except Exception:  # whatever it is, it must not cost the other curves their forecasts
        if len(rows) == 1:
            return [(rows, None)]
    each = [np.array([k]) for k in range(len(rows))]
    return [
        (rows[k], found) for one in each for k, found in _part(look, batch.take(one), at[one], one)
    ]
