"""What a backtest found: every case, and scores by law and horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from predictor.backtest.scores import rmsle
from predictor.findings import Finding

#: Middles of equal shares, at which distributions are scored.
QUANTILES = tuple((np.arange(40) + 0.5) / 40)
#: Levels of the calibration table.
_LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_COLUMNS = (
    "run", "law", "horizon", "seen", "at", "ratio", "points", "truth", "value", "lower", "upper",
    "interval_score", "crps", "probability", "warnings",
)  # fmt: skip


@dataclass(frozen=True)
class Backtest:
    """Forecasts of what is known, beside what came.

    Parameters
    ----------
    metric, axis : str
        What was forecast, and on which axis.
    level : float
        Level of the intervals.
    cases : DataFrame
        One row a forecast: ``run, law, horizon, seen`` (last place known), ``at, ratio`` (at over
        seen), ``points, truth, value, lower, upper, interval_score, crps, probability`` (that the
        forecast gave to values below the truth) and ``warnings``. NaN where nothing was said.
    findings : tuple of Finding
        Which runs were too short.
    """

    metric: str
    axis: str
    level: float
    cases: pd.DataFrame
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "cases", self.cases.reindex(columns=list(_COLUMNS)))

    @property
    def laws(self) -> pd.DataFrame:
        """Scores by law, over all runs, origins and horizons.

        Columns: ``law, n`` (forecasts), ``cannot_say, mape`` (percent), ``median_ape`` (percent),
        ``rmsle, coverage`` (share of truths within the interval), ``interval_score, crps`` (means,
        in the metric's units).
        """
        return self._scores(["law"])

    @property
    def horizons(self) -> pd.DataFrame:
        """The same scores by law and horizon."""
        return self._scores(["law", "horizon"])

    @property
    def calibration(self) -> pd.DataFrame:
        """How often truths lay within intervals of several levels: ``law, level, coverage, n``."""
        known = self.cases.dropna(subset=["probability"])
        within = (2 * known["probability"] - 1).abs()
        rows = [
            (law, level, float((inside <= level).mean()), len(inside))
            for law, inside in within.groupby(known["law"], sort=False)
            for level in _LEVELS
        ]
        return pd.DataFrame(rows, columns=["law", "level", "coverage", "n"])

    def _scores(self, by: list[str]) -> pd.DataFrame:
        groups = self.cases.groupby(by, sort=False)
        keys = [dict(zip(by, key, strict=True)) for key, _ in groups]
        scores = [_score(cases) for _, cases in groups]
        return pd.DataFrame([{**k, **s} for k, s in zip(keys, scores, strict=True)])

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values, None where there is none."""
        tables = {"laws": self.laws, "horizons": self.horizons, "calibration": self.calibration}
        return {
            "metric": self.metric,
            "axis": self.axis,
            "level": self.level,
            **{name: _records(table) for name, table in tables.items()},
        }

    def summary(self) -> str:
        """Return the scores by law as a table of text."""
        if self.cases.empty:
            return "nothing could be hidden and forecast"
        return self.laws.to_string(index=False, float_format="%.4g", na_rep="")


def _score(cases: pd.DataFrame) -> dict[str, float]:
    said = cases.dropna(subset=["value"])
    bounded = said.dropna(subset=["lower", "upper"])
    counted = said[said["truth"] != 0]
    off = 100 * (counted["value"] / counted["truth"] - 1).abs()
    inside = (bounded["lower"] <= bounded["truth"]) & (bounded["truth"] <= bounded["upper"])
    return {
        "n": len(said),
        "cannot_say": len(cases) - len(said),
        "mape": float(off.mean()),
        "median_ape": float(off.median()),
        "rmsle": rmsle(said["value"].to_numpy(), said["truth"].to_numpy()),
        "coverage": float(inside.mean()),
        "interval_score": float(bounded["interval_score"].mean()),
        "crps": float(said["crps"].mean()),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(k): None if v != v else v for k, v in row.items()} for row in table.to_dict("records")
    ]
