"""A learning-rate schedule: the rate at every step, and its sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np

from predictor.errors import InputError
from predictor.fitting.law import Array

#: Smooth schedules are drawn with this many straight pieces.
_PIECES = 512
#: No training is longer; a schedule that says so is a mistake in units.
_MOST_STEPS = 1e12
#: A schedule holds its last rate up to this many times its last step: logs often end a little
#: before runs do.
HELD = 1.01
Decay = Literal["linear", "exponential", "cosine", "sqrt"]


@dataclass(frozen=True, eq=False)
class Schedule:
    """The learning rate over the steps of a run, straight between the steps given.

    Parameters
    ----------
    step : array, (knots,)
        Optimizer steps, ascending. Before the first one the rate is that of the first.
    lr : array, (knots,)
        Learning rate at each, not negative. A sudden change from step 8000 on is written with two
        knots, at 7999 and 8000.
    name : str
        What to call it.

    Raises
    ------
    InputError
        If steps do not ascend, or a number is negative or not finite.

    Examples
    --------
    >>> plan = Schedule.wsd(peak=3e-4, end=3e-5, steps=1000, warmup=100, decay=800)
    >>> plan.rate(np.array([50.0, 500.0, 900.0, 1000.0])).round(6).tolist()
    [0.00015, 0.0003, 0.000165, 3e-05]
    >>> round(float(Schedule.constant(1e-3, 200).area(np.array([150.0]))[0]), 6)
    0.15
    """

    step: Array
    lr: Array
    name: str = "schedule"

    def __post_init__(self) -> None:
        step, lr = (np.atleast_1d(np.asarray(a, dtype=float)) for a in (self.step, self.lr))
        if step.ndim != 1 or step.shape != lr.shape or not len(step):
            raise InputError(f"{self.name}: one learning rate a step, not {step.shape}, {lr.shape}")
        if not (np.isfinite(step).all() and np.isfinite(lr).all()):
            raise InputError(f"{self.name}: steps and learning rates must be finite numbers")
        if step[0] < 0 or (np.diff(step) <= 0).any() or step[-1] > _MOST_STEPS:
            raise InputError(f"{self.name}: steps must ascend from 0 or more, each given once")
        if (lr < 0).any() or not lr.any():
            raise InputError(f"{self.name}: learning rates must be 0 or more, and not all 0")
        if step[0] > 0:
            step, lr = np.r_[0.0, step], np.r_[lr[0], lr]
        object.__setattr__(self, "step", step)
        object.__setattr__(self, "lr", lr)

    @classmethod
    def constant(cls, peak: float, steps: float, warmup: float = 0) -> Self:
        """Return a constant rate after a linear warm-up."""
        return cls(*_with_warmup(peak, warmup, [steps], [peak]), "constant")

    @classmethod
    def linear(cls, peak: float, steps: float, end: float = 0.0, warmup: float = 0) -> Self:
        """Return a rate that falls in a straight line from the warm-up's end to the last step."""
        return cls(*_with_warmup(peak, warmup, [steps], [end]), "linear")

    @classmethod
    def cosine(cls, peak: float, steps: float, end: float = 0.0, warmup: float = 0) -> Self:
        """Return a rate that falls along half a cosine from the warm-up's end to the last step."""
        at, rate = _falling("cosine", warmup, steps, peak, end)
        return cls(*_with_warmup(peak, warmup, at, rate), "cosine")

    @classmethod
    def wsd(
        cls,
        peak: float,
        steps: float,
        decay: float,
        end: float = 0.0,
        warmup: float = 0,
        shape: Decay = "linear",
    ) -> Self:
        """Return warm-up, stable rate, and a decay from step ``decay`` on, in one of four shapes.

        References
        ----------
        Hu et al., MiniCPM, arXiv 2404.06395; Haegele et al., arXiv 2405.18392 (shape "sqrt").
        """
        if not warmup <= decay < steps:
            raise InputError(f"wsd: decay={decay:g} must lie from warmup to before steps={steps:g}")
        at, rate = _falling(shape, decay, steps, peak, end)
        at, rate = np.r_[decay, at], np.r_[peak, rate]
        keep = at > warmup
        return cls(*_with_warmup(peak, warmup, at[keep], rate[keep]), "wsd")

    @classmethod
    def inverse_sqrt(cls, peak: float, steps: float, warmup: float = 1, end: float = 0.0) -> Self:
        """Return ``peak sqrt(warmup / step)`` after the warm-up, never below ``end``."""
        start = max(warmup, 1.0)
        if start >= steps:
            raise InputError(f"inverse-sqrt: warmup={warmup:g} must be under steps={steps:g}")
        at = np.geomspace(start, steps, _PIECES + 1)[1:]
        rate = np.maximum(peak * np.sqrt(start / at), end)
        return cls(*_with_warmup(peak, start, at, rate), "inverse-sqrt")

    @property
    def steps(self) -> float:
        """The last step."""
        return float(self.step[-1])

    @property
    def peak(self) -> float:
        """The highest rate."""
        return float(self.lr.max())

    def rate(self, step: Array) -> Array:
        """Return the learning rate at each step."""
        return np.interp(step, self.step, self.lr)

    def area(self, step: Array) -> Array:
        """Return the sum of the learning rate over all steps after 0 up to each step."""
        k = np.clip(np.searchsorted(self.step, step, side="right") - 1, 0, len(self.step) - 1)
        here = self.rate(step)
        straight = (np.asarray(step) - self.step[k]) * (self.lr[k] + here) / 2
        # The sum over whole steps is the integral plus half the last term, less half the first.
        return self._integral[k] + straight + (here - self.lr[0]) / 2

    def until(self, step: float) -> Schedule:
        """Return the schedule up to a step."""
        kept = self.step < step
        at = np.r_[self.step[kept], step]
        return Schedule(at, np.r_[self.lr[kept], self.rate(np.array([step]))], self.name)

    @cached_property
    def _integral(self) -> Array:
        pieces = np.diff(self.step) * (self.lr[1:] + self.lr[:-1]) / 2
        return np.r_[0.0, np.cumsum(pieces)]


