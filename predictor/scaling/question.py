"""From what a user asks of a table of runs to an answer: law, forecasts, allocations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from predictor.errors import CannotForecastError, InputError
from predictor.findings import Finding, Severity
from predictor.fitting.forecast import Forecast, Forecasts
from predictor.scaling.allocation import Allocation
from predictor.scaling.checks import check_table
from predictor.scaling.next_runs import next_runs
from predictor.scaling.scaling_law import ScalingLaw
from predictor.scaling.table import RunsTable, complete


@dataclass(frozen=True)
class ScalingAnswer:
    """What can be said of a table of runs.

    Parameters
    ----------
    estimator : ScalingLaw or None
        The fitted law; None where the table cannot carry one.
    forecasts : Forecasts
        One a place; without numbers where nothing can be said.
    allocations : tuple of Allocation
        One a budget.
    findings : tuple of Finding
        What was noticed.
    asked : int
        Number of places, budgets and targets.
    next_runs : DataFrame, optional
        The runs to make next, where they were asked for.
    """

    estimator: ScalingLaw | None
    forecasts: Forecasts
    allocations: tuple[Allocation, ...]
    findings: tuple[Finding, ...]
    asked: int
    next_runs: pd.DataFrame | None = None

    @property
    def said_something(self) -> bool:
        """Whether there is a law and, where something was asked of it, a number."""
        numbers = [*self.allocations, *(f for f in self.forecasts if f.trusted)]
        return self.estimator is not None and (bool(numbers) or not self.asked)

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the JSON document."""
        known = self.estimator
        return {
            "law": known.fit_.law.name if known else None,
            "parameters": dict(known.params) if known else None,
            "standard_errors": dict(known.bse) if known else None,
            "forecasts": self.forecasts.to_dict(),
            "allocations": [allocation.to_dict() for allocation in self.allocations],
            **({} if self.next_runs is None else {"next_runs": _records(self.next_runs)}),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return forecasts and allocations as one table, one row each."""
        places = self.forecasts.to_frame().assign(what="forecast") if self.forecasts else None
        budgets = pd.DataFrame([a.to_dict() for a in self.allocations]).assign(what="allocation")
        parts = [
            part for part in (places, budgets if self.allocations else None) if part is not None
        ]
        if parts:
            return pd.concat(parts, ignore_index=True).dropna(axis=1, how="all")
        if self.estimator is None:
            return pd.DataFrame(columns=["parameter", "estimate", "standard_error"])
        estimates = {"estimate": self.estimator.params, "standard_error": self.estimator.bse}
        return pd.DataFrame(estimates).rename_axis("parameter").reset_index()


def ask_table(
    estimator: ScalingLaw,
    table: RunsTable,
    *,
    at: Sequence[Mapping[str, float]] = (),
    budgets: Sequence[float] = (),
    unique_tokens: float | None = None,
    targets: Sequence[float] = (),
    inference_tokens: float = 0.0,
    spare: float | None = None,
) -> ScalingAnswer:
    """Fit a law to a table and ask it for forecasts and allocations.

    Parameters
    ----------
    estimator : ScalingLaw
        Settings; it is fitted.
    table : RunsTable
        The runs.
    at : sequence of mapping
        Places to forecast.
    budgets : sequence of float
        Training budgets in FLOPs.
    unique_tokens : float, optional
        Tokens there are, for the budgets.
    targets : sequence of float
        Losses to be reached with the least compute.
    inference_tokens : float
        Tokens that the model will process in use, for the targets.
    spare : float, optional
        Compute for further runs that are to narrow the first forecast.

    Returns
    -------
    ScalingAnswer
        Without numbers, and with the reason, where the table cannot carry them.
    """
    asked = len(at) + len(budgets) + len(targets)
    if spare is not None and not at:
        raise InputError("--next-runs goes with --at params=...,tokens=...: what is to be known")
    try:
        estimator.fit(table)
    except CannotForecastError as error:
        findings = [*table.findings, *check_table(table)]
        if not any(f.code == "PRED201" for f in findings):
            findings.append(_as_finding(error, table))
        silent = [_silent(estimator, table, place, findings) for place in at]
        return ScalingAnswer(None, Forecasts(silent, findings), (), tuple(findings), asked)
    forecasts = estimator.forecast(at)
    findings = list(dict.fromkeys([*estimator.findings_, *forecasts.findings]))
    allocations = []
    wanted = [partial(estimator.allocate, budget, unique_tokens) for budget in budgets]
    wanted += [partial(estimator.cheapest, loss, inference_tokens) for loss in targets]
    for allocate in wanted:
        try:
            allocations.append(allocate())
            place = {"params": allocations[-1].params, "tokens": allocations[-1].tokens}
            findings += estimator.findings_at(place)
        except CannotForecastError as error:
            found = _as_finding(error, table)
            findings += [] if any(f.code == found.code for f in findings) else [found]
    more = None
    if spare is not None:
        try:
            more = next_runs(estimator, at[0], spare)
        except CannotForecastError as error:
            findings.append(_as_finding(error, table))
    return ScalingAnswer(
        estimator, forecasts, tuple(allocations), tuple(dict.fromkeys(findings)), asked, more
    )


def _records(frame: pd.DataFrame) -> list[dict[str, float]]:
    return [{str(k): float(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _as_finding(error: CannotForecastError, table: RunsTable) -> Finding:
    """Return the finding whose code the error's text carries."""
    text = str(error).removeprefix(f"{table.source}: ")
    code, _, message = text.partition(": ")
    return Finding(code, message, source=table.source)


def _silent(
    estimator: ScalingLaw, table: RunsTable, at: Mapping[str, float], findings: Sequence[Finding]
) -> Forecast:
    ahead = float(complete(dict(at))["flops"].iloc[0] / table.flops.max())
    codes = tuple(f.code for f in findings if f.severity is not Severity.INFO)
    return Forecast(
        "", table.loss_name, dict(at), None, None, None, estimator.level, estimator.law,
        len(table), ahead, codes,
    )  # fmt: skip
