"""What runs need to reach a target: the rows of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from predictor.findings import Finding

if TYPE_CHECKING:
    import pandas as pd

#: What a cost is made of.
PARTS = ("hours", "gpu_hours", "usd", "kwh", "kg_co2")


@dataclass(frozen=True)
class Needed:
    """What one run needs to reach a target.

    Parameters
    ----------
    run, metric, axis : str
        What is asked of which run.
    target : float
        Value of the metric that is to be reached.
    value, lower, upper : float or None
        Median place on the axis at which it is reached, and interval. ``upper`` None: with more
        than the interval's share not reached up to ``horizon``; ``value`` None: with more than
        one half.
    level : float
        Level of the interval.
    reachable : float or None
        Probability that it is reached up to ``horizon``; None where nothing can be said.
    last : float
        Last logged place.
    horizon : float or None
        How far was looked.
    stop : float or None
        Place from which on more training gains less than asked; None where that lies beyond the
        horizon.
    cost : mapping or None
        What it costs, see :func:`plan_target`; None where it cannot be told.
    warnings : tuple of str
        Codes of findings.
    """

    run: str
    metric: str
    axis: str
    target: float
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    reachable: float | None
    last: float
    horizon: float | None
    stop: float | None
    cost: Mapping[str, Any] | None
    warnings: tuple[str, ...]

    @property
    def more(self) -> float | None:
        """How much more of the axis is needed, from the last logged place on."""
        return None if self.value is None else max(self.value - self.last, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as the JSON document has it."""
        row = asdict(self)
        return {**row, "more": self.more, "warnings": list(self.warnings)}


@dataclass(frozen=True)
class TargetPlan:
    """What each run needs, with the findings that explain it.

    Parameters
    ----------
    needed : tuple of Needed
        One a run, in the order of the log.
    findings : tuple of Finding
        What was noticed, in words.
    """

    needed: tuple[Needed, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def likeliest(self) -> Needed:
        """The run that is likeliest to reach the target, the soonest among equals."""
        return min(
            self.needed,
            key=lambda n: (-(n.reachable if n.reachable is not None else -1), n.value or np.inf),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return ``needed``, and ``reachable`` and ``cost`` of the likeliest run."""
        best = self.likeliest
        rows = [row.to_dict() for row in self.needed]
        return {"needed": rows, "reachable": best.reachable, "cost": best.cost}

    def to_frame(self) -> pd.DataFrame:
        """Return one row a run; the costs still to come are columns of their own."""
        import pandas as pd

        return pd.DataFrame([_flat(row.to_dict()) for row in self.needed])

    def summary(self) -> str:
        """Return one line a run, in words."""
        return "\n".join(_in_words(row) for row in self.needed)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    cost = row.pop("cost")
    costs = {f"more_{p}": None if cost is None else cost["more"][p]["value"] for p in PARTS}
    return {**row, **costs, "warnings": " ".join(row["warnings"])}


def _in_words(row: Needed) -> str:
    subject = f"{row.run}: {row.metric} {row.target:g}"
    if row.reachable is None:
        return f"{subject}: nothing can be said ({' '.join(row.warnings)})"
    if row.value is None:
        return (
            f"{subject} is not reached up to {row.axis}={row.horizon:.4g} with probability "
            f"{1 - row.reachable:.2g}"
        )
    upper = "beyond the horizon" if row.upper is None else f"{row.upper:.4g}"
    return (
        f"{subject} is reached at {row.axis}={row.value:.4g} ({100 * row.level:g} % interval "
        f"{row.lower:.4g} to {upper}) with probability {row.reachable:.2g}"
    )
