"""Rank response strategies by how well their answers suit the model to be trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from predictor.alignment.aggregation import (
    Aggregation,
    aggregate,
    aggregate_draws,
    check_aggregation,
    draw_count,
)
from predictor.alignment.confounds import check_format, check_length
from predictor.alignment.decision import Decision, decide
from predictor.alignment.examples import example_frame
from predictor.alignment.mixing import mix
from predictor.alignment.scores import MIXED, SCORES, Score, chosen_score, perplexity_of
from predictor.alignment.text import add_similarity
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.estimator import Estimator
from predictor.fitting.forecast import Forecast, Forecasts
from predictor.logs.tables import ResponseLog

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
_FEWEST_SHARED, _FEW = 10, 10
POOLED = "all tasks"


class ResponseAlignment(Estimator):
    """Scores of response strategies under the model to be trained, ranked.

    Parameters
    ----------
    score : str
        ``"auto"``, or one of ``self_perplexity, perplexity, alignment, ifd, log_probability, car,
        reward, mixed``. ``"auto"`` takes what the source found best among those that the log
        carries: self-aligned perplexity, then perplexity; mixed with the similarity where there
        are fewer than 30 examples a strategy.
    aggregation : {"median", "mean", "geometric"}
        From examples to strategies. The source's own data rank better by the median (weighted
        rank correlation .37 against .34 for the mean).
    similarity : {"tfidf", "embeddings"}
        How texts are compared, where no similarity is logged.
    level : float
        Probability of intervals and of the set of the best.
    random_state : int
        Seed of the bootstrap.

    Attributes
    ----------
    score_ : str
        The score used.
    decision_ : Decision
        Over all tasks.
    tasks_ : dict of str to Decision
        By task (and model), where there are several.
    strategies_ : DataFrame
        ``strategy, score, lower, upper, rank, p_best, regret, examples, tokens``.
    findings_ : list of Finding

    References
    ----------
    Ren, Chen and Liu, Efficient Response Generation Method Selection for Fine-Tuning Large
    Language Models, arXiv 2502.11779.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [(s, e, 4, -4 * n - 0.1 * e) for s, n in (("a", 1), ("b", 2)) for e in range(20)]
    >>> log = pd.DataFrame(rows, columns=["strategy", "example", "tokens", "logprob_sum"])
    >>> found = ResponseAlignment().fit(log)
    >>> found.decision_.best, found.decision_.p_best.tolist()
    ('a', [1.0, 0.0])
    """

    def __init__(
        self,
        *,
        score: str = "auto",
        aggregation: Aggregation = "median",
        similarity: str = "tfidf",
        level: float = 0.9,
        random_state: int = 0,
    ) -> None:
        self.score = score
        self.aggregation = aggregation
        self.similarity = similarity
        self.level = level
        self.random_state = random_state

    def fit(
        self, responses: ResponseLog | pd.DataFrame | str | Path, *, name: str | None = None
    ) -> Self:
        """Score and rank.

        Parameters
        ----------
        responses : ResponseLog, DataFrame or path
            One row a strategy and example.
        name : str, optional
            What errors call the table.

        Raises
        ------
        InputError
            If the log holds no score, or a setting or number is impossible.
        """
        check_aggregation(self.aggregation)
        if not 0 < self.level < 1:
            raise InputError(f"level {self.level:g}: a probability between 0 and 1")
        log = _log(responses)
        name = name or (str(responses) if isinstance(responses, str | Path) else "table")
        examples, noticed = example_frame(log.responses, name)
        self.findings_: list[Finding] = [*log.findings, *noticed]
        examples = add_similarity(examples, self.similarity)
        self.score_ = chosen_score(self.score, examples)
        self._rng = np.random.default_rng(self.random_state)
        parts = {}
        for group, rows in examples.groupby("group", sort=True):
            part = self._part(str(group), rows)
            if part is not None:
                parts[str(group)] = part
        if not parts:
            raise InputError(f"{name}: no row has a number for the score '{self.score_}'")
        self._pool(parts)
        self._notice(examples)
        self.strategies_ = self._table(examples)
        return self

    def _part(self, group: str, rows: pd.DataFrame) -> _Part | None:
        """Return points and draws of one task."""
        kinds = _kinds(self.score_, rows)
        if kinds is None:
            return None
        grids, names, ids = _grids(rows, kinds)
        grids, ids = self._shared(group, grids, names, ids)
        how = self.aggregation
        hows: list[Aggregation] = [
            "median" if how == "geometric" and not kind.ratio else how for kind in kinds
        ]
        draws = draw_count(len(ids), len(names) * len(kinds))
        points, drawn = [], []
        seed = self._rng.integers(2**63)
        for grid, one in zip(grids, hows, strict=True):
            points.append(aggregate(grid, np.ones((1, len(ids))), one)[0])
            # The same seed, so the same weights, for both parts of a mixed score.
            drawn.append(aggregate_draws([grid], one, draws, np.random.default_rng(seed))[0])
        count = np.isfinite(grids[0]).sum(axis=0)
        widen = _small_sample(int(count.min()))
        drawn = [_widened(draw, widen, kind.ratio) for draw, kind in zip(drawn, kinds, strict=True)]
        if self.score_ == MIXED:
            point, draw = (mix(p, 1 - s) for p, s in (points, drawn))
        else:
            point, draw = points[0], drawn[0]
        return _Part(names, point, draw, count, grids[0], _tokens(rows, names, ids), kinds[0])

    def _shared(
        self, group: str, grids: list[Array], names: tuple[str, ...], ids: NDArray[np.object_]
    ) -> tuple[list[Array], NDArray[np.object_]]:
        """Keep the examples that all strategies have, where they are many enough."""
        full = np.isfinite(np.stack(grids)).all(axis=(0, 2))
        counts = np.isfinite(grids[0]).sum(axis=0)
        if full.all():
            return grids, ids
        where = f" of {group}" if group else ""
        if full.sum() >= max(_FEWEST_SHARED, counts.min() / 2):
            self.findings_.append(Finding(
                "PRED509", f"compared on the {full.sum():,} examples{where} that every strategy "
                f"has; {(~full).sum():,} others are left out",
            ))  # fmt: skip
            return [grid[full] for grid in grids], ids[full]
        told = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
        self.findings_.append(Finding(
            "PRED510", f"strategies are scored on different examples{where} ({told}; "
            f"{full.sum()} in common): a difference may be the examples'",
        ))  # fmt: skip
        return grids, ids

    def _pool(self, parts: dict[str, _Part]) -> None:
        every = sorted({name for part in parts.values() for name in part.names})
        common = [name for name in every if all(name in part.names for part in parts.values())]
        if not common:
            raise InputError("no strategy is scored on every task; rank one task at a time")
        if len(common) < len(every):
            rest = ", ".join(name for name in every if name not in common)
            self.findings_.append(Finding(
                "PRED511", f"not on every task and so not ranked over all: {rest}"
            ))  # fmt: skip
        self._parts = parts
        self.tasks_: dict[str, Decision] = {}
        if len(parts) > 1:
            self.tasks_ = {
                group: self._decide(part.names, part.point, part.draws, part.count)
                for group, part in parts.items()
            }
        point, draws, count = _pooled(list(parts.values()), common, self.score_)
        self.decision_ = self._decide(tuple(common), point, draws, count)

    @property
    def better_(self) -> str:
        """Which way the score is better."""
        return "lower" if self.score_ == MIXED else SCORES[self.score_].better

    def _decide(
        self, names: tuple[str, ...], point: Array, draws: Array, count: NDArray[np.int64]
    ) -> Decision:
        known = np.isfinite(point) & np.isfinite(draws).all(axis=0)
        return decide(
            tuple(name for name, there in zip(names, known, strict=True) if there),
            point[known], draws[:, known], count[known],
            lower_is_better=self.better_ == "lower", level=self.level,
        )  # fmt: skip

    def _notice(self, examples: pd.DataFrame) -> None:
        found, decision = self.findings_, self.decision_
        if len(decision.strategies) < 2:
            found.append(Finding("PRED501", "one strategy only: there is nothing to choose from"))
            return
        if int(decision.examples.min()) < _FEW:
            found.append(Finding(
                "PRED506", f"{int(decision.examples.min())} examples of a strategy; the source's "
                "ranking settles at about 50",
            ))  # fmt: skip
        self._doubt_lengths()
        decision = self.decision_
        if not decision.decisive:
            more = decision.further_examples
            told = "no number of examples would" if more is None else f"some {more:,} more would"
            noise = float(decision.p_best.max()) < self.level
            if noise:
                found.append(Finding(
                    "PRED512", f"differences within noise: any of {', '.join(decision.best_set)}; "
                    f"{told} separate the first two at {100 * self.level:g} %",
                ))  # fmt: skip
        found += check_format(examples, decision.best)
        found.append(Finding(
            "PRED513", "the best score is not surely the best training data: published rank "
            "correlations with accuracy after training are .2 to .4",
        ))  # fmt: skip

    def _doubt_lengths(self) -> None:
        """Take back what is decided by the length of responses alone."""
        for group, part in self._parts.items():
            own = self.tasks_.get(group, self.decision_)
            if part.tokens is None or self.score_ == MIXED or own.strategies != part.names:
                continue
            values = np.log(np.maximum(part.values, 1e-12)) if part.kind.ratio else part.values
            lower = part.kind.better == "lower"
            found = check_length(part.names, values, part.tokens, own.order, lower)
            if found is None:
                continue
            self.findings_.append(replace(found.finding, run=group or None))
            if group in self.tasks_:
                self.tasks_[group] = own.doubted(found.rival)
            if self.decision_.best == own.best:
                self.decision_ = self.decision_.doubted(found.rival)

    def _table(self, examples: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        one = self.decision_
        frame = pd.DataFrame({
            "strategy": one.strategies, "score": one.score, "lower": one.lower,
            "upper": one.upper, "rank": one.rank, "p_best": one.p_best, "regret": one.regret,
            "examples": one.examples,
        })  # fmt: skip
        if "tokens" in examples:
            mean = examples.groupby("strategy")["tokens"].mean()
            frame["tokens"] = frame["strategy"].map(mean)
        return frame.sort_values("rank", ignore_index=True)

    def forecasts(self) -> Forecasts:
        """Return each strategy's score with its interval, the best first."""
        self._check_fitted()
        codes = tuple(sorted({finding.code for finding in self.findings_}))
        rows = self.strategies_.to_dict("records")
        return Forecasts(
            [
                Forecast(
                    str(row["strategy"]), self.score_, {}, float(row["score"]),
                    float(row["lower"]), float(row["upper"]), self.level, self.aggregation,
                    int(row["examples"]), None, codes,
                )
                for row in rows
            ],
            self.findings_,
        )  # fmt: skip