def with_jumps(step: Array, lr: Array) -> tuple[Array, Array]:
    """Return knots in which a change between two level stretches is sudden, not a slope.

    A log seldom holds every step. Where the rate is level for two intervals before and after, it
    was changed at once; elsewhere it moved on between the steps that were logged.

    Examples
    --------
    >>> rate = np.array([2.0, 2.0, 2.0, 1.0, 1.0, 1.0])
    >>> with_jumps(np.array([1.0, 3.0, 5.0, 7.0, 9.0, 11.0]), rate)[0].tolist()
    [1.0, 3.0, 5.0, 6.0, 7.0, 9.0, 11.0]
    """
    level = np.r_[False, False, np.diff(lr) == 0, False, False]
    here = slice(2, len(level) - 2)
    before, after = level[:-4] & level[1:-3], level[3:-1] & level[4:]
    jump = np.flatnonzero(before & ~level[here] & after & (np.diff(step) > 1))
    return np.insert(step, jump + 1, step[jump + 1] - 1), np.insert(lr, jump + 1, lr[jump])


def _with_warmup(
    peak: float, warmup: float, at: Array | list[float], rate: Array | list[float]
) -> tuple[Array, Array]:
    for name, number in (("peak", peak), ("last step", at[-1])):
        if not 0 < number < np.inf:
            raise InputError(f"schedule: the {name} must be a positive number, not {number:g}")
    if not 0 <= warmup < at[-1]:
        raise InputError(f"schedule: warmup={warmup:g} must lie from 0 to before the last step")
    head = ([0.0, warmup], [0.0, peak]) if warmup > 0 else ([0.0], [peak])
    return np.r_[head[0], at], np.r_[head[1], rate]


def _falling(
    shape: Decay, start: float, stop: float, peak: float, end: float
) -> tuple[Array, Array]:
    """Return steps after ``start`` and the rate there, falling from peak to end."""
    if not 0 <= end <= peak:
        raise InputError(f"schedule: end={end:g} must lie from 0 to peak={peak:g}")
    share = np.linspace(0, 1, 2 if shape == "linear" else _PIECES + 1)[1:]
    if shape == "cosine":
        height = (1 + np.cos(np.pi * share)) / 2
    elif shape == "sqrt":
        height = 1 - np.sqrt(share)
    elif shape == "linear":
        height = 1 - share
    elif end > 0:
        return start + share * (stop - start), peak * (end / peak) ** share
    else:
        raise InputError("wsd: an exponential decay never gets to 0; give end=")
    return start + share * (stop - start), end + (peak - end) * height
