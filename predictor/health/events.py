"""What else happens to a run: plateaus, stalls, steps without numbers, an early end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from predictor.health.signals import (
    Array,
    Signal,
    loss_scales,
    losses,
    nan_steps,
    signal,
    skipped,
)
from predictor.logs.tables import RunLog

#: A plateau is the last so much of a log, if it has as many points.
_LAST, _PLATEAU_POINTS = 0.3, 60
_GROUPS = 12
#: An interval so many times the usual one, and so many seconds, is a stall.
_STALL, _STALL_SECONDS = 20.0, 60.0
_PLACES = re.compile(r"\((?:at|from) (\S+?)(?: to (\S+?))?\)$")
#: Columns of a log that tell where the run is to end, by axis.
_ENDS = {
    "step": ("max_steps", "total_steps", "num_train_steps", "train_iters", "max_iters"),
    "tokens": ("max_tokens", "total_tokens_planned", "token_budget"),
    "epoch": ("num_train_epochs", "max_epochs"),
}


@dataclass(frozen=True)
class Event:
    """Something that happened to a run besides spikes.

    Parameters
    ----------
    kind : str
        "plateau", "stalled", "not a number", "skipped", "loss scale" or "stops early".
    start, end : float or None
        Steps, None where the log does not tell.
    signal : str
        The metric it is seen in; empty for the log as a whole.
    message : str
        One sentence with the numbers.
    """

    kind: str
    start: float | None
    end: float | None
    signal: str
    message: str


def find_events(log: RunLog, run: str) -> list[Event]:
    """Return what happened to a run besides spikes, in order of steps.

    Parameters
    ----------
    log : RunLog
        As read; what reading noticed about values that are no numbers is taken from its findings.
    run : str
        Name of the run.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"run": "a", "metric": "skipped iterations", "step": [1, 2, 3], "value": [0, 1, 0]}
    >>> [(one.kind, one.start) for one in find_events(RunLog.from_points(pd.DataFrame(rows)), "a")]
    [('skipped', 2.0)]
    """
    metrics = list(log.points.loc[log.points["run"] == run, "metric"].unique())
    found: list[Event] = []
    for metric in losses(metrics)[:1]:
        if (curve := signal(log, run, metric)) is not None:
            found += [*_plateau(curve), *_stalls(curve)]
    for kind, names in (("skipped", skipped(metrics)), ("not a number", nan_steps(metrics))):
        for name in names:
            if (curve := signal(log, run, name)) is not None:
                found += _counted(curve, kind)
    for name in loss_scales(metrics):
        if (curve := signal(log, run, name)) is not None:
            found += _scale_falls(curve)
    found += [
        Event("not a number", *_places(finding.message), "", finding.message)
        for finding in log.findings
        if finding.code in ("PRED001", "PRED002") and finding.run in (run, None)
    ]
    found += _stops_early(log, run)
    return sorted(found, key=lambda event: np.inf if event.start is None else event.start)


def _places(message: str) -> tuple[float | None, float | None]:
    """Return where reading met values that are no numbers: it dropped them, and says where."""
    said = _PLACES.search(message)
    return (float(said[1]), float(said[2] or said[1])) if said else (None, None)


def ends_without_numbers(event: Event, last: float) -> bool:
    """Return whether an event leaves a run whose last finite loss is at ``last`` without numbers.

    Examples
    --------
    >>> ends_without_numbers(Event("not a number", 90.0, 120.0, "", "31 values of loss"), 89.0)
    True
    """
    if event.kind != "not a number" or event.start is None or event.end is None:
        return False
    # A counter of such steps stands in lines that have a loss of the steps before.
    return event.end > last or (bool(event.signal) and event.end == last and event.start < last)


def _plateau(curve: Signal) -> Iterator[Event]:
    """Report a last stretch without a fall, where the stretch before it of equal length fell."""
    from scipy.stats import theilslopes

    first = int(len(curve.value) * (1 - _LAST))
    last, before = curve.value[first:], curve.value[max(0, 2 * first - len(curve.value)) : first]
    if len(last) < _PLATEAU_POINTS or len(before) < _PLATEAU_POINTS:
        return
    medians = np.array([np.median(part) for part in np.array_split(last, _GROUPS)])
    slope, _, low, high = theilslopes(medians, alpha=0.95)
    drop = float(np.median(before) - np.median(last))
    # The end itself must be flat, and what the flatness hides small against what still fell.
    flat = low <= 0.0 <= high and abs(slope) * _GROUPS < max(0.25 * abs(drop), 1e-12)
    if not flat or drop <= 0:
        return
    yield Event(
        "plateau", float(curve.at[first]), float(curve.at[-1]), curve.metric,
        f"{curve.metric} does not fall over the last {len(last)} points "
        f"({np.median(last):.5g} all along)",
    )  # fmt: skip


def _stalls(curve: Signal) -> Iterator[Event]:
    """Report waits between two logged points far beyond the usual one, per step taken."""
    if np.isnan(curve.clock).all() or len(curve.at) < 20:
        return
    wait, steps = np.diff(curve.clock), np.maximum(np.diff(curve.at), 1e-300)
    usual = float(np.nanmedian(wait / steps))
    for i in np.flatnonzero((wait > _STALL * usual * steps) & (wait > _STALL_SECONDS)):
        yield Event(
            "stalled", float(curve.at[i]), float(curve.at[i + 1]), curve.metric,
            f"{wait[i]:,.0f} s pass between {curve.axis} {curve.at[i]:g} and {curve.at[i + 1]:g}, "
            f"usually {usual * steps[i]:,.3g} s",
        )  # fmt: skip


def _counted(curve: Signal, kind: str) -> Iterator[Event]:
    """Report stretches where a counter counts; it may count in all or since the last line."""
    value = np.nan_to_num(curve.value)
    grows = bool((np.diff(value) >= 0).all()) and value[-1] > 1
    happened = np.diff(value, prepend=0.0) > 0 if grows else value > 0
    for first, last in _runs_of(happened):
        if first == 0 and kind == "skipped":  # a loss scale that is still too high
            continue
        count = (
            value[last] - (value[first - 1] if first else 0.0)
            if grows
            else value[first : last + 1].sum()
        )
        yield Event(
            kind, float(curve.at[first]), float(curve.at[last]), curve.metric,
            f"{curve.metric}: {count:.0f} by {curve.axis} {curve.at[last]:g}",
        )  # fmt: skip


def _scale_falls(curve: Signal) -> Iterator[Event]:
    """Report where a loss scale falls to a sixteenth within ten logged points, or to one.

    Scales start too high and fall until steps stop overflowing: that first fall is none.
    """
    value = curve.value
    if len(value) < 3:
        return
    # Settled: it rises, or stays for three points.
    change = np.diff(value)
    still = (change[1:] == 0) & (change[:-1] == 0)
    begins = np.flatnonzero(np.concatenate([[False], change > 0]))
    begins = np.concatenate([begins, np.flatnonzero(still)])
    settled = int(begins.min()) if len(begins) else len(value)
    highest = np.full(len(value), value.max())
    highest[settled:] = pd.Series(value[settled:]).rolling(10, min_periods=1).max()
    fallen = (np.arange(len(value)) > settled) & (value <= highest / 16)
    fallen |= (value <= 1) & (value.max() > 16)
    for first, last in _runs_of(fallen):
        yield Event(
            "loss scale", float(curve.at[first]), float(curve.at[last]), curve.metric,
            f"{curve.metric} falls from {highest[first]:g} to {value[first : last + 1].min():g}",
        )  # fmt: skip


def _runs_of(mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Iterator[tuple[int, int]]:
    """Yield first and last place of each stretch of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        yield int(first), int(after) - 1


