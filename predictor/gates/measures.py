"""What a check looks at: forecasts of a predictor, each with the probability of passing a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import inf, isnan
from pathlib import Path
from statistics import NormalDist
from typing import Literal

from predictor.errors import InputError
from predictor.fitting.forecast import Forecast
from predictor.gates.checks import Check
from predictor.logs.places import parse_place
from predictor.logs.reading import read_logs
from predictor.logs.tables import RunLog

Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Measure:
    """A forecast, its numbers, and how likely its truth lies below a value.

    Parameters
    ----------
    forecast : Forecast
        The forecast.
    better : {"lower", "higher"}
        Which way the metric improves.
    value, lower, upper : float, optional
        Median and interval. Other than a Forecast's they may be infinite: a target that is never
        reached. None where nothing can be said.
    below : callable, optional
        Probability that the truth lies below a value, where the forecast has a distribution of its
        own; else half a normal distribution on each side that fits the interval.
    """

    forecast: Forecast
    better: Better
    value: float | None
    lower: float | None
    upper: float | None
    below: Callable[[float], float] | None = None

    @classmethod
    def of(
        cls, forecast: Forecast, better: Better, below: Callable[[float], float] | None = None
    ) -> Measure:
        """Return the measure of a forecast with its own numbers."""
        return cls(forecast, better, forecast.value, forecast.lower, forecast.upper, below)

    def probability_below(self, limit: float) -> float | None:
        """Return the probability that the truth lies below a limit; None where nothing is known."""
        if self.value is None or self.lower is None or self.upper is None:
            return None
        if self.below is not None:
            return self.below(limit)
        if isinf_or_same(self.lower, self.upper):
            return 0.5 if limit == self.value else float(limit > self.value)
        spans = NormalDist().inv_cdf((1 + self.forecast.level) / 2)
        end = self.upper if limit > self.value else self.lower
        scale = max(abs(end - self.value) / spans, 1e-300)
        return NormalDist().cdf((limit - self.value) / scale)


def isinf_or_same(lower: float, upper: float) -> bool:
    """Whether an interval has no width that a distribution could be fitted to."""
    return lower == upper or lower == -inf or upper == inf


def matching(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Return the names that one of the patterns stands for, all where there is no pattern.

    Raises
    ------
    InputError
        If none does: a check that looks at nothing must not pass.
    """
    chosen = [n for n in names if not patterns or any(fnmatchcase(n, p) for p in patterns)]
    if not chosen:
        there = f"there are {', '.join(names[:5])}" if names else "there is none"
        raise InputError(f"no run matches {', '.join(patterns) or 'the check'}; {there}")
    return chosen


def curve_log(files: Sequence[Path]) -> RunLog:
    """Read training curves.

    Raises
    ------
    InputError
        If the logs hold none.
    """
    log = read_logs(list(files))
    if not isinstance(log, RunLog):
        raise InputError(f"{files[0]}: no training curves; 'predictor inspect' says what it holds")
    return log


def measure(check: Check, files: Sequence[Path]) -> list[Measure]:
    """Return what the predictor that a check names says of each run.

    Raises
    ------
    InputError
        If logs, metric, runs or place do not fit together.
    """
    return _SOURCES[check.predictor](check, files)


def _curves(check: Check, files: Sequence[Path]) -> list[Measure]:
    from predictor.gates.curves import curve_measures, curve_views

    views = curve_views(curve_log(files), check)
    return curve_measures(views, check)


def _needed(check: Check, files: Sequence[Path]) -> list[Measure]:
    from predictor.curves.planning import plan_target
    from predictor.curves.question import only_runs
    from predictor.gates.curves import axis_and_place

    if check.target is None:
        raise InputError("predictor 'needed' wants the key 'target', the value to be reached")
    log = curve_log(files)
    log = only_runs(log, matching(log.run_names, check.runs))
    axis, _ = axis_and_place(check)
    plan = plan_target(
        log,
        check.metric,
        target=check.target,
        x=axis,
        law=check.law,
        level=check.level,
        seed=check.seed,
    )
    found = []
    for need in plan.needed:
        what = f"{need.axis} to {need.metric}={check.target:g}"
        numbers = (need.value, need.lower, need.upper)
        shown = numbers if None not in numbers else (None, None, None)
        forecast = Forecast(
            need.run, what, {}, *shown, check.level, check.law, 0, None, tuple(need.warnings)
        )
        never = [inf if n is None else n for n in numbers]
        known = never if need.reachable is not None else [None, None, None]
        found.append(Measure(forecast, "lower", *known))
    return found


def _scaling(check: Check, files: Sequence[Path]) -> list[Measure]:
    from predictor.scaling.scaling_law import ScalingLaw
    from predictor.scaling.table import read_runs

    if len(files) != 1:
        raise InputError(f"predictor 'scaling' wants one table of runs, not {len(files)} files")
    place = _place(check)
    law = ScalingLaw(check.law, level=check.level, random_state=check.seed)
    law.fit(read_runs(files[0], loss=check.metric))
    return [Measure.of(f, check.better or "lower") for f in law.forecast(place, run=check.name)]


