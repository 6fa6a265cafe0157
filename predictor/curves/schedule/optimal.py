"""The best learning-rate schedule of a given length, by a fitted law.

The rate never rises after the warm-up: at the edges of many panels it is the peak times a product
of shares in (0, 1], and the logarithms of these shares are what is searched. The loss at the end is
a smooth function of the rates at the edges through matrices that do not change, so its gradient is
a few matrix products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from predictor.curves.schedule.annealing import Falls, falls
from predictor.curves.schedule.fitting import ScheduleFit
from predictor.curves.schedule.model import ScheduleLaw
from predictor.curves.schedule.plan import Schedule
from predictor.errors import CannotForecastError, InputError
from predictor.fitting.law import Array

_PANELS = 96
_NODES = 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3)
#: The rate at the end is at least this share of the peak: the law has it in a denominator.
_LEAST_SHARE = 1e-4


@dataclass(frozen=True, eq=False)
class _Ending:
    """What the loss at the last step is made of, linear in the rates at the edges.

    Parameters
    ----------
    total : array, (edges,)
        Weights of the sum of all rates after the warm-up.
    rate, area, height : array, (falls, edges)
        Weights of the rate after each fall, of the area since, and of how far it fell.
    since : array, (falls,)
        Steps since each fall.
    warm : Falls
        The rise of the warm-up, as falls of negative height; areas up to its end.
    warm_area : float
        Area of the whole warm-up.
    """

    total: Array
    rate: Array
    area: Array
    height: Array
    since: Array
    warm: Falls
    warm_area: float


def optimal_schedule(
    model: ScheduleLaw,
    steps: float,
    peak: float | None = None,
    *,
    warmup: float = 0.0,
    end: float = 0.0,
) -> Schedule:
    """Return the non-increasing schedule with the lowest loss at the last step.

    Parameters
    ----------
    model : ScheduleLaw
        A fitted law.
    steps : float
        Length of the run in steps, warm-up included.
    peak : float, optional
        Rate after the warm-up; the highest of the fitted runs where not given. A law knows nothing
        of a peak at which training breaks down, so it is not searched.
    warmup : float
        Steps of a linear warm-up from 0.
    end : float
        The rate never goes below this. Below the lowest rate of the fitted runs the law goes beyond
        what it has seen.

    Returns
    -------
    Schedule
        Named "optimal"; ``model.forecast`` says with which interval it ends where.

    Raises
    ------
    InputError
        If the numbers are no schedule.
    CannotForecastError
        If the search fails.

    References
    ----------
    Luo et al., ICLR 2025, arXiv 2503.12811, section 5 (Adam on every step's fall, 10,000
    iterations).

    Examples
    --------
    >>> from predictor.curves.schedule.observed import observe
    >>> plan = Schedule.cosine(peak=1e-3, steps=4000, end=1e-4)
    >>> at = np.arange(50.0, 4001, 50)
    >>> loss = 2 + 20 * (plan.area(at) / 1e-3) ** -0.5 - 100 * (1e-3 - plan.rate(at))
    >>> model = ScheduleLaw(law="multi-power").fit([observe("a", plan, at, loss)])
    >>> best = optimal_schedule(model, 4000)
    >>> last = np.array([4000.0])
    >>> bool(model.predict(best, last)[0] < model.predict(plan, last)[0])
    True
    """
    from scipy.optimize import minimize

    model._check_fitted()
    fit = model.fit_
    top = fit.peak if peak is None else float(peak)
    least = max(end, _LEAST_SHARE * top)
    if not (0 <= warmup < steps < np.inf and 0 < top < np.inf and 0 <= end <= top):
        raise InputError(
            "optimal schedule: steps must lie after warmup >= 0, and 0 <= end <= peak, not "
            f"steps={steps:g}, warmup={warmup:g}, end={end:g}, peak={top:g}"
        )
    edges = _edges(warmup, steps)
    loss = _loss_of(fit, _ending(edges, warmup, top))

    def objective(falls: Array) -> tuple[float, Array]:
        share = np.exp(-np.cumsum(falls))
        rates = least + (top - least) * np.r_[1.0, share]
        value, slope = loss(rates)
        chain = slope[1:] * (top - least) * share
        return value, -np.cumsum(chain[::-1])[::-1]

    found = minimize(
        objective,
        np.full(len(edges) - 1, 3.0 / len(edges)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 30.0)] * (len(edges) - 1),
        options={"maxiter": 1000, "maxfun": 2000, "ftol": 1e-12, "gtol": 1e-9},
    )
    if not np.isfinite(found.fun):
        raise CannotForecastError("the search for the best schedule found no finite loss")
    rates = least + (top - least) * np.r_[1.0, np.exp(-np.cumsum(found.x))]
    head = ([0.0], [0.0]) if warmup > 0 else (np.empty(0), np.empty(0))
    return Schedule(np.r_[head[0], edges], np.r_[head[1], rates], "optimal")


def _edges(start: float, stop: float) -> Array:
    """Return edges that are closer together towards the end, where a fall has little time left."""
    left = (stop - start) * np.linspace(1, 0, _PANELS + 1) ** 2
    whole = np.unique(np.round(stop - left))
    return np.unique(np.r_[start, whole[whole > start]])


def _ending(edges: Array, warmup: float, peak: float) -> _Ending:
    """Return what ties the loss at the last edge to the rates at all edges."""
    width = np.diff(edges)
    count = len(width)
    total = np.r_[width, 0.0] / 2 + np.r_[0.0, width] / 2
    # A sum over whole steps is the integral plus half its last term.
    total[-1] += 0.5
    rows, panel = np.arange(2 * count), np.repeat(np.arange(count), 2)
    node = np.tile(_NODES, count)
    rate, height = (np.zeros((2 * count, count + 1)) for _ in range(2))
    rate[rows, panel], rate[rows, panel + 1] = 1 - node, node
    height[rows, panel], height[rows, panel + 1] = 0.5, -0.5
    # Area from the node to the end: the rest of its own panel, then all later ones.
    area = np.where(np.arange(count + 1) > panel[:, None] + 1, total, 0.0)
    rest = width[panel] * (1 - node)
    area[rows, panel] = rest * (1 - node) / 2
    area[rows, panel + 1] = total[panel + 1] - width[panel] / 2 + rest * (1 + node) / 2
    rise = Schedule.constant(peak, edges[0] + 1, warmup) if warmup > 0 else None
    warm = falls([rise or Schedule.constant(peak, 1.0)], [edges[:1] + 1])
    # What the first edge's rate adds up to before it: half a step of it is in neither sum.
    warm_area = peak * warmup / 2 if warmup > 0 else -peak / 2
    since = edges[-1] - edges[panel] - node * width[panel]
    return _Ending(total, rate, area, height, since, warm, warm_area)


def _loss_of(fit: ScheduleFit, ending: _Ending) -> Callable[[Array], tuple[float, Array]]:
    """Return the function from rates at the edges to the loss at the end and its gradient."""
    named = fit.named()
    floor, gain, alpha = named["L0"], named["A"], named["alpha"]
    rise, risen_to = ending.warm.height, np.exp(ending.warm.log_rate)
    before = np.exp(ending.warm.log_area) - risen_to[-1]

    def loss(rates: Array) -> tuple[float, Array]:
        after = float(ending.total @ rates)
        total = ending.warm_area + after
        height = ending.height @ rates
        share, by_rate, by_area = _share(
            named, ending.rate @ rates, ending.area @ rates, ending.since
        )
        warm, _, warm_by_area = _share(named, risen_to, before + after, ending.since[:1])
        drop = float(height @ share + rise @ warm)
        slope = -alpha * gain * total ** (-alpha - 1) * ending.total
        inner = share @ ending.height + (height * by_rate) @ ending.rate
        outer = (height * by_area) @ ending.area + float(rise @ warm_by_area) * ending.total
        return floor + gain * total**-alpha - drop, slope - inner - outer

    return loss


def _share(
    named: dict[str, float], rate: Array, area: Array, since: Array
) -> tuple[Array, Array, Array]:
    """Return what a fall by 1 has brought, and its derivatives by rate and by area."""
    if "lambda" in named:
        decay = named["lambda"]
        share = named["C"] * (1 - decay**since) / (1 - decay) * np.ones_like(rate)
        return share, np.zeros_like(share), np.zeros_like(share)
    c, beta, gamma = named["C"], named["beta"], named["gamma"]
    risen = c * rate**-gamma * area
    share = -np.expm1(-beta * np.log1p(risen))
    steep = beta * (1 - share) / (1 + risen) * named["B"]
    return named["B"] * share, -gamma * steep * risen / rate, steep * c * rate**-gamma
