"""The JSON Schema of what ``predictor gate --format json`` prints."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_mode_override="serialization")


class ForecastDocument(_Strict):
    """A forecast, as every command prints it."""

    run: str
    metric: str
    at: dict[str, float]
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    law: str
    points: int
    extrapolation: float | None
    warnings: list[str]


class CheckDocument(_Strict):
    """The verdict of one check for one run."""

    name: str
    status: Literal["pass", "warn", "fail", "undecided", "error"]
    message: str
    run: str | None
    forecast: ForecastDocument | None
    requirement: str
    margin: float | None
    probability: float | None
    muted: dict[str, str]
    warnings: list[str]


class WarningDocument(_Strict):
    """A finding, as every command prints it."""

    code: str
    message: str
    severity: str
    run: str | None = None
    source: str | None = None


class GateDocument(_Strict):
    """What ``predictor gate --format json`` prints."""

    schema_: Literal["predictor/gate/1"] = Field(alias="schema")
    passed: bool
    status: Literal["pass", "fail", "undecided", "error"]
    checks: list[CheckDocument]
    warnings: list[WarningDocument]


def gate_schema() -> dict[str, Any]:
    """Return the JSON Schema; ``docs/gate.schema.json`` is it.

    Examples
    --------
    >>> sorted(gate_schema()["required"])
    ['checks', 'passed', 'schema', 'status', 'warnings']
    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | (
        GateDocument.model_json_schema()
    )
