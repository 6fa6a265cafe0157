"""The compute-optimal size without a law of the loss: IsoFLOP parabolas and the envelope of curves.

References
----------
Hoffmann et al. 2022, arXiv 2203.15556, approaches 1 (envelope) and 2 (IsoFLOP).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictor.errors import CannotForecastError, InputError
from predictor.findings import Finding
from predictor.fitting.law import Array
from predictor.scaling.table import FLOPS_PER_PARAM_TOKEN, RunsTable, complete

#: Runs whose compute differs by less than this factor belong to one budget.
_SAME_BUDGET = 1.15
#: A parabola is fitted to sizes within this factor of the best one, on each side.
_NEAR = 10.0
_FEWEST_SIZES, _FEWEST_BUDGETS = 4, 3
_BINS = 30


@dataclass(frozen=True)
class OptimalSizes:
    """Compute-optimal sizes by budget, and the power law through them.

    Parameters
    ----------
    optima : DataFrame
        One row a budget: ``flops, params, params_lower, params_upper, tokens, loss, sizes`` (number
        of sizes that were tried).
    exponent, exponent_lower, exponent_upper : float
        Of ``N_opt = G C^exponent``, with its interval.
    coefficient : float
        G.
    level : float
        Probability of the intervals.
    findings : tuple of Finding
        What was left out, and why.
    """

    optima: pd.DataFrame
    exponent: float
    exponent_lower: float
    exponent_upper: float
    coefficient: float
    level: float
    findings: tuple[Finding, ...]

    def params_at(self, flops: float) -> float:
        """Return the best number of parameters for a budget, by the power law."""
        return float(self.coefficient * flops**self.exponent)


def isoflop(
    table: RunsTable, *, level: float = 0.9, draws: int = 1000, seed: int = 0
) -> OptimalSizes:
    """Fit a parabola over log params to the losses of each budget; a power law through the lowest.

    Parameters
    ----------
    table : RunsTable
        Runs of a few budgets, several sizes each.
    level : float
        Probability of the intervals.
    draws : int
        Bootstrap draws of residuals.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    OptimalSizes

    Raises
    ------
    CannotForecastError
        If fewer than three budgets have four sizes or more around a lowest point.

    Examples
    --------
    >>> c, n = np.meshgrid([1e18, 1e19, 1e20], np.geomspace(1e7, 1e10, 9))
    >>> loss = 1.8 + 480 / n**0.35 + 2100 / (c / 6 / n) ** 0.35
    >>> from predictor.scaling.table import runs_table
    >>> runs = pd.DataFrame({"params": n.ravel(), "flops": c.ravel(), "loss": loss.ravel()})
    >>> round(isoflop(runs_table(runs), draws=50).exponent, 2)
    0.5
    """
    rng = np.random.default_rng(seed)
    rows, drawn, findings = [], [], []
    for budget, part in _budgets(table):
        sizes, loss = np.log(part["params"].to_numpy()), np.log(part["loss"].to_numpy())
        fitted = _lowest(sizes, loss, draws, rng)
        if fitted is None:
            text = f"budget {budget:.3g}: no lowest point between its {len(part)} sizes"
            findings.append(Finding("PRED222", text, source=table.source))
            continue
        best, lowest, moved = fitted
        ends = np.exp(np.quantile(moved, [(1 - level) / 2, (1 + level) / 2]))
        tokens = budget / (FLOPS_PER_PARAM_TOKEN * np.exp(best))
        rows.append((budget, np.exp(best), *ends, tokens, np.exp(lowest), len(part)))
        drawn.append(moved)
    columns = ["flops", "params", "params_lower", "params_upper", "tokens", "loss", "sizes"]
    optima = pd.DataFrame(rows, columns=columns)
    if len(optima) < _FEWEST_BUDGETS:
        raise CannotForecastError(
            f"{table.source}: PRED222: {len(optima)} budgets have a lowest loss between their "
            f"sizes; {_FEWEST_BUDGETS} are needed"
        )
    return _power(optima, np.array(drawn), level, tuple(findings))


def envelope(
    table: RunsTable, *, level: float = 0.9, draws: int = 1000, seed: int = 0
) -> OptimalSizes:
    """Take the run with the least loss at each compute, and fit a power law to their sizes.

    Parameters
    ----------
    table : RunsTable
        Checkpoints of training curves: rows of one size and rising tokens. Curves should be long
        beyond their best compute, and not fall by a learning rate that is still to drop.
    level : float
        Probability of the intervals.
    draws : int
        Bootstrap draws of sizes.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    OptimalSizes

    Raises
    ------
    CannotForecastError
        If the curves of fewer than three sizes overlap in compute.

    Examples
    --------
    >>> n, d = np.meshgrid(np.geomspace(1e7, 1e9, 7), np.geomspace(1e8, 1e11, 25))
    >>> loss = 1.8 + 480 / n**0.35 + 2100 / d**0.35
    >>> from predictor.scaling.table import runs_table
    >>> runs = pd.DataFrame({"params": n.ravel(), "tokens": d.ravel(), "loss": loss.ravel()})
    >>> round(envelope(runs_table(runs), draws=50).exponent, 1)
    0.5
    """
    curves = _curves(table)
    if len(curves) < _FEWEST_SIZES:
        raise CannotForecastError(
            f"{table.source}: PRED222: {len(curves)} sizes have a curve; {_FEWEST_SIZES} are needed"
        )
    begin = np.sort([flops[0] for _, flops, _ in curves])[1]
    end = np.sort([flops[-1] for _, flops, _ in curves])[-2]
    grid = np.geomspace(begin, end, _BINS)
    sizes = np.array([size for size, _, _ in curves])
    losses = np.array(
        [
            np.interp(np.log(grid), np.log(flops), np.log(loss), left=np.inf, right=np.inf)
            for _, flops, loss in curves
        ]
    )
    inner = _between_ends(sizes, losses)
    if inner.sum() < _FEWEST_BUDGETS:
        raise CannotForecastError(
            f"{table.source}: PRED222: the smallest or the largest size is best at almost every "
            "compute; train sizes beyond it"
        )
    best, lowest = sizes[losses.argmin(axis=0)][inner], losses.min(axis=0)[inner]
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws):
        kept = np.unique(rng.integers(0, len(sizes), len(sizes)))
        drawn.append(np.log(sizes[kept][losses[kept].argmin(axis=0)][inner]))
    moved = np.array(drawn).T
    ends = np.exp(np.quantile(moved, [(1 - level) / 2, (1 + level) / 2], axis=1))
    flops = grid[inner]
    optima = pd.DataFrame(
        {
            "flops": flops,
            "params": best,
            "params_lower": ends[0],
            "params_upper": ends[1],
            "tokens": flops / (FLOPS_PER_PARAM_TOKEN * best),
            "loss": np.exp(lowest),
            "sizes": len(sizes),
        }
    )
    return _power(optima, moved, level, ())


def _budgets(table: RunsTable) -> list[tuple[float, pd.DataFrame]]:
    """Return the runs of each budget that has enough sizes."""
    runs = table.runs
    if runs["params"].isna().any():
        raise InputError(f"{table.source}: IsoFLOP parabolas need a column for params")
    order = runs.sort_values("flops")
    step = np.log(order["flops"]).diff().fillna(0) > np.log(_SAME_BUDGET)
    found = []
    for _, part in order.groupby(step.cumsum()):
        # Of one size the best run counts: others differ by their settings.
        best = part.sort_values("loss").drop_duplicates("params").sort_values("params")
        if len(best) >= _FEWEST_SIZES:
            found.append((float(part["flops"].median()), best))
    return found


def _lowest(
    sizes: Array, loss: Array, draws: int, rng: np.random.Generator
) -> tuple[float, float, Array] | None:
    """Return place and height of a parabola's lowest point, and its place by the bootstrap."""
    best = sizes[loss.argmin()]
    near = np.abs(sizes - best) <= np.log(_NEAR)
    if near.sum() < _FEWEST_SIZES:
        near = np.argsort(np.abs(sizes - best))[: _FEWEST_SIZES + 1]
    x, y = sizes[near] - best, loss[near]
    terms = np.stack([np.ones_like(x), x, x * x], axis=1)
    solve = np.linalg.pinv(terms)
    estimate = solve @ y
    off = y - terms @ estimate
    free = max(len(x) - 3, 1)
    wild = off * np.sqrt(len(x) / free)
    repeats = estimate + rng.choice(wild, size=(draws, len(x))) @ solve.T
    place = _vertex(estimate[None])[0]
    if not (estimate[2] > 0 and x.min() <= place <= x.max()):
        return None
    moved = np.clip(_vertex(repeats), x.min(), x.max())
    return float(best + place), float(estimate @ [1, place, place**2]), best + moved


