"""Laws of a whole benchmark's score over compute, or over parameters and tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictor.fitting.law import Array, Coefficient, Law, Shape

_LEVELS = tuple(np.geomspace(0.02, 30.0, 8))
_RATES = (0.05, 0.1, 0.2, 0.35, 0.6, 1.0)


def _unlost(lost: Array) -> Array:
    return np.exp(-np.minimum(lost, 700.0))


def _pass_rate(z: Array, a: Array, b: Array) -> tuple[Array]:
    return (_unlost(a * np.exp(-b * z)),)


def _pass_rate_slopes(
    phi: Sequence[Array], z: Array, a: Array, b: Array
) -> tuple[tuple[Array], ...]:
    lost = np.minimum(a * np.exp(-b * z), 700.0)
    return (-phi[0] * lost / a,), (phi[0] * lost * z,)


#: ``z``: logarithm of compute over its geometric mean on the ladder.
PASS_RATE = Law(
    name="pass-rate",
    title="Power law of the log pass rate",
    formula="exp(-a C^-b)",
    source="OpenAI, GPT-4 technical report, arXiv 2303.08774, section 3.2",
    coefficients=(),
    shapes=(Shape("a", 1e-3, 1e3, _LEVELS), Shape("b", 0.005, 3.0, _RATES)),
    basis=_pass_rate,
    slopes=_pass_rate_slopes,
    axes=("z",),
)


def _pair(
    n: Array, d: Array, g: Array, a: Array, alpha: Array, b: Array, beta: Array
) -> tuple[Array]:
    return (g + (1 - g) * _unlost(a * np.exp(-alpha * n) + b * np.exp(-beta * d)),)


def _pair_slopes(
    phi: Sequence[Array], n: Array, d: Array, g: Array,
    a: Array, alpha: Array, b: Array, beta: Array,
) -> tuple[tuple[Array], ...]:  # fmt: skip
    kept = phi[0] - g
    by_n, by_d = np.exp(-alpha * n), np.exp(-beta * d)
    return (-kept * by_n,), (kept * a * by_n * n,), (-kept * by_d,), (kept * b * by_d * d,)


EXPONENTIAL_PAIR = Law(
    name="exp-nd",
    title="Exponential of power laws of parameters and tokens",
    formula="g + (1 - g) exp(-A N^-alpha - B D^-beta)",
    source="Xu et al., arXiv 2502.17262, with the answer loss of Hoffmann et al., arXiv 2203.15556",
    coefficients=(),
    shapes=(
        Shape("A", 1e-4, 1e3, (0.1, 0.4, 1.0, 2.5)),
        Shape("alpha", 0.005, 3.0, (0.08, 0.25, 0.6)),
        Shape("B", 1e-4, 1e3, (0.1, 0.4, 1.0, 2.5)),
        Shape("beta", 0.005, 3.0, (0.08, 0.25, 0.6)),
    ),
    basis=_pair,
    slopes=_pair_slopes,
    axes=("n", "d", "g"),
)


def _two_powers(n: Array, d: Array, alpha: Array, beta: Array) -> tuple[float, Array, Array]:
    return 1.0, np.exp(-alpha * n), np.exp(-beta * d)


def _two_powers_slopes(
    phi: Sequence[Array], n: Array, d: Array, _alpha: Array, _beta: Array
) -> tuple[tuple[float | Array, ...], ...]:
    return (0.0, -n * phi[1], 0.0), (0.0, 0.0, -d * phi[2])


_LOSS_PARTS = (Coefficient("E", 0.0), Coefficient("A", 0.0), Coefficient("B", 0.0))
TASK_LOSS = Law(
    name="task-loss",
    title="Task loss over parameters and tokens",
    formula="E + A N^-alpha + B D^-beta",
    source="Bhagia et al., arXiv 2412.04403, equation 1",
    coefficients=_LOSS_PARTS,
    shapes=(
        Shape("alpha", 0.005, 3.0, (0.05, 0.1, 0.2, 0.35, 0.6, 1.0)),
        Shape("beta", 0.005, 3.0, (0.05, 0.1, 0.2, 0.35, 0.6, 1.0)),
    ),
    basis=_two_powers,
    slopes=_two_powers_slopes,
    axes=("n", "d"),
)

TASK_LOSS_OF_COMPUTE = Law(
    name="task-loss-compute",
    title="Task loss over compute",
    formula="E + A C^-alpha",
    source="Bhagia et al., arXiv 2412.04403, section 5 (compute instead of N and D)",
    coefficients=_LOSS_PARTS[:2],
    shapes=(Shape("alpha", 0.005, 3.0, (0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0)),),
    basis=lambda z, alpha: (1.0, np.exp(-alpha * z)),
    slopes=lambda phi, z, _alpha: ((0.0, -z * phi[1]),),
    axes=("z",),
)


def _sigmoid(x: Array, k: Array, m: Array) -> tuple[float, Array]:
    return 1.0, 1 / (1 + np.exp(np.clip(-k * (x - m), -700.0, 700.0)))


def _sigmoid_slopes(
    phi: Sequence[Array], x: Array, k: Array, m: Array
) -> tuple[tuple[float, Array], ...]:
    steep = phi[1] * (1 - phi[1])
    return (0.0, steep * (x - m)), (0.0, -steep * k)


#: ``x``: task loss over its mean on the ladder, so that grids of starts serve all units.
SCORE_OF_LOSS = Law(
    name="score-of-loss",
    title="Score over task loss",
    formula="b + a / (1 + exp(-k (L - L0))), -1 <= a <= 0 <= b <= 1",
    source="Bhagia et al., arXiv 2412.04403, equation 2",
    coefficients=(Coefficient("b", 0.0, 1.0), Coefficient("a", -1.0, 0.0)),
    shapes=(
        Shape("k", 0.05, 500.0, (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)),
        Shape("L0", 0.0, 20.0, (0.3, 0.6, 0.8, 0.9, 1.0, 1.1, 1.3)),
    ),
    basis=_sigmoid,
    slopes=_sigmoid_slopes,
    axes=("x",),
)
