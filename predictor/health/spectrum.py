"""Condition number and stable rank of weights, and what keeps the most when fine-tuned."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictor.health.safetensors import Tensor

Array = NDArray[np.float64]
#: Matrices with more numbers are taken in slices.
_SLICE = 1 << 23


class Spectrum(NamedTuple):
    """Singular values in three numbers, and what kept them from being told.

    Parameters
    ----------
    condition : float or None
        Largest over smallest singular value; infinite where the smallest is 0.
    stable_rank : float or None
        Squared Frobenius norm over the largest singular value squared.
    largest : float or None
        Largest singular value.
    note : str
        Why there is none, empty where there is.
    """

    condition: float | None
    stable_rank: float | None
    largest: float | None
    note: str = ""


def spectrum(matrix: NDArray[np.floating[Any]]) -> Spectrum:
    """Return condition number and stable rank, as numpy.linalg.cond has it, of a matrix.

    Parameters
    ----------
    matrix : array, (rows, columns)
        Weights; more dimensions are to be flattened to (out, -1) before.

    References
    ----------
    The Condition Number as a Scale-Invariant Proxy, arXiv 2506.16289.

    Examples
    --------
    >>> spectrum(np.diag([4.0, 2.0]).astype("f4"))[:2]
    (2.0, 1.25)
    """
    if matrix.size == 0:
        return Spectrum(None, None, None, "empty")
    if not np.isfinite(matrix).all():
        return Spectrum(None, None, None, "not all numbers are finite")
    values = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    if values[0] == 0:
        return Spectrum(None, None, 0.0, "all zeros")
    rank = float((values**2).sum() / values[0] ** 2)
    least = float(values[-1])
    singular = least <= values[0] * max(matrix.shape) * np.finfo(np.float64).eps
    condition = float("inf") if singular else float(values[0]) / least
    return Spectrum(condition, rank, float(values[0]), "singular" if singular else "")


def tensor_spectrum(tensor: Tensor) -> Spectrum:
    """Return condition number and stable rank of a tensor on disk, in little memory.

    A long matrix has the singular values of the triangle R of its QR decomposition, and R can be
    had slice by slice.

    Parameters
    ----------
    tensor : Tensor
        Of floating numbers, all finite.
    """
    rows, columns = tensor.sides
    short, long = sorted((rows, columns))
    if tensor.size <= _SLICE or long < 2 * short:
        return spectrum(tensor.matrix())
    step = max(short, _SLICE // short)
    triangle: NDArray[np.floating[Any]] = np.empty((0, short))
    for first in range(0, long, step):
        part = tensor.matrix(slice(first, first + step), columns=columns > rows)
        part = part.T if columns > rows else part
        triangle = np.asarray(np.linalg.qr(np.concatenate([triangle, part]), mode="r"))
    return spectrum(triangle)


def training_clock(lr: Array, weight_decay: float, steps: Array) -> float:
    """Return the sum of lr x weight decay over steps: how often decay has renewed the weights.

    Parameters
    ----------
    lr : array, (points,)
        Learning rate as logged.
    weight_decay : float
    steps : array, (points,)
        Steps of these points, rising.

    Examples
    --------
    >>> training_clock(np.array([1e-3, 1e-3]), 0.1, np.array([0.0, 1000.0]))
    0.1
    """
    return float(np.trapezoid(lr, steps) * weight_decay)
