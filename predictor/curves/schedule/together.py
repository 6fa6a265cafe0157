"""Which runs of a log a law is fitted to together: those that help each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictor.curves.schedule.fitting import LEAST_NOISE
from predictor.curves.schedule.model import ScheduleLaw
from predictor.curves.schedule.observed import ObservedRun
from predictor.logs.tables import RunLog

#: A fit of all runs serves one of them if it misses it by no more than this many times its own fit.
_SERVES = 2.0
#: More runs than this are not fitted together: they add little to what a law can learn.
_MOST_TOGETHER = 12


class Together:
    """Laws fitted to runs alone and to all that may follow one law, each once."""

    def __init__(self, log: RunLog, runs: Sequence[ObservedRun], law: str, metric: str) -> None:
        self._law, self._metric = law, metric
        params = log.runs.set_index("run").get("params")
        self._group: dict[str, tuple[ObservedRun, ...]] = {}
        for run in runs:
            size = None if params is None else params.get(run.run)
            alike = tuple(r for r in runs if params is None or _same(params.get(r.run), size))
            self._group[run.run] = _most_telling(alike)
        self._fitted: dict[tuple[str, ...], ScheduleLaw] = {}

    def best(self, run: ObservedRun) -> ScheduleLaw:
        """Return the law of all runs alike if it serves this one, else that of the run alone."""
        alone, together = self._fit((run,)), self._fit(self._group[run.run])
        fine = _SERVES * max(_miss(alone, run), LEAST_NOISE)
        return together if _miss(together, run) <= fine else alone

    def _fit(self, runs: tuple[ObservedRun, ...]) -> ScheduleLaw:
        key = tuple(run.run for run in runs)
        if key not in self._fitted:
            self._fitted[key] = ScheduleLaw(law=self._law, metric=self._metric).fit(runs)
        return self._fitted[key]


def _most_telling(runs: tuple[ObservedRun, ...]) -> tuple[ObservedRun, ...]:
    """Return at most twelve runs, those whose rates fell furthest first."""
    fallen = sorted(runs, key=lambda r: float(r.schedule.rate(r.step).min() / r.schedule.peak))
    return tuple(fallen[:_MOST_TOGETHER])


def _miss(model: ScheduleLaw, run: ObservedRun) -> float:
    return float(np.median(np.abs(np.log(model.predict(run.schedule, run.step) / run.value))))


def _same(one: object, other: object) -> bool:
    missing = [value is None or value != value for value in (one, other)]
    return all(missing) or (not any(missing) and one == other)
