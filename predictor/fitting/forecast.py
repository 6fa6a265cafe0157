"""Forecast: a number, an interval, the reason, and what to beware of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, overload

from predictor.findings import KINDS, Finding

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Forecast:
    """What a metric of a run will be at a place, as far as the data can say.

    Parameters
    ----------
    run, metric : str
        What is forecast.
    at : mapping of str to float
        Where: axis name to place, such as ``{"step": 20000.0}``.
    value, lower, upper : float or None
        Median forecast and interval in the metric's units; None where the data cannot carry a
        forecast.
    level : float
        Probability that the interval is meant to hold the truth with.
    law : str
        Law, or "auto" for the weighted ensemble.
    points : int
        Number of logged points that the forecast rests on.
    extrapolation : float
        Place over the last logged place; 1 or less lies within the data.
    warnings : tuple of str
        Codes of findings, see :data:`predictor.findings.KINDS`.

    Examples
    --------
    >>> Forecast("a", "loss", {"step": 200.0}, 2.5, 2.4, 2.6, 0.9, "power", 40, 2.0).trusted
    True
    """

    run: str
    metric: str
    at: Mapping[str, float]
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    law: str
    points: int
    extrapolation: float | None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        numbers = (self.value, self.lower, self.upper)
        if any(n is not None and not isfinite(n) for n in numbers):
            raise ValueError(f"a forecast is a finite number or None, not {numbers}")

    @property
    def trusted(self) -> bool:
        """Whether there is a number at all."""
        return self.value is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the forecast as the JSON document has it."""
        return {
            "run": self.run,
            "metric": self.metric,
            "at": dict(self.at),
            "value": self.value,
            "lower": self.lower,
            "upper": self.upper,
            "level": self.level,
            "law": self.law,
            "points": self.points,
            "extrapolation": self.extrapolation,
            "warnings": list(self.warnings),
        }


class Forecasts(Sequence[Forecast]):
    """A list of forecasts, with the findings that explain them.

    Parameters
    ----------
    forecasts : iterable of Forecast
        The forecasts.
    findings : iterable of Finding
        What was noticed, in words.
    """

    def __init__(self, forecasts: Iterable[Forecast], findings: Iterable[Finding] = ()) -> None:
        self._forecasts = tuple(forecasts)
        self.findings = tuple(findings)

    @overload
    def __getitem__(self, index: int) -> Forecast: ...
    @overload
    def __getitem__(self, index: slice) -> Forecasts: ...
    def __getitem__(self, index: int | slice) -> Forecast | Forecasts:
        if isinstance(index, slice):
            return Forecasts(self._forecasts[index], self.findings)
        return self._forecasts[index]

    def __len__(self) -> int:
        return len(self._forecasts)

    def __iter__(self) -> Iterator[Forecast]:
        return iter(self._forecasts)

    def __repr__(self) -> str:
        return f"Forecasts({len(self)})\n{self.summary()}"

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the forecasts as plain values."""
        return [forecast.to_dict() for forecast in self]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a forecast; each axis of ``at`` is a column, warnings a joined string."""
        import pandas as pd

        rows = []
        for forecast in self:
            row = forecast.to_dict()
            place, codes = row.pop("at"), row.pop("warnings")
            head = {key: row.pop(key) for key in ("run", "metric")}
            rows.append({**head, **place, **row, "warnings": " ".join(codes)})
        return pd.DataFrame(rows)

    def summary(self) -> str:
        """Return one line a forecast, in words.

        Examples
        --------
        >>> one = Forecast("a", "loss", {"step": 200.0}, 2.5, 2.4, 2.6, 0.9, "power", 40, 2.0)
        >>> print(Forecasts([one]).summary())
        a: loss at step=200 is 2.5 (90 % interval 2.4 to 2.6) by power from 40 points
        """
        return "\n".join(_in_words(forecast) for forecast in self)


def _in_words(forecast: Forecast) -> str:
    place = ", ".join(f"{axis}={value:g}" for axis, value in forecast.at.items())
    subject = f"{forecast.run}: {forecast.metric} at {place}"
    if forecast.value is None:
        reasons = "; ".join(KINDS[code].title for code in forecast.warnings)
        return f"{subject} cannot be forecast: {reasons}"
    return (
        f"{subject} is {forecast.value:.4g} ({100 * forecast.level:g} % interval "
        f"{forecast.lower:.4g} to {forecast.upper:.4g}) by {forecast.law} "
        f"from {forecast.points} points"
    )
