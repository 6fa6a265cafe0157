"""What past rounds of fine-tuning say: which score to go by, and what a switch would gain."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from predictor.alignment.evaluation import (
    ScoreEvaluation,
    evaluate_scores,
    joined_pairs,
)
from predictor.alignment.scores import direction, plain_name
from predictor.errors import InputError
from predictor.fitting.estimator import Estimator
from predictor.logs import columns as spellings

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
_DRAWS = 4_000
_KEYS = ("model", "task", "strategy")
#: What else stands in a table of past rounds, or in a ranking that was kept.
_TAKEN = frozenset({
    *_KEYS, "seed", "example", "accuracy", "lower", "upper", "rank", "p_best", "regret", "examples",
    "tokens",
})  # fmt: skip


@dataclass(frozen=True)
class Gain:
    """What training on one strategy gives over another.

    Parameters
    ----------
    strategy, over : str
        Names.
    value, lower, upper : float
        Accuracy gained, in the units of the past accuracies, with its interval.
    p_better : float
        Probability that the gain is above zero.
    """

    strategy: str
    over: str
    value: float
    lower: float
    upper: float
    p_better: float


class AlignmentExperience(Estimator):
    """Past scores and accuracies after fine-tuning: which score to trust, and how far.

    Within a pair of model and task the accuracy of a strategy, less the pair's mean, is a slope
    times its score, standardised within the pair, and what the score does not tell. The slope is
    by least squares and shrunk to no slope by its own uncertainty; what it leaves over is drawn
    from past pairs as it was, two strategies of one pair at a time, so that quiet and varied tasks
    keep their own.

    Parameters
    ----------
    level : float
        Probability of intervals.
    random_state : int
        Seed of the draws.

    Attributes
    ----------
    score_ : str
        The score with the highest weighted rho in the past, of those that it can be.
    p_score_ : dict of str to float
        Probability of each score to have the highest, over tasks drawn again.
    evaluations_ : dict of str to ScoreEvaluation
    held_out_ : float
        Mean accuracy when each task's pick is by the score that was best on all other tasks.
    slope_ : float
        Accuracy by one standard deviation of the score in its good direction.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("m", f"t{t}", s, s, 60 - 3 * s + t) for t in range(6) for s in (1.0, 2.0, 4.0)]
    >>> names = ["model", "task", "strategy", "perplexity", "accuracy"]
    >>> past = pd.DataFrame(rows, columns=names)
    >>> found = AlignmentExperience().fit(past.drop(columns="accuracy"), past)
    >>> found.score_, found.gain({"a": 1.0, "b": 2.0, "c": 4.0}, "a", "c").p_better
    ('perplexity', 1.0)
    """

    def __init__(self, *, level: float = 0.9, random_state: int = 0) -> None:
        self.level = level
        self.random_state = random_state

    def fit(
        self,
        scores: pd.DataFrame,
        accuracies: pd.DataFrame,
        *,
        among: Collection[str] | None = None,
    ) -> Self:
        """Learn from past rounds.

        Parameters
        ----------
        scores : DataFrame
            ``model, task, strategy`` and one column a score, under the names of
            :data:`predictor.alignment.scores.SCORES`; others are taken as better lower.
        accuracies : DataFrame
            ``model, task, strategy, accuracy`` and, where there are several, ``seed``.
        among : collection of str, optional
            Scores that ``score_`` can be, if the past has any of them: those that can be computed
            now. All by default.

        Raises
        ------
        InputError
            If no score or fewer than two pairs are in both tables.
        """
        named = score_columns(scores)
        self._rounds = {
            name: _oriented(joined_pairs(_only(scores, column), accuracies)[0], name)
            for name, column in named.items()
        }
        self.evaluations_: dict[str, ScoreEvaluation] = {
            name: evaluate_scores(
                _only(scores, column), accuracies, better=direction(name), quiet=True,
                random_state=self.random_state,
            )
            for name, column in named.items()
        }  # fmt: skip
        rhos = {name: one.weighted_rho for name, one in self.evaluations_.items()}
        possible = [name for name in rhos if among is None or name in among] or list(rhos)
        self.score_ = max(possible, key=lambda name: np.nan_to_num(rhos[name], nan=-2.0))
        if len(self.evaluations_[self.score_].pairs) < 2:
            raise InputError("one pair of model and task: two at least are needed to learn from")
        self.p_score_ = self._probabilities()
        self.held_out_ = self._held_out()
        self._slopes()
        return self

    def _probabilities(self) -> dict[str, float]:
        rng = np.random.default_rng(self.random_state)
        tables = {n: one.pairs for n, one in self.evaluations_.items()}
        tasks = np.unique(np.concatenate([t["task"].to_numpy() for t in tables.values()]))
        weights = rng.multinomial(len(tasks), np.full(len(tasks), 1 / len(tasks)), size=_DRAWS)
        rhos = []
        for table in tables.values():
            each = weights[:, np.searchsorted(tasks, table["task"].to_numpy())]
            spread = each * table["diversity"].to_numpy()
            total = np.maximum(spread.sum(axis=1), 1e-300)
            rhos.append((spread @ table["rho"].to_numpy()) / total)
        wins = np.argmax(rhos, axis=0)
        return {name: float((wins == i).mean()) for i, name in enumerate(tables)}

    def _held_out(self) -> float:
        """Return the accuracy of picks by whichever score the other tasks spoke for."""
        tables = {n: one.pairs.set_index(["model", "task"]) for n, one in self.evaluations_.items()}
        common = [set(table.index) for table in tables.values()]
        found = []
        for model, task in sorted(set.intersection(*common)):
            rhos = {}
            for name, table in tables.items():
                others = table[table.index.get_level_values("task") != task]
                total = others["diversity"].sum()
                rhos[name] = (others["rho"] * others["diversity"]).sum() / total if total else 0.0
            best = max(rhos, key=lambda name: rhos[name])
            found.append(float(tables[best].loc[(model, task), "accuracy"]))
        return float(np.mean(found)) if found else float("nan")

    def _slopes(self) -> None:
        """Draw slopes over pairs drawn again, each shrunk by the doubt in it."""
        rng = np.random.default_rng(self.random_state)
        rounds = self._rounds[self.score_]
        x, y = rounds["x"].to_numpy(), rounds["y"].to_numpy()
        pair = rounds["pair"].to_numpy()
        count = int(pair.max()) + 1
        xy, xx = (np.bincount(pair, weights=v, minlength=count) for v in (x * y, x * x))
        weights = rng.multinomial(count, np.full(count, 1 / count), size=_DRAWS)
        slopes = (weights @ xy) / np.maximum(weights @ xx, 1e-12)
        slope = float(xy.sum() / max(xx.sum(), 1e-12))
        doubt = float(slopes.var())
        keep = slope**2 / (slope**2 + doubt) if slope else 0.0
        self.slope_ = keep * slope
        self._slope_draws = self.slope_ + np.sqrt(keep) * (slopes - slopes.mean())
        # The pair's own mean takes one degree of freedom of each pair's residuals.
        size = np.bincount(pair)[pair]
        self._rest = (y - slope * x) * np.sqrt(size / np.maximum(size - 1, 1))
        self._pair = pair

    def gain(self, scores: dict[str, float], strategy: str, over: str) -> Gain:
        """Return what training on a strategy gains over another.

        Parameters
        ----------
        scores : dict of str to float
            This round's value of ``score_`` by strategy, all strategies there are.
        strategy, over : str
            The two.

        Raises
        ------
        InputError
            If one of them has no score.
        """
        self._check_fitted()
        for name in (strategy, over):
            if name not in scores:
                raise InputError(f"no score of strategy '{name}'; there are {', '.join(scores)}")
        x = dict(
            zip(scores, _standardised(np.array(list(scores.values())), self.score_), strict=True)
        )
        step = x[strategy] - x[over]
        rng = np.random.default_rng(self.random_state)
        draws = self._slope_draws * step + self._rest_difference(rng)
        tail = (1 - self.level) / 2
        low, high = np.quantile(draws, [tail, 1 - tail])
        better = float((draws > 0).mean() + (draws == 0).mean() / 2)
        return Gain(strategy, over, self.slope_ * step, float(low), float(high), better)

    def _rest_difference(self, rng: np.random.Generator) -> Array:
        """Draw what the score did not tell of two strategies of one past pair."""
        order = np.argsort(self._pair, kind="stable")
        size = np.bincount(self._pair)
        start = np.concatenate([[0], np.cumsum(size)[:-1]])
        chosen = rng.integers(len(size), size=_DRAWS)
        first = rng.integers(size[chosen])
        second = (first + 1 + rng.integers(size[chosen] - 1)) % size[chosen]
        rest = self._rest[order]
        # Both residuals have the pair's mean taken off, which leaves differences as they were.
        shrink = np.sqrt((size[chosen] - 1) / size[chosen])
        return (rest[start[chosen] + first] - rest[start[chosen] + second]) * shrink

    def to_dict(self) -> dict[str, Any]:
        """Return what was learned as plain values."""
        return {
            "score": self.score_, "p_score": self.p_score_, "held_out_accuracy": self.held_out_,
            "scores": {name: one.to_dict() for name, one in self.evaluations_.items()},
        }  # fmt: skip


def score_columns(scores: pd.DataFrame) -> dict[str, str]:
    """Return the columns that hold a score, by the score's name.

    Raises
    ------
    InputError
        If there is none.
    """
    numeric = scores.select_dtypes("number").columns
    found = {spellings.canonical(str(c)): str(c) for c in numeric}
    found = {plain_name(name): column for name, column in found.items() if name not in _TAKEN}
    if not found:
        there = ", ".join(map(str, scores.columns))
        raise InputError(f"past scores have no column of a score; there are {there}")
    return found


def _only(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    own = {spellings.canonical(str(c)): c for c in scores.columns}
    missing = [key for key in _KEYS if key not in own]
    if missing:
        raise InputError(f"past scores have no column '{missing[0]}'")
    kept = scores[[*(own[key] for key in _KEYS), column]]
    return kept.set_axis([*_KEYS, "score"], axis=1)


def _oriented(joined: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return ``x``, the score with good up, standardised in its pair, and ``y``, accuracy."""
    groups = joined.groupby(["model", "task"])
    x = groups["score"].transform(lambda values: _standardised(values.to_numpy(), name))
    y = joined["accuracy"] - groups["accuracy"].transform("mean")
    return joined.assign(x=x, y=y, pair=groups.ngroup())


def _standardised(values: Array, name: str) -> Array:
    sign = -1.0 if direction(name) == "lower" else 1.0
    spread = values.std()
    return sign * (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))
