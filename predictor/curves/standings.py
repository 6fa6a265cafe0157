"""How runs stand against each other: the rows of a comparison."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from predictor.curves.crossing import Crossing
from predictor.curves.pareto import Better
from predictor.findings import Finding

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Standing:
    """Where one run, or method, stands at the common place.

    Parameters
    ----------
    run : str
        Its name.
    value, lower, upper : float or None
        Forecast and interval there; None where the data cannot carry one.
    level : float
        Level of the interval.
    best : float or None
        Probability that it is the best there; None where not all can be forecast.
    last : float
        Its last logged place.
    repeats : int
        Number of runs it is the mean of.
    cost : float or None
        What getting there costs, in ``cost_unit`` ("hours" of wall-clock time or "flops").
    cost_unit : str or None
        Unit of the cost; None where the log does not tell it of every run.
    on_front : bool or None
        Whether no other run is as good for less, with more than 95 % probability.
    warnings : tuple of str
        Codes of findings.
    """

    run: str
    value: float | None
    lower: float | None
    upper: float | None
    level: float
    best: float | None
    last: float
    repeats: int
    cost: float | None
    cost_unit: str | None
    on_front: bool | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class SpeedUp:
    """How many times less one run needs than another, at a quality that both reach.

    Parameters
    ----------
    run, over : str
        The run, and the one it is held against.
    ratio : float
        What ``over`` needs to get to ``quality`` over what ``run`` needs.
    quality : float
        The best value of the metric that both reach.
    of : str
        Of what: hours or flops where the log tells them of both, else the axis.
    lower, upper : float or None
        Interval of the ratio; None where too few points or draws tell it.
    level : float
        Level of the interval.
    least, most : float
        Smallest and largest ratio over the range of qualities that both reach.
    """

    run: str
    over: str
    ratio: float
    quality: float
    of: str
    lower: float | None
    upper: float | None
    level: float
    least: float
    most: float


@dataclass(frozen=True)
class Comparison:
    """Runs against each other.

    Parameters
    ----------
    metric, axis : str
        What is compared, over what.
    at : float
        The common place.
    better : {"lower", "higher"}
        Which way the metric is better.
    runs : tuple of Standing
        In the order of the log.
    crossings : tuple of Crossing
        Of the likeliest winner with each other run.
    speed_ups : tuple of SpeedUp
        Of the likeliest winner over each other run, as logged.
    findings : tuple of Finding
        What was noticed, in words.
    """

    metric: str
    axis: str
    at: float
    better: Better
    runs: tuple[Standing, ...]
    crossings: tuple[Crossing, ...]
    speed_ups: tuple[SpeedUp, ...]
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as the JSON document has it."""
        return {
            "metric": self.metric,
            "at": {self.axis: self.at},
            "better": self.better,
            "runs": [{**asdict(row), "warnings": list(row.warnings)} for row in self.runs],
            "crossings": [crossing.to_dict() for crossing in self.crossings],
            "speed_ups": [asdict(row) for row in self.speed_ups],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row a run."""
        import pandas as pd

        rows = [{**asdict(row), "warnings": " ".join(row.warnings)} for row in self.runs]
        return pd.DataFrame(rows)

    def summary(self) -> str:
        """Return one line a run, in words, the likeliest to end best first."""
        ranked = sorted(self.runs, key=lambda row: -(row.best or 0.0))
        return "\n".join(self._in_words(row) for row in ranked)

    def _in_words(self, row: Standing) -> str:
        place = f"{self.metric} at {self.axis}={self.at:g}"
        if row.value is None:
            return f"{row.run}: {place} cannot be forecast"
        best = "" if row.best is None else f"; best with probability {row.best:.2f}"
        return (
            f"{row.run}: {place} is {row.value:.4g} ({100 * row.level:g} % interval "
            f"{row.lower:.4g} to {row.upper:.4g}){best}"
        )
