"""Rank response strategies by how well their answers suit the model to be trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from predictor.alignment.aggregation import Aggregation, check_aggregation
from predictor.alignment.confounds import check_format, check_length
from predictor.alignment.decision import Decision, decide, noise_in_words
from predictor.alignment.examples import example_frame
from predictor.alignment.scores import MIXED, SCORES, chosen_score, computable
from predictor.alignment.task import FEWEST_EXAMPLES, TaskScores, pooled, score_task
from predictor.alignment.text import add_similarity, with_similarity
from predictor.errors import CannotForecastError, InputError
from predictor.findings import Finding
from predictor.fitting.estimator import Estimator
from predictor.fitting.forecast import Forecast, Forecasts
from predictor.logs.tables import ResponseLog

if TYPE_CHECKING:
    import pandas as pd

_FEW = 10


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
        CannotForecastError
            If no strategy has the score for two examples of one task.
        """
        check_aggregation(self.aggregation)
        if not 0 < self.level < 1:
            raise InputError(f"level {self.level:g}: a probability between 0 and 1")
        log = _log(responses)
        name = name or (str(responses) if isinstance(responses, str | Path) else "table")
        examples, noticed = example_frame(log.responses, name)
        self.findings_: list[Finding] = [*log.findings, *noticed]
        examples = with_similarity(examples, self.similarity, self.score)
        self.score_ = chosen_score(self.score, examples)
        tasks = self._score(examples, name)
        self._leave_out(log.responses, tasks)
        self._decide_all(tasks)
        self._notice(examples)
        self.strategies_ = self._table(examples)
        return self

    def _score(self, examples: pd.DataFrame, name: str) -> dict[str, TaskScores]:
        """Return the scores of every task that has any."""
        rng = np.random.default_rng(self.random_state)
        tasks = {}
        for group, rows in examples.groupby("group", sort=True):
            found, noticed = score_task(str(group), rows, self.score_, self.aggregation, rng)
            self.findings_ += noticed
            if found is not None:
                tasks[str(group)] = found
        if not tasks:
            raise CannotForecastError(
                f"{name}: no strategy has the score '{self.score_}' for {FEWEST_EXAMPLES} examples "
                "of one task; a score of a single example has no interval, log some 50"
            )
        return tasks

    def _leave_out(self, responses: pd.DataFrame, tasks: dict[str, TaskScores]) -> None:
        """Name the strategies that no ranking has."""
        ranked = {name for task in tasks.values() for name in task.names}
        lost = sorted({str(name) for name in responses["strategy"].unique()} - ranked)
        if lost:
            self.findings_.append(Finding(
                "PRED515", f"without the score '{self.score_}' for {FEWEST_EXAMPLES} examples of "
                f"one task, and so not ranked: {', '.join(lost)}",
            ))  # fmt: skip

    def _decide_all(self, tasks: dict[str, TaskScores]) -> None:
        """Decide for every task and over all of them."""
        every = sorted({name for task in tasks.values() for name in task.names})
        common = [name for name in every if all(name in task.names for task in tasks.values())]
        if not common:
            raise InputError("no strategy is scored on every task; rank one task at a time")
        if len(common) < len(every):
            rest = ", ".join(name for name in every if name not in common)
            self.findings_.append(Finding(
                "PRED511", f"not on every task and so not ranked over all: {rest}"
            ))  # fmt: skip
        self.tasks_: dict[str, Decision] = {}
        if len(tasks) > 1:
            self.tasks_ = {group: self._decide(task, group) for group, task in tasks.items()}
        self.decision_ = self._decide(pooled(list(tasks.values()), common, self.score_))

    @property
    def better_(self) -> str:
        """Which way the score is better."""
        return "lower" if self.score_ == MIXED else SCORES[self.score_].better

    def _decide(self, task: TaskScores, group: str | None = None) -> Decision:
        """Rank, and take back what is decided by the length of responses alone."""
        lower = self.better_ == "lower"
        found = decide(
            task.names, task.point, task.draws, task.count, lower_is_better=lower, level=self.level
        )
        if task.levelled is None or task.length is None:
            return found
        first = int(found.order[0])
        doubt = check_length(task.names, first, task.levelled, task.length, lower)
        if doubt is None:
            return found
        self.findings_.append(replace(doubt.finding, run=group))
        return found.doubted(doubt.rival)

    def _notice(self, examples: pd.DataFrame) -> None:
        found, decision = self.findings_, self.decision_
        if len(decision.strategies) < 2:
            found.append(Finding("PRED501", "one strategy only: there is nothing to choose from"))
            return
        fewest = int(decision.examples.min())
        if fewest < _FEW:
            found.append(Finding(
                "PRED506", f"{fewest} examples of a strategy; the source's ranking settles at "
                "about 50",
            ))  # fmt: skip
        if decision.noisy:
            found.append(Finding("PRED512", noise_in_words(decision)))
        found += check_format(examples, decision.best)
        found.append(Finding(
            "PRED513", "the best score is not surely the best training data: published rank "
            "correlations with accuracy after training are .2 to .4",
        ))  # fmt: skip

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


def scores_of(log: ResponseLog, similarity: str = "tfidf", name: str = "table") -> list[str]:
    """Return the scores that a log carries, what speaks most for it first.

    Parameters
    ----------
    log : ResponseLog
        One row a strategy and example.
    similarity : {"tfidf", "embeddings"}
        How texts are compared, where no similarity is logged.
    name : str
        What errors call the table.
    """
    return computable(add_similarity(example_frame(log.responses, name)[0], similarity))


def _log(responses: ResponseLog | pd.DataFrame | str | Path) -> ResponseLog:
    if isinstance(responses, ResponseLog):
        return responses
    if isinstance(responses, str | Path):
        return read_responses(Path(responses))
    return ResponseLog(responses.reset_index(drop=True))
