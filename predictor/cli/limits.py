"""What limits each run of a log, by a law fitted to a table of runs."""

from __future__ import annotations

from math import isfinite
from pathlib import Path

from predictor.curves.question import planned_ends
from predictor.findings import Finding
from predictor.health.limits import Limits, limits_of
from predictor.logs.tables import RunLog
from predictor.scaling.scaling_law import ScalingLaw


def limits_of_log(log: RunLog, table: Path, seed: int) -> tuple[list[Limits], list[Finding]]:
    """Return what limits each run whose size and tokens are known, and which are not.

    Parameters
    ----------
    log : RunLog
        As read.
    table : Path
        Runs with params, tokens and loss.
    seed : int
        For the law's draws.

    Raises
    ------
    InputError
        If the table does not carry a law.
    """
    law = ScalingLaw("chinchilla", random_state=seed).fit(table)
    ends = planned_ends(log, "tokens")
    seen = log.points.groupby("run")["tokens"].max()
    found, missing = [], []
    for row in log.runs.to_dict("records"):
        run = str(row["run"])
        params, told = _number(row.get("params")), _number(row.get("tokens"))
        tokens = _number(seen.get(run)) or told
        if params is None or tokens is None:
            missing.append(run)
            continue
        planned = ends.get(run, told)
        found.append(limits_of(run, params, tokens, law.draws_at, law.best_sizes, planned=planned))
    noticed = [
        Finding("PRED616", "params or tokens are not logged; give them by --meta TABLE", run=run)
        for run in missing
    ]
    return found, [*law.findings_, *noticed]


def _number(value: object) -> float | None:
    """Return a setting as a number; None where it is none."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if isfinite(number) else None