def _vertex(estimates: Array) -> Array:
    bend = np.where(estimates[:, 2] > 0, estimates[:, 2], np.nan)
    place = -estimates[:, 1] / (2 * bend)
    return np.where(np.isnan(place), -np.sign(estimates[:, 1]) * np.inf, place)


def _power(
    optima: pd.DataFrame, drawn: Array, level: float, findings: tuple[Finding, ...]
) -> OptimalSizes:
    """Fit the power law; its interval holds the draws of the optima, and their scatter about it."""
    x = np.log(optima["flops"].to_numpy())
    terms = np.stack([np.ones_like(x), x], axis=1)
    solve = np.linalg.pinv(terms)
    place = solve @ np.log(optima["params"].to_numpy())
    off = np.log(optima["params"].to_numpy()) - terms @ place
    slopes = solve[1] @ (drawn - np.log(optima["params"].to_numpy())[:, None])
    scatter = np.sqrt((off**2).sum() / max(len(x) - 2, 1) / ((x - x.mean()) ** 2).sum())
    from scipy.stats import t

    spread = np.hypot(slopes.std(), scatter)
    half = float(t.ppf((1 + level) / 2, max(len(x) - 2, 1))) * spread
    slope = float(place[1])
    return OptimalSizes(
        optima, slope, slope - half, slope + half, float(np.exp(place[0])), level, findings
    )


def _curves(table: RunsTable) -> list[tuple[float, Array, Array]]:
    """Return size, compute and loss so far of each size with a curve."""
    runs = complete({name: table.runs[name].to_numpy() for name in ("params", "tokens", "flops")})
    runs["loss"] = table.loss
    found = []
    for size, part in runs.groupby("params"):
        rows = part.sort_values("flops").drop_duplicates("flops")
        if len(rows) >= _FEWEST_SIZES:
            loss = np.minimum.accumulate(rows["loss"].to_numpy())
            found.append((float(str(size)), rows["flops"].to_numpy(), loss))
    return found


def _between_ends(sizes: Array, losses: Array) -> Array:
    """Whether the best size at each compute has a smaller and a larger one beside it."""
    winner = sizes[losses.argmin(axis=0)]
    there = np.isfinite(losses)
    smaller = (there & (sizes[:, None] < winner)).any(axis=0)
    larger = (there & (sizes[:, None] > winner)).any(axis=0)
    return np.asarray(smaller & larger)
