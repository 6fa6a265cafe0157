"""How far past forecasts were to be trusted: each scored when its place has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from predictor.backtest.scores import interval_score
from predictor.curves.batch import binned
from predictor.findings import Finding
from predictor.store import schema
from predictor.store.recording import forecasts_frame
from predictor.store.run_table import read_table
from predictor.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

#: Fewer forecasts of a law than this say too little of its coverage.
ENOUGH = 10
#: Probability that the interval of the coverage is meant to hold the true one with.
_SURE = 0.9
_CASES = (
    "id", "run", "metric", "axis", "at", "law", "level", "value", "lower", "upper", "truth",
    "error_percent", "inside", "interval_score", "hindsight", "version", "created",
)  # fmt: skip
_LAWS = (
    "law", "level", "n", "runs", "median_error_percent", "coverage", "coverage_lower",
    "coverage_upper", "interval_score",
)  # fmt: skip


@dataclass(frozen=True)
class TrustReport:
    """Forecasts against what then happened.

    Parameters
    ----------
    cases : DataFrame
        One row a forecast that can be scored: ``truth`` is the curve as logged since, averaged in
        bins as for a forecast and interpolated; ``error_percent`` is signed, over the truth's
        size; ``inside`` whether the interval holds the truth; ``interval_score`` over the truth's
        size; ``hindsight`` whether the place was logged already when the forecast was made.
    laws : DataFrame
        One row a law and level, true forecasts only: ``n`` forecasts of ``runs`` runs,
        ``median_error_percent`` (absolute), ``coverage`` with its 90 % interval for ``n``
        independent forecasts (Clopper and Pearson), mean ``interval_score``.
    hindsight : DataFrame
        The same of forecasts whose truth was logged already, such as those of a cut log.
    waiting : int
        Number of forecasts whose place no log has reached.
    findings : tuple of Finding
        What to beware of.
    """

    cases: pd.DataFrame
    laws: pd.DataFrame
    hindsight: pd.DataFrame
    waiting: int
    findings: tuple[Finding, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a law and level; ``hindsight`` tells the two kinds apart."""
        import pandas as pd

        parts = [self.laws.assign(hindsight=False), self.hindsight.assign(hindsight=True)]
        filled = [part for part in parts if len(part)]
        return pd.concat(filled, ignore_index=True) if filled else parts[0]


def score_forecasts(store: Store) -> TrustReport:
    """Score every forecast whose place a log has reached.

    A log of the same run counts, or of a later upload with a run of the same name; of several,
    the last. Forecasts on several axes at once, and those that gave no number, are not scored.
    """
    import pandas as pd

    made = forecasts_frame(store)
    made = made[made["value"].notna() & (made["at"].map(len) == 1)]
    curves = _Curves(store)
    rows = [row for row in map(curves.case, made.to_dict("records")) if row is not None]
    cases = pd.DataFrame(rows, columns=list(_CASES))
    late = cases["hindsight"].astype(bool)
    true, known = _by_law(cases[~late]), _by_law(cases[late])
    return TrustReport(cases, true, known, len(made) - len(cases), _findings(true, int(late.sum())))


