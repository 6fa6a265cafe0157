"""Cleaning, done once for all formats: NaN, repeats, restarts, order, gaps, clocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from predictor.findings import Finding
from predictor.logs.tables import AXES, RunLog

#: A clock reading (seconds since 1970) rather than seconds since a run's start.
_CLOCK_SECONDS = 1e8
#: Places that grow by a factor (training-set sizes) have no gap where the factor is about as usual.
_USUAL_FACTOR = 3
#: An interval this many times the median one is a gap.
_GAP_FACTOR = 10
#: Sizes to which tools thin a history out before they export it.
_SAMPLE_SIZES = (500, 1000, 1500, 10_000)
#: A log that goes back more often than once in so many points is unsorted, not restarted.
_POINTS_PER_RESTART = 10
_FEWEST_POINTS = 4


def clean(log: RunLog) -> RunLog:
    """Return the log with one finite value a place, places in order, and what was noticed.

    NaN and infinite values are dropped (PRED001, PRED002); of several values of a metric at one
    place the last logged stays (PRED003), whether the log went back after a restart (PRED004) or
    its rows are in no order (PRED005); gaps (PRED009) and histories that look thinned out (PRED006)
    are reported; tokens are derived from step and a constant batch size in tokens (PRED011); clock
    times become seconds since the run's first record.

    Examples
    --------
    >>> rows = {"run": "a", "metric": "loss", "step": [1, 2, 2], "value": [3.0, 2.5, 2.4]}
    >>> log = clean(RunLog.from_points(pd.DataFrame(rows)))
    >>> list(log.points["value"]), [finding.code for finding in log.findings]
    ([3.0, 2.4], ['PRED003'])
    """
    curves = _Curves.of(log.points)
    findings = list(log.findings)
    curves = _drop_unplaced(curves, findings)
    curves = _drop_not_finite(curves, findings)
    curves = _order(curves, findings)
    findings += _gaps_and_samples(curves)
    points = curves.points.reset_index(drop=True)
    points, derived = _derive_tokens(points, log.runs)
    points = _relative_clock(points)
    return RunLog(points, log.runs, (*findings, *derived))


@dataclass(frozen=True)
class _Curves:
    """Points with the number of their curve and their place on the curve's best axis."""

    points: pd.DataFrame
    curve: npt.NDArray[np.intp]
    place: npt.NDArray[np.float64]

    @classmethod
    def of(cls, points: pd.DataFrame) -> _Curves:
        run, _ = pd.factorize(points["run"])
        metric, metrics = pd.factorize(points["metric"])
        curve, _ = pd.factorize(run * max(1, len(metrics)) + metric)
        return cls(points, curve, _best_places(points, curve))

    def keep(self, chosen: npt.NDArray[np.bool_]) -> _Curves:
        return self if chosen.all() else self.take(np.flatnonzero(chosen))

    def take(self, rows: npt.NDArray[np.intp]) -> _Curves:
        return _Curves(self.points.iloc[rows], self.curve[rows], self.place[rows])