class _Part:
    """Points and draws of one task's strategies."""

    def __init__(
        self, names: tuple[str, ...], point: Array, draws: Array, count: NDArray[np.int64],
        values: Array, tokens: Array | None, kind: Score,
    ) -> None:  # fmt: skip
        self.names, self.point, self.draws, self.count = names, point, draws, count
        self.values, self.tokens, self.kind = values, tokens, kind


def read_responses(path: Path) -> ResponseLog:
    """Read a table of responses, whatever its columns are called.

    Parameters
    ----------
    path : Path
        CSV, TSV, JSONL, JSON or Parquet.

    Raises
    ------
    InputError
        If there is no such file or it has no strategy and example.
    """
    from predictor.logs.readers.responses import read
    from predictor.logs.source import Source

    if not path.is_file():
        raise InputError(f"{path}: no such file")
    log = read(Source(path, str(path), path.stem))[0]
    if not isinstance(log, ResponseLog):
        raise InputError(f"{path}: no responses")
    return log


def _log(responses: ResponseLog | pd.DataFrame | str | Path) -> ResponseLog:
    if isinstance(responses, ResponseLog):
        return responses
    if isinstance(responses, str | Path):
        return read_responses(Path(responses))
    return ResponseLog(responses.reset_index(drop=True))


def _kinds(name: str, rows: pd.DataFrame) -> list[Score] | None:
    if name != MIXED:
        return [SCORES[name]] if SCORES[name].known(rows) else None
    perplexity = perplexity_of(rows)
    known = perplexity is not None and SCORES["alignment"].known(rows)
    return [perplexity, SCORES["alignment"]] if perplexity is not None and known else None


