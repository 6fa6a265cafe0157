"""The two laws that know the schedule, declared on the area under it and the falls behind a point.

Rates are measured in the peak rate and areas in steps at the peak rate. So what is known of some
runs beforehand (:data:`KNOWN`) can be said of others, whatever their optimizer's units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from predictor.curves.schedule.annealing import Falls
from predictor.fitting.law import Array, Coefficient, Law, Shape

_FLOOR_GAIN_DROP = (Coefficient("L0", 0.0), Coefficient("A", 0.0), Coefficient("B", 0.0))
_ALPHA = Shape("alpha", 0.02, 4.0, (0.3, 0.5, 0.8))

#: What is known of each shape parameter beforehand: its value, and by what factor it may differ
#: (standard deviation of its logarithm).
KNOWN: dict[str, tuple[float, float]] = {
    "alpha": (0.5, 0.35),
    "C": (0.01, 1.0),
    "beta": (1.0, 0.25),
    "gamma": (0.5, 0.25),
    "tau": (300.0, 1.0),
}
#: What a whole fall of the rate takes off the loss, as a share of it, and how far that may be off.
KNOWN_DROP = (0.035, 0.02)


def multi_power(falls: Falls) -> Law:
    """Return the multi-power law at points with these falls behind them.

    ``L0 + A a^-alpha - B sum_k f_k (1 - (1 + C r_k^-gamma s_k)^-beta)`` with ``a`` the area, and
    for each fall its height ``f``, the rate ``r`` it fell to and the area ``s`` since.

    References
    ----------
    Luo et al., A Multi-Power Law for Loss Curve Prediction, ICLR 2025, arXiv 2503.12811.
    """

    def parts(c: Array, gamma: Array) -> tuple[Array, Array]:
        risen = c * np.exp(falls.log_area - gamma * falls.log_rate)
        log_risen = np.log1p(risen)
        return risen, log_risen

    def basis(area: Array, alpha: Array, c: Array, beta: Array, gamma: Array) -> Sequence[Array]:
        _, log_risen = parts(c, gamma)
        drop = falls.summed(np.expm1(-beta * log_risen))
        return np.ones_like(drop), np.exp(-alpha * np.log(area)), drop

    def slopes(
        phi: Sequence[Array], area: Array, _alpha: Array, c: Array, beta: Array, gamma: Array
    ) -> Sequence[Sequence[Array | float]]:
        risen, log_risen = parts(c, gamma)
        left = np.exp(-beta * log_risen)
        steep = -beta * left * risen / (1 + risen)
        return (
            (0.0, -np.log(area) * phi[1], 0.0),
            (0.0, 0.0, falls.summed(steep) / c),
            (0.0, 0.0, falls.summed(-left * log_risen)),
            (0.0, 0.0, falls.summed(-steep * falls.log_rate)),
        )

    return Law(
        name="multi-power",
        title="Multi-power law",
        formula="L0 + A a^-alpha - B sum f (1 - (1 + C r^-gamma s)^-beta)",
        source="Luo et al. 2025, arXiv 2503.12811",
        coefficients=_FLOOR_GAIN_DROP,
        shapes=(
            _ALPHA,
            Shape("C", 1e-6, 10.0, (0.003, 0.02)),
            Shape("beta", 0.02, 20.0, (1.0,)),
            Shape("gamma", 0.02, 3.0, (0.5,)),
        ),
        basis=basis,
        slopes=slopes,
        axes=("area",),
    )


def annealing(falls: Falls) -> Law:
    """Return the annealing law at points with these falls behind them.

    ``L0 + A a^-alpha - B sum_k f_k (1 - exp(-n_k / tau))`` with ``n`` the steps since each fall:
    the momentum form of the paper, ``lambda = exp(-1 / tau)``.

    References
    ----------
    Tissue et al., Scaling Law with Learning Rate Annealing, arXiv 2408.11029.
    """

    def basis(area: Array, alpha: Array, tau: Array) -> Sequence[Array]:
        drop = falls.summed(np.expm1(-falls.steps / tau))
        return np.ones_like(drop), np.exp(-alpha * np.log(area)), drop

    def slopes(
        phi: Sequence[Array], area: Array, _alpha: Array, tau: Array
    ) -> Sequence[Sequence[Array | float]]:
        ages = falls.steps / tau
        return (
            (0.0, -np.log(area) * phi[1], 0.0),
            (0.0, 0.0, falls.summed(np.exp(-ages) * ages) / tau),
        )

    return Law(
        name="annealing",
        title="Annealing law",
        formula="L0 + A a^-alpha - B sum f (1 - exp(-n / tau))",
        source="Tissue et al. 2024, arXiv 2408.11029",
        coefficients=_FLOOR_GAIN_DROP,
        shapes=(_ALPHA, Shape("tau", 1.0, 1e7, (100.0, 1000.0))),
        basis=basis,
        slopes=slopes,
        axes=("area",),
    )


SCHEDULE_LAWS: dict[str, Callable[[Falls], Law]] = {
    "multi-power": multi_power,
    "annealing": annealing,
}
