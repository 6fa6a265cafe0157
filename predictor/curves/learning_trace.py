"""LearningTrace: the estimator that says when a run has told enough, and where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import pandas as pd

from predictor.curves.forecasting import CurveForecast, as_forecasts, forecast_curves
from predictor.curves.outlook import FEWEST_POINTS
from predictor.curves.prepared import PreparedCurve, prepare
from predictor.curves.reference import shipped_reference
from predictor.curves.trace import Anchoring, Trace, trace_curve
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.estimator import Estimator
from predictor.fitting.forecast import Forecasts
from predictor.fitting.law import Array

#: The law whose calibrated width a trend takes: a trend is one.
_LAW = "power"


class LearningTrace(Estimator):
    """The trace of one learning curve: trends of every prefix, and when to stop.

    The forecast is the trend of the convergence level, the last one where there is none; the
    interval is as wide as calibrated forecasts by the power law are, and as the two differ.

    Parameters
    ----------
    metric : str
        Name of the metric, such as "accuracy" or "loss"; it tells direction and range.
    axis : str
        Name of the axis, for the forecasts.
    tolerance : float, optional
        What may be left to gain when training stops, in the metric's units.
    anchoring : {"none", "canonical", "fixed"}
        What trends see at infinity from the prediction level on: nothing, the asymptote before, or
        the best value the metric can have.
    verticality, slowdown, look_ahead : float, float, int
        When the backbone counts as calm, see :func:`predictor.curves.trace.trace_curve`.
    level : float
        Probability that intervals are to hold the truth with, in (0, 1).
    random_state : int
        Seed of the bootstrap.

    Attributes
    ----------
    curve_ : PreparedCurve
        The curve as it was fitted.
    trace_ : Trace
        Trends in falling units, working, prediction and convergence level, robustness.
    levels_ : DataFrame
        One row a trend: ``level, x, asymptote`` (in the metric's units), ``a, b, layer, feasible``.
    verdict_ : str
        Whether to stop, in words.

    Examples
    --------
    >>> x = np.arange(1.0, 41.0)
    >>> trace = LearningTrace(metric="loss", tolerance=0.5).fit(x, 2 + 3 * x**-0.5)
    >>> trace.verdict_
    'stop at step=36: no more than 0.5 to gain, the asymptote is 2'
    >>> trace.predict(np.array([100.0])).round(3)
    array([2.3])
    """

    def __init__(
        self,
        *,
        metric: str = "accuracy",
        axis: str = "step",
        tolerance: float | None = None,
        anchoring: Anchoring = "none",
        verticality: float = 4e-5,
        slowdown: float = 1.0,
        look_ahead: int = 5,
        level: float = 0.9,
        random_state: int = 0,
    ) -> None:
        self.metric = metric
        self.axis = axis
        self.tolerance = tolerance
        self.anchoring = anchoring
        self.verticality = verticality
        self.slowdown = slowdown
        self.look_ahead = look_ahead
        self.level = level
        self.random_state = random_state

    def fit(self, x: Array, y: Array) -> Self:
        """Trace a curve.

        Parameters
        ----------
        x, y : array, (points,)
            Positive places, and the metric there.

        Returns
        -------
        LearningTrace
            Itself.

        Raises
        ------
        InputError
            If lengths differ, there are fewer than four points, or a setting is out of its range.
        """
        place, value = np.asarray(x, dtype=float).reshape(-1), np.asarray(y, dtype=float)
        if place.shape != value.shape:
            raise InputError(
                f"x and y must be one value a point, not {place.shape} and {value.shape}"
            )
        curve = prepare(place, value, self.metric)
        if len(curve.x) < FEWEST_POINTS:
            raise InputError(f"a learning trace needs {FEWEST_POINTS} points, not {len(curve.x)}")
        self._trace(curve, "run")
        self.n_features_in_ = 1
        return self

    def predict(self, x: Array) -> Array:
        """Return what the trend says of each x, (points,), in the metric's units."""
        return self.outcome(np.asarray(x, dtype=float).reshape(-1)).value

    def predict_interval(self, x: Array, level: float | None = None) -> Array:
        """Return lower and upper ends of the interval at each x, (points, 2)."""
        found = self.outcome(np.asarray(x, dtype=float).reshape(-1))
        return np.stack(found.predictive.interval(level or self.level), axis=1)

    def forecast(self, at: float | Sequence[float], run: str = "run") -> Forecasts:
        """Return the forecasts at one or several places."""
        found = self.outcome(np.atleast_1d(np.asarray(at, dtype=float)))
        forecasts = as_forecasts(found, run, self.metric, self.axis, "trace", self.level)
        return Forecasts(forecasts, found.findings)

    def outcome(self, places: Array) -> CurveForecast:
        """Return value, interval and findings at these places."""
        self._check_fitted()
        (found,) = forecast_curves(
            [self.curve_],
            [places],
            law=_LAW,
            level=self.level,
            seed=self.random_state,
            runs=[self.run_],
        )
        return _retold(found, self.trace_, self.findings_, self.verdict_, self.level)

    def _trace(self, curve: PreparedCurve, run: str) -> None:
        kind, falling = curve.kind, curve.falling()
        floor = 0.0 if kind.residual == "log" else -np.inf
        self.curve_, self.run_ = curve, run
        self.trace_ = trace_curve(
            curve.x,
            falling,
            floor=floor,
            verticality=self.verticality,
            slowdown=self.slowdown,
            look_ahead=self.look_ahead,
            anchoring=self.anchoring,
            tolerance=self.tolerance,
        )
        self.levels_ = self._levels()
        self.verdict_ = self._in_words()
        self.findings_ = self._noticed()

    def _levels(self) -> pd.DataFrame:
        levels = self.trace_.levels.rename(columns={"c": "asymptote"})
        # Not clipped to the metric's range: an asymptote beyond it is what "feasible" tells.
        sign = 1.0 if self.curve_.kind.better == "lower" else -1.0
        bound = self.curve_.kind.bound if self.curve_.kind.residual == "log" else 0.0
        levels["asymptote"] = bound + sign * levels["asymptote"]
        return levels

    def _in_words(self) -> str:
        last = self.trace_.row()
        asymptote = self.levels_.set_index("level")["asymptote"].loc[int(last["level"])]
        if self.trace_.prediction is None:
            return "cannot say when to stop: the asymptotes of the trends have not settled yet"
        if self.tolerance is None:
            return (
                f"no more than {last['layer']:.3g} to gain after {self.axis}={last['x']:g}, the "
                f"asymptote is {asymptote:.4g}"
            )
        if self.trace_.convergence is None:
            return f"go on: {last['layer']:.3g} may still be gained, more than {self.tolerance:g}"
        return (
            f"stop at {self.axis}={last['x']:g}: no more than {self.tolerance:g} to gain, the "
            f"asymptote is {asymptote:.4g}"
        )

    def _noticed(self) -> tuple[Finding, ...]:
        if self.trace_.prediction is None:
            return (Finding("PRED117", self.verdict_, self.run_),)
        found = [Finding("PRED115", self.verdict_, self.run_)]
        if self.trace_.robustness < 0.5:
            share = 100 * self.trace_.robustness
            message = (
                f"the decreasing-backbone hypothesis does not hold here (RR {share:.0f} %): the "
                "layer is not a bound"
            )
            found.append(Finding("PRED116", message, self.run_))
        return tuple(found)


def trace_forecast(
    x: Array,
    y: Array,
    places: Array,
    *,
    metric: str,
    axis: str,
    tolerance: float | None,
    level: float,
    seed: int,
    run: str,
) -> CurveForecast:
    """Trace one run's curve and forecast it; a curve too short for that is told so."""
    curve = prepare(x, y, metric, run)
    if len(curve.x) < FEWEST_POINTS:
        (nothing,) = forecast_curves([curve], [places], law=_LAW, level=level, runs=[run])
        return nothing
    trace = LearningTrace(
        metric=metric, axis=axis, tolerance=tolerance, level=level, random_state=seed
    )
    trace._trace(curve, run)
    return trace.outcome(places)


def _retold(
    found: CurveForecast, trace: Trace, noticed: tuple[Finding, ...], verdict: str, level: float
) -> CurveForecast:
    """Move a calibrated power-law forecast to the trend, wider by what the two differ."""
    curve = found.predictive.curve
    centre = curve.scaled(np.maximum(trace.value(found.at), _least(curve)))
    # Where the power law said nothing its centre is NaN, and so is what is said here.
    apart = np.abs(centre - found.predictive.centre)
    predictive = replace(
        found.predictive,
        centre=np.where(np.isfinite(apart), centre, np.nan),
        widths=shipped_reference().trace_factor * np.hypot(found.predictive.widths, apart),
    )
    lower, upper = predictive.interval(level)
    codes = tuple((*place, *(f.code for f in noticed)) for place in found.codes)
    return replace(
        found,
        value=predictive.median(),
        lower=lower,
        upper=upper,
        codes=codes,
        findings=(*found.findings, *noticed),
        predictive=predictive,
        verdict=verdict,
    )


def _least(curve: PreparedCurve) -> float:
    """Return the least falling value a forecast may have: a metric stays within its range."""
    return float(curve.z.min() / 1e3) if curve.kind.residual == "log" else -np.inf
