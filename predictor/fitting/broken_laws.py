"""Laws of more than one regime: smoothly broken power laws, and the laws M1, M3 and M4.

Same conventions as :mod:`predictor.fitting.laws`. A broken law may rise before it falls, as test
errors do where models or data pass the size that just fits them (double descent).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictor.fitting.law import Array, Coefficient, Law, Shape

_BNSL = "Caballero et al. 2023, Broken Neural Scaling Laws, arXiv 2210.14891, eq. 1"
_M = "Alabdulmohsin et al. 2022, Revisiting Neural Scaling Laws, arXiv 2209.06640, eq. {}"
_SOLVING = 12


def _power_only(x: Array, b: Array) -> tuple[Array]:
    return (np.exp(-b * np.log(x)),)


def _power_only_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 0] *= units[0] ** params[..., 1]
    return scaled


M1 = Law(
    name="m1",
    title="Power law without asymptote",
    formula="a x^-b",
    source=_M.format("M1"),
    coefficients=(Coefficient("a", 0.0),),
    shapes=(Shape("b", 0.001, 6.0, tuple(np.geomspace(0.01, 3.0, 9))),),
    basis=_power_only,
    slopes=lambda phi, x, _b: ((-np.log(x) * phi[0],),),
    rescale=_power_only_units,
)


def _shifted(x: Array, g: Array, b: Array) -> tuple[Array]:
    return (np.exp(b * np.log(1 / x + g)),)


def _shifted_slopes(phi: Sequence[Array], x: Array, g: Array, b: Array) -> tuple[tuple[Array], ...]:
    inside = 1 / x + g
    return (phi[0] * b / inside,), (phi[0] * np.log(inside),)


def _shifted_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 0] *= units[0] ** params[..., 2]
    scaled[..., 1] /= units[0]
    return scaled


M3 = Law(
    name="m3",
    title="Power law that bends to a floor",
    formula="a (1 / x + g)^b",
    source=_M.format("M3"),
    coefficients=(Coefficient("a", 0.0),),
    shapes=(
        Shape("g", 1e-6, 1e3, tuple(np.geomspace(1e-3, 10.0, 6))),
        Shape("b", 0.01, 6.0, (0.1, 0.3, 0.6, 1.2, 2.4)),
    ),
    basis=_shifted,
    slopes=_shifted_slopes,
    rescale=_shifted_units,
)


def _softplus(v: Array) -> Array:
    """Return log(1 + exp(v)); unlike NumPy's logaddexp it takes complex steps."""
    return np.where(v.real > 0, v, 0) + np.log1p(np.exp(np.where(v.real > 0, -v, v)))


def _excess_odds(x: Array, s: Array, b: Array, k: Array) -> tuple[Array, Array, Array]:
    """Solve ``u / (1 - u)^k = (x / s)^-b``; return u, its slope by logit(u), and that of the law.

    In ``v = logit(u)`` the equation is ``k softplus(v) - softplus(-v) = -b log(x / s)``: monotone,
    its slope between 1 and k, so Newton's method cannot miss.
    """
    level = -b * np.log(x / s)
    v = np.where(level.real > 0, level / k, level)
    for _ in range(_SOLVING):
        share = 1 / (1 + np.exp(-v))
        residual = k * _softplus(v) - _softplus(-v) - level
        v = v - residual / (1 - share + k * share)
    share = 1 / (1 + np.exp(-v))
    return v, share, 1 - share + k * share


def _saturating(x: Array, s: Array, b: Array, k: Array) -> tuple[float, Array]:
    return 1.0, _excess_odds(x, s, b, k)[1]


def _saturating_slopes(
    _phi: Sequence[Array], x: Array, s: Array, b: Array, k: Array
) -> tuple[tuple[float, Array], ...]:
    v, share, slope = _excess_odds(x, s, b, k)
    moved = share * (1 - share) / slope
    return (
        (0.0, moved * b / s),
        (0.0, -moved * np.log(x / s)),
        (0.0, -moved * _softplus(v)),
    )


def _scale_third(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 2] *= units[0]
    return scaled


M4 = Law(
    name="m4",
    title="Power law from a ceiling to a floor",
    formula="c + a u, u / (1 - u)^k = (x / s)^-b",
    source=_M.format("M4"),
    coefficients=(Coefficient("c", 0.0), Coefficient("a", 0.0)),
    shapes=(
        Shape("s", 1e-6, 1e4, tuple(np.geomspace(1e-3, 10.0, 5))),
        Shape("b", 0.02, 6.0, (0.2, 0.5, 1.0, 2.0)),
        Shape("k", 0.05, 10.0, (0.3, 1.0, 3.0)),
    ),
    basis=_saturating,
    slopes=_saturating_slopes,
    rescale=_scale_third,
)


def _breaks(x: Array, theta: Sequence[Array]) -> Array:
    """Return the logarithm of the falling part."""
    b, rest = theta[0], theta[1:]
    total = -b * np.log(x)
    for change, place, width in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        total = total - change * width * _softplus(np.log(x / place) / width)
    return total


def _broken(x: Array, *theta: Array) -> tuple[float, Array]:
    return 1.0, np.exp(_breaks(x, theta))


def _broken_slopes(
    phi: Sequence[Array], x: Array, *theta: Array
) -> tuple[tuple[float, Array], ...]:
    slopes: list[tuple[float, Array]] = [(0.0, -np.log(x) * phi[1])]
    rest = theta[1:]
    for change, place, width in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        t = np.log(x / place) / width
        bend, share = _softplus(t), 1 / (1 + np.exp(-t))
        slopes += [
            (0.0, -width * bend * phi[1]),
            (0.0, change * share / place * phi[1]),
            (0.0, -change * (bend - t * share) * phi[1]),
        ]
    return tuple(slopes)


def _broken_units(params: Array, units: Sequence[Array]) -> Array:
    scaled = params.copy()
    scaled[..., 1] *= units[0] ** params[..., 2]
    scaled[..., 4::3] *= np.asarray(units[0])[..., None]
    return scaled


def _broken_law(name: str, title: str, places: Sequence[tuple[float, ...]]) -> Law:
    shapes = [Shape("b", -4.0, 4.0, (0.05, 0.4, 1.2))]
    for number, starts in enumerate(places, 1):
        shapes += [
            Shape(f"b{number}", -6.0, 6.0, (-1.0, -0.3, 0.3, 1.0)),
            Shape(f"d{number}", 1e-4, 1e4, starts),
            Shape(f"f{number}", 0.02, 3.0, (0.15,)),
        ]
    broken = " ".join(
        f"(1 + (x / d{k})^(1 / f{k}))^(-b{k} f{k})" for k in range(1, len(places) + 1)
    )
    return Law(
        name=name,
        title=title,
        formula=f"c + a x^-b {broken}",
        source=_BNSL,
        coefficients=(Coefficient("c", 0.0), Coefficient("a", 0.0)),
        shapes=tuple(shapes),
        basis=_broken,
        slopes=_broken_slopes,
        rescale=_broken_units,
    )


BROKEN = _broken_law("bnsl", "Broken power law", [(0.15, 0.5, 1.5)])
TWICE_BROKEN = _broken_law("bnsl-2", "Twice broken power law", [(0.15, 0.5), (0.7, 2.0)])
