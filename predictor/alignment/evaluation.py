"""How well a score picked strategies in the past: the source's own protocol."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO

import numpy as np
from numpy.typing import NDArray

from predictor.errors import InputError
from predictor.logs import columns as spellings

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
_DRAWS = 2_000
_KEYS = ("model", "task", "strategy")


@dataclass(frozen=True)
class ScoreEvaluation:
    """What a score's picks were worth, over pairs of model and task.

    Parameters
    ----------
    pairs : DataFrame
        One row a pair: ``model, task, strategies, picked, accuracy`` of the pick, ``rho``,
        ``diversity`` (standard deviation of accuracy over strategies), ``best, random``.
    accuracy : float
        Mean accuracy of the strategy picked.
    weighted_rho : float
        Spearman's rank correlation of score and accuracy, weighted by diversity.
    upper_bound, random : float
        Mean accuracy of each pair's best strategy, and of one picked blindly.
    always : dict of str to float
        Mean accuracy of one strategy throughout, those that every pair has.
    intervals : dict of str to (float, float)
        90 % intervals of ``accuracy``, ``weighted_rho`` and ``gain`` (accuracy less random), over
        tasks drawn again.
    partly : dict of str to (float, int)
        Mean accuracy of the other strategies, and how many pairs have them.
    left_out : int
        Strategies of pairs that one table lacks, or that are alone in their pair.
    """

    pairs: pd.DataFrame
    accuracy: float
    weighted_rho: float
    upper_bound: float
    random: float
    always: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    partly: dict[str, tuple[float, int]]
    left_out: int

    @property
    def gain(self) -> float:
        """Accuracy over a blind pick."""
        return self.accuracy - self.random

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {
            "pairs": len(self.pairs), "accuracy": self.accuracy,
            "weighted_rho": _plain(self.weighted_rho), "upper_bound": self.upper_bound,
            "random": self.random, "always": dict(self.always), "left_out": self.left_out,
            "intervals": {name: list(map(_plain, pair)) for name, pair in self.intervals.items()},
        }  # fmt: skip

    def summary(self) -> str:
        """Return the protocol's table as text."""
        low, high = self.intervals["weighted_rho"]
        lines = [
            f"{len(self.pairs)} pairs of model and task",
            f"mean accuracy of the pick  {self.accuracy:8.3f}  "
            f"(90 % interval {self.intervals['accuracy'][0]:.3f} to "
            f"{self.intervals['accuracy'][1]:.3f})",
            f"  above a random pick      {self.gain:+8.3f}  "
            f"({self.intervals['gain'][0]:+.3f} to {self.intervals['gain'][1]:+.3f})",
            f"weighted rho               {self.weighted_rho:8.3f}  ({low:.3f} to {high:.3f})",
            f"upper bound                {self.upper_bound:8.3f}",
            f"random                     {self.random:8.3f}",
        ]
        best_first = sorted(self.always.items(), key=lambda item: -item[1])
        lines += [f"always {name:<20s}{value:8.3f}" for name, value in best_first]
        lines += [
            f"always {name:<20s}{value:8.3f}  (of the {count} pairs that have it)"
            for name, (value, count) in sorted(self.partly.items(), key=lambda item: -item[1][0])
        ]
        if self.left_out:
            lines.append(
                f"left out: {self.left_out} strategies of pairs, in one table only or alone"
            )
        return "\n".join(lines) + "\n"


def evaluate_scores(
    scores: pd.DataFrame,
    accuracies: pd.DataFrame,
    *,
    better: Literal["lower", "higher"] = "lower",
    random_state: int = 0,
    file: TextIO | None = None,
    quiet: bool = False,
) -> ScoreEvaluation:
    """Print what a score's picks were worth after fine-tuning, by the source's protocol.

    For each model and task strategies are ranked by score and by accuracy (mean over seeds).
    Spearman's rho of both is averaged with the pair's diversity as weight: the standard deviation
    of accuracy over strategies, ``sum(rho d) / sum(d)``. A score that is the same for all
    strategies of a pair has rho 0; picks that tie count with their mean.

    Parameters
    ----------
    scores : DataFrame
        ``model, task, strategy, score``; several rows of one strategy (examples) are averaged.
    accuracies : DataFrame
        ``model, task, strategy, seed, accuracy``, in any unit.
    better : {"lower", "higher"}
        Which way the score is better.
    random_state : int
        Seed of the intervals' draws of tasks.
    file : text file, optional
        Where the table is printed; None is standard output.
    quiet : bool
        Whether nothing is printed.

    Returns
    -------
    ScoreEvaluation

    Raises
    ------
    InputError
        If a column or all pairs are missing.

    References
    ----------
    Ren, Chen and Liu, arXiv 2502.11779.

    Examples
    --------
    >>> import pandas as pd
    >>> keys = {"model": "m", "task": "t", "strategy": ["a", "b", "c"]}
    >>> scores = pd.DataFrame({**keys, "score": [1.2, 1.5, 1.9]})
    >>> accuracies = pd.DataFrame({**keys, "seed": 0, "accuracy": [70.0, 60.0, 65.0]})
    >>> found = evaluate_scores(scores, accuracies, quiet=True)
    >>> found.accuracy, found.weighted_rho, found.random
    (70.0, 0.5, 65.0)
    """
    if better not in ("lower", "higher"):
        raise InputError(f"better '{better}': there are lower, higher")
    joined, left_out = joined_pairs(scores, accuracies)
    sign = 1.0 if better == "lower" else -1.0
    found = _evaluated(joined.assign(score=sign * joined["score"]), left_out, random_state)
    if not quiet:
        (file or sys.stdout).write(found.summary())
    return found