def _best_places(points: pd.DataFrame, curve: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Return each point's place on the first axis that its curve has."""
    place = np.full(len(points), np.nan)
    open_ = np.ones(len(points), dtype=bool)
    for axis in AXES:
        if not open_.any():
            break
        logged = points[axis].to_numpy()
        has = np.zeros(curve.max(initial=-1) + 1, dtype=bool)
        has[curve[np.isfinite(logged)]] = True
        chosen = open_ & has[curve]
        place[chosen] = logged[chosen]
        open_ &= ~chosen
    return place


def _by_run(
    curves: _Curves, chosen: npt.NDArray[np.bool_], code: str, sentence: str
) -> Iterable[Finding]:
    """Make one finding a run: ``sentence`` with the number of points, the metrics and where."""
    if not chosen.any():
        return
    rows = curves.points.loc[chosen, ["run", "metric"]].assign(place=curves.place[chosen])
    for run, own in rows.groupby("run", sort=False):
        metrics, first, last = own["metric"], own["place"].min(), own["place"].max()
        where = f" (at {first:g})" if first == last else f" (from {first:g} to {last:g})"
        message = sentence.format(
            count=len(metrics), metrics=_listed(metrics.unique()), where=where
        )
        yield Finding(code, message, run=str(run))


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    return ", ".join(known[:3]) + more


def _drop_unplaced(curves: _Curves, findings: list[Finding]) -> _Curves:
    placed = np.isfinite(curves.place)
    findings += _by_run(
        curves, ~placed, "PRED008", "{count} values of {metrics} stand at no place on the axis"
    )
    return curves.keep(placed)


def _drop_not_finite(curves: _Curves, findings: list[Finding]) -> _Curves:
    values = curves.points["value"].to_numpy()
    missing, infinite = np.isnan(values), np.isinf(values)
    findings += _by_run(curves, missing, "PRED001", "{count} values of {metrics} are NaN{where}")
    infinities = "{count} values of {metrics} are infinite{where}"
    findings += _by_run(curves, infinite, "PRED002", infinities)
    return curves.keep(~(missing | infinite))


def _order(curves: _Curves, findings: list[Finding]) -> _Curves:
    """Sort each curve by place, keep the last of repeats, tell restarts from disorder."""
    grouped = curves.take(np.argsort(curves.curve, kind="stable"))
    same = np.diff(grouped.curve, prepend=-1) == 0
    change = np.diff(grouped.place, prepend=np.nan)
    back = same & (change < 0)
    stays = same & (change == 0)
    if not back.any() and not stays.any():
        return grouped
    order = np.lexsort((grouped.place, grouped.curve))
    last = grouped.take(order)
    repeated = np.zeros(len(order), dtype=bool)
    repeated[:-1] = (np.diff(last.place) == 0) & (np.diff(last.curve) == 0)
    _report_restarts(grouped, back, findings)
    findings += _by_run(
        last, repeated, "PRED003", "{count} repeated places in {metrics}; the last logged is kept"
    )
    return last.keep(~repeated)


def _report_restarts(
    grouped: _Curves,
    back: npt.NDArray[np.bool_],
    findings: list[Finding],
) -> None:
    """Report where curves go back: as a restart, or as rows out of order."""
    if not back.any():
        return
    restart = back & _restarted(grouped, back)[grouped.curve]
    rows = grouped.points.loc[restart, ["run", "metric"]].assign(place=grouped.place[restart])
    for run, group in rows.groupby("run", sort=False):
        metrics = _listed(group["metric"].unique())
        message = f"goes back to {group['place'].min():.6g} after a restart ({metrics})"
        findings.append(Finding("PRED004", message, run=str(run)))
    findings += _by_run(
        grouped, back & ~restart, "PRED005", "rows of {metrics} are out of order; sorted by place"
    )


def _restarted(grouped: _Curves, back: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return for each curve whether it goes back as after a restart.

    That is: seldom, never before its start, and onto places logged before or to a new end.
    """
    curve, place = grouped.curve, grouped.place
    count = curve.max() + 1
    size = np.bincount(curve, minlength=count)
    times = np.bincount(curve, weights=back, minlength=count)
    ends = np.cumsum(size) - 1
    starts = ends - size + 1
    lowest, highest = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(lowest, curve[back], place[back])
    np.maximum.at(highest, curve, place)
    twice = pd.DataFrame({"curve": curve, "place": place}).duplicated(keep=False).to_numpy()
    lands = np.bincount(curve, weights=back & twice, minlength=count) == times
    seldom = (times <= np.maximum(1, size / _POINTS_PER_RESTART)) & (size >= _FEWEST_POINTS)
    goes_on = lands | (place[ends] == highest)
    return np.asarray(seldom & (lowest >= place[starts]) & goes_on, dtype=bool)


def _gaps_and_samples(curves: _Curves) -> list[Finding]:
    """Report the largest gap of each run, and curves whose size tells of thinning out."""
    inside = np.diff(curves.curve, prepend=-1) == 0
    interval = np.where(inside, np.diff(curves.place, prepend=np.nan), np.nan)
    count = curves.curve.max(initial=-1) + 1
    if not inside.any():
        return []
    median = _medians(interval, curves.curve, count)
    gap = inside & (interval > _GAP_FACTOR * median[curves.curve])
    gap &= ~_evenly_in_logs(curves, inside, count)
    return [*_gaps(curves, gap, interval, median), *_samples(curves, interval, inside, median)]


def _evenly_in_logs(
    curves: _Curves, inside: npt.NDArray[np.bool_], count: int
) -> npt.NDArray[np.bool_]:
    """Return which places follow the last by no larger a factor than is usual in their curve."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.diff(np.log(curves.place), prepend=np.nan)
    factor = np.where(inside & np.isfinite(factor), factor, np.nan)
    usual = _medians(factor, curves.curve, count)[curves.curve]
    return np.nan_to_num(factor, nan=np.inf) < _USUAL_FACTOR * usual


def _medians(
    interval: npt.NDArray[np.float64], curve: npt.NDArray[np.intp], count: int
) -> npt.NDArray[np.float64]:
    found = pd.Series(interval).groupby(curve).median()
    median = np.full(count, np.nan)
    median[found.index.to_numpy()] = found.to_numpy()
    return median


def _gaps(
    curves: _Curves,
    gap: npt.NDArray[np.bool_],
    interval: npt.NDArray[np.float64],
    median: npt.NDArray[np.float64],
) -> Iterable[Finding]:
    rows = np.flatnonzero(gap)
    if not len(rows):
        return
    widest = (
        pd.DataFrame(
            {"run": curves.points["run"].to_numpy()[rows], "row": rows, "by": interval[rows]}
        )
        .sort_values("by", ascending=False, kind="stable")
        .drop_duplicates("run")
    )
    counts = pd.Series(curves.points["run"].to_numpy()[rows]).value_counts()
    for run, row in zip(widest["run"], widest["row"], strict=True):
        metric = curves.points["metric"].iloc[row]
        others = f" and {counts[run] - 1} more gaps" if counts[run] > 1 else ""
        message = (
            f"no values of {metric} between {curves.place[row - 1]:.6g} "
            f"and {curves.place[row]:.6g} "
            f"(usual interval {median[curves.curve[row]]:.6g}){others}"
        )
        yield Finding("PRED009", message, run=str(run))


def _samples(
    curves: _Curves,
    interval: npt.NDArray[np.float64],
    inside: npt.NDArray[np.bool_],
    median: npt.NDArray[np.float64],
) -> Iterable[Finding]:
    """Suspect a curve of exactly 500, 1000, ... points at uneven intervals."""
    sizes = np.bincount(curves.curve)
    uneven = inside & (
        np.abs(interval - median[curves.curve]) > 1e-9 * np.abs(median[curves.curve])
    )
    share = np.bincount(curves.curve, weights=uneven, minlength=len(sizes)) / np.maximum(1, sizes)
    suspect = np.isin(sizes, _SAMPLE_SIZES) & (share > 0.1)
    chosen = suspect[curves.curve]
    rows = curves.points.loc[chosen, ["run", "metric"]].drop_duplicates()
    for run, metrics in rows.groupby("run", sort=False)["metric"]:
        message = (
            f"{_listed(metrics)}: a round number of points at uneven intervals; "
            "export the full history if this one was sampled"
        )
        yield Finding("PRED006", message, run=str(run))


def _derive_tokens(points: pd.DataFrame, runs: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Derive tokens where none were logged but the batch size in tokens was."""
    if "batch_size_in_tokens" not in runs or points.empty:
        return points, []
    batch = runs.set_index("run")["batch_size_in_tokens"]
    batch = pd.to_numeric(batch, errors="coerce")
    without = points["tokens"].isna().groupby(points["run"]).all()
    findings = []
    for run in without.index[without.to_numpy()]:
        size = batch.get(run, np.nan)
        chosen = points["run"] == run
        if np.isfinite(size) and size > 0 and points.loc[chosen, "step"].notna().any():
            points.loc[chosen, "tokens"] = points.loc[chosen, "step"] * size
            message = f"tokens = step x {size:,.0f} tokens a batch (logged batch size)"
            findings.append(Finding("PRED011", message, run=str(run)))
    return points, findings


def _relative_clock(points: pd.DataFrame) -> pd.DataFrame:
    """Count clock times from the run's first record; times already relative stay."""
    if not points["wall_time"].notna().any():
        return points
    first = points.groupby("run", sort=False)["wall_time"].transform("min")
    points["wall_time"] -= first.where(first > _CLOCK_SECONDS, 0.0)
    return points
