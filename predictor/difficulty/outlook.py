"""A benchmark's outlook: forecasts, how they came about, and what speaks against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictor.difficulty.choosing import (
    Backtests,
    Scale,
    backtest,
    distance,
    method_weights,
    stacked_scale,
    weighted_median,
)
from predictor.difficulty.draws import draw
from predictor.difficulty.ladder import Ladder, Place
from predictor.difficulty.methods import METHODS, Method, missing_for_auto, prior_of
from predictor.difficulty.verdict import WIDEST, blocked, judge
from predictor.findings import Finding
from predictor.fitting.forecast import Forecast, Forecasts
from predictor.fitting.law import Array

#: Methods that differ by more than this, with weight on both sides, disagree.
_APART, _HEARD = 0.1, 0.1
_FEWEST_BACKTESTS = 3
_GRID = 25


@dataclass(frozen=True)
class Outlook:
    """What a benchmark will be, by which method, and why.

    Parameters
    ----------
    ladder : Ladder
        What it was forecast from.
    forecasts : Forecasts
        One a place.
    weights : dict of str to float
        Weight of each method that could forecast.
    each : dict of str to array, (places,)
        What each method says.
    missing : dict of str to str
        Why the other methods could not say anything.
    tests : Backtests
        Left-out models.
    scale : Scale
        Error per unit of distance.
    band : tuple of array
        Sizes, forecast, lower and upper ends, for charts.
    """

    ladder: Ladder
    forecasts: Forecasts
    weights: dict[str, float]
    each: dict[str, Array]
    missing: dict[str, str]
    tests: Backtests
    scale: Scale
    band: tuple[Array, Array, Array, Array]

    @property
    def backtest_errors(self) -> dict[str, float]:
        """Root mean square error of each method on the models left out; NaN: could not say."""
        known = np.isfinite(self.tests.errors)
        squares = np.where(known, self.tests.errors, 0.0) ** 2
        with np.errstate(invalid="ignore"):
            rows = np.sqrt(squares.sum(axis=1) / known.sum(axis=1))
        return dict(zip(self.tests.methods, map(float, rows), strict=True))


def outlook(
    ladder: Ladder,
    places: Sequence[Place],
    methods: Sequence[Method] = tuple(METHODS.values()),
    *,
    level: float = 0.9,
    draws: int = 200,
    seed: int = 0,
) -> Outlook:
    """Forecast a benchmark at places, stacking the methods by how they forecast the ladder's end.

    Parameters
    ----------
    ladder : Ladder
        The ladder.
    places : sequence of Place
        Where to forecast.
    methods : sequence of Method
        Methods to weigh; see :func:`predictor.difficulty.methods.methods_of`.
    level : float
        Probability of the interval.
    draws : int
        Bootstrap draws.
    seed : int
        Seed.

    Returns
    -------
    Outlook
        A forecast without a value where the ladder cannot carry it; its warnings say why.

    Examples
    --------
    >>> size = np.geomspace(1e18, 1e21, 8)
    >>> score = np.exp(-3 * (size / 1e18) ** -0.2)
    >>> ladder = Ladder("b", tuple("abcdefgh"), size, "flops", score)
    >>> said = outlook(ladder, [ladder.place(flops=8e21)], draws=20).forecasts[0]
    >>> bool(abs(said.value - np.exp(-3 * 8000**-0.2)) < 0.02)
    True
    """
    usable, missing = _usable(ladder, methods)
    grid = _grid(ladder, places)
    said, values, dropped = _said(ladder, usable, [*places, *grid], draws, seed)
    missing |= dropped
    tests = backtest(ladder, said)
    priors = np.array([prior_of(method, ladder) for method in said])
    scale = stacked_scale(tests, priors)
    farthest = max((place.size for place in places), default=float(ladder.size[-1]))
    reach = float(distance(farthest, float(ladder.size[-1])))
    weights = method_weights(tests, priors, reach) if said else priors
    middle, lower, upper = _stacked(ladder, values, weights, scale, [*places, *grid], level, seed)
    count = len(places)
    each = {m.name: v[0, :count] for m, v in zip(said, values, strict=True)}
    forecasts = [
        _forecast(ladder, place, (middle[k], lower[k], upper[k]), level, said, each, weights, scale)
        for k, place in enumerate(places)
    ]
    sizes = np.array([place.size for place in grid])
    return Outlook(
        ladder,
        Forecasts([f for f, _ in forecasts], dict.fromkeys(x for _, own in forecasts for x in own)),
        dict(zip((m.name for m in said), map(float, weights), strict=True)),
        each,
        missing,
        tests,
        scale,
        (sizes, middle[count:], lower[count:], upper[count:]),
    )


def _usable(ladder: Ladder, methods: Sequence[Method]) -> tuple[list[Method], dict[str, str]]:
    families = {method.family for method in methods}
    among = len(families) > 1
    lacking = {
        method.name: missing_for_auto(method, ladder) if among else method.missing(ladder)
        for method in methods
    }
    reasons = {name: why for name, why in lacking.items() if why}
    return [method for method in methods if method.name not in reasons], reasons


def _grid(ladder: Ladder, places: Sequence[Place]) -> list[Place]:
    """Return places from the ladder's smallest model to the farthest target, for charts."""
    farthest = max([*(place.size for place in places), float(ladder.size[-1])])
    sizes = np.geomspace(ladder.size[0], farthest, _GRID)
    if not ladder.two_axes:
        return [Place(float(size)) for size in sizes]
    # Between the largest model and the target both axes grow together.
    last = ladder.place_of(ladder.rungs - 1)
    goal = max(places, key=lambda place: place.size, default=last)
    span = np.log(goal.size / last.size)
    share = np.clip(np.log(sizes / last.size) / span, 0, 1) if span > 0 else np.zeros(_GRID)
    params = last.params * (goal.params / last.params) ** share
    tokens = last.tokens * (goal.tokens / last.tokens) ** share
    return [
        Place(float(s), float(n), float(d)) for s, n, d in zip(sizes, params, tokens, strict=True)
    ]


