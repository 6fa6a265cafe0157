"""Perplexity and dissimilarity in one score, weighed by how much they vary over strategies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Perplexities above it are taken as it.
CAP = 10.0


def mixing_weight(perplexity: Array, dissimilarity: Array) -> Array:
    """Return the weight of the perplexity: its coefficient of variation over the sum of both.

    Parameters
    ----------
    perplexity, dissimilarity : array, (..., strategies)
        Aggregated over examples.

    Examples
    --------
    >>> float(mixing_weight(np.array([2.0, 4.0]), np.array([0.5, 0.5])))
    1.0
    """
    spread = [
        np.nanstd(np.asarray(value), axis=-1)
        / np.maximum(np.abs(np.nanmean(value, axis=-1)), 1e-12)
        for value in (np.minimum(perplexity, CAP), dissimilarity)
    ]
    total = spread[0] + spread[1]
    return np.asarray(np.where(total > 0, spread[0] / np.where(total > 0, total, 1.0), 0.5))


def mix(perplexity: Array, dissimilarity: Array) -> Array:
    """Return beta norm(perplexity) + (1 - beta) norm(dissimilarity); lower is better.

    ``norm`` is min-max over strategies, perplexity is cut at 10 first, beta is
    :func:`mixing_weight`.

    Parameters
    ----------
    perplexity, dissimilarity : array, (..., strategies)
        Aggregated over examples.

    Returns
    -------
    array, (..., strategies)
        0 to 1.

    References
    ----------
    Ren, Chen and Liu, arXiv 2502.11779v1.

    Examples
    --------
    >>> mix(np.array([2.0, 4.0, 40.0]), np.array([0.2, 0.2, 0.2])).round(3).tolist()
    [0.0, 0.25, 1.0]
    """
    capped = np.minimum(perplexity, CAP)
    beta = mixing_weight(capped, dissimilarity)[..., None]
    return np.asarray(beta * _norm(capped) + (1 - beta) * _norm(dissimilarity))


def _norm(values: Array) -> Array:
    low = np.nanmin(values, axis=-1, keepdims=True)
    span = np.nanmax(values, axis=-1, keepdims=True) - low
    return np.where(span > 0, (values - low) / np.where(span > 0, span, 1.0), 0.0 * values)
