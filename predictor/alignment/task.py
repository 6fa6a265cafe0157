"""One task's strategies: their scores, draws of them, and what they would be at one length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from predictor.alignment.aggregation import Aggregation, aggregate, draw_count, drawn_aggregates
from predictor.alignment.confounds import at_one_length
from predictor.alignment.mixing import mix
from predictor.alignment.scores import MIXED, SCORES, Score, perplexity_of
from predictor.findings import Finding

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
_FEWEST_SHARED = 10
#: A score of a single example has no interval.
FEWEST_EXAMPLES = 2


@dataclass(frozen=True)
class TaskScores:
    """Scores of one task's strategies.

    Parameters
    ----------
    names : tuple of str, (strategies,)
        Strategies, in the order of all arrays here.
    point : array, (strategies,)
        Scores on the examples as logged.
    draws : array, (draws, strategies)
        Scores over examples like them.
    count : array of int, (strategies,)
        Number of examples.
    levelled : array, (strategies,) or None
        Scores if all responses were of one length; None where no tokens are counted.
    length : array, (strategies,) or None
        Geometric mean of the number of tokens.
    """

    names: tuple[str, ...]
    point: Array
    draws: Array
    count: NDArray[np.int64]
    levelled: Array | None
    length: Array | None


def kinds_of(score: str, rows: pd.DataFrame) -> list[Score]:
    """Return the scores of single examples that a score is made of; none if one is not logged."""
    if score != MIXED:
        return [SCORES[score]] if SCORES[score].known(rows) else []
    perplexity = perplexity_of(rows)
    known = perplexity is not None and SCORES["alignment"].known(rows)
    return [perplexity, SCORES["alignment"]] if perplexity is not None and known else []


def score_task(
    group: str, rows: pd.DataFrame, score: str, how: Aggregation, rng: np.random.Generator
) -> tuple[TaskScores | None, list[Finding]]:
    """Score the strategies of one task, those that have two examples at least.

    Parameters
    ----------
    group : str
        Name of the task; empty where there is only one.
    rows : DataFrame
        Its examples, see :func:`predictor.alignment.examples.example_frame`.
    score : str
        Name of the score.
    how : {"median", "mean", "geometric"}
        Aggregation over examples.
    rng : Generator
        Source of the draws.

    Returns
    -------
    scores : TaskScores or None
        None where no strategy has the score.
    findings : list of Finding
        On examples that some strategies lack.
    """
    kinds = kinds_of(score, rows)
    if not kinds:
        return None, []
    grids, names, ids = _grids(rows, kinds)
    if not names:
        return None, []
    kept, findings = _shared(group, grids, names)
    grids, ids = [grid[kept] for grid in grids], ids[kept]
    hows: list[Aggregation] = [
        "median" if how == "geometric" and not kind.ratio else how for kind in kinds
    ]
    count = np.isfinite(grids[0]).sum(axis=0)
    drawn = _draws(grids, kinds, hows, int(count.min()), rng)
    tokens = _tokens(rows, names, ids)
    levelled, length = _levelled(grids, kinds, hows, tokens)
    point = _combined(_aggregated(grids, hows))
    return TaskScores(names, point, _combined(drawn), count, levelled, length), findings


def pooled(tasks: list[TaskScores], names: list[str], score: str) -> TaskScores:
    """Return the mean over tasks, of logarithms for scores that are compared by ratio.

    Parameters
    ----------
    tasks : list of TaskScores
        One or more.
    names : list of str
        Strategies that all of them have.
    score : str
        Name of the score.
    """
    ratio = score != MIXED and SCORES[score].ratio
    at = [[task.names.index(name) for name in names] for task in tasks]
    draws = min(len(task.draws) for task in tasks)
    count = np.sum([task.count[i] for task, i in zip(tasks, at, strict=True)], axis=0)
    point, levelled = (
        _mean([getattr(task, of) for task in tasks], at, ratio) for of in ("point", "levelled")
    )
    length = _mean([task.length for task in tasks], at, True)
    drawn = _mean([task.draws[:draws] for task in tasks], at, ratio)
    assert point is not None
    assert drawn is not None
    return TaskScores(tuple(names), point, drawn, count, levelled, length)


def _mean(values: list[Array | None], at: list[list[int]], ratio: bool) -> Array | None:
    known = [value[..., i] for value, i in zip(values, at, strict=True) if value is not None]
    if len(known) < len(values):
        return None
    if len(known) == 1:
        return known[0]
    return np.exp(np.mean(np.log(known), axis=0)) if ratio else np.mean(known, axis=0)


def _grids(
    rows: pd.DataFrame, kinds: list[Score]
) -> tuple[list[Array], tuple[str, ...], NDArray[np.object_]]:
    """Return scores as (examples, strategies), of the strategies that have enough."""
    import pandas as pd

    keyed = rows[["example", "strategy"]]
    wide = [
        keyed.assign(value=kind.per_example(rows)).pivot(
            index="example", columns="strategy", values="value"
        )
        for kind in kinds
    ]
    # What has one part of a mixed score only has no score.
    both = np.isfinite(np.stack([w.to_numpy(dtype=float) for w in wide])).all(axis=0)
    there = pd.Series(both.sum(axis=0) >= FEWEST_EXAMPLES, index=wide[0].columns)
    names = [name for name in wide[0].columns if there[name]]
    any_row = both[:, there.to_numpy()].any(axis=1)
    kept = [w.where(both).loc[any_row, names] for w in wide]
    return (
        [w.to_numpy(dtype=float) for w in kept], tuple(map(str, names)),
        np.asarray(kept[0].index, dtype=object),
    )  # fmt: skip


def _shared(
    group: str, grids: list[Array], names: tuple[str, ...]
) -> tuple[NDArray[np.bool_], list[Finding]]:
    """Keep the examples that all strategies have, where they are many enough."""
    full = np.asarray(np.isfinite(grids[0]).all(axis=1), dtype=np.bool_)
    counts = np.isfinite(grids[0]).sum(axis=0)
    if full.all():
        return full, []
    where = f" of {group}" if group else ""
    if full.sum() >= max(_FEWEST_SHARED, counts.min() / 2):
        return full, [Finding(
            "PRED509", f"compared on the {full.sum():,} examples{where} that every strategy "
            f"has; {(~full).sum():,} others are left out",
        )]  # fmt: skip
    told = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    return np.ones_like(full), [Finding(
        "PRED510", f"strategies are scored on different examples{where} ({told}; "
        f"{full.sum()} in common): a difference may be the examples'",
    )]  # fmt: skip


def _aggregated(grids: list[Array], hows: list[Aggregation]) -> list[Array]:
    one = np.ones((1, len(grids[0])))
    return [aggregate(grid, one, how)[0] for grid, how in zip(grids, hows, strict=True)]


def _combined(parts: list[Array]) -> Array:
    """Return the one score, or the mix of a perplexity and a similarity."""
    return parts[0] if len(parts) == 1 else mix(parts[0], 1 - parts[1])


def _draws(
    grids: list[Array], kinds: list[Score], hows: list[Aggregation], fewest: int,
    rng: np.random.Generator,
) -> list[Array]:  # fmt: skip
    """Return draws of every part, all with the same weights of examples."""
    draws = draw_count(len(grids[0]), sum(grid.shape[1] for grid in grids))
    widen = _small_sample(fewest)
    return [
        _widened(drawn, widen, kind.ratio)
        for drawn, kind in zip(drawn_aggregates(grids, hows, draws, rng), kinds, strict=True)
    ]


def _widened(draws: Array, factor: float, ratio: bool) -> Array:
    """Return draws farther from their mean, by ratio where the score is compared so."""
    plain = np.log(np.maximum(draws, 1e-12)) if ratio else draws
    centre = plain.mean(axis=0)
    wide = centre + factor * (plain - centre)
    return np.exp(wide) if ratio else wide


def _small_sample(count: int) -> float:
    """Return how much wider draws must be: their variance is short by (n + 1) / (n - 1)."""
    from scipy.special import stdtrit

    return float(np.sqrt((count + 1) / (count - 1)) * stdtrit(count - 1, 0.95) / 1.6448536)


def _tokens(rows: pd.DataFrame, names: tuple[str, ...], ids: NDArray[np.object_]) -> Array | None:
    if "tokens" not in rows or rows["tokens"].isna().all():
        return None
    wide = rows.pivot(index="example", columns="strategy", values="tokens")
    return wide.reindex(index=ids, columns=list(names)).to_numpy(dtype=float)


def _levelled(
    grids: list[Array], kinds: list[Score], hows: list[Aggregation], tokens: Array | None
) -> tuple[Array | None, Array | None]:
    """Return scores as if all responses had one length, and the lengths that they have."""
    if tokens is None:
        return None, None
    there = np.isfinite(grids[0]) & (tokens > 0)
    if there.sum(axis=0).min() < _FEWEST_SHARED:
        return None, None
    logs = np.log(np.where(there, tokens, np.nan))
    level = [
        at_one_length(grid, logs, ratio=kind.ratio, total=kind.total)
        for grid, kind in zip(grids, kinds, strict=True)
    ]
    return _combined(_aggregated(level, hows)), np.exp(np.nanmean(logs, axis=0))
