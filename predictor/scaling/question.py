"""From what a user asks of a table of runs to an answer: law, forecasts, allocations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from predictor.errors import CannotForecastError
from predictor.findings import Finding, Severity
from predictor.fitting.forecast import Forecast, Forecasts
from predictor.scaling.allocation import Allocation
from predictor.scaling.checks import check_table
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
        Number of places and budgets.
    """

    estimator: ScalingLaw | None
    forecasts: Forecasts
    allocations: tuple[Allocation, ...]
    findings: tuple[Finding, ...]
    asked: int

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

    Returns
    -------
    ScalingAnswer
        Without numbers, and with the reason, where the table cannot carry them.
    """
    asked = len(at) + len(budgets)
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
    for budget in budgets:
        try:
            allocations.append(estimator.allocate(budget, unique_tokens))
        except CannotForecastError as error:
            found = _as_finding(error, table)
            findings += [] if any(f.code == found.code for f in findings) else [found]
    return ScalingAnswer(estimator, forecasts, tuple(allocations), tuple(findings), asked)


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
