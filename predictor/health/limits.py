"""What limits a run: its size, its data, or the rest of its time; from a fitted law's draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.errors import InputError

Array = NDArray[np.float64]
#: So large that a term of the law is gone.
_ENDLESS = 1e40


@dataclass(frozen=True)
class Share:
    """One part of what a run's loss could still lose.

    Parameters
    ----------
    part : str
        "size", "data" or "time".
    share, lower, upper : float
        Of the reducible loss.
    doubling, doubling_lower, doubling_upper : float or None
        By how much the loss falls where this part is doubled; for time, where the planned run is
        finished.
    """

    part: str
    share: float
    lower: float
    upper: float
    doubling: float
    doubling_lower: float
    doubling_upper: float


@dataclass(frozen=True)
class Limits:
    """What limits a run, by a law of loss over parameters and tokens.

    Parameters
    ----------
    run : str
        Name of the run.
    params, tokens : float
        Where it is.
    planned : float or None
        Tokens it is to see; None where not known.
    reducible : float
        Loss above what the law says no size and no data get below.
    shares : tuple of Share
        The parts, the largest first.
    trained : float
        Tokens over what the best run of the same compute would see: above 1 it is over-trained for
        its size, below 1 under-trained.
    trained_lower, trained_upper : float
        Interval.
    level : float
        Of the intervals.
    """

    run: str
    params: float
    tokens: float
    planned: float | None
    reducible: float
    shares: tuple[Share, ...]
    trained: float
    trained_lower: float
    trained_upper: float
    level: float

    @property
    def verdict(self) -> str:
        """Return one sentence."""
        first = self.shares[0]
        what = {"size": "size", "data": "data", "time": "time: the planned run is not over"}
        if self.trained_lower > 1:
            fit = "over-trained for its size"
        elif self.trained_upper < 1:
            fit = "under-trained for its size"
        else:
            fit = "near the best size for its compute"
        return (
            f"limited most by {what[first.part]} ({100 * first.share:.0f} % of the reducible loss, "
            f"{100 * first.lower:.0f} to {100 * first.upper:.0f}); {fit}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "shares": [asdict(one) for one in self.shares]} | {
            "verdict": self.verdict
        }


def limits_of(
    run: str,
    params: float,
    tokens: float,
    loss: Callable[[Array, Array], Array],
    best_size: Callable[[float], Array],
    *,
    planned: float | None = None,
    level: float = 0.9,
) -> Limits:
    """Split a run's reducible loss among its size, its data and the rest of its planned time.

    With ``L(N, D)`` and no term that joins both: size is ``L(N, D) - L(inf, D)``, time
    ``L(N, D) - L(N, planned)``, data ``L(N, planned) - L(N, inf)``.

    Parameters
    ----------
    run : str
        Name of the run.
    params, tokens : float
        Where it is.
    loss : callable
        From params and tokens, (places,) each, to losses (draws, places) of a law's draws, the
        estimate first.
    best_size : callable
        From FLOPs to the best size, one a draw, the estimate first.
    planned : float, optional
        Tokens that the run is to see.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        If params or tokens are not above 0.

    Examples
    --------
    >>> def law(n, d):
    ...     return (1.8 + 480 * n**-0.35 + 2085 * d**-0.37)[None]
    >>> found = limits_of("a", 1e9, 2e10, law, lambda c: np.array([2e9]))
    >>> [(one.part, round(one.share, 2)) for one in found.shares]
    [('size', 0.51), ('data', 0.49)]
    """
    if not (params > 0 and tokens > 0):
        raise InputError(f"run '{run}': params and tokens must be above 0 to tell what limits it")
    plan = planned if planned is not None and planned > tokens else None
    until = plan or tokens
    n = np.array([params, _ENDLESS, params, params, _ENDLESS, 2 * params, params])
    d = np.array([tokens, tokens, until, _ENDLESS, _ENDLESS, tokens, 2 * until])
    here, no_size, later, no_data, floor, bigger, more = loss(n, d).T
    parts = {
        "size": (here - no_size, here - bigger),
        "data": (later - no_data, later - more),
    }
    if plan is not None:
        parts["time"] = (here - later, here - later)
    reducible = np.maximum(here - floor, 1e-300)
    total = np.maximum(sum(part for part, _ in parts.values()), 1e-300)
    shares = [
        Share(name, *_told(part / total, level), *_told(gain, level))
        for name, (part, gain) in parts.items()
    ]
    flops = 6.0 * params * tokens
    size = best_size(flops)
    trained = _told(tokens / (flops / (6.0 * size)), level)
    shares.sort(key=lambda one: -one.share)
    return Limits(run, params, tokens, plan, float(reducible[0]), tuple(shares), *trained, level)


def _told(draws: Array, level: float) -> tuple[float, float, float]:
    """Return the estimate (the first draw) and the interval around it."""
    first = float(draws[0])
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return first, min(float(low), first), max(float(high), first)
