"""From what a user asks of a log to an answer about benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from predictor.difficulty.facts import read_meta
from predictor.difficulty.item_tables import ladders_of_items
from predictor.difficulty.ladder import Ladder
from predictor.difficulty.run_tables import ladders_of_runs
from predictor.difficulty.suite import Suite, forecast_suite
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.tables import ItemLog, Log, RunLog


def ladders_of(
    log: Log,
    *,
    benchmarks: tuple[str, ...] = (),
    loss: str | None = None,
    meta: Path | pd.DataFrame | None = None,
    family: str | None = None,
    without: tuple[str, ...] = (),
    chance: float = 0.0,
) -> tuple[list[Ladder], list[Finding]]:
    """Return a ladder of models for every benchmark in a log.

    Parameters
    ----------
    log : ItemLog or RunLog
        Results per item, or scores (and task losses) of runs.
    benchmarks : tuple of str
        Only these; all where empty.
    loss : str, optional
        Metric of the task loss, for runs.
    meta : path or DataFrame, optional
        Table of models: ``model`` and any of ``params, tokens, flops, family``.
    family : str, optional
        Only models of this family.
    without : tuple of str
        Models to leave out.
    chance : float
        Score of a random guess.

    Raises
    ------
    InputError
        If the log holds no benchmark, or a model's size is not known.
    """
    table = read_meta(meta) if isinstance(meta, Path) else meta
    if not 0 <= chance < 1:
        raise InputError(f"the score of a guess must lie in [0, 1), not {chance:g}")
    if isinstance(log, ItemLog):
        return ladders_of_items(
            log, benchmarks=benchmarks, meta=table, family=family, without=without, chance=chance
        )
    if isinstance(log, RunLog):
        return ladders_of_runs(
            log,
            benchmarks=benchmarks,
            loss=loss,
            meta=table,
            family=family,
            without=without,
            chance=chance,
        )
    raise InputError("no benchmark results in this log; 'predictor inspect' says what it holds")


def forecast_benchmarks(
    log: Log,
    at: Sequence[Mapping[str, float]] | Mapping[str, float],
    *,
    method: str = "auto",
    weights: Mapping[str, float] | None = None,
    level: float = 0.9,
    draws: int = 200,
    seed: int = 0,
    **ladder: object,
) -> Suite:
    """Forecast the benchmarks of a log at larger models.

    Parameters
    ----------
    log : ItemLog or RunLog
        Results of the small models.
    at : mapping or sequence of mappings
        Larger models: ``{"flops": 1e24}``, ``{"params": 7e9, "tokens": 2e12}``.
    method : str
        "auto", a family of methods ("cod", "end-to-end", "two-step", "observational", "last") or
        one method.
    weights : mapping, optional
        Weights of the benchmarks in the average.
    level, draws, seed
        Probability of the interval, bootstrap draws, seed.
    **ladder
        As :func:`ladders_of`: ``benchmarks``, ``meta``, ``family``, ``chance``, ...

    Returns
    -------
    Suite
        ``.forecasts`` holds the numbers, ``.outlooks`` how they came about.

    Raises
    ------
    InputError
        If the log or a setting cannot be used.
    """
    places = [at] if isinstance(at, Mapping) else list(at)
    ladders, findings = ladders_of(log, **ladder)  # type: ignore[arg-type]
    return forecast_suite(
        ladders,
        places,
        method=method,
        weights=weights,
        level=level,
        draws=draws,
        seed=seed,
        findings=[*log.findings, *findings],
    )
