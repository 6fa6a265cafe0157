"""Verdicts: what came of a check, in numbers and in one sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from predictor.fitting.forecast import Forecast


class Status(StrEnum):
    """What a check can end in."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNDECIDED = "undecided"
    ERROR = "error"


@dataclass(frozen=True)
class Verdict:
    """What came of one check for one run.

    Parameters
    ----------
    name : str
        Name of the check.
    status : Status
        "warn" is a failure of a check with severity "warning", or an undecided one that is to warn.
    message : str
        One sentence for a reviewer.
    run : str, optional
        The run; None where the check itself is in error.
    forecast : Forecast, optional
        What the verdict rests on.
    requirement : str
        What must hold, in words.
    margin : float, optional
        How far the requirement is from being missed, in the metric's units; negative where it is.
    probability : float, optional
        Probability that the requirement holds of the value itself.
    muted : dict of str
        Reasons by code of warnings that are not shown.
    """

    name: str
    status: Status
    message: str
    run: str | None = None
    forecast: Forecast | None = None
    requirement: str = ""
    margin: float | None = None
    probability: float | None = None
    muted: dict[str, str] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Codes of findings that are not muted."""
        codes = self.forecast.warnings if self.forecast is not None else ()
        return tuple(code for code in codes if code not in self.muted)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        found = asdict(self) | {"status": str(self.status), "warnings": list(self.warnings)}
        found["forecast"] = None if self.forecast is None else self.forecast.to_dict()
        return found


@dataclass(frozen=True)
class GateResult:
    """All verdicts of a gate.

    Parameters
    ----------
    verdicts : tuple of Verdict
        In the order of checks and runs.
    """

    verdicts: tuple[Verdict, ...]

    @property
    def status(self) -> Status:
        """The worst verdict: error, then fail, then undecided; else pass."""
        seen = {verdict.status for verdict in self.verdicts}
        worst = (Status.ERROR, Status.FAIL, Status.UNDECIDED)
        return next((status for status in worst if status in seen), Status.PASS)

    @property
    def passed(self) -> bool:
        """Whether nothing failed, nothing was undecided, nothing in error."""
        return self.status is Status.PASS

    @property
    def exit_status(self) -> int:
        """0 passed, 1 failed, 2 a check is in error, 3 undecided."""
        return {Status.PASS: 0, Status.FAIL: 1, Status.ERROR: 2, Status.UNDECIDED: 3}[self.status]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {
            "passed": self.passed,
            "status": str(self.status),
            "checks": [verdict.to_dict() for verdict in self.verdicts],
        }

    def summary(self) -> str:
        """Return one line a verdict."""
        return "\n".join(f"{v.status:9} {v.name}: {v.message}" for v in self.verdicts)
