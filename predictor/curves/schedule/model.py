"""ScheduleLaw: the estimator of a loss under any learning-rate schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from predictor.curves.predictive import half_width_at
from predictor.curves.schedule.calibration import Backtests, backtest, error_scale, half_widths
from predictor.curves.schedule.fitting import ScheduleFit, fit_runs
from predictor.curves.schedule.laws import SCHEDULE_LAWS
from predictor.curves.schedule.observed import ObservedRun, observed_runs
from predictor.curves.schedule.plan import HELD, Schedule
from predictor.errors import InputError
from predictor.fitting.estimator import Estimator
from predictor.fitting.forecast import Forecast, Forecasts
from predictor.fitting.law import Array
from predictor.logs.tables import RunLog

if TYPE_CHECKING:
    import pandas as pd

AUTO = "auto"
#: The annealing law is taken only where it misses hidden runs by clearly less.
_CLEARLY = 0.8


class ScheduleLaw(Estimator):
    """A loss as a function of the learning-rate schedule, learned from one or several runs.

    Parameters
    ----------
    law : {"auto", "multi-power", "annealing"}
        Which law; "auto" is the multi-power law unless the annealing law misses hidden runs of the
        log by clearly less.
    metric : str
        Name of the loss, for logs and forecasts.
    warmup : float, optional
        Steps of a linear warm-up that the log does not show; inferred where not given.
    level : float
        Probability that intervals are to hold the truth with, in (0, 1).

    Attributes
    ----------
    fit_ : ScheduleFit
        The law and its estimates.
    backtests_ : Backtests
        What it missed by on hidden parts of the runs.
    runs_ : tuple of ObservedRun
        What it was fitted to.

    References
    ----------
    Luo et al., A Multi-Power Law for Loss Curve Prediction, ICLR 2025, arXiv 2503.12811; Tissue et
    al., Scaling Law with Learning Rate Annealing, arXiv 2408.11029.

    Examples
    --------
    >>> from predictor.curves.schedule.observed import observe
    >>> plan = Schedule.cosine(peak=1e-3, steps=4000, end=1e-4)
    >>> steps = np.arange(50.0, 2001, 50)
    >>> loss = 2 + 20 * (plan.area(steps) / 1e-3) ** -0.5 - 100 * (1e-3 - plan.rate(steps))
    >>> model = ScheduleLaw().fit([observe("a", plan, steps, loss)])
    >>> model.predict(plan, np.array([4000.0])).round(1)
    array([2.3])
    """

    def __init__(
        self,
        *,
        law: str = AUTO,
        metric: str = "loss",
        warmup: float | None = None,
        level: float = 0.9,
    ) -> None:
        self.law = law
        self.metric = metric
        self.warmup = warmup
        self.level = level

    def fit(self, runs: RunLog | Sequence[ObservedRun]) -> Self:
        """Learn from runs whose learning rates are known.

        Parameters
        ----------
        runs : RunLog or sequence of ObservedRun
            A log with steps and learning rates, or runs from
            :func:`~predictor.curves.schedule.observed.observe`.

        Raises
        ------
        InputError
            If the law is not known, or no run can be used.
        """
        check_law(self.law)
        if isinstance(runs, RunLog):
            runs = observed_runs(runs, self.metric, self.warmup)
        if not runs:
            raise InputError("a schedule law needs a run with steps and learning rates; none is")
        wanted = tuple(SCHEDULE_LAWS) if self.law == AUTO else (self.law,)
        found = [_learned(runs, law) for law in wanted]
        best = found[0]
        for other in found[1:]:
            if other[1].error < _CLEARLY * best[1].error:
                best = other
        self.fit_, self.backtests_ = best
        self.runs_ = tuple(runs)
        return self

    def predict(self, schedule: Schedule, step: Array) -> Array:
        """Return the loss at each step of a run under a schedule, (points,).

        Raises
        ------
        InputError
            If a step lies beyond the schedule's end, or is not positive.
        """
        at = self._checked(schedule, step)
        return self.fit_.value(schedule, at)

    def predict_interval(
        self, schedule: Schedule, step: Array, level: float | None = None
    ) -> Array:
        """Return lower and upper ends of the interval at each step, (points, 2)."""
        at = self._checked(schedule, step)
        half = half_width_at(self.widths(schedule, at), self.level if level is None else level)
        value = self.fit_.value(schedule, at)
        return np.stack([value * np.exp(-half), value * np.exp(half)], axis=1)

    def widths(self, schedule: Schedule, step: Array) -> Array:
        """Return half widths on the log scale at all known levels, (levels, points)."""
        return half_widths(error_scale(self.fit_, schedule, step), self.backtests_.widening)

    def forecast(self, schedule: Schedule, at: float | Sequence[float]) -> Forecasts:
        """Return forecasts of a run under a schedule, named by it, at one or several steps."""
        steps = np.atleast_1d(np.asarray(at, dtype=float))
        value, ends = self.predict(schedule, steps), self.predict_interval(schedule, steps)
        longest = max(float(run.step[-1]) for run in self.runs_)
        points = sum(run.points for run in self.runs_)
        return Forecasts(
            Forecast(
                schedule.name, self.metric, {"step": float(s)}, float(v), float(lower),
                float(upper), self.level, self.fit_.law, points, float(s / longest),
            )
            for s, v, (lower, upper) in zip(steps, value, ends, strict=True)
        )  # fmt: skip

    @property
    def params(self) -> pd.Series:
        """Estimates in the units of the papers: rates as logged, areas as sums of them."""
        import pandas as pd

        self._check_fitted()
        return pd.Series(self.fit_.named())

    def summary(self) -> str:
        """Return a statsmodels table of the estimates."""
        from statsmodels.iolib.table import SimpleTable

        self._check_fitted()
        rows = [[f"{value:.5g}"] for value in self.params]
        names = ", ".join(run.run for run in self.runs_[:4]) + (" ..." if self.runs_[4:] else "")
        title = f"{self.fit_.law} law of {self.metric} on {len(self.runs_)} runs: {names}"
        return str(SimpleTable(rows, ["estimate"], list(self.params.index), title=title))

    def _checked(self, schedule: Schedule, step: Array) -> Array:
        self._check_fitted()
        at = np.atleast_1d(np.asarray(step, dtype=float))
        if not (at > 0).all() or at.max() > HELD * schedule.steps:
            raise InputError(
                f"a step must lie after 0 and up to the schedule's end at {schedule.steps:g}, "
                f"not at {at.max() if (at > 0).all() else at.min():g}"
            )
        return at


def check_law(law: str) -> None:
    """Raise an :class:`InputError` if there is no such schedule law."""
    if law != AUTO and law not in SCHEDULE_LAWS:
        raise InputError(f"no schedule law '{law}'; there are {', '.join(SCHEDULE_LAWS)} and auto")


def _learned(runs: Sequence[ObservedRun], law: str) -> tuple[ScheduleFit, Backtests]:
    fit = fit_runs(runs, law)
    return fit, backtest(runs, law, fit)
