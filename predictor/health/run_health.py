"""Is this run sound: spikes, what led them, other events, early signals, advice; in one report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.health.advice import Advice, advice_on
from predictor.health.early import EarlySignals, early_signals
from predictor.health.events import (
    Event,
    doubled_at,
    ends_without_numbers,
    find_events,
    rate_rises,
)
from predictor.health.signals import Signal, losses, norms, signal
from predictor.health.spectrum import training_clock
from predictor.health.spikes import FEWEST, Spike, find_spikes
from predictor.logs.tables import RunLog

Verdict = Literal["sound", "watch", "broken", "cannot say"]
#: A gradient norm's spike leads a loss's when it begins so many logged points before it or fewer.
_LEADS = 50


@dataclass(frozen=True)
class Lead:
    """A signal that rose before the loss did.

    Parameters
    ----------
    signal : str
        The one that rose first.
    start : float
        Where it rose.
    loss_start : float
        Where the loss rose.
    steps : float
        Between.
    """

    signal: str
    start: float
    loss_start: float
    steps: float


@dataclass(frozen=True)
class RunReport:
    """What is to be said of one run.

    Parameters
    ----------
    run : str
        Name.
    verdict : {"sound", "watch", "broken", "cannot say"}
        Broken: it diverges, or its loss doubled and stayed up, or is no number any more. Watch:
        something is named below that needs a look. Cannot say: too few points.
    axis : str
        What places count.
    points : int
        Logged points of the loss.
    spikes : tuple of Spike
        Of losses and gradient norms.
    events : tuple of Event
        What else happened.
    leads : tuple of Lead
        Gradient norms that rose before the loss.
    alarm : float or None
        Where what broke the run, or doubled its loss for more than five points, was first seen, in
        any signal.
    doubled : float or None
        Where the loss first exceeded twice its median until then.
    advice : tuple of Advice
        What others did, with sources.
    clock : float or None
        Learning rate x weight decay x steps, where both are known.
    findings : tuple of Finding
        What to beware of.
    """

    run: str
    verdict: Verdict
    axis: str
    points: int
    spikes: tuple[Spike, ...]
    events: tuple[Event, ...]
    leads: tuple[Lead, ...]
    alarm: float | None
    doubled: float | None
    advice: tuple[Advice, ...]
    clock: float | None
    findings: tuple[Finding, ...]

    @property
    def warned(self) -> float | None:
        """Return by how many steps the alarm came before the loss doubled; None where neither."""
        if self.alarm is None or self.doubled is None:
            return None
        return self.doubled - self.alarm

    @property
    def roll_back(self) -> tuple[float, float] | None:
        """Return the steps between which to go back: 100 to 50 before what broke the run."""
        if self.verdict != "broken" or self.alarm is None or self.axis != "step":
            return None
        return max(self.alarm - 100, 0.0), max(self.alarm - 50, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "run": self.run, "verdict": self.verdict, "axis": self.axis, "points": self.points,
            "spikes": [asdict(one) for one in self.spikes],
            "events": [asdict(one) for one in self.events],
            "leads": [asdict(one) for one in self.leads],
            "alarm": self.alarm, "doubled": self.doubled, "warned_before": self.warned,
            "roll_back": self.roll_back,
            "advice": [one._asdict() for one in self.advice], "training_clock": self.clock,
        }  # fmt: skip


@dataclass(frozen=True)
class RunHealth:
    """What is to be said of the runs of a log.

    Parameters
    ----------
    runs : tuple of RunReport
        One a run, in the order of the log.
    early : EarlySignals or None
        The runs ranked by their first part; None where two of them do not log loss and gradient
        norm.
    findings : tuple of Finding
        All.
    """

    runs: tuple[RunReport, ...]
    early: EarlySignals | None
    findings: tuple[Finding, ...]

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one plain row a run, its early signals within."""
        return [
            {**one.to_dict(), "early": self.early.of(one.run) if self.early else {}}
            for one in self.runs
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a spike or event: run, start, end, kind, signal, what."""
        rows: list[tuple[str, float | None, float | None, str, str, str]] = []
        for one in self.runs:
            rows += [
                (one.run, s.start, s.end, s.kind, s.signal, f"{s.clean:.5g} to {s.peak:.5g}")
                for s in one.spikes
            ]
            rows += [(one.run, e.start, e.end, e.kind, e.signal, e.message) for e in one.events]
        return pd.DataFrame(rows, columns=["run", "start", "end", "kind", "signal", "what"])


def run_health(
    log: RunLog,
    *,
    metrics: Sequence[str] = (),
    false_alarms: float = 1.0,
    finals: pd.DataFrame | None = None,
    lower_is_better: bool = False,
    epoch_samples: float | None = None,
    weight_decay: float | None = None,
    seed: int = 0,
) -> RunHealth:
    """Look for what is unsound in training runs.

    Parameters
    ----------
    log : RunLog
        As read.
    metrics : sequence of str
        Losses and gradient norms to look at; all that names tell where not given.
    false_alarms : float
        Allowed spikes in 10,000 logged points without any, for each signal.
    finals : DataFrame, optional
        ``run, final``: final scores of past runs, for early signals.
    lower_is_better : bool
        Of final scores.
    epoch_samples : float, optional
        Samples of an epoch, for early signals.
    weight_decay : float, optional
        For the training clock; taken from the log where it tells.
    seed : int
        For intervals.

    Returns
    -------
    RunHealth

    Raises
    ------
    InputError
        If a metric is not in the log, or no metric is a loss or gradient norm.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> value = 3 + 0.02 * rng.normal(size=300)
    >>> value[250:] += np.linspace(0.5, 6, 50)
    >>> rows = {"run": "a", "metric": "loss", "step": np.arange(300), "value": value}
    >>> one = run_health(RunLog.from_points(pd.DataFrame(rows))).runs[0]
    >>> one.verdict, one.alarm, one.warned
    ('broken', 250.0, 23.0)
    """
    for name in metrics:
        if name not in log.metrics:
            raise InputError(f"no metric '{name}'; there are {', '.join(log.metrics[:12])}")
    looked = list(metrics) or log.metrics
    watched = [*losses(looked), *norms(looked)]
    watched += [name for name in metrics if name not in watched]
    if not watched:
        raise InputError(
            "no loss and no gradient norm among the metrics "
            f"({', '.join(log.metrics[:12])}); name one by --metric"
        )
    reports = tuple(
        _report(own, run, watched, false_alarms, weight_decay) for run, own in _apart(log)
    )
    early = None
    if len(log.run_names) > 1:
        early = early_signals(
            log, finals, epoch_samples=epoch_samples, lower_is_better=lower_is_better, seed=seed
        )
    elif finals is not None:
        raise InputError("past runs are given, but the logs hold one run; give the past runs' too")
    findings = [finding for one in reports for finding in one.findings]
    findings += early.findings if early is not None else ()
    return RunHealth(reports, early, (*log.findings, *findings))


def _apart(log: RunLog) -> Iterator[tuple[str, RunLog]]:
    """Yield each run with a log of its own: a look at one is then no look at all."""
    rows = log.runs.set_index(log.runs["run"].astype(str), drop=False)
    parts = dict(list(log.points.groupby("run", sort=False)))
    for run in log.run_names:
        yield run, RunLog(parts.get(run, log.points[:0]), rows.loc[[run]], log.findings)


def _report(
    log: RunLog, run: str, watched: list[str], false_alarms: float, weight_decay: float | None
) -> RunReport:
    curves = [one for name in watched if (one := signal(log, run, name)) is not None]
    falling = [one for one in curves if one.metric not in norms([one.metric])]
    spikes = []
    for curve in curves:
        spikes += find_spikes(
            curve.at, curve.value, signal=curve.metric, false_alarms=false_alarms,
            log_scale=curve not in falling,
        )  # fmt: skip
    spikes.sort(key=lambda spike: spike.start)
    first = falling[0] if falling else (curves[0] if curves else None)
    points = len(first.value) if first is not None else 0
    leads = tuple(_leads(spikes, curves, falling))
    events = tuple(find_events(log, run))
    doubled = doubled_at(first) if first is not None and first in falling else None
    fatal = _fatal(spikes, events, falling)
    alarm = _alarm(fatal, spikes, doubled, falling)
    verdict = _verdict(points, spikes, events, fatal)
    kinds = [s.kind for s in spikes] + (["leads"] if leads else []) + [e.kind for e in events]
    findings = _findings(run, points, spikes, events, curves, verdict)
    clock = _clock(log, run, first, weight_decay)
    return RunReport(
        run, verdict, first.axis if first is not None else "step", points, tuple(spikes), events,
        leads, alarm, doubled, tuple(advice_on(kinds)), clock, tuple(findings),
    )  # fmt: skip


def _leads(spikes: list[Spike], curves: list[Signal], falling: list[Signal]) -> list[Lead]:
    """Return, for each spike of a loss, the gradient norm's spike that began before it."""
    of_loss = {curve.metric for curve in falling}
    found = []
    for spike in spikes:
        if spike.signal not in of_loss:
            continue
        for curve in curves:
            if curve.metric in of_loss:
                continue
            here = int(np.searchsorted(curve.at, spike.start))
            since = float(curve.at[max(0, here - _LEADS)]) if len(curve.at) else spike.start
            before = [
                s for s in spikes
                if s.signal == curve.metric and since <= s.start < spike.start
                and (s.end >= spike.start or here - np.searchsorted(curve.at, s.end) <= _LEADS // 5)
            ]  # fmt: skip
            if before:
                start = before[0].start
                found.append(Lead(curve.metric, start, spike.start, spike.start - start))
                break
    return found


def _fatal(spikes: list[Spike], events: tuple[Event, ...], falling: list[Signal]) -> list[float]:
    """Return where what broke the run began: losses that diverge, or are no numbers to the end."""
    names = {curve.metric for curve in falling}
    starts = [s.start for s in spikes if s.kind == "divergence" and s.signal in names]
    if falling and len(falling[0].at):
        last = float(falling[0].at[-1])
        starts += [
            event.start
            for event in events
            if event.start is not None and ends_without_numbers(event, last)
        ]
    return starts


def _alarm(
    fatal: list[float], spikes: list[Spike], doubled: float | None, falling: list[Signal]
) -> float | None:
    """Return where what broke the run was first seen: its spike, or one that runs into it."""
    starts = list(fatal)
    if doubled is not None:
        starts += [s.start for s in spikes if s.kind != "narrow" and s.start <= doubled <= s.end]
    if not starts:
        return None
    start = min(starts)
    # Spikes that follow one another within a tenth of the window belong together.
    gap = 0.0
    if falling and len(falling[0].at) > 1:
        gap = 12 * float(np.median(np.diff(falling[0].at)))
    for spike in sorted(spikes, key=lambda one: -one.start):
        if spike.start < start and spike.end >= start - gap:
            start = spike.start
    return start


def _verdict(
    points: int, spikes: list[Spike], events: tuple[Event, ...], fatal: list[float]
) -> Verdict:
    kinds = {event.kind for event in events}
    if fatal or "loss scale" in kinds:
        return "broken"
    if points <= FEWEST:
        return "cannot say"
    alarming = {"not a number", "skipped", "stalled"} & kinds
    return "watch" if alarming or any(s.kind != "narrow" for s in spikes) else "sound"


def _findings(
    run: str, points: int, spikes: list[Spike], events: tuple[Event, ...], curves: list[Signal],
    verdict: Verdict,
) -> list[Finding]:  # fmt: skip
    found = []
    if verdict == "cannot say":
        found.append(
            Finding("PRED601", f"{points} logged points of the loss are too few to tell a spike "
                    f"from noise; more than {FEWEST} are needed", run=run)
        )  # fmt: skip
    by_name = {curve.metric: curve for curve in curves}
    codes = {"narrow": "PRED602", "wide": "PRED603", "divergence": "PRED604"}
    for kind, code in codes.items():
        own = [s for s in spikes if s.kind == kind]
        if not own:
            continue
        one = max(own, key=lambda spike: spike.height)
        curve = by_name[one.signal]
        rises = " (the learning rate rises there)" if rate_rises(curve, one.start) else ""
        more = f", and {len(own) - 1} more" if len(own) > 1 else ""
        found.append(
            Finding(code, f"{one.signal} goes from {one.clean:.4g} to {one.peak:.4g} at "
                    f"{curve.axis} {one.start:g} to {one.end:g}{rises}{more}", run=run)
        )  # fmt: skip
    titles = {
        "plateau": "PRED605", "stalled": "PRED606", "not a number": "PRED607",
        "skipped": "PRED607", "loss scale": "PRED613", "stops early": "PRED608",
    }  # fmt: skip
    for kind, code in titles.items():
        own_events = [event for event in events if event.kind == kind]
        if own_events:
            more = f", and {len(own_events) - 1} more" if len(own_events) > 1 else ""
            found.append(Finding(code, f"{own_events[0].message}{more}", run=run))
    return found


def _clock(log: RunLog, run: str, curve: Signal | None, weight_decay: float | None) -> float | None:
    """Return the training clock, where a rate and a decay are known."""
    row = log.runs[log.runs["run"] == run].iloc[0]
    decay = weight_decay
    if decay is None:
        told = pd.to_numeric(pd.Series([row.get("weight_decay")]), errors="coerce").iloc[0]
        decay = None if np.isnan(told) else float(told)
    if decay is None or curve is None or curve.axis != "step":
        return None
    known = ~np.isnan(curve.lr)
    return training_clock(curve.lr[known], decay, curve.at[known]) if known.sum() > 1 else None
