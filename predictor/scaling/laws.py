"""Scaling laws, each a declaration: loss over parameters, tokens and compute.

All are fitted by the solver that the laws of curves use. A law that is linear in its coefficients
declares them as such; one that is not gives its value as its one basis function.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from predictor.errors import InputError
from predictor.fitting.law import Array, Coefficient, Law, Shape

_EXPONENT = (0.01, 3.0)
_EXPONENTS = tuple(np.geomspace(0.05, 2.0, 24))
_FEW_EXPONENTS = tuple(np.geomspace(0.08, 1.2, 7))
_FLOOR = Coefficient("E", 0.0)
_FLOOR_AND_GAINS = (_FLOOR, Coefficient("A", 0.0), Coefficient("B", 0.0))
_RUNS = ("params", "tokens")


def _chinchilla(n: Array, d: Array, alpha: Array, beta: Array) -> tuple[float, Array, Array]:
    return 1.0, np.exp(-alpha * np.log(n)), np.exp(-beta * np.log(d))


def _chinchilla_slopes(
    phi: Sequence[Array], n: Array, d: Array, _alpha: Array, _beta: Array
) -> tuple[tuple[float | Array, ...], ...]:
    return (0.0, -np.log(n) * phi[1], 0.0), (0.0, 0.0, -np.log(d) * phi[2])


def _chinchilla_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 1] *= units[0] ** params[..., 3]
    scaled[..., 2] *= units[1] ** params[..., 4]
    return scaled


CHINCHILLA = Law(
    name="chinchilla",
    title="Chinchilla",
    formula="E + A / N^alpha + B / D^beta",
    source="Hoffmann et al. 2022, arXiv 2203.15556, approach 3",
    coefficients=_FLOOR_AND_GAINS,
    shapes=(Shape("alpha", *_EXPONENT, _EXPONENTS), Shape("beta", *_EXPONENT, _EXPONENTS)),
    basis=_chinchilla,
    slopes=_chinchilla_slopes,
    rescale=_chinchilla_units,
    axes=_RUNS,
)


def _one_exponent(n: Array, d: Array, alpha: Array) -> tuple[float, Array, Array]:
    return _chinchilla(n, d, alpha, alpha)


def _one_exponent_slopes(
    phi: Sequence[Array], n: Array, d: Array, _alpha: Array
) -> tuple[tuple[float | Array, ...], ...]:
    return ((0.0, -np.log(n) * phi[1], -np.log(d) * phi[2]),)


def _one_exponent_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 1] *= units[0] ** params[..., 3]
    scaled[..., 2] *= units[1] ** params[..., 3]
    return scaled


#: Gadre's (a M^eta + b M^-eta) C^-eta with M = D / N tokens a parameter and C = 6 N D is
#: a 6^-eta N^(-2 eta) + b 6^-eta D^(-2 eta).
OVERTRAINED = Law(
    name="overtrained",
    title="Over-training, one exponent",
    formula="E + A / N^alpha + B / D^alpha",
    source="Gadre et al. 2024, arXiv 2403.08540, equation 4, alpha = 2 eta",
    coefficients=_FLOOR_AND_GAINS,
    shapes=(Shape("alpha", *_EXPONENT, _EXPONENTS),),
    basis=_one_exponent,
    slopes=_one_exponent_slopes,
    rescale=_one_exponent_units,
    axes=_RUNS,
)


def _kaplan(
    n: Array, d: Array, alpha_n: Array, alpha_d: Array, n_c: Array, d_c: Array
) -> tuple[Array]:
    size = np.exp(alpha_n / alpha_d * np.log(n_c / n))
    return (np.exp(alpha_d * np.log(size + d_c / d)),)


def _kaplan_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 2] *= units[0]
    scaled[..., 3] *= units[1]
    return scaled


_CRITICAL = tuple(np.geomspace(1e-2, 1e12, 8))

KAPLAN = Law(
    name="kaplan",
    title="Kaplan",
    formula="((N_c / N)^(alpha_N / alpha_D) + D_c / D)^alpha_D",
    source="Kaplan et al. 2020, arXiv 2001.08361, equation 1.5",
    coefficients=(),
    shapes=(
        Shape("alpha_N", *_EXPONENT, _FEW_EXPONENTS),
        Shape("alpha_D", *_EXPONENT, _FEW_EXPONENTS),
        Shape("N_c", 1e-30, 1e60, _CRITICAL),
        Shape("D_c", 1e-30, 1e60, _CRITICAL),
    ),
    basis=_kaplan,
    rescale=_kaplan_units,
    axes=_RUNS,
)


def worth(repeats: Array, half: Array) -> Array:
    """Return what the first pass and its repeats are worth, in first passes.

    ``1 + R (1 - exp(-repeats / R))``: each repeat is worth less than the one before.
    """
    return 1.0 + half * (1.0 - np.exp(-repeats / half))


def _repeated(
    fresh_n: Array, excess: Array, unique: Array, repeats: Array, *theta: Array
) -> tuple[float, Array, Array]:
    alpha, beta, r_d, r_n = theta
    size = np.exp(-alpha * np.log(fresh_n * worth(excess, r_n)))
    return 1.0, size, np.exp(-beta * np.log(unique * worth(repeats, r_d)))


def _repeated_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 1] *= units[0] ** params[..., 3]
    scaled[..., 2] *= units[2] ** params[..., 4]
    return scaled


_WORTH = (1e-2, 1e3)

DATA_CONSTRAINED = Law(
    name="data-constrained",
    title="Repeated data",
    formula="E + A / N'^alpha + B / D'^beta, D' = U (1 + R_D (1 - exp((1 - D/U) / R_D))), N' alike",
    source="Muennighoff et al. 2023, arXiv 2305.16264, equations 5 and 6",
    coefficients=_FLOOR_AND_GAINS,
    shapes=(
        Shape("alpha", *_EXPONENT, _FEW_EXPONENTS),
        Shape("beta", *_EXPONENT, _FEW_EXPONENTS),
        Shape("R_D", *_WORTH, (2.0, 8.0, 30.0)),
        Shape("R_N", *_WORTH, (2.0, 8.0, 30.0)),
    ),
    basis=_repeated,
    rescale=_repeated_units,
    axes=("fresh_params", "excess_params", "unique_tokens", "repeats"),
    dimensionless=("excess_params", "repeats"),
)


def _compute(c: Array, alpha: Array) -> tuple[float, Array]:
    return 1.0, np.exp(-alpha * np.log(c))


def _compute_slopes(
    phi: Sequence[Array], c: Array, _alpha: Array
) -> tuple[tuple[float | Array, ...], ...]:
    return ((0.0, -np.log(c) * phi[1]),)


def _compute_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 1] *= units[0] ** params[..., 2]
    return scaled


COMPUTE = Law(
    name="compute",
    title="Power law of compute",
    formula="E + A / C^alpha",
    source="Henighan et al. 2020, arXiv 2010.14701, equation 1.1",
    coefficients=(_FLOOR, Coefficient("A", 0.0)),
    shapes=(Shape("alpha", 0.005, 3.0, tuple(np.geomspace(0.02, 1.5, 24))),),
    basis=_compute,
    slopes=_compute_slopes,
    rescale=_compute_units,
    axes=("flops",),
)


def _broken(c: Array, c_0: Array, c_1: Array, d_1: Array, f_1: Array) -> tuple[float, Array]:
    bend = np.log(1.0 + np.exp(np.log(c / d_1) / f_1))
    return 1.0, np.exp(-c_0 * np.log(c) - c_1 * f_1 * bend)


def _broken_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 1] *= units[0] ** params[..., 2]
    scaled[..., 4] *= units[0]
    return scaled


BROKEN = Law(
    name="bnsl",
    title="Broken neural scaling law, one break",
    formula="E + A C^-c_0 (1 + (C / d_1)^(1 / f_1))^(-c_1 f_1)",
    source="Caballero et al. 2023, arXiv 2210.14891, equation 1",
    coefficients=(_FLOOR, Coefficient("A", 0.0)),
    shapes=(
        Shape("c_0", 0.0, 3.0, (0.02, 0.06, 0.15, 0.4)),
        Shape("c_1", -3.0, 3.0, (-0.2, -0.05, 0.05, 0.2)),
        Shape("d_1", 1e-4, 1e4, (0.02, 0.2, 1.0, 5.0, 50.0)),
        Shape("f_1", 0.05, 3.0, (0.1, 0.5)),
    ),
    basis=_broken,
    rescale=_broken_units,
    axes=("flops",),
)

#: The laws by name. A new one is a declaration above and an entry here.
SCALING_LAWS: dict[str, Law] = {
    law.name: law for law in (CHINCHILLA, OVERTRAINED, KAPLAN, DATA_CONSTRAINED, COMPUTE, BROKEN)
}


def scaling_law_named(name: str) -> Law:
    """Return the scaling law of this name.

    Raises
    ------
    InputError
        If there is none; the nearest names are suggested.

    Examples
    --------
    >>> scaling_law_named("chinchilla").formula
    'E + A / N^alpha + B / D^beta'
    """
    if name in SCALING_LAWS:
        return SCALING_LAWS[name]
    near = get_close_matches(name, SCALING_LAWS, n=2) or list(SCALING_LAWS)
    raise InputError(f"scaling law '{name}' is not known; did you mean {' or '.join(near)}?")
