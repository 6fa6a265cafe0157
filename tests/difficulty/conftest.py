"""Ladders that the tests of benchmark forecasts share."""

from __future__ import annotations

import numpy as np

from predictor.difficulty.ladder import Ladder

SIZE = np.geomspace(1e18, 1e22, 8)


def pass_rate(z, start, slope=0.35, floor=0.0):
    """Return pass rates whose answer loss is a power law of compute, (items, models)."""
    start = np.atleast_1d(start)[:, None]
    return np.exp(-np.exp(-slope * (z[None] - start)) - floor)


def item_ladder(trials=400, seed=0, hidden=0, sizes=SIZE, per_group=60):
    """Return a ladder of three groups of items, the truth at the target, and the groups."""
    rng = np.random.default_rng(seed)
    z = np.log(np.append(sizes, 30 * sizes[-1]) / sizes[0])
    starts = np.repeat([0.0, 3.0, 6.0], per_group) + 0.15 * rng.normal(size=3 * per_group)
    starts = np.concatenate([starts, np.full(hidden, 40.0)])
    rates = pass_rate(z, starts)
    seen = rng.binomial(trials, rates[:, :-1]) / trials
    ladder = Ladder(
        "made", tuple(f"m{k}" for k in range(len(sizes))), sizes, "flops", seen.mean(axis=0),
        rates=seen, trials=np.full(seen.shape, float(trials)),
        items=tuple(map(str, range(len(seen)))),
    )  # fmt: skip
    groups = np.concatenate([np.repeat([0, 1, 2], per_group), np.full(hidden, 3)])
    return ladder, float(rates[:, -1].mean()), groups


def score_ladder(score, sizes=SIZE, **more):
    """Return a ladder of scores alone."""
    names = tuple(f"m{k}" for k in range(len(sizes)))
    return Ladder("made", names, sizes, "flops", np.asarray(score, dtype=float), **more)
