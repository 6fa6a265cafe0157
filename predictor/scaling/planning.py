"""The plan for a budget: what to train, how it will end, what it costs, on how much memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from predictor.architecture.cost import Cost, Rates, cost_of_flops
from predictor.architecture.flops import count_flops
from predictor.architecture.memory import count_memory
from predictor.architecture.nearest import Architecture, nearest_architecture
from predictor.errors import CannotForecastError, InputError
from predictor.findings import Finding
from predictor.scaling.allocation import Allocation
from predictor.scaling.checks import check_table
from predictor.scaling.scaling_law import ScalingLaw
from predictor.scaling.table import RunsTable

#: Bytes a parameter in mixed-precision training with Adam: weight and gradient of 2, and a master
#: copy and two moments of 4 (Rajbhandari et al. 2020, arXiv 1910.02054, section 3.1).
TRAINING_BYTES = 16
BITS = (16, 8, 4)
#: Smaller ones would be nothing but embeddings.
_LEAST_PARAMS = 4e6


@dataclass(frozen=True)
class BudgetPlan:
    """What to train for one budget or one target.

    Parameters
    ----------
    allocation : Allocation
        Parameters, tokens, loss, each with its interval.
    cost : Cost or None
        What training costs; None where no accelerator is named.
    architecture : Architecture or None
        A real model near that size; None where it is too small for a transformer.
    flops_per_token : float or None
        Training FLOPs per token counted from that architecture (three times forward).
    training_bytes : float
        Weights, gradients and Adam's moments; activations come on top.
    inference_bytes : dict of float
        Weights by bits a number.
    """

    allocation: Allocation
    cost: Cost | None
    architecture: Architecture | None
    flops_per_token: float | None
    training_bytes: float
    inference_bytes: dict[int, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {
            **self.allocation.to_dict(),
            "cost": None if self.cost is None else asdict(self.cost),
            "architecture": None if self.architecture is None else self.architecture.to_dict(),
            "flops_per_token": self.flops_per_token,
            "training_bytes": self.training_bytes,
            "inference_bytes": {str(bits): size for bits, size in self.inference_bytes.items()},
        }


@dataclass(frozen=True)
class BudgetPlans:
    """Plans for all budgets, with what was noticed.

    Parameters
    ----------
    plans : tuple of BudgetPlan
        In the order asked for; empty where the table cannot carry one.
    rates : Rates or None
        On what, and at what price.
    findings : tuple of Finding
        What was noticed.
    """

    plans: tuple[BudgetPlan, ...]
    rates: Rates | None
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the plans as plain values."""
        assumed = None if self.rates is None else self.rates.to_dict()
        return {"allocations": [plan.to_dict() for plan in self.plans], "assumptions": assumed}

    def to_frame(self) -> pd.DataFrame:
        """Return one row a plan."""
        rows = []
        for plan in self.plans:
            row = plan.to_dict()
            cost, built = row.pop("cost") or {}, row.pop("architecture") or {}
            memory = {f"inference_bytes_{b}": v for b, v in row.pop("inference_bytes").items()}
            shape = {key: built.get(key) for key in ("layers", "hidden", "heads")}
            rows.append({**row, **cost, **shape, **memory})
        return pd.DataFrame(rows)


def plan_budgets(
    law: ScalingLaw,
    table: RunsTable,
    budgets: Sequence[float] = (),
    *,
    targets: Sequence[float] = (),
    rates: Rates | None = None,
    unique_tokens: float | None = None,
    inference_tokens: float = 0.0,
    vocab: int = 32_000,
) -> BudgetPlans:
    """Plan what to train for budgets, or to reach losses.

    Parameters
    ----------
    law : ScalingLaw
        Settings; it is fitted.
    table : RunsTable
        The runs.
    budgets : sequence of float
        Training FLOPs.
    targets : sequence of float
        Losses to be reached with the least compute.
    rates : Rates, optional
        On what, and at what price, training runs.
    unique_tokens : float, optional
        Tokens there are; beyond them data are repeated.
    inference_tokens : float
        Tokens that the model will process in use: with a target, what is least is training and use
        together (Sardana et al. 2024, arXiv 2401.00448).
    vocab : int
        Vocabulary of the architecture.

    Returns
    -------
    BudgetPlans

    Raises
    ------
    InputError
        If nothing is asked for, or a number is out of range.
    """
    if not budgets and not targets:
        raise InputError("name a budget in FLOPs, or a loss to be reached")
    try:
        law.fit(table)
        allocations = [law.allocate(flops, unique_tokens) for flops in budgets]
        allocations += [law.cheapest(loss, inference_tokens) for loss in targets]
    except CannotForecastError as error:
        findings = [*table.findings, *check_table(table)]
        code, _, message = str(error).removeprefix(f"{table.source}: ").partition(": ")
        if not any(found.code == code for found in findings):
            findings.append(Finding(code, message, source=table.source))
        return BudgetPlans((), rates, tuple(findings))
    far = [law.findings_at({"params": a.params, "tokens": a.tokens}) for a in allocations]
    noticed = dict.fromkeys([*law.findings_, *(finding for own in far for finding in own)])
    return price_allocations(allocations, rates, vocab=vocab, findings=tuple(noticed))


def price_allocations(
    allocations: Sequence[Allocation],
    rates: Rates | None,
    *,
    vocab: int = 32_000,
    findings: tuple[Finding, ...] = (),
) -> BudgetPlans:
    """Say of splits of budgets that are known already what they cost and what to build.

    Parameters
    ----------
    allocations : sequence of Allocation
        As :meth:`ScalingLaw.allocate` returns them.
    rates : Rates, optional
        On what, and at what price, training runs.
    vocab : int
        Vocabulary of the architecture.
    findings : tuple of Finding
        What was noticed of them.
    """
    plans = tuple(_planned(one, rates, vocab) for one in allocations)
    return BudgetPlans(plans, rates, findings)


def _planned(allocation: Allocation, rates: Rates | None, vocab: int) -> BudgetPlan:
    priced = rates is not None and rates.accelerator is not None
    cost = cost_of_flops(allocation.flops, rates) if priced and rates is not None else None
    built, per_token = None, None
    params = allocation.params
    memory = {bits: params * bits / 8 for bits in BITS}
    if params >= _LEAST_PARAMS:
        built = nearest_architecture(params, vocab=vocab)
        per_token = 3.0 * count_flops(built.model, tokens=2048, phase="prefill").total
        memory = {bits: count_memory(built.model, weight_bits=bits).weights for bits in BITS}
        params = built.params
    return BudgetPlan(allocation, cost, built, per_token, TRAINING_BYTES * params, memory)
