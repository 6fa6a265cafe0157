"""``predictor plan TABLE --budget``: what to train for a budget, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from predictor.cli.output import csv_text, emit, json_text, print_findings, table_text
from predictor.cli.pricing import Prices
from predictor.errors import InputError
from predictor.findings import KINDS
from predictor.logs.places import parse_number
from predictor.scaling.planning import BudgetPlan, BudgetPlans, plan_budgets


def plan_table(
    paths: Sequence[Path],
    budgets: Sequence[str],
    unique_tokens: str | None,
    prices: Prices,
    asked: dict[str, Any],
    form: str,
    output: Path | None,
    quiet: bool,
) -> int:
    """Plan budgets from a table of runs; return the exit status."""
    from predictor.scaling.scaling_law import ScalingLaw
    from predictor.scaling.table import read_runs

    if len(paths) != 1:
        raise InputError(f"--budget takes one table of runs, not {len(paths)} paths")
    table = read_runs(paths[0], loss=asked["metric"])
    law = ScalingLaw(asked["law"], level=asked["level"], random_state=asked["seed"])
    plans = plan_budgets(
        law,
        table,
        [read_number(budget, "--budget") for budget in budgets],
        rates=prices.rates,
        unique_tokens=read_number(unique_tokens, "--unique-tokens") if unique_tokens else None,
    )
    if form == "json":
        emit(json_text("plan", plans.to_dict(), plans.findings), output)
    else:
        emit(csv_text(plans.to_frame()) if form == "csv" else budget_text(plans), output)
    print_findings(plans.findings, quiet)
    return 0 if plans.plans else 3


def read_number(text: str, option: str) -> float:
    """Read a positive number that an option was given.

    Raises
    ------
    InputError
        If it is none; the option is named.
    """
    try:
        return parse_number(text)
    except InputError as error:
        raise InputError(f"{option} {error}") from None


def budget_text(plans: BudgetPlans) -> str:
    """Return one block of lines a plan, and what was noticed."""
    parts = [_lines(plan) for plan in plans.plans] or [
        "No budget can be planned from this table.\n"
    ]
    parts.append(
        "".join(f"{c} {KINDS[c].title}\n" for c in sorted({f.code for f in plans.findings}))
    )
    return "\n".join(part for part in parts if part)


def _lines(plan: BudgetPlan) -> str:
    from rich import box
    from rich.table import Table

    one = plan.allocation
    level = f"{100 * one.level:g} %"
    rows = [
        ("training FLOPs", f"{one.flops:.3g}", ""),
        ("parameters", f"{one.params:.3g}", f"{one.params_lower:.3g} to {one.params_upper:.3g}"),
        ("tokens", f"{one.tokens:.3g}", f"{one.tokens_lower:.3g} to {one.tokens_upper:.3g}"),
    ]
    if one.epochs > 1:
        rows.append(("passes over the data", f"{one.epochs:.3g}", ""))
    known = one.value is not None
    rows.append(
        (
            "loss",
            f"{one.value:.4g}" if known else "cannot say",
            f"{one.lower:.4g} to {one.upper:.4g}" if known else "",
        )
    )
    rows += _built(plan)
    if plan.cost is not None:
        cost = plan.cost
        rows += [("hours", f"{cost.hours:.3g}", ""), ("GPU-hours", f"{cost.gpu_hours:.3g}", "")]
        named = (("US dollars", cost.usd), ("kWh", cost.kwh), ("kg CO2", cost.kg_co2))
        rows += [(name, f"{value:.3g}", "") for name, value in named if value is not None]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("plan", "value", f"{level} interval"):
        table.add_column(head, justify="left" if head == "plan" else "right")
    for row in rows:
        table.add_row(*row)
    return table_text(table)


def _built(plan: BudgetPlan) -> list[tuple[str, str, str]]:
    shape = plan.architecture
    rows = []
    if shape is not None:
        text = f"{shape.layers} layers, width {shape.hidden}, {shape.heads} heads"
        rows.append(("a model of that size", text, f"{shape.params:.3g} parameters"))
        rows.append(("training FLOPs a token", f"{plan.flops_per_token:.3g}", ""))
    rows.append(("GB to train (Adam)", f"{plan.training_bytes / 1e9:.3g}", "without activations"))
    sizes = ", ".join(f"{size / 1e9:.3g}" for size in plan.inference_bytes.values())
    rows.append(("GB of weights", sizes, "at 16, 8, 4 bit"))
    return rows
