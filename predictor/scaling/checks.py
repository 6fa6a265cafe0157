"""What goes wrong with tables of runs, looked for and said with a code."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from predictor.findings import Finding
from predictor.fitting.law import Array
from predictor.scaling.table import FLOPS_PER_PARAM_TOKEN, RunsTable

#: Fewest different runs that any law is fitted to.
FEWEST_RUNS = 4
_FEWEST_SIZES, _NARROW_COMPUTE, _ONE_RATIO = 3, 10.0, 1.3
_CHECKPOINTS = 4
#: Published loss of well-trained language models, in nats per token (arXiv 2404.10102).
_PUBLISHED = (1.8172, 482.01, 2085.43, 0.3478, 0.3658)
_SMALLEST_LANGUAGE_MODEL = (1e6, 1e7)
_BITS_PER_NAT = 1 / np.log(2)
_RUN_COLUMNS = ("run", "run_name", "run_id", "name", "model", "model_name", "experiment")
_LAST_STEPS = ("max_steps", "total_steps", "num_train_steps", "train_iters")


def distinct_runs(table: RunsTable) -> int:
    """Return the number of runs that differ in parameters or tokens."""
    return (
        len(np.unique(table.runs[["params", "tokens"]].fillna(0).to_numpy(), axis=0))
        if (table.runs["params"].notna().any())
        else len(np.unique(table.flops))
    )


def one_ratio(table: RunsTable) -> bool:
    """Return whether all runs have about the same tokens a parameter."""
    if table.runs["params"].isna().any():
        return True
    ratio = (table.runs["tokens"] / table.runs["params"]).to_numpy()
    return bool(ratio.max() < _ONE_RATIO * ratio.min())


def check_table(table: RunsTable) -> list[Finding]:
    """Look for what goes wrong in practice with tables of runs.

    Parameters
    ----------
    table : RunsTable
        The runs.

    Returns
    -------
    list of Finding
        Codes PRED201 to PRED211 and PRED217; empty where nothing was seen.

    References
    ----------
    Li et al. 2025, (Mis)Fitting, arXiv 2502.18969; Choshen et al. 2024, A Hitchhiker's Guide to
    Scaling Law Estimation, arXiv 2410.11840.
    """
    found = [check(table) for check in _CHECKS]
    return [Finding(f.code, f.message, f.run, table.source) for f in found if f is not None]


def one_axis(table: RunsTable) -> str | None:
    """Return the axis on which all runs stand at about one place; None where both vary."""
    if table.runs["params"].isna().any():
        return None
    for axis in ("params", "tokens"):
        if _distinct(table.runs[axis].to_numpy()) < 2:
            return axis
    return None


def _few(table: RunsTable) -> Finding | None:
    count = distinct_runs(table)
    if count >= FEWEST_RUNS:
        return None
    return Finding(
        "PRED201",
        f"{count} different runs; {FEWEST_RUNS} are the fewest for a law of compute alone, 6 for "
        "one of parameters and tokens",
    )


def _ratio(table: RunsTable) -> Finding | None:
    if len(table) < 2 or table.runs["params"].isna().any() or not one_ratio(table):
        return None
    ratio = float((table.runs["tokens"] / table.runs["params"]).median())
    return Finding(
        "PRED202",
        f"every run has about {ratio:.3g} tokens a parameter, so what parameters and what data do "
        "cannot be told apart: losses are forecast at that ratio only, and no budget is split",
    )


def _sizes(table: RunsTable) -> Finding | None:
    if table.runs["params"].isna().any():
        return None
    sizes, amounts = (_distinct(table.runs[c].to_numpy()) for c in ("params", "tokens"))
    if sizes >= _FEWEST_SIZES and amounts >= _FEWEST_SIZES:
        return None
    return Finding(
        "PRED203",
        f"{sizes} model sizes and {amounts} amounts of data; an exponent needs "
        f"{_FEWEST_SIZES} of each",
    )


def _distinct(values: Array) -> int:
    ordered = np.sort(values)
    return 1 + int((ordered[1:] > 1.05 * ordered[:-1]).sum())


def _narrow(table: RunsTable) -> Finding | None:
    span = float(table.flops.max() / table.flops.min())
    if span >= _NARROW_COMPUTE:
        return None
    return Finding("PRED204", f"compute spans a factor of {span:.3g} only")


def _copies(table: RunsTable) -> Finding | None:
    copied = table.runs.duplicated(subset=["params", "tokens", "flops", "unique_tokens", "loss"])
    if not copied.any():
        return None
    return Finding("PRED205", f"{int(copied.sum())} of {len(table)} rows repeat another row")


def _unit(table: RunsTable) -> Finding | None:
    named = table.loss_name.casefold()
    if any(mark in named for mark in ("bpb", "bits", "bpc", "bpw", "bpt")):
        return Finding("PRED207", f"'{table.loss_name}' is in bits by its name")
    runs = table.runs
    if runs["params"].isna().any():
        return None
    language = (runs["params"] >= _SMALLEST_LANGUAGE_MODEL[0]) & (
        runs["tokens"] >= _SMALLEST_LANGUAGE_MODEL[1]
    )
    if language.sum() < FEWEST_RUNS:
        return None
    e, a, b, alpha, beta = _PUBLISHED
    usual = e + a * runs["params"] ** -alpha + b * runs["tokens"] ** -beta
    ratio = float((runs["loss"] / usual)[language].median())
    if 1.3 < ratio < 1.7:
        return Finding(
            "PRED207",
            f"losses are {ratio:.3g} times those of published language models of these sizes; one "
            f"nat is {_BITS_PER_NAT:.4g} bits, so they may be in bits a token: the law holds in "
            "either unit, times 0.6931 they are nats",
        )
    if ratio < 0.6:
        return Finding(
            "PRED207",
            f"losses are {ratio:.3g} times those of published language models of these sizes; they "
            "may be in bits or nats a byte",
        )
    return None


def _checkpoints(table: RunsTable) -> Finding | None:
    by_step = _unfinished(table)
    if by_step is not None:
        return by_step
    names = [c for c in table.others.columns if str(c).strip().casefold() in _RUN_COLUMNS]
    if not names or table.runs["tokens"].isna().any():
        return None
    amounts = table.runs.groupby(table.others[names[0]].astype(str))["tokens"].nunique()
    many = amounts[amounts >= _CHECKPOINTS]
    if many.empty:
        return None
    return Finding(
        "PRED209",
        f"'{many.index[0]}' stands at {many.iloc[0]} amounts of tokens"
        + (f", {len(many) - 1} more runs alike" if len(many) > 1 else "")
        + ": checkpoints before the end of a learning-rate schedule lie above a run of that length",
    )


def _unfinished(table: RunsTable) -> Finding | None:
    columns = {str(c).strip().casefold(): c for c in table.others.columns}
    last = next((columns[name] for name in _LAST_STEPS if name in columns), None)
    if last is None or "step" not in columns:
        return None
    try:
        early = table.others[columns["step"]].astype(float) < 0.98 * table.others[last].astype(
            float
        )
    except (TypeError, ValueError):
        return None
    if not early.any():
        return None
    return Finding(
        "PRED209", f"{int(early.sum())} of {len(table)} rows stand before '{last}': mid-schedule"
    )


def _embeddings(table: RunsTable) -> Finding | None:
    if len(table.counted) < 2:
        return None
    used, other = table.counted[:2]
    return Finding(
        "PRED210",
        f"'{used}' was taken for the parameters; there is '{other}' too: with and without "
        "embeddings, exponents and the best size for a budget differ",
    )


def _compute(table: RunsTable) -> Finding | None:
    runs = table.runs
    ratio = runs["flops"] / (FLOPS_PER_PARAM_TOKEN * runs["params"] * runs["tokens"])
    if ratio.isna().any() or (ratio.max() < 1.1 and ratio.min() > 0.9):
        return None
    trend = np.corrcoef(np.log(table.runs["params"]), np.log(ratio))[0, 1]
    with_size = ", and that changes with the size, as where embeddings count in one of them only"
    return Finding(
        "PRED211",
        f"logged compute is {ratio.min():.3g} to {ratio.max():.3g} times 6 x params x tokens"
        + (with_size if abs(trend) > 0.7 else ""),
    )


_CHECKS: tuple[Callable[[RunsTable], Finding | None], ...] = (
    _few, _ratio, _sizes, _narrow, _copies, _unit, _checkpoints, _embeddings, _compute,
)  # fmt: skip