def _said(
    ladder: Ladder, methods: Sequence[Method], places: list[Place], draws: int, seed: int
) -> tuple[list[Method], list[Array], dict[str, str]]:
    """Return the methods that could forecast, what they say, and why others could not."""
    if not methods:
        return [], [], {}
    drawn = draw(ladder, draws, np.random.default_rng(seed))
    said, values, dropped = [], [], {}
    for method in methods:
        own = method.forecast(ladder, places, drawn)
        if np.isfinite(own[0]).all():
            said.append(method)
            own = np.where(np.isfinite(own), own, own[0])
            # The benchmark has these items and no others: what the drawn ones shift the level by
            # is not in doubt, only what they change of the way ahead.
            values.append(own - (drawn.score[:, -1:] - ladder.score[-1]))
        else:
            dropped[method.name] = _why(method)
    return said, values, dropped


def _why(method: Method) -> str:
    if method.family == "cod":
        return "no cluster of items can be extrapolated"
    return "the place does not say parameters and tokens"


def _stacked(
    ladder: Ladder,
    values: list[Array],
    weights: Array,
    scale: Scale,
    places: list[Place],
    level: float,
    seed: int,
) -> tuple[Array, Array, Array]:
    """Return the stack and its interval: draws of all methods, widened by backtest errors."""
    if not values:
        nothing = np.full(len(places), np.nan)
        return nothing, nothing, nothing
    all_values = np.stack(values)
    middle = weighted_median(all_values[:, 0], weights)
    mixed = _mixture(all_values, weights, seed)
    ends = np.quantile(mixed, [(1 - level) / 2, (1 + level) / 2], axis=0)
    sizes = np.array([place.size for place in places])
    half = scale.half_width(distance(sizes, float(ladder.size[-1])), level)
    half = np.hypot(half, _trial_noise(ladder, middle, level))
    lower = middle - np.hypot(half, np.maximum(middle - ends[0], 0.0))
    upper = middle + np.hypot(half, np.maximum(ends[1] - middle, 0.0))
    return middle, np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)


def _trial_noise(ladder: Ladder, score: Array, level: float) -> Array:
    """Return how far the target's own trials may move its score from what it would be on average.

    With one trial an item that is the noise of a greedy answer, at most that of as many coins.
    """
    if not ladder.scored_by_items:
        return np.zeros_like(score)
    from scipy.stats import norm

    asked = np.isfinite(ladder.rates[:, -1])
    trials = float(np.median(ladder.trials[asked, -1])) * asked.sum()
    inside = np.clip(score, 0.0, 1.0)
    return np.asarray(norm.ppf((1 + level) / 2) * np.sqrt(inside * (1 - inside) / trials))


def _mixture(values: Array, weights: Array, seed: int) -> Array:
    """Return draws of the methods in proportion to their weights, (draws, places)."""
    count = values.shape[1]
    if count == 1:
        return values[:, 0]
    rng = np.random.default_rng(seed)
    method = rng.choice(len(weights), size=count - 1, p=weights)
    return values[method, np.arange(1, count)]


def _forecast(
    ladder: Ladder,
    place: Place,
    said: tuple[float, float, float],
    level: float,
    methods: Sequence[Method],
    each: dict[str, Array],
    weights: Array,
    scale: Scale,
) -> tuple[Forecast, list[Finding]]:
    findings = judge(ladder, place)
    value, lower, upper = said
    name = ladder.benchmark
    if not methods and not blocked(findings):
        findings.append(Finding("PRED408", f"{name}: no method can be applied to this ladder"))
    elif methods and not blocked(findings):
        findings += _about(name, lower, upper, each, weights, scale)
    refused = blocked(findings)
    known = (float(value), float(lower), float(upper))
    middle, low, high = (None, None, None) if refused else known
    law = methods[0].name if len(methods) == 1 else "auto"
    codes = tuple(dict.fromkeys(finding.code for finding in findings))
    at = dict(place.at) or {ladder.axis: place.size}
    ahead = place.size / float(ladder.size[-1])
    forecast = Forecast(
        "ladder", name, at, middle, low, high, level, law, ladder.rungs, ahead, codes
    )
    return forecast, findings


def _about(
    name: str, lower: float, upper: float, each: dict[str, Array], weights: Array, scale: Scale
) -> list[Finding]:
    """Return what the forecast itself says about its worth."""
    found = []
    if upper - lower > WIDEST:
        message = f"the interval would be {100 * (upper - lower):.0f} points wide"
        found.append(Finding("PRED408", f"{name}: {message}"))
    heard = [v for v, w in zip(each.values(), weights, strict=True) if w >= _HEARD]
    if len(heard) > 1 and float(np.ptp(np.stack(heard), axis=0).max()) > _APART:
        apart = 100 * float(np.ptp(np.stack(heard), axis=0).max())
        found.append(Finding("PRED416", f"{name}: methods differ by up to {apart:.0f} points"))
    if scale.backtests < _FEWEST_BACKTESTS:
        message = f"{scale.backtests} backtests on this ladder; the width leans on other ladders"
        found.append(Finding("PRED415", f"{name}: {message}"))
    return found
