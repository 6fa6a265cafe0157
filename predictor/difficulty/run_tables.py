"""From logged benchmark scores and task losses to ladders."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from predictor.difficulty.facts import FACTS, canonical_facts, completed, family_of, with_sizes
from predictor.difficulty.ladder import History, Ladder, Public
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.law import Array
from predictor.logs.tables import RunLog

#: How many checkpoints are averaged where a run has at least seven times as many, and what share
#: of a run's first ones is no part of step 2.
AVERAGED, SKIPPED = 5, 0.1
_LOSS = re.compile(r"(^|[_/])(bpb|loss|ce|nll|ce_loss|crossentropyloss)$", re.IGNORECASE)
_SCORE = re.compile(
    r"(^|[_/])(acc|acc_norm|accuracy|len_norm|exact_match|em|pass@1|score|mc1|mc2|f1)$",
    re.IGNORECASE,
)
_SOFT = re.compile(r"(soft|soft_log|log_soft)$", re.IGNORECASE)


def ladders_of_runs(
    log: RunLog,
    *,
    benchmarks: tuple[str, ...] = (),
    loss: str | None = None,
    meta: pd.DataFrame | None = None,
    family: str | None = None,
    without: tuple[str, ...] = (),
    chance: float = 0.0,
) -> tuple[list[Ladder], list[Finding]]:
    """Return a ladder for every benchmark whose scores a log of runs holds.

    A metric is a benchmark's score where it was named, or where its values lie in [0, 1] and its
    name ends as scores do. The task loss that belongs to it has the same name but for that end.

    Parameters
    ----------
    log : RunLog
        Runs with scores, at the end or at many checkpoints.
    benchmarks : tuple of str
        Metrics, or what their names contain; all scores where empty.
    loss : str, optional
        Metric of the task loss; found by name where not given.
    meta, family, without, chance
        As in :func:`predictor.difficulty.item_tables.ladders_of_items`.

    Returns
    -------
    ladders : list of Ladder
    findings : list of Finding

    Raises
    ------
    InputError
        If no metric is a benchmark's score, or a model's size is not known.
    """
    scores = _scores(log, benchmarks)
    public = _public(log, without)
    facts = family_of(completed(run_facts(log), meta), family)
    facts = facts[~facts.index.isin(without)]
    facts, axis, findings = with_sizes(facts)
    ladders = [
        _ladder(log, metric, _loss_of(metric, log.metrics, loss), facts, axis, chance, public)
        for metric in scores
    ]
    return ladders, findings


def _scores(log: RunLog, wanted: tuple[str, ...]) -> list[str]:
    if not wanted:
        found = [m for m in log.metrics if _is_share(log, m) and not _LOSS.search(m)]
        scores = [m for m in found if _SCORE.search(m)] or found
        if not scores:
            raise InputError("no metric is a benchmark's score in [0, 1]; name one by --benchmark")
        return scores
    chosen: list[str] = []
    for name in wanted:
        if name in log.metrics:
            chosen.append(name)
            continue
        part = [m for m in log.metrics if name in m and not _LOSS.search(m)]
        likely = [m for m in part if _SCORE.search(m)] or part
        if len(likely) != 1:
            shown = ", ".join(likely[:6]) or "none"
            raise InputError(f"--benchmark {name}: not the name of one score; these match: {shown}")
        chosen += likely
    return chosen


def _is_share(log: RunLog, metric: str) -> bool:
    values = log.points.loc[log.points["metric"] == metric, "value"]
    return bool(values.between(0, 1).all())


def _loss_of(score: str, metrics: list[str], named: str | None) -> str | None:
    if named is not None:
        if named not in metrics:
            raise InputError(f"--loss {named}: no such metric in the log")
        return named
    stem = _stem(score)
    same = [m for m in metrics if _LOSS.search(m) and _stem(m) == stem]
    return same[0] if same else None


def _stem(metric: str) -> str:
    """Return what score and loss of one benchmark have in common."""
    name = metric.rpartition("/")[2] if "/" in metric and len(metric.split("/")) > 2 else metric
    for pattern in (_SOFT, _LOSS, _SCORE):
        name = pattern.sub("", name)
    return name.rstrip("_/")


def run_facts(log: RunLog) -> pd.DataFrame:
    """Return facts of runs: from their own row, else the last place they were logged at."""
    own = canonical_facts(log.runs.set_index("run"))
    reached = log.points.groupby("run", sort=False)[["tokens", "flops"]].max()
    reached = reached.reindex(own.index)
    return own.assign(**{fact: own[fact].combine_first(reached[fact]) for fact in FACTS[1:]})


def _public(log: RunLog, without: tuple[str, ...]) -> Public:
    """Return the last score of every run, of all families, on every benchmark."""
    names = _scores(log, ())
    points = log.points[log.points["metric"].isin(names) & ~log.points["run"].isin(without)]
    table = points.dropna(subset=["value"]).groupby(["run", "metric"], sort=False)["value"].last()
    wide = table.unstack().reindex(columns=names)
    return Public(tuple(map(str, wide.index)), tuple(names), wide.to_numpy(dtype=float))


def _ladder(
    log: RunLog,
    score: str,
    loss: str | None,
    facts: pd.DataFrame,
    axis: str,
    chance: float,
    public: Public,
) -> Ladder:
    rows, histories = [], []
    for run in facts.index:
        curve = _checkpoints(log, run, score, loss)
        if not len(curve):
            continue
        window = int(np.clip(len(curve) // 7, 1, AVERAGED))
        smooth = curve.rolling(window, min_periods=1).mean()
        rows.append((run, smooth["score"].iloc[-1], smooth["loss"].iloc[-1]))
        first = int(np.ceil(SKIPPED * len(curve)))
        histories.append(smooth.iloc[first:].assign(rung=len(rows) - 1))
    if not rows:
        raise InputError(f"no model has a value of '{score}'")
    kept, scores, losses = zip(*rows, strict=True)
    own = facts.loc[list(kept)]
    return Ladder(
        score,
        tuple(map(str, kept)),
        own["size"].to_numpy(dtype=float),
        axis,
        np.array(scores),
        params=own["params"].to_numpy(dtype=float),
        tokens=own["tokens"].to_numpy(dtype=float),
        loss=np.array(losses),
        chance=chance,
        history=_history(histories),
        public=public if score in public.benchmarks and len(public.models) > len(rows) else None,
    )


def _checkpoints(log: RunLog, run: str, score: str, loss: str | None) -> pd.DataFrame:
    """Return score and loss of a run at each checkpoint that has both, oldest first."""

    def values(metric: str) -> pd.Series:
        curve = log.curve(run, metric).dropna(subset=["value"])
        order = curve[["step", "tokens", "flops"]].bfill(axis=1).iloc[:, 0].fillna(0.0)
        return curve.assign(order=order).groupby("order")["value"].last()

    frame = pd.DataFrame({"score": values(score)})
    frame["loss"] = values(loss) if loss else np.nan
    return frame.dropna() if loss else frame


def _history(parts: list[pd.DataFrame]) -> History | None:
    joined = pd.concat(parts)
    if len(joined) <= len(parts) or joined["loss"].isna().any():
        return None
    columns: list[Array] = [joined[name].to_numpy(dtype=float) for name in ("loss", "score")]
    return History(columns[0], columns[1], joined["rung"].to_numpy(dtype=np.intp))