class _Curves:
    """The curves of a workspace, read when a forecast asks for them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._points: dict[int, pd.DataFrame] = {}
        with store.reading() as connection:
            rows = store.own_runs(connection, None)
            query = schema.uploads.select().where(schema.uploads.c.owner == store.owner)
            uploads = connection.execute(query).mappings()
            self._uploads = {row["id"]: dict(row) for row in uploads}
        self._runs = {row["id"]: row for row in rows}

    def case(self, forecast: Mapping[Any, Any]) -> dict[str, Any] | None:
        """Return a forecast with what happened; None where that is not known."""
        ((axis, at),) = forecast["at"].items()
        for run in self._candidates(forecast):
            if run["ends"].get(forecast["metric"], {}).get(axis, -np.inf) >= at:
                truth = self._truth(run, forecast["metric"], axis, at)
                if truth is not None:
                    return _case(forecast, axis, at, truth)
        return None

    def _candidates(self, forecast: Mapping[Any, Any]) -> list[Mapping[str, Any]]:
        """Return the runs whose log may tell, the latest first."""
        number = forecast["run"]
        own = self._runs.get(int(number)) if number is not None and number == number else None
        name = own["name"] if own else forecast["run_name"]
        first = own["id"] if own else 0
        later = [run for run in self._runs.values() if run["id"] >= first and run["name"] == name]
        return sorted(later, key=lambda run: -run["id"])

    def _truth(self, run: Mapping[str, Any], metric: str, axis: str, at: float) -> float | None:
        if run["id"] not in self._points:
            named = [("run", "==", run["source"])]
            upload = self._uploads[run["upload"]]
            self._points[run["id"]] = read_table(self._store, upload, "runs", named)
        points = self._points[run["id"]]
        curve = points.loc[points["metric"] == metric, [axis, "value"]].dropna()
        return value_at(curve[axis].to_numpy(), curve["value"].to_numpy(), at)


def value_at(x: Any, y: Any, at: float) -> float | None:
    """Return a logged curve's value at a place, averaged in bins as for a forecast.

    Parameters
    ----------
    x, y : array, (points,)
        Places and values.
    at : float
        The place.

    Returns
    -------
    float or None
        Interpolated over the logarithm of the place; None outside of what is logged.

    Examples
    --------
    >>> value_at(np.array([1.0, 4.0]), np.array([3.0, 2.0]), 2.0)
    2.5
    """
    known = np.isfinite(x) & np.isfinite(y) & (x > 0)
    order = np.argsort(x[known], kind="stable")
    x, y = x[known][order], y[known][order]
    if not len(x) or not x[0] <= at <= x[-1]:
        return None
    x, y = binned(x, y, reach=0.0)
    return float(np.interp(np.log(at), np.log(x), y))


def _case(forecast: Mapping[Any, Any], axis: str, at: float, truth: float) -> dict[str, Any]:
    value, lower, upper = (float(forecast[name]) for name in ("value", "lower", "upper"))
    size = abs(truth) or 1.0
    ends = np.array([[lower], [upper], [truth]])
    score = interval_score(ends[0], ends[1], ends[2], float(forecast["level"]))
    logged = float(forecast["logged_until"] or np.nan)
    seen = float(forecast["seen_until"] or np.nan)
    return {
        **{name: forecast[name] for name in _CASES if name in forecast},
        "run": forecast["run_name"],
        "axis": axis,
        "at": at,
        "truth": truth,
        "error_percent": 100 * (value - truth) / size,
        "inside": bool(lower <= truth <= upper),
        "interval_score": float(score[0]) / size,
        "hindsight": bool(seen < logged or at <= logged),
    }


def _by_law(cases: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    kinds = cases[["law", "level"]].drop_duplicates().sort_values(["law", "level"])
    rows = [
        _scores(law, level, cases[(cases["law"] == law) & (cases["level"] == level)])
        for law, level in zip(kinds["law"], kinds["level"], strict=True)
    ]
    return pd.DataFrame(rows, columns=list(_LAWS))


def _scores(law: str, level: float, cases: pd.DataFrame) -> dict[str, Any]:
    lower, upper = binomial_interval(int(cases["inside"].sum()), len(cases))
    return {
        "law": law,
        "level": level,
        "n": len(cases),
        "runs": cases["run"].nunique(),
        "median_error_percent": float(cases["error_percent"].abs().median()),
        "coverage": float(cases["inside"].mean()),
        "coverage_lower": lower,
        "coverage_upper": upper,
        "interval_score": float(cases["interval_score"].mean()),
    }


def binomial_interval(hits: int, n: int, level: float = _SURE) -> tuple[float, float]:
    """Return the interval of Clopper and Pearson for a share.

    Examples
    --------
    >>> [round(end, 3) for end in binomial_interval(9, 10)]
    [0.606, 0.995]
    """
    from scipy.stats import beta

    tail = (1 - level) / 2
    lower = beta.ppf(tail, hits, n - hits + 1) if hits else 0.0
    upper = beta.ppf(1 - tail, hits + 1, n - hits) if hits < n else 1.0
    return float(lower), float(upper)


def _findings(laws: pd.DataFrame, hindsight: int) -> tuple[Finding, ...]:
    findings = []
    n = int(laws["n"].sum()) if len(laws) else 0
    few = [f"{law} ({n})" for law, n in zip(laws["law"], laws["n"], strict=True) if n < ENOUGH]
    if few or not n:
        text = ", ".join(few) or "none has come to its place yet"
        findings.append(Finding("PRED711", f"fewer than {ENOUGH} forecasts to score: {text}"))
    if hindsight:
        text = f"{hindsight} forecasts of what was logged already are scored by themselves"
        findings.append(Finding("PRED712", text))
    return tuple(findings)
