"""LearningCurve: the scikit-learn estimator of one curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from predictor.curves.forecasting import as_forecasts, forecast_curves
from predictor.curves.metric import kind_of
from predictor.curves.outlook import FEWEST_POINTS
from predictor.curves.prepared import prepare
from predictor.errors import InputError
from predictor.fitting.estimator import Estimator
from predictor.fitting.fit import Fit, fit_law
from predictor.fitting.forecast import Forecasts
from predictor.fitting.law import Array
from predictor.fitting.laws import POWER, free_floor, law_named

if TYPE_CHECKING:
    from collections.abc import Sequence


class LearningCurve(Estimator):
    """A metric of one run over time or data, and where it goes.

    The forecast is the weighted mean of several laws, each fitted with the recent points counting
    more; the interval is as wide as past forecasts of this and of reference curves ask for.

    Parameters
    ----------
    law : str
        Name of a law of :data:`predictor.fitting.laws.LAWS`, or "auto" for all, weighted.
    metric : str
        Name of the metric, such as "loss" or "accuracy"; it tells direction and range.
    axis : str
        Name of the axis, for the forecasts.
    level : float
        Probability that intervals are to hold the truth with, in (0, 1).
    random_state : int
        Seed of the bootstrap.

    Attributes
    ----------
    curve_ : PreparedCurve
        The curve as it was fitted.
    kind_ : MetricKind
        Direction and range that the metric was taken to have.
    fit_ : Fit
        The law (the power law where ``law`` is "auto") on what falls, with its bootstrap.

    Examples
    --------
    >>> x = np.geomspace(10, 1000, 20)
    >>> curve = LearningCurve(metric="loss").fit(x, 2 + 5 * x**-0.5)
    >>> curve.predict(np.array([4000.0])).round(3)
    array([2.079])
    """

    def __init__(
        self,
        *,
        law: str = "auto",
        metric: str = "loss",
        axis: str = "step",
        level: float = 0.9,
        random_state: int = 0,
    ) -> None:
        self.law = law
        self.metric = metric
        self.axis = axis
        self.level = level
        self.random_state = random_state

    def fit(self, x: Array, y: Array) -> Self:
        """Learn from a curve.

        Parameters
        ----------
        x : array, (points,) or (points, 1)
            Positive places.
        y : array, (points,)
            The metric there.

        Returns
        -------
        LearningCurve
            Itself.

        Raises
        ------
        InputError
            If lengths differ, or fewer than four points can be used.
        """
        place, value = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        place = place[:, 0] if place.ndim == 2 and place.shape[1] == 1 else place
        if place.ndim != 1 or place.shape != value.shape:
            raise InputError(
                f"x and y must be one value a point, not {place.shape} and {value.shape}"
            )
        if self.law != "auto":
            law_named(self.law)
        self.curve_ = prepare(place, value, self.metric)
        if len(self.curve_.x) < FEWEST_POINTS:
            raise InputError(
                f"a learning curve needs {FEWEST_POINTS} points, not {len(self.curve_.x)}"
            )
        self.kind_ = kind_of(self.metric, value[np.isfinite(value)])
        self.fit_ = self._fit_one_law()
        self.n_features_in_ = 1
        return self

    def predict(self, x: Array) -> Array:
        """Return the forecast at each x, (points,); NaN where the data cannot carry one."""
        return self._outcome(x).value

    def predict_interval(self, x: Array, level: float | None = None) -> Array:
        """Return lower and upper ends of the interval at each x, (points, 2)."""
        outcome = self._outcome(x, level)
        return np.stack([outcome.lower, outcome.upper], axis=1)

    def forecast(self, at: float | Sequence[float], run: str = "run") -> Forecasts:
        """Return the forecasts at one or several places."""
        outcome = self._outcome(np.atleast_1d(np.asarray(at, dtype=float)))
        forecasts = as_forecasts(outcome, run, self.metric, self.axis, self.law, self.level)
        return Forecasts(forecasts, outcome.findings)

    def summary(self) -> str:
        """Return a statsmodels table of the fitted law."""
        self._check_fitted()
        return self.fit_.summary()

    def _outcome(self, x: Array, level: float | None = None) -> Any:
        self._check_fitted()
        places = np.asarray(x, dtype=float).reshape(-1)
        return forecast_curves(
            [self.curve_],
            [places],
            law=self.law,
            level=self.level if level is None else level,
            seed=self.random_state,
        )[0]

    def _fit_one_law(self) -> Fit:
        law = POWER if self.law == "auto" else law_named(self.law)
        curve = self.curve_
        if curve.kind.residual == "linear":
            law = free_floor(law)
        recent = (curve.x / curve.x[-1]) ** 2
        return fit_law(
            law,
            curve.x,
            curve.z,
            weights=recent,
            residual=curve.kind.residual,
            rng=self.random_state,
        )
