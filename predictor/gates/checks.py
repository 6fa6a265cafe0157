"""What a gate file may say: one model for the file, one for each check."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1, max_length=1_000)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_REQUIREMENTS = ("upper", "lower", "value")
_TOLERANCES = ("tolerance", "tolerance_percent", "tolerance_sd")


class Mute(BaseModel):
    """A warning that is not to be shown, and why not.

    Parameters
    ----------
    code : str
        Code of the finding, such as ``"PRED106"``.
    reason : str
        Why it may be ignored here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    code: Annotated[str, Field(pattern=r"^PRED\d{3}$")]
    reason: Text


class Check(BaseModel):
    """One check: which logs, what is forecast where, and what must hold.

    Parameters
    ----------
    name : str
        Name of the check; no two share one.
    logs : list of str
        Files, folders or globs, relative to the gate file.
    predictor : {"curve", "needed", "scaling", "downstream", "capacity", "align"}
        What is forecast: where a curve ends (or is at ``at``), how much it needs to reach
        ``target``, the loss of a larger model by a table of runs, a benchmark's score of a
        larger model, a model's information capacity, a response strategy's probability of having
        the best score.
    metric : str, optional
        Metric, chosen as elsewhere where not given.
    at : str or float, optional
        Where: ``"step=20000"``, ``"params=7B,tokens=2T"``; of a curve the planned end, or the last
        point, where not given.
    x : str, optional
        Axis, where ``at`` does not name it.
    target : float, optional
        What is to be reached (predictor "needed").
    law : str
        Law, "auto" where not given.
    runs : list of str
        Only runs (models) of these names; ``*`` and ``?`` stand for any text. All where not given.
    upper, lower, value : float, optional
        What that end of the interval, or the forecast itself, must not pass in the bad direction.
    better : {"lower", "higher"}, optional
        Which way the metric improves, where its name does not tell.
    baseline : bool
        Compare with what ``predictor gate --update-baseline`` stored.
    against : str, optional
        Compare with the runs of this name (``*`` and ``?`` as above) in the same logs.
    tolerance, tolerance_percent, tolerance_sd : float, optional
        How much worse than baseline or rival is allowed: in the metric's units, in percent, in
        standard deviations of repeats; the largest that is given counts.
    level : float
        Level of the interval. A comparison fails when a true worsening is as probable as one side
        of it: 95 % at level 0.9.
    undecided : {"fail", "pass", "warn"}, optional
        What an undecided check counts as; undecided (exit status 3) where not given.
    severity : {"error", "warning"}
        Whether a failure fails the gate.
    mute : list of Mute
        Warnings that are not to be shown.
    seed : int
        Seed of everything random.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Text
    logs: Annotated[list[Text], Field(min_length=1, max_length=1_000)]
    predictor: Literal[
        "curve", "needed", "scaling", "downstream", "capacity", "align", "health"
    ] = "curve"
    metric: Text | None = None
    at: Text | Positive | None = None
    x: Text | None = None
    target: Number | None = None
    law: Text = "auto"
    runs: list[Text] = []
    upper: Number | None = None
    lower: Number | None = None
    value: Number | None = None
    better: Literal["lower", "higher"] | None = None
    baseline: bool = False
    against: Text | None = None
    tolerance: Positive | None = None
    tolerance_percent: Positive | None = None
    tolerance_sd: Positive | None = None
    level: Annotated[float, Field(gt=0, lt=1)] = 0.9
    undecided: Literal["fail", "pass", "warn"] | None = None
    severity: Literal["error", "warning"] = "error"
    mute: list[Mute] = []
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    @model_validator(mode="after")
    def _one_requirement(self) -> Check:
        given = [name for name in _REQUIREMENTS if getattr(self, name) is not None]
        given += ["baseline"] if self.baseline else []
        given += ["against"] if self.against is not None else []
        if len(given) != 1:
            known = "upper, lower, value, baseline or against"
            raise ValueError(f"needs exactly one of {known}, has {', '.join(given) or 'none'}")
        if not self.compares and any(getattr(self, name) is not None for name in _TOLERANCES):
            raise ValueError("a tolerance goes with baseline or against, not with a threshold")
        return self

    @property
    def compares(self) -> bool:
        """Whether the check compares runs with runs, not with a number."""
        return self.baseline or self.against is not None

    @property
    def level_of_failure(self) -> float:
        """Probability of a true worsening at which a comparison fails: one side of the level."""
        return (1 + self.level) / 2

    @property
    def muted(self) -> dict[str, str]:
        """Reasons by muted code."""
        return {mute.code: mute.reason for mute in self.mute}


class Gate(BaseModel):
    """A gate file.

    Parameters
    ----------
    checks : list of Check
        One or more.
    baseline_file : str
        Where the baseline is stored, relative to the gate file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    checks: Annotated[list[Check], Field(min_length=1, max_length=1_000)]
    baseline_file: Text = "predictor-baseline.json"

    @model_validator(mode="after")
    def _names_differ(self) -> Gate:
        names = [check.name for check in self.checks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two checks are called '{twice[0]}'; give each its own name")
        return self
