"""A Weibull law of weights' sizes: how far training has moved them from where they began."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictor.health.safetensors import Tensor

#: Sixteen times as fine as the 1,024 bins of the source: with those k is off by up to .0014,
#: depending on where they lie.
_EDGES = np.linspace(-12.0, 2.0, 16 * 1024 + 1)
_LEAST = 1e-13
#: Numbers counted at a time: what stays in the processor's cache.
_CHUNK = 1 << 18
#: Places over which the count of 16 bits of a 32-bit number is spread.
_PARTS = 16

Array = NDArray[np.float64]
#: Of weights drawn from a normal distribution of standard deviation 1.
INITIAL_K, INITIAL_LAMBDA = 1.205434, 0.887487
#: Standard error of k times the square root of the number of weights.
_SAMPLING = 1.46
#: With fewer weights k has a larger error than the bands are wide.
_FEWEST = 16_384


class Weibull(NamedTuple):
    """A fitted law ``F(|w|) = 1 - exp(-(|w| / lambda)^k)``.

    Parameters
    ----------
    k, scale : float
        Shape k and scale lambda.
    r_squared : float
        Share of the variance that the straight line explains.
    weights : int
        How many there are.
    """

    k: float
    scale: float
    r_squared: float
    weights: int


def histogram(weights: NDArray[np.float32]) -> Array:
    """Return counts of log10 |w| in 16,384 bins from -12 to 2.

    Parameters
    ----------
    weights : array
        Finite numbers; those under 1e-13 are left out.
    """
    size = np.abs(weights.ravel(), dtype=np.float64)
    return _binned(size, np.ones(len(size)))


def tensor_histogram(tensor: Tensor) -> tuple[Array, int]:
    """Return counts of log10 |w| of a tensor on disk, and how many numbers are not finite.

    Numbers are counted by their upper 16 bits first, which is several times as fast as to take the
    logarithm of each. That is exact for 16-bit numbers; of 32-bit ones the count of each 16 bits
    is spread evenly over what they can stand for (k differs by some 5e-5, a tenth of its sampling
    error at 16 million weights).

    Parameters
    ----------
    tensor : Tensor
        Of floating numbers.
    """
    bits = np.zeros(1 << 16, dtype=np.int64)
    for piece in tensor.pieces(16 * _CHUNK):
        for first in range(0, len(piece), _CHUNK):
            bits += _upper_halves(piece[first : first + _CHUNK])
    upper = np.flatnonzero(bits).astype(np.uint32)
    counts = bits[upper].astype(np.float64)
    if tensor.kind == "F16":
        size = np.abs(upper.astype(np.uint16).view(np.float16), dtype=np.float64)[:, None]
    else:
        size = np.abs((upper << 16).view(np.float32), dtype=np.float64)[:, None]
        if tensor.kind != "BF16":
            last = np.abs(((upper << 16) | np.uint32(0xFFFF)).view(np.float32), dtype=np.float64)
            size = size + (last[:, None] - size) * (np.arange(_PARTS) + 0.5) / _PARTS
    finite = np.isfinite(size).all(axis=1)
    parts = size.shape[1]
    spread = np.repeat(counts[finite] / parts, parts)
    return _binned(size[finite].ravel(), spread), int(counts[~finite].sum())


def _upper_halves(numbers: NDArray[Any]) -> NDArray[np.int64]:
    """Return how often each value of the upper 16 bits comes up, of floats of 16 bits or more."""
    if numbers.dtype == np.float64:
        with np.errstate(over="ignore"):
            numbers = numbers.astype("<f4")
    halves = numbers.view("<u2")
    return np.bincount(halves if numbers.itemsize == 2 else halves[1::2], minlength=1 << 16)


def _binned(size: Array, counts: Array) -> Array:
    kept = size >= _LEAST
    place = np.floor((np.log10(size[kept]) - _EDGES[0]) / (_EDGES[1] - _EDGES[0]))
    inside = (place >= 0) & (place < len(_EDGES) - 1)
    found: Array = np.bincount(
        place[inside].astype(np.int64), counts[kept][inside], minlength=len(_EDGES) - 1
    ).astype(np.float64)
    return found


def fit_weibull(counts: Array) -> Weibull | None:
    """Fit by weighted least squares on the linearised distribution.

    ``F_j = (C_{j-1} + C_j) / 2N`` at bin midpoints, ``y = ln(-ln(1 - F))`` against ``ln |w|``
    where 0.1 <= F <= 0.9, weighted by counts.

    Parameters
    ----------
    counts : array, (16384,)
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
    total = float(counts.sum())
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
    return Weibull(k, scale, r_squared, round(total))


def band(law: Weibull) -> str:
    """Return what the source calls weights of such a k.

    A k within two sampling errors of the one at initialisation is that of transmission.

    Examples
    --------
    >>> [band(Weibull(k, 1.0, 0.999, 1_000_000)) for k in (1.2, 1.0, 0.9)]
    ['transmission', 'mild selection', 'strong selection']
    """
    if law.weights < _FEWEST:
        return "too few weights"
    if law.r_squared < 0.9:
        return "no Weibull law"
    near = abs(law.k - INITIAL_K) < 2 * _SAMPLING / law.weights**0.5
    if near or 1.18 <= law.k <= 1.21:
        return "transmission"
    if law.k > 1.21:
        return "above initialisation"
    return "mild selection" if law.k >= 0.95 else "strong selection"
