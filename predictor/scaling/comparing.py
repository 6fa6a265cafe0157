"""Laws compared by what they miss when the largest runs are hidden, and by their parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from predictor.errors import PredictorError
from predictor.scaling.laws import SCALING_LAWS
from predictor.scaling.scaling_law import ScalingLaw
from predictor.scaling.table import RUN_COLUMNS, RunsTable

#: Share of the runs, those with the most compute, that is hidden.
HELD_OUT = 0.2


def hold_out(table: RunsTable, share: float = HELD_OUT) -> tuple[RunsTable, RunsTable]:
    """Return the runs with less compute, and those with the most.

    Parameters
    ----------
    table : RunsTable
        The runs.
    share : float
        Share of the runs to hide; runs of one compute stay together.
    """
    ordered = table.take(np.argsort(table.flops, kind="stable"))
    last = max(1, round((1 - share) * len(ordered))) - 1
    seen = ordered.flops <= ordered.flops[last]
    if seen.all():
        seen = np.arange(len(ordered)) <= last
    return ordered.take(seen), ordered.take(~seen)


def held_out_errors(
    table: RunsTable, law: str, *, share: float = HELD_OUT, level: float = 0.9, draws: int = 200
) -> pd.DataFrame:
    """Forecast the runs with the most compute from the others.

    Parameters
    ----------
    table : RunsTable
        The runs.
    law : str
        Name of a law, or "auto".
    share : float
        Share of the runs to hide.
    level : float
        Probability of the intervals.
    draws : int
        Bootstrap draws.

    Returns
    -------
    DataFrame
        One row a hidden run: ``loss, value, lower, upper, off`` (relative error) and ``inside``.
    """
    seen, hidden = hold_out(table, share)
    fitted = ScalingLaw(law, level=level, draws=draws).fit(seen)
    places = hidden.runs[list(RUN_COLUMNS)]
    value, ends = fitted.predict(places), fitted.predict_interval(places)
    loss = hidden.loss
    return pd.DataFrame(
        {
            "loss": loss,
            "value": value,
            "lower": ends[:, 0],
            "upper": ends[:, 1],
            "off": np.abs(value / loss - 1),
            "inside": (ends[:, 0] <= loss) & (loss <= ends[:, 1]),
        }
    )


def compare_scaling_laws(
    table: RunsTable, laws: Sequence[str] = ("auto", *SCALING_LAWS), *, share: float = HELD_OUT
) -> pd.DataFrame:
    """Compare laws by what they miss on the largest runs, and by AICc on all.

    Parameters
    ----------
    table : RunsTable
        The runs.
    laws : sequence of str
        Names of laws, or "auto".
    share : float
        Share of the runs, those with the most compute, that is hidden.

    Returns
    -------
    DataFrame
        One row a law, best first: ``law, parameters, held_out`` (runs), ``median_off`` (relative),
        ``coverage`` (of 90 % intervals), ``aicc`` (least squares of log losses; not for "auto") and
        ``reason`` where a law cannot be fitted.

    References
    ----------
    Hurvich and Tsai 1989, Biometrika 76 (AICc).

    Examples
    --------
    >>> n, d = np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e9, 1e11, 5))
    >>> from predictor.scaling.table import runs_table
    >>> loss = 1.8 + 480 / n**0.35 + 2100 / d**0.28
    >>> runs = pd.DataFrame({"params": n.ravel(), "tokens": d.ravel(), "loss": loss.ravel()})
    >>> compare_scaling_laws(runs_table(runs), ["compute", "chinchilla"])["law"].to_list()
    ['chinchilla', 'compute']
    """
    rows = []
    for law in laws:
        row: dict[str, object] = {"law": law}
        try:
            hidden = held_out_errors(table, law, share=share, draws=50)
            row |= {"held_out": len(hidden), "median_off": float(hidden["off"].median())}
            row |= {"coverage": float(hidden["inside"].mean())}
            if law != "auto":
                fitted = ScalingLaw(law, draws=2).fit(table)
                row |= {"parameters": len(fitted.params), "aicc": _aicc(fitted)}
        except PredictorError as error:
            row["reason"] = str(error)
        rows.append(row)
    columns = ["law", "parameters", "held_out", "median_off", "coverage", "aicc", "reason"]
    found = pd.DataFrame(rows).reindex(columns=columns)
    return found.sort_values("median_off", kind="stable").reset_index(drop=True)


def _aicc(fitted: ScalingLaw) -> float:
    """Return Akaike's criterion with its correction for few runs."""
    off = fitted.residuals()["residual"].to_numpy()
    count, free = len(off), len(fitted.params) + 1
    if count <= free + 1:
        return float("nan")
    fit = count * np.log(max(float((off**2).mean()), 1e-300))
    return float(fit + 2 * free + 2 * free * (free + 1) / (count - free - 1))
