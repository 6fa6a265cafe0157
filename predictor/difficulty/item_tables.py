"""From results per item to ladders."""

from __future__ import annotations

import numpy as np
import pandas as pd

from predictor.difficulty.facts import FACTS, completed, family_of, with_sizes
from predictor.difficulty.features import averaged_checkpoints, trials_behind
from predictor.difficulty.ladder import Ladder
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.law import Array
from predictor.logs.tables import ItemLog


def ladders_of_items(
    log: ItemLog,
    *,
    benchmarks: tuple[str, ...] = (),
    meta: pd.DataFrame | None = None,
    family: str | None = None,
    without: tuple[str, ...] = (),
    chance: float = 0.0,
) -> tuple[list[Ladder], list[Finding]]:
    """Return a ladder for every benchmark of a log of results per item.

    Parameters
    ----------
    log : ItemLog
        Results per item.
    benchmarks : tuple of str
        Only these; all where empty.
    meta : DataFrame, optional
        Facts of models, see :func:`predictor.difficulty.facts.read_meta`.
    family : str, optional
        Only models of this family.
    without : tuple of str
        Models to leave out.
    chance : float
        Score of a random guess.

    Returns
    -------
    ladders : list of Ladder
    findings : list of Finding

    Raises
    ------
    InputError
        If a benchmark or family is not there, or a model's size is not known.
    """
    items = log.items[~log.items["model"].isin(without)]
    chosen = _benchmarks(items, benchmarks)
    facts = family_of(completed(model_facts(items), meta), family)
    facts, axis, findings = with_sizes(facts)
    ladders = []
    for benchmark in chosen:
        own = items[(items["benchmark"] == benchmark) & items["model"].isin(facts.index)]
        ladder, more = _ladder(benchmark, own, facts, axis, chance)
        ladders.append(ladder)
        findings += more
    return ladders, list(dict.fromkeys(findings))


def _benchmarks(items: pd.DataFrame, wanted: tuple[str, ...]) -> list[str]:
    there = list(items["benchmark"].astype(str).unique())
    for name in wanted:
        if name not in there:
            shown = ", ".join(there[:8])
            raise InputError(f"no benchmark '{name}' in the log; there are {shown}")
    return list(wanted) or there


def model_facts(items: pd.DataFrame) -> pd.DataFrame:
    """Return the largest logged value of every fact of each model."""
    grouped = items.assign(model=items["model"].astype(str)).groupby("model", sort=False)
    facts = grouped[list(FACTS)].max().astype(float)
    if "family" in items:
        return facts.assign(family=grouped["family"].first())
    facts["family"] = pd.NA
    return facts


def _ladder(
    benchmark: str, items: pd.DataFrame, facts: pd.DataFrame, axis: str, chance: float
) -> tuple[Ladder, list[Finding]]:
    names = pd.Index(items["item"].astype(str).unique())
    columns, kept, averaged = [], [], 0
    for model in facts.index:
        own = items[items["model"] == model]
        if not len(own):
            continue
        rates, trials, checkpoints = _at_the_end(own, names)
        columns.append((rates, trials))
        kept.append(model)
        averaged += checkpoints > 1
    if not kept:
        raise InputError(f"{benchmark}: none of the models has results")
    facts = facts.loc[kept]
    rates, trials = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
    trials = trials_behind(rates, trials)
    ladder = Ladder(
        benchmark,
        tuple(kept),
        facts["size"].to_numpy(dtype=float),
        axis,
        _score(rates),
        params=facts["params"].to_numpy(dtype=float),
        tokens=facts["tokens"].to_numpy(dtype=float),
        rates=rates,
        trials=np.where(np.isfinite(rates), trials, 0.0),
        items=tuple(names),
        chance=chance,
        loss=_loss(rates, trials),
    )
    return ladder, _findings(ladder, averaged)


def _at_the_end(own: pd.DataFrame, names: pd.Index) -> tuple[Array, Array, int]:
    """Return a model's pass rates at its last checkpoint (or its average) and their trials."""
    steps = pd.to_numeric(own["checkpoint"], errors="coerce").fillna(0.0)
    grid = own.assign(step=steps.to_numpy()).pivot_table(
        index="step", columns="item", values=["passes", "trials"], aggfunc="sum", observed=True
    )
    trials, passes = (
        pd.DataFrame(grid[part]).reindex(columns=names).to_numpy(dtype=float)
        for part in ("trials", "passes")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = passes / trials
    order = grid.index.to_numpy(dtype=float)
    mean, count = averaged_checkpoints(order, rates, np.nan_to_num(trials))
    near = int(((order >= 0.8 * order[-1]) & (np.arange(len(order)) >= len(order) - 3)).sum())
    return mean, count / near if np.nanmax(trials) <= 1 else count, near


def _score(rates: Array) -> Array:
    asked = np.isfinite(rates)
    return np.where(asked, rates, 0.0).sum(axis=0) / asked.sum(axis=0)


def _loss(rates: Array, trials: Array) -> Array:
    """Return mean log losses where the pass rates are probabilities of the right answer."""
    probable = np.isinf(trials).all() and np.nanmin(rates) > 0
    return -np.nanmean(np.log(rates), axis=0) if probable else np.full(rates.shape[1], np.nan)


def _findings(ladder: Ladder, averaged: int) -> list[Finding]:
    found = []
    missing = np.isnan(ladder.rates).mean(axis=0)
    if missing.any():
        worst = int(missing.argmax())
        message = (
            f"{ladder.benchmark}: {ladder.models[worst]} and "
            f"{int((missing > 0).sum()) - 1} more models lack items "
            f"(up to {100 * missing[worst]:.0f} %); their scores are means of those asked"
        )
        found.append(Finding("PRED409", message))
    if averaged:
        message = f"{ladder.benchmark}: last checkpoints averaged with their neighbours"
        found.append(Finding("PRED414", message))
    return found
