"""A Weibull law of weights' sizes: how far training has moved them from where they began."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictor.health.safetensors import Tensor

_EDGES = np.linspace(-12.0, 2.0, 1025)
_LEAST = 1e-13
#: Numbers counted at a time.
_CHUNK = 1 << 22
#: Of weights drawn from a normal distribution of standard deviation 1.
INITIAL_K, INITIAL_LAMBDA = 1.205434, 0.887487


class Weibull(NamedTuple):
    """A fitted law ``F(|w|) = 1 - exp(-(|w| / lambda)^k)``.

    Parameters
    ----------
    k, scale : float
        Shape k and scale lambda.
    r_squared : float
        Share of the variance that the straight line explains.
    weights : int
        How many were used.
    """

    k: float
    scale: float
    r_squared: float
    weights: int


def histogram(weights: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return counts of log10 |w| in 1,024 bins from -12 to 2.

    Parameters
    ----------
    weights : array
        Finite numbers; those under 1e-13 are left out.
    """
    size = np.abs(weights.ravel(), dtype=np.float64)
    return _binned(size, np.ones(len(size), dtype=np.int64))


def tensor_histogram(tensor: Tensor) -> tuple[NDArray[np.int64], int]:
    """Return counts of log10 |w| of a tensor on disk, and how many numbers are not finite.

    Numbers are counted by their leading bits first, and logarithms taken of what those bits can
    be. 16-bit numbers are told exactly so, of 32-bit ones the first eleven bits of the fraction: a
    bin of log10 |w| is 65 times as wide.

    Parameters
    ----------
    tensor : Tensor
        Of floating numbers.
    """
    coarse = np.zeros(1 << 19, dtype=np.int64)
    raw = tensor.raw()
    for first in range(0, len(raw), _CHUNK):
        piece = np.asarray(raw[first : first + _CHUNK])
        if tensor.kind == "F64":
            piece = piece.astype(np.float32)
        if piece.dtype.itemsize == 2:
            bits = piece.view(np.uint16)
            coarse[: 1 << 16] += np.bincount(bits, minlength=1 << 16)
        else:
            bits = (piece.view(np.uint32) & np.uint32(0x7FFFFFFF)) >> np.uint32(12)
            coarse += np.bincount(bits.view(np.int32), minlength=1 << 19)
    place = np.flatnonzero(coarse)
    counts = coarse[place]
    with np.errstate(over="ignore", invalid="ignore"):
        if tensor.kind == "BF16":
            size = np.abs((place.astype(np.uint32) << 16).view(np.float32), dtype=np.float64)
        elif tensor.kind == "F16":
            size = np.abs(place.astype(np.uint16).view(np.float16), dtype=np.float64)
        else:
            # The middle of what these bits can be.
            middle = (place.astype(np.uint32) << 12) | np.uint32(1 << 11)
            size = middle.view(np.float32).astype(np.float64)
            size[place >= 0x7F800000 >> 12] = np.inf
            size[place == 0] = 0.0
    finite = np.isfinite(size)
    return _binned(size[finite], counts[finite]), int(counts[~finite].sum())


def _binned(size: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    kept = size >= _LEAST
    with np.errstate(divide="ignore"):
        place = np.floor((np.log10(size[kept]) - _EDGES[0]) / (_EDGES[1] - _EDGES[0]))
    inside = (place >= 0) & (place < len(_EDGES) - 1)
    found = np.zeros(len(_EDGES) - 1, dtype=np.int64)
    np.add.at(found, place[inside].astype(np.int64), counts[kept][inside])
    return found


def fit_weibull(counts: NDArray[np.int64]) -> Weibull | None:
    """Fit by weighted least squares on the linearised distribution.

    ``F_j = (C_{j-1} + C_j) / 2N`` at bin midpoints, ``y = ln(-ln(1 - F))`` against ``ln |w|``
    where 0.1 <= F <= 0.9, weighted by counts.

    Parameters
    ----------
    counts : array of int, (1024,)
        From :func:`histogram`.

    Returns
    -------
    Weibull or None
        None where fewer than three bins hold weights.

    References
    ----------
    A Two-Parameter Weibull Framework, 2026; see docs/health.md.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = fit_weibull(histogram(rng.normal(size=100_000).astype("f4")))
    >>> round(found.k, 1), round(found.scale, 1)
    (1.2, 0.9)
    """
    total = int(counts.sum())
    if total == 0:
        return None
    passed = np.cumsum(counts)
    share = (passed - counts / 2) / total
    used = (share >= 0.1) & (share <= 0.9) & (counts > 0)
    if used.sum() < 3:
        return None
    x = np.log(10.0) * (_EDGES[:-1] + _EDGES[1:])[used] / 2
    y, w = np.log(-np.log1p(-share[used])), counts[used] / counts[used].sum()
    dx, dy = x - w @ x, y - w @ y
    k = float((w * dx) @ dy / ((w * dx) @ dx))
    scale = float(np.exp(w @ x - (w @ y) / k))
    left = dy - k * dx
    r_squared = 1 - float((w * left) @ left / ((w * dy) @ dy))
    return Weibull(k, scale, r_squared, total)


def band(k: float, r_squared: float) -> str:
    """Return what the source calls weights of such a k.

    Examples
    --------
    >>> band(1.2, 0.999), band(1.0, 0.99), band(0.9, 0.99)
    ('transmission', 'mild selection', 'strong selection')
    """
    if r_squared < 0.9:
        return "no Weibull law"
    if k > 1.21:
        return "above initialisation"
    if k >= 1.18:
        return "transmission"
    return "mild selection" if k >= 0.95 else "strong selection"
