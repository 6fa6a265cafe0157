"""A law with its estimates, its draws and its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.bootstrap import blocks, exponential_weights, multinomial_weights
from predictor.fitting.forecast import Forecast, Forecasts
from predictor.fitting.law import Array, Law
from predictor.fitting.problem import Residual
from predictor.fitting.solver import solve

if TYPE_CHECKING:
    import pandas as pd

#: Huber's delta in standard deviations: 95 % efficient where errors are normal.
_HUBER = 1.345
_MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class Fit:
    """What a law became on data.

    Parameters
    ----------
    law : Law
        The law.
    estimates : array, (parameters,)
        Estimates in the order of ``law.names``.
    draws : array, (draws, parameters)
        Bootstrap refits.
    x : tuple of array, (points,)
        Inputs, one array an axis of the law.
    y : array, (points,)
        Targets.
    residual : {"log", "linear"}
        Residual that was minimised.
    objective : float
        Its weighted sum of Huber losses at the estimates.
    converged : bool
        Whether the solver converged.
    findings : tuple of Finding
        Such as parameters at their bounds.
    """

    law: Law
    estimates: Array
    draws: Array
    x: tuple[Array, ...]
    y: Array
    residual: Residual
    objective: float
    converged: bool
    findings: tuple[Finding, ...] = ()

    @property
    def params(self) -> pd.Series:
        """Estimates by name."""
        return self._by_name(self.estimates)

    @property
    def bse(self) -> pd.Series:
        """Bootstrap standard errors by name."""
        return self._by_name(self.draws.std(axis=0, ddof=1))

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Return bootstrap percentile intervals, one row a parameter, columns lower and upper."""
        import pandas as pd

        ends = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return pd.DataFrame(ends.T, index=list(self.law.names), columns=["lower", "upper"])

    def predict(self, x: Array | Sequence[Array]) -> Array:
        """Return the law's value at each x, (points,)."""
        return self.law.value(_rows(x), self.estimates[None])[0]

    def predict_interval(self, x: Array | Sequence[Array], level: float = 0.9) -> Array:
        """Return lower and upper ends of the bootstrap interval of the curve, (points, 2).

        It says how well the law's curve is known if the law is true. It is too narrow for a
        forecast far beyond the data: for that, errors of past forecasts must be asked.
        """
        with np.errstate(all="ignore"):
            said = self.law.value(_rows(x), self.draws)
        ends: Array = np.nanquantile(said, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return ends.T

    def forecast(
        self, at: Mapping[str, float], metric: str = "y", run: str = "", level: float = 0.9
    ) -> Forecasts:
        """Forecast at one place, given by axis name; the interval is the bootstrap's."""
        try:
            place = [np.array([float(at[axis])]) for axis in self.law.axes]
        except KeyError as missing:
            names = ", ".join(self.law.axes)
            raise InputError(
                f"law '{self.law.name}' needs a place on {names}; no {missing}"
            ) from None
        lower, upper = self.predict_interval(place, level)[0]
        ahead = max(float(p[0] / a.max()) for p, a in zip(place, self.x, strict=True))
        codes = tuple(f.code for f in self.findings)
        return Forecasts(
            [
                Forecast(
                    run,
                    metric,
                    dict(at),
                    float(self.predict(place)[0]),
                    float(lower),
                    float(upper),
                    level,
                    self.law.name,
                    len(self.y),
                    ahead,
                    codes,
                )
            ],
            self.findings,
        )

    def summary(self) -> str:
        """Return a statsmodels table of the estimates."""
        from statsmodels.iolib.table import SimpleTable

        ends = self.conf_int()
        rows = [
            [f"{v:.5g}" for v in (self.params[n], self.bse[n], *ends.loc[n])]
            for n in self.law.names
        ]
        title = f"{self.law.title}: {self.law.formula}   ({len(self.y)} points)"
        header = ["estimate", "std err", "[0.025", "0.975]"]
        return str(SimpleTable(rows, header, list(self.law.names), title=title))

    def _by_name(self, values: Array) -> pd.Series:
        import pandas as pd

        return pd.Series(values, index=list(self.law.names))


def fit_law(
    law: Law,
    x: Array | Sequence[Array],
    y: Array,
    *,
    weights: Array | None = None,
    groups: NDArray[np.intp] | None = None,
    residual: Residual = "log",
    delta: float | None = None,
    draws: int = 200,
    n_starts: int = 4,
    rng: np.random.Generator | int = 0,
) -> Fit:
    """Fit a law robustly, and refit it on bootstrap draws.

    Parameters
    ----------
    law : Law
        The law.
    x : array or sequence of arrays, (points,)
        Inputs, one array an axis of the law.
    y : array, (points,)
        Targets; positive for log residuals.
    weights : array, (points,), optional
        Weight of each point.
    groups : array of int, (points,), optional
        Points that belong together (a run, a seed), counted from 0; they are drawn together. Where
        not given, the points are those of one run, and neighbours are drawn in blocks.
    residual : {"log", "linear"}
        Residual that is minimised.
    delta : float, optional
        Huber's delta; 1.345 robust standard deviations of a first fit where not given.
    draws : int
        Number of bootstrap draws.
    n_starts : int
        Number of starts from the law's grid.
    rng : Generator or int
        Randomness of the bootstrap.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        If there are fewer points than parameters, or values a log residual cannot take.

    Examples
    --------
    >>> from predictor.fitting.laws import POWER
    >>> x = np.array([10.0, 20.0, 40.0, 80.0, 160.0, 320.0])
    >>> fit_law(POWER, x, 2 + 8 / np.sqrt(x)).params.round(3).to_dict()
    {'c': 2.0, 'a': 8.0, 'b': 0.5}
    """
    axes, y = _rows(x), np.asarray(y, dtype=float)
    _check(law, axes, y, residual)
    weight = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    width = _robust_delta(law, axes, y, weight, residual, n_starts) if delta is None else delta
    full = solve(law, axes, y, weight, residual=residual, delta=width, n_starts=n_starts)
    rng = np.random.default_rng(rng)
    drawn = weight * _draws(len(y), groups, draws, rng)
    refits = solve(
        law,
        axes,
        y,
        drawn,
        residual=residual,
        delta=width,
        starts=np.repeat(full.params[None], draws, 0),
    )
    at_bound = [name for name, bound in zip(law.names, full.at_bound[0], strict=True) if bound]
    findings = [
        Finding("PRED103", f"{name} of law '{law.name}' is at its bound") for name in at_bound
    ]
    return Fit(
        law,
        full.params[0],
        refits.params,
        tuple(a[0] for a in axes),
        y,
        residual,
        float(full.objective[0]),
        bool(full.converged[0]),
        tuple(findings),
    )


def _rows(x: Array | Sequence[Array]) -> list[Array]:
    axes = [x] if isinstance(x, np.ndarray) else list(x)
    return [np.asarray(axis, dtype=float)[None] for axis in axes]


def _check(law: Law, axes: Sequence[Array], y: Array, residual: Residual) -> None:
    if len(axes) != len(law.axes) or any(axis.shape[1] != len(y) for axis in axes):
        raise InputError(
            f"law '{law.name}' needs {len(law.axes)} inputs, each as long as y ({len(y)})"
        )
    if len(y) < len(law.names):
        raise InputError(
            f"law '{law.name}' has {len(law.names)} parameters; {len(y)} points are too few"
        )
    if not all(np.isfinite(a).all() for a in (*axes, y)):
        raise InputError("x and y must be finite; leave out NaN and infinite values first")
    if residual == "log" and (y <= 0).any():
        raise InputError("log residuals need positive y; use residual='linear'")


def _robust_delta(
    law: Law, axes: Sequence[Array], y: Array, weight: Array, residual: Residual, n_starts: int
) -> float:
    first = solve(law, axes, y, weight, residual=residual, n_starts=n_starts)
    value = law.value(axes, first.params)[0]
    with np.errstate(all="ignore"):
        r = np.log(value / y) if residual == "log" else value - y
    spread = _MAD_TO_SD * float(np.median(np.abs(r[weight > 0])))
    return _HUBER * spread if np.isfinite(spread) and spread > 1e-12 else np.inf


def _draws(
    points: int, groups: NDArray[np.intp] | None, draws: int, rng: np.random.Generator
) -> Array:
    labels = blocks(points, 1 + points // 24) if groups is None else groups
    few = int(labels.max()) + 1 < 20
    return (exponential_weights if few else multinomial_weights)(labels, draws, rng)