def joined_pairs(scores: pd.DataFrame, accuracies: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return ``model, task, strategy, score, accuracy`` of pairs, and how many rows are left out.

    Left out are strategies that have only one of the two numbers, and pairs of one strategy.

    Raises
    ------
    InputError
        If a column is missing or nothing is in both tables.
    """
    left = _means(scores, "score", "scores")
    right = _means(accuracies, "accuracy", "accuracies")
    every = left.merge(right, on=list(_KEYS), how="outer")
    joined = every.dropna(subset=["score", "accuracy"])
    size = joined.groupby(["model", "task"])["strategy"].transform("size")
    joined = joined[size >= 2].reset_index(drop=True)
    if joined.empty:
        raise InputError(
            "no model and task has two strategies in both tables; are they named alike? scores "
            f"begin with {_first(left)}, accuracies with {_first(right)}"
        )
    return joined, len(every) - len(joined)


def _means(frame: pd.DataFrame, value: str, name: str) -> pd.DataFrame:
    import pandas as pd

    own = {spellings.canonical(str(column)): column for column in frame.columns}
    missing = [column for column in (*_KEYS, value) if column not in own]
    if missing:
        raise InputError(
            f"{name} has no column '{missing[0]}'; it has {', '.join(map(str, frame.columns))}"
        )
    kept = frame[[own[column] for column in (*_KEYS, value)]].set_axis([*_KEYS, value], axis=1)
    numbers = pd.to_numeric(kept[value], errors="coerce")
    wrong = numbers.isna() & kept[value].notna()
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{name}, data row {place + 1}: {value} is {kept[value].iloc[place]!r}, no number"
        )
    text = {key: kept[key].astype(str) for key in _KEYS}
    there = numbers.notna() & kept[list(_KEYS)].notna().all(axis=1)
    known = kept.assign(**text, **{value: numbers})[there]
    means = known.groupby(list(_KEYS))[value].mean()
    return means.reset_index()


def _first(frame: pd.DataFrame) -> str:
    return " / ".join(map(str, frame.iloc[0][list(_KEYS)])) if len(frame) else "nothing"


def _evaluated(joined: pd.DataFrame, left_out: int, seed: int) -> ScoreEvaluation:
    import pandas as pd

    rows = [_pair(*pair) for pair in joined.groupby(["model", "task"], sort=True)]
    pairs = pd.DataFrame(rows)
    numbers = pairs[["accuracy", "rho", "diversity", "best", "random"]].to_numpy(dtype=float)
    counts = joined.groupby("strategy")["accuracy"].agg(["mean", "size"])
    every = {
        str(name): (float(mean), int(size))
        for name, mean, size in zip(counts.index, counts["mean"], counts["size"], strict=True)
    }
    intervals = _intervals(numbers, pairs["task"].to_numpy(), seed)
    accuracy, rho, _, best, blind = _figures(numbers, np.ones((1, len(numbers))))[0]
    return ScoreEvaluation(
        pairs, float(accuracy), float(rho), float(best), float(blind),
        {name: mean for name, (mean, size) in every.items() if size == len(pairs)}, intervals,
        {name: pair for name, pair in every.items() if pair[1] < len(pairs)}, left_out,
    )  # fmt: skip


def _pair(key: Any, rows: pd.DataFrame) -> dict[str, Any]:
    score, accuracy = rows["score"].to_numpy(), rows["accuracy"].to_numpy()
    picked = np.isclose(score, score.min(), rtol=1e-12, atol=0)
    return {
        "model": key[0], "task": key[1], "strategies": len(rows),
        "picked": " or ".join(rows["strategy"][picked]), "accuracy": accuracy[picked].mean(),
        "rho": rank_correlation(-score, accuracy), "diversity": accuracy.std(ddof=1),
        "best": accuracy.max(), "random": accuracy.mean(),
    }  # fmt: skip


def rank_correlation(first: Array, second: Array) -> float:
    """Return Spearman's rho; 0 where one of the two does not vary, as it ranks nothing.

    Examples
    --------
    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    0.5
    """
    from scipy.stats import rankdata

    x, y = (rankdata(values) - (len(values) + 1) / 2 for values in (first, second))
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm > 0 else 0.0


def _figures(numbers: Array, weights: Array) -> Array:
    """Return accuracy, weighted rho, gain, best and random, a row for each weighing of pairs."""
    accuracy, rho, diversity, best, blind = numbers.T
    spread = weights @ diversity
    weighted = (weights @ (rho * diversity)) / np.where(spread > 0, spread, np.nan)
    total = weights.sum(axis=1)
    means = [(weights @ values) / total for values in (accuracy, best, blind)]
    return np.stack([means[0], weighted, means[0] - means[2], means[1], means[2]], axis=1)


def _intervals(
    numbers: Array, tasks: NDArray[np.object_], seed: int
) -> dict[str, tuple[float, float]]:
    """Return 90 % intervals: tasks are drawn again, as models share them."""
    names, place = np.unique(tasks, return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=_DRAWS)
    figures = _figures(numbers, drawn[:, place].astype(float))[:, :3]
    low, high = np.full((2, 3), np.nan)
    for column in np.flatnonzero(np.isfinite(figures).any(axis=0)):
        low[column], high[column] = np.nanquantile(figures[:, column], [0.05, 0.95])
    return {
        name: (float(low[i]), float(high[i]))
        for i, name in enumerate(("accuracy", "weighted_rho", "gain"))
    }


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