def _stops_early(log: RunLog, run: str) -> Iterator[Event]:
    row = log.runs[log.runs["run"] == run].iloc[0]
    points = log.points[log.points["run"] == run]
    for axis, columns in _ENDS.items():
        for name in columns:
            try:
                planned = float(row[name])
            except (KeyError, TypeError, ValueError):
                continue
            last = float(points[axis].max())
            if np.isfinite(planned) and np.isfinite(last) and last < 0.99 * planned:
                yield Event(
                    "stops early", last, last, "",
                    f"the log ends at {axis} {last:g} of {planned:g} planned "
                    f"({100 * last / planned:.2g} %)",
                )  # fmt: skip
                return


def doubled_at(curve: Signal) -> float | None:
    """Return the first place where a signal exceeds twice the median of what came before it.

    Examples
    --------
    >>> value = np.array([3.0] * 20 + [5.0, 7.0])
    >>> none = np.full(22, np.nan)
    >>> doubled_at(Signal("loss", "step", np.arange(22.0), value, none, none))
    21.0
    """
    before = pd.Series(curve.value).expanding(min_periods=3).median().shift()
    above = np.flatnonzero(curve.value > 2 * before.to_numpy())
    return float(curve.at[above[0]]) if len(above) else None


def rate_rises(curve: Signal, place: float) -> bool:
    """Return whether the learning rate rises by a fifth or more up to a place of the log."""
    lr = curve.lr
    if np.isnan(lr).all():
        return False
    here = int(np.searchsorted(curve.at, place))
    before: Array = lr[max(0, here - 16) : max(here, 1)]
    now = lr[min(here, len(lr) - 1)]
    low = np.nanmin(before) if not np.isnan(before).all() else np.nan
    return bool(now > 1.2 * low)
