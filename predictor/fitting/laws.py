"""The registry of laws. A new law is a declaration below and one line in :data:`LAWS`.

Curve laws are written falling, ``c + a * phi(x)`` with phi falling to 0 and ``a >= 0``: for a loss
or an error rate as it stands; for a rising metric of its distance to the ceiling, or its negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from math import inf

import numpy as np

from predictor.errors import InputError
from predictor.fitting.broken_laws import BROKEN, M1, M3, M4, TWICE_BROKEN
from predictor.fitting.law import Array, Coefficient, Law, Shape

_EXPONENTS = tuple(np.geomspace(0.03, 4.0, 8))
_SPANS = tuple(np.geomspace(0.03, 100.0, 10))
_STEEPNESS = (0.2, 0.5, 1.0, 2.0)
_SCALES = tuple(np.geomspace(1e-3, 30.0, 7))
_FLOOR_AND_GAIN = (Coefficient("c", 0.0), Coefficient("a", 0.0))


def _power_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 1] *= units[0] ** params[..., 2]
    return scaled


def _scale_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 2] *= units[0]
    return scaled


def _root_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 1] *= np.sqrt(units[0])
    return scaled


def _log_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 0] += params[..., 1] * np.log(units[0])
    return scaled


def _power(x: Array, b: Array) -> tuple[float, Array]:
    return 1.0, np.exp(-b * np.log(x))


def _power_slopes(phi: Sequence[Array], x: Array, _b: Array) -> tuple[tuple[float, Array], ...]:
    return ((0.0, -np.log(x) * phi[1]),)


POWER = Law(
    name="power",
    title="Power law with asymptote",
    formula="c + a x^-b",
    source="Hestness et al. 2017, arXiv 1712.00409; Rosenfeld et al. 2020, arXiv 1909.12673",
    coefficients=_FLOOR_AND_GAIN,
    shapes=(Shape("b", 0.01, 6.0, _EXPONENTS),),
    basis=_power,
    slopes=_power_slopes,
    rescale=_power_units,
)

M2 = replace(POWER, name="m2", source="Alabdulmohsin et al. 2022, arXiv 2209.06640, eq. M2")

MODERATE_POWER = replace(
    POWER,
    name="moderate-power",
    title="Power law with asymptote and a moderate exponent",
    formula="c + a x^-b, .3 <= b <= .7",
    shapes=(Shape("b", 0.3, 0.7, (0.35, 0.5, 0.6)),),
)


def _exponential(x: Array, k: Array) -> tuple[float, Array]:
    return 1.0, np.exp(-x / k)


def _exponential_slopes(
    phi: Sequence[Array], x: Array, k: Array
) -> tuple[tuple[float, Array], ...]:
    return ((0.0, phi[1] * x / k**2),)


EXPONENTIAL = Law(
    name="exponential",
    title="Exponential with asymptote",
    formula="c + a exp(-x / k)",
    source="Viering and Loog 2022, arXiv 2103.10948, table 1 (EXP3)",
    coefficients=_FLOOR_AND_GAIN,
    shapes=(Shape("k", 1e-3, 1e4, _SPANS),),
    basis=_exponential,
    slopes=_exponential_slopes,
    rescale=_scale_units,
)

LOGARITHMIC = Law(
    name="logarithmic",
    title="Logarithmic",
    formula="c - a log x",
    source="Viering and Loog 2022, arXiv 2103.10948, table 1 (LOG2)",
    coefficients=(Coefficient("c"), Coefficient("a", 0.0)),
    shapes=(),
    basis=lambda x: (1.0, -np.log(x)),
    slopes=lambda _phi, _x: (),
    rescale=_log_units,
)


def _weibull(x: Array, k: Array, d: Array) -> tuple[float, Array]:
    return 1.0, np.exp(-np.exp(d * np.log(x / k)))


def _weibull_slopes(
    phi: Sequence[Array], x: Array, k: Array, d: Array
) -> tuple[tuple[float, Array], ...]:
    log_ratio = np.log(x / k)
    fall = phi[1] * np.exp(d * log_ratio)
    return (0.0, fall * d / k), (0.0, -fall * log_ratio)


WEIBULL = Law(
    name="weibull",
    title="Weibull-type",
    formula="c + a exp(-(x / k)^d)",
    source="Viering and Loog 2022, arXiv 2103.10948, table 1 (WBL4)",
    coefficients=_FLOOR_AND_GAIN,
    shapes=(Shape("k", 1e-6, 1e4, _SCALES), Shape("d", 0.05, 4.0, _STEEPNESS)),
    basis=_weibull,
    slopes=_weibull_slopes,
    rescale=_scale_units,
)


def _mmf(x: Array, k: Array, d: Array) -> tuple[float, Array]:
    return 1.0, 1.0 / (1.0 + np.exp(d * np.log(x / k)))


def _mmf_slopes(
    phi: Sequence[Array], x: Array, k: Array, d: Array
) -> tuple[tuple[float, Array], ...]:
    log_ratio = np.log(x / k)
    fall = phi[1] * (1.0 - phi[1])
    return (0.0, fall * d / k), (0.0, -fall * log_ratio)


MORGAN_MERCER_FLODIN = Law(
    name="mmf",
    title="Morgan-Mercer-Flodin",
    formula="c + a / (1 + (x / k)^d)",
    source="Morgan, Mercer and Flodin 1975, PNAS 72; Mohr et al. 2022 (LCDB, MMF4)",
    coefficients=_FLOOR_AND_GAIN,
    shapes=(Shape("k", 1e-6, 1e4, _SCALES), Shape("d", 0.05, 6.0, _STEEPNESS)),
    basis=_mmf,
    slopes=_mmf_slopes,
    rescale=_scale_units,
)

INVERSE_SQUARE_ROOT = Law(
    name="inverse-sqrt",
    title="Inverse square root",
    formula="c + a x^-1/2",
    source="Cortes et al. 1993, NIPS 6; the rate of parametric estimators",
    coefficients=_FLOOR_AND_GAIN,
    shapes=(),
    basis=lambda x: (1.0, 1.0 / np.sqrt(x)),
    slopes=lambda _phi, _x: (),
    rescale=_root_units,
)

LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        POWER,
        MODERATE_POWER,
        EXPONENTIAL,
        LOGARITHMIC,
        WEIBULL,
        MORGAN_MERCER_FLODIN,
        INVERSE_SQUARE_ROOT,
        M1,
        M2,
        M3,
        M4,
        BROKEN,
        TWICE_BROKEN,
    )
}


def law_named(name: str) -> Law:
    """Return the law of this name.

    Raises
    ------
    InputError
        If there is none; the nearest names are suggested.

    Examples
    --------
    >>> law_named("power").formula
    'c + a x^-b'
    """
    if name in LAWS:
        return LAWS[name]
    near = get_close_matches(name, LAWS, n=2) or list(LAWS)
    raise InputError(f"law '{name}' is not known; did you mean {' or '.join(near)}?")


def free_floor(law: Law) -> Law:
    """Return the curve law without a floor at zero, for metrics that may be negative."""
    return law.with_bounds(c=(-inf, inf)) if "c" in law.names else law