def _grids(
    rows: pd.DataFrame, kinds: list[Score]
) -> tuple[list[Array], tuple[str, ...], NDArray[np.object_]]:
    """Return scores as (examples, strategies), of the strategies that have any."""
    import pandas as pd

    keyed = rows[["example", "strategy"]]
    wide = [
        keyed.assign(value=kind.per_example(rows)).pivot(
            index="example", columns="strategy", values="value"
        )
        for kind in kinds
    ]
    there = pd.concat([w.notna().any() for w in wide], axis=1).all(axis=1)
    names = [name for name in wide[0].columns if there[name]]
    kept = [w[names] for w in wide]
    return (
        [w.to_numpy(dtype=float) for w in kept], tuple(map(str, names)),
        np.asarray(wide[0].index, dtype=object),
    )  # fmt: skip


def _tokens(rows: pd.DataFrame, names: tuple[str, ...], ids: NDArray[np.object_]) -> Array | None:
    if "tokens" not in rows:
        return None
    wide = rows.pivot(index="example", columns="strategy", values="tokens")
    return wide.reindex(index=ids, columns=list(names)).to_numpy(dtype=float)


def _widened(draws: Array, factor: float, ratio: bool) -> Array:
    """Return draws farther from their mean, by ratio where the score is compared so."""
    plain = np.log(np.maximum(draws, 1e-12)) if ratio else draws
    centre = plain.mean(axis=0)
    wide = centre + factor * (plain - centre)
    return np.exp(wide) if ratio else wide


def _small_sample(count: int) -> float:
    """Return how much wider draws must be: their variance is short by (n + 1) / (n - 1)."""
    from scipy.special import stdtrit

    if count < 2:
        return 1.0
    return float(np.sqrt((count + 1) / (count - 1)) * stdtrit(count - 1, 0.95) / 1.6448536)


def _pooled(
    parts: list[_Part], names: list[str], score: str
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return the mean over tasks, of logarithms for scores that are compared by ratio."""
    ratio = score != MIXED and SCORES[score].ratio
    draws = min(len(part.draws) for part in parts)
    points, drawn, counts = [], [], []
    for part in parts:
        at = [part.names.index(name) for name in names]
        points.append(part.point[at])
        drawn.append(part.draws[:draws, at])
        counts.append(part.count[at])
    if ratio:
        point = np.exp(np.mean(np.log(points), axis=0))
        return point, np.exp(np.mean(np.log(drawn), axis=0)), np.sum(counts, axis=0)
    return np.mean(points, axis=0), np.mean(drawn, axis=0), np.sum(counts, axis=0)