def _downstream(check: Check, files: Sequence[Path]) -> list[Measure]:
    from predictor.difficulty.question import forecast_benchmarks

    place = _place(check)
    wanted = [check.metric] if check.metric is not None else []
    suite = forecast_benchmarks(
        read_logs(list(files)),
        place,
        method=check.law,
        level=check.level,
        seed=check.seed,
        benchmarks=wanted,
    )
    found = [forecast for one in suite.outlooks for forecast in one.forecasts]
    return [Measure.of(forecast, check.better or "higher") for forecast in found]


def _place(check: Check) -> dict[str, float]:
    if not isinstance(check.at, str):
        raise InputError(f"predictor '{check.predictor}' wants at = 'params=7e9,tokens=2e12'")
    return {str(axis): value for axis, value in parse_place(check.at, "at").items()}


def _capacity(check: Check, files: Sequence[Path]) -> list[Measure]:
    from predictor.capacity.information_capacity import InformationCapacity

    if len(files) != 1:
        raise InputError(f"predictor 'capacity' wants one table, not {len(files)} files")
    models = InformationCapacity(level=check.level, random_state=check.seed).fit(files[0]).models_
    metric = check.metric or "information_capacity"
    if metric not in models:
        raise InputError(f"no metric '{metric}'; there are {', '.join(models.columns)}")
    wanted = matching(list(models["model"].unique()), check.runs)
    found = []
    for row in models[models["model"].isin(wanted)].to_dict("records"):
        number = float(row[metric])
        value = None if isnan(number) else number
        forecast = Forecast(
            str(row["model"]), metric, {}, value, value, value, check.level, "measured", 1, None
        )
        found.append(Measure.of(forecast, check.better or "higher"))
    return found


def _align(check: Check, files: Sequence[Path]) -> list[Measure]:
    """Return what a ranking says of each strategy: its probability of being best, or its score."""
    from predictor.alignment.response_alignment import ResponseAlignment

    if len(files) != 1:
        raise InputError(f"predictor 'align' wants one table of responses, not {len(files)} files")
    ranking = ResponseAlignment(score=check.law, level=check.level, random_state=check.seed)
    rows = ranking.fit(files[0]).strategies_
    metric = check.metric or "p_best"
    if metric not in ("p_best", "score", "regret"):
        raise InputError(f"no metric '{metric}'; there are p_best, score, regret")
    better: Better = "higher" if metric == "p_best" else "lower"
    if metric == "score" and ranking.better_ == "higher":
        better = "higher"
    wanted = matching(rows["strategy"].tolist(), check.runs)
    found = []
    for row in rows[rows["strategy"].isin(wanted)].to_dict("records"):
        alone = len(rows) < 2
        ends = ("lower", "upper") if metric == "score" else (metric, metric)
        value, low, high = (None if alone else float(row[c]) for c in (metric, *ends))
        forecast = Forecast(
            str(row["strategy"]), metric, {}, value, low, high, check.level, ranking.score_,
            int(row["examples"]), None, ("PRED501",) if alone else (),
        )  # fmt: skip
        found.append(Measure.of(forecast, check.better or better))
    return found


def _health(check: Check, files: Sequence[Path]) -> list[Measure]:
    """Return how many spikes of a kind each run has; nothing where there are too few points."""
    from predictor.curves.question import only_runs
    from predictor.health.run_health import run_health

    kinds = {"divergences": ("divergence",), "wide_spikes": ("wide", "divergence"),
             "spikes": ("narrow", "wide", "divergence")}  # fmt: skip
    metric = check.metric or "wide_spikes"
    if metric not in kinds:
        raise InputError(f"no metric '{metric}'; there are {', '.join(kinds)}")
    log = curve_log(files)
    log = only_runs(log, matching(log.run_names, check.runs))
    found = []
    for one in run_health(log).runs:
        said = one.verdict != "cannot say"
        seen = sum(spike.kind in kinds[metric] for spike in one.spikes)
        # A loss without numbers to the end breaks a run without a spike.
        count = float(max(seen, one.verdict == "broken")) if said else None
        forecast = Forecast(
            one.run, metric, {}, count, count, count, check.level, "measured", one.points, None,
            () if said else ("PRED601",),
        )  # fmt: skip
        found.append(Measure.of(forecast, check.better or "lower"))
    return found


#: By the name that a check gives: what measures it.
_SOURCES: dict[str, Callable[[Check, Sequence[Path]], list[Measure]]] = {
    "curve": _curves,
    "needed": _needed,
    "scaling": _scaling,
    "downstream": _downstream,
    "capacity": _capacity,
    "align": _align,
    "health": _health,
}
