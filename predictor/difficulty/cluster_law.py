"""The law of a cluster of items: pass rate over compute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictor.fitting.law import Array, Coefficient, Law, Shape
from predictor.fitting.solver import solve

#: The published ladder begins at 39.9e18 FLOPs and measures compute in 1e18 FLOPs. Measured so,
#: compute below has the same numbers on any ladder, and the published threshold on ``a`` holds.
SMALLEST = 39.9
#: Log sizes that stand for 'no model' and 'an unboundedly large one'.
_NOWHERE, _BEYOND = -1e5, 1e5
#: What is believed of floor and ceiling before the ladder speaks: standard deviations, and the
#: noise of one mean pass rate that they are weighed against.
_FLOOR_SPREAD, _CEILING_SPREAD, _NOISE = 0.1, 0.3, 0.02


def _growth(z: Array, a: Array, b: Array) -> tuple[Array, Array]:
    share = np.exp(-np.minimum(a * np.exp(-b * z), 700.0))
    return 1.0 - share, share


def _growth_slopes(
    phi: Sequence[Array], z: Array, a: Array, b: Array
) -> tuple[tuple[Array, Array], ...]:
    lost = np.minimum(a * np.exp(-b * z), 700.0)
    by_a, by_b = -phi[1] * lost / a, phi[1] * lost * np.clip(z, -1e3, 1e3)
    return (-by_a, by_a), (-by_b, by_b)


#: ``z`` is the logarithm of compute over its unit; ``u = g + (1 - g) exp(-c)`` is the ceiling.
CLUSTER_LAW = Law(
    name="cluster",
    title="Exponential of a power law between two levels",
    formula="g + (u - g) exp(-a C^-b), u = g + (1 - g) exp(-c)",
    source="Xu et al., arXiv 2502.17262v4, theorem 1",
    coefficients=(Coefficient("g", 0.0, 0.999), Coefficient("u", 0.0, 1.0)),
    shapes=(
        Shape("a", 1e-3, 1e4, tuple(np.geomspace(0.05, 100.0, 8))),
        Shape("b", 0.02, 3.0, (0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.8)),
    ),
    basis=_growth,
    slopes=_growth_slopes,
    axes=("z",),
)


def log_size(size: Array, smallest: float) -> Array:
    """Return the logarithm of sizes in units in which the ladder's smallest model has 39.9."""
    return np.log(np.asarray(size, dtype=float) / smallest * SMALLEST)


def fit_clusters(
    z: Array,
    rates: Array,
    chance: float = 0.0,
    weights: Array | None = None,
    n_starts: int = 4,
) -> Array:
    """Fit the law to many curves of mean pass rates at once.

    Parameters
    ----------
    z : array, (rungs,)
        Log sizes, see :func:`log_size`.
    rates : array, (curves, rungs)
        Mean pass rates.
    chance : float
        Score of a random guess: where the floor is believed to be until the ladder shows it.
    weights : array, (curves or 1, rungs), optional
        Weight of each model.
    n_starts : int
        Starts of the search.

    Returns
    -------
    array, (curves, 4)
        ``g, u, a, b``; the paper's ``c = -log((u - g) / (1 - g))``.

    Notes
    -----
    Four parameters on as few models are not identified by the data alone: two points of little
    weight say that a model of no compute guesses and that an unbounded one knows all.

    Examples
    --------
    >>> z = log_size(np.geomspace(1e18, 1e21, 8), 1e18)
    >>> true = np.array([[0.0, 1.0, 8.0, 0.3]])
    >>> again = fit_clusters(z, CLUSTER_LAW.value(z[None], true))
    >>> float(CLUSTER_LAW.value(np.array([[15.0]]), again).item().__round__(3))
    0.915
    """
    if not len(rates):
        return np.empty((0, len(CLUSTER_LAW.names)))
    own = np.ones((1, len(z))) if weights is None else weights
    places = np.concatenate([z, [_NOWHERE, _BEYOND]])[None]
    ends = np.broadcast_to([chance, 1.0], (len(rates), 2))
    belief = [(_NOISE / _FLOOR_SPREAD) ** 2, (_NOISE / _CEILING_SPREAD) ** 2]
    w = np.concatenate([own, np.broadcast_to(belief, (len(own), 2))], axis=1)
    y = np.concatenate([rates, ends], axis=1)
    return solve(
        CLUSTER_LAW, places, y, w, residual="linear", n_starts=n_starts, max_iterations=60
    ).params


def ceiling_gap(params: Array) -> Array:
    """Return the paper's ``c`` of each curve, infinite where the curve does not rise."""
    g, u = params[:, 0], params[:, 1]
    share = (u - g) / (1 - g)
    return np.where(share > 0, -np.log(np.maximum(share, 1e-300)), np.inf)
