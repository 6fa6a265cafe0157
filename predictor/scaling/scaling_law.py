"""ScalingLaw: the scikit-learn estimator of loss over parameters, tokens and compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from predictor.errors import CannotForecastError, InputError
from predictor.findings import Finding, Severity
from predictor.fitting.estimator import Estimator
from predictor.fitting.fit import Fit, fit_law
from predictor.fitting.forecast import Forecast, Forecasts
from predictor.fitting.law import Array
from predictor.scaling.allocation import (
    FLOPS_PER_PARAM_TOKEN_READ,
    Allocation,
    best_params,
    cheapest_for_loss,
    frontier,
    loss_at,
    need_both_axes,
)
from predictor.scaling.checks import (
    FEWEST_RUNS,
    check_table,
    distinct_runs,
    one_axis,
    one_ratio,
)
from predictor.scaling.diagnostics import check_fit, residuals
from predictor.scaling.ensemble import DELTA, RECENCIES, TILT, Ensemble, fit_ensemble
from predictor.scaling.laws import SCALING_LAWS, scaling_law_named
from predictor.scaling.table import (
    FLOPS_PER_PARAM_TOKEN,
    RunsTable,
    complete,
    law_axes,
    read_runs,
    runs_table,
)

#: Laws of the ensemble, in the order in which they are preferred where they do alike.
ENSEMBLE = ("chinchilla", "overtrained", "data-constrained")
_BOTH_AXES = (*ENSEMBLE, "kaplan")
_FAR = 10.0
_SAME_RATIO = 1.5
_STARTS = 12


class ScalingLaw(Estimator):
    """Loss over parameters and tokens, with intervals calibrated on the largest runs held out.

    With ``law="auto"`` forecasts are the weighted median of several laws, each fitted with large
    runs counting more, judged by what they miss when the runs with the most compute are hidden. The
    parameters reported are those of the law that misses least, fitted as published: Huber's loss on
    log losses, every run alike.

    Parameters
    ----------
    law : str
        Name of a law of :data:`predictor.scaling.laws.SCALING_LAWS`, or "auto".
    draws : int
        Bootstrap draws of the parameters.
    level : float
        Probability that intervals are to hold the truth with, in (0, 1).
    delta : float
        Huber's delta on log losses.
    random_state : int
        Seed of the bootstrap.

    Attributes
    ----------
    table_ : RunsTable
        The runs, in order of compute.
    fit_ : Fit
        The reported law with its estimates and draws.
    ensemble_ : Ensemble
        What forecasts come from, and its backtests.
    findings_ : tuple of Finding
        What was noticed about the table and the fit.

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556; Besiroglu et al. 2024, arXiv 2404.10102.

    Examples
    --------
    >>> n, d = np.meshgrid([1e7, 3e7, 1e8, 3e8], [1e9, 3e9, 1e10, 3e10])
    >>> loss = 1.8 + 480 / n**0.35 + 2100 / d**0.37
    >>> law = ScalingLaw("chinchilla", draws=50).fit(n.ravel(), d.ravel(), loss.ravel())
    >>> law.params.round(2)[["E", "alpha", "beta"]].to_dict()
    {'E': 1.8, 'alpha': 0.35, 'beta': 0.37}
    >>> law.predict([[1e9, 1e11]]).round(3)
    array([2.319])
    """

    def __init__(
        self,
        law: str = "auto",
        *,
        draws: int = 1000,
        level: float = 0.9,
        delta: float = DELTA,
        random_state: int = 0,
    ) -> None:
        self.law = law
        self.draws = draws
        self.level = level
        self.delta = delta
        self.random_state = random_state

    def fit(
        self,
        X: RunsTable | pd.DataFrame | str | Path | Array | Sequence[float],
        tokens: Array | Sequence[float] | None = None,
        loss: Array | Sequence[float] | None = None,
    ) -> Self:
        """Learn from runs.

        Parameters
        ----------
        X : RunsTable, DataFrame, path, or array, (runs,)
            A table of runs or its file, or the parameters of each run.
        tokens : array, (runs,), optional
            Training tokens, where X holds parameters.
        loss : array, (runs,), optional
            Loss of each run, where X holds parameters.

        Returns
        -------
        ScalingLaw
            Itself.

        Raises
        ------
        InputError
            If columns or lengths do not fit, or the law needs columns that are not there.
        CannotForecastError
            If there are too few runs for the law.
        """
        if not 0 < self.level < 1:
            raise InputError(f"level {self.level:g} must lie between 0 and 1, such as 0.9")
        table = _as_table(X, tokens, loss)
        laws = self._laws(table)
        single = self.law != "auto"
        recencies, tilt = ((0.0,), 1.0) if single else (RECENCIES, TILT)
        self.ensemble_ = fit_ensemble(table, laws, delta=self.delta, recencies=recencies, tilt=tilt)
        self.table_ = self.ensemble_.table
        self.fit_ = self._fit(laws[0] if single else _best(self.ensemble_))
        self.findings_ = self._findings()
        self.n_features_in_ = 2
        return self

    @property
    def params(self) -> pd.Series:
        """Estimates by name."""
        self._check_fitted()
        return self.fit_.params

    @property
    def bse(self) -> pd.Series:
        """Bootstrap standard errors by name."""
        self._check_fitted()
        return self.fit_.bse

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Return percentile intervals of the parameters, columns lower and upper."""
        self._check_fitted()
        return self.fit_.conf_int(level)

    def residuals(self) -> pd.DataFrame:
        """Return residuals and leverages; see :func:`predictor.scaling.diagnostics.residuals`."""
        self._check_fitted()
        return residuals(self.fit_, self.table_)

    def summary(self) -> str:
        """Return a statsmodels table of the parameters, and what was noticed."""
        self._check_fitted()
        noticed = "\n".join(f"{f.code} {f.message}" for f in self.findings_)
        tail = f"objective {self.fit_.objective:.6g}" + (f"\n{noticed}" if noticed else "")
        return f"{self.fit_.summary()}\n{tail}"

    def predict(self, X: pd.DataFrame | Array | Sequence[Sequence[float]]) -> Array:
        """Return the forecast loss at each row of params and tokens, (places,)."""
        self._check_fitted()
        return np.exp(self.ensemble_.forecast(_places(X))[0])

    def predict_interval(
        self,
        X: pd.DataFrame | Array | Sequence[Sequence[float]],
        level: float | None = None,
    ) -> Array:
        """Return lower and upper ends for the loss of a run at each place, (places, 2)."""
        self._check_fitted()
        runs, wanted = _places(X), self.level if level is None else level
        centre, scale = self.ensemble_.forecast(runs)
        half = self.ensemble_.factor(wanted)[0] * scale
        ends = np.stack([centre - half, centre + half], axis=1)
        if len(self.ensemble_.weights) == 1:
            ends = self._with_bootstrap(runs, ends, wanted)
        return np.exp(ends)

    def forecast(
        self, at: Mapping[str, float] | Sequence[Mapping[str, float]], run: str = ""
    ) -> Forecasts:
        """Return forecasts of the loss at places such as ``{"params": 7e9, "tokens": 2e12}``.

        Parameters
        ----------
        at : mapping or sequence of mapping
            ``params`` and ``tokens``, or ``flops`` with one of them; ``unique_tokens`` where data
            are repeated. With one ratio of tokens to parameters in the table, ``flops`` suffices.
        run : str
            Name for what is forecast.

        Returns
        -------
        Forecasts
        """
        self._check_fitted()
        listed = [at] if isinstance(at, Mapping) else list(at)
        made = [self._forecast_one(place, run) for place in listed]
        findings = dict.fromkeys([*self.findings_, *(f for _, found in made for f in found)])
        return Forecasts([forecast for forecast, _ in made], findings)

    def allocate(self, flops: float, unique_tokens: float | None = None) -> Allocation:
        """Return the size and the data that are best for a training budget.

        Parameters
        ----------
        flops : float
            Training compute.
        unique_tokens : float, optional
            Tokens there are; beyond them data are repeated, which the law must know.

        Returns
        -------
        Allocation

        Raises
        ------
        CannotForecastError
            If the runs do not tell parameters and data apart.
        """
        self._check_splittable()
        law = self.fit_.law
        if not (np.isfinite(flops) and flops > 0):
            raise InputError(f"a budget is a positive number of FLOPs, not {flops:g}")
        size = best_params(law, self._estimates_and_draws(), flops, unique_tokens)
        return self._allocation(size, flops / (FLOPS_PER_PARAM_TOKEN * size), unique_tokens, 0.0)

    def cheapest(self, loss: float, inference_tokens: float = 0.0) -> Allocation:
        """Return what reaches a loss with the least compute of training and inference.

        Parameters
        ----------
        loss : float
            Target, in the table's unit.
        inference_tokens : float
            Tokens that the model will process in use, at 2 FLOPs a parameter each.

        Returns
        -------
        Allocation

        Raises
        ------
        CannotForecastError
            If no size reaches the loss by this law (PRED219), or the runs do not tell.
        """
        self._check_splittable()
        draws = self._estimates_and_draws()
        size, tokens = cheapest_for_loss(self.fit_.law, draws, loss, inference_tokens)
        if not np.isfinite(size[0]):
            raise CannotForecastError(
                f"PRED219: no model reaches a loss of {loss:g} by law '{self.fit_.law.name}', "
                f"whose irreducible loss is {self.params.get('E', 0.0):.4g}"
            )
        return self._allocation(size, tokens, None, inference_tokens)

    def findings_at(self, place: Mapping[str, float]) -> tuple[Finding, ...]:
        """Return what speaks against a forecast at a place: too far, or off the runs' own axis.

        Parameters
        ----------
        place : mapping
            As for :meth:`forecast`.
        """
        self._check_fitted()
        there = complete(dict(place))
        return self._place_findings(there, float(there["flops"].iloc[0] / self.table_.flops.max()))

    def frontier(self, flops: Array | Sequence[float]) -> pd.DataFrame:
        """Return the Pareto front of loss against training compute.

        Parameters
        ----------
        flops : array, (budgets,)
            Training budgets in FLOPs.

        Returns
        -------
        DataFrame
            Columns ``flops, params, tokens, loss``: the least loss that each budget buys.

        Raises
        ------
        CannotForecastError
            If the runs do not tell parameters and data apart.
        """
        self._check_splittable()
        budgets = np.asarray(flops, dtype=float)
        return frontier(self.fit_.law, self.fit_.estimates[None], budgets)

    def draws_at(self, params: Array, tokens: Array) -> Array:
        """Return the law's loss at places, the estimate first, then one row a draw.

        Parameters
        ----------
        params, tokens : array, (places,)
            Where.

        Returns
        -------
        array, (1 + draws, places)
        """
        self._check_splittable()
        return loss_at(self.fit_.law, self._estimates_and_draws(), params, tokens)

    def best_sizes(self, flops: float) -> Array:
        """Return the best size for a training budget, the estimate first, then one a draw.

        Parameters
        ----------
        flops : float
            Training budget.

        Returns
        -------
        array, (1 + draws,)
        """
        self._check_splittable()
        return best_params(self.fit_.law, self._estimates_and_draws(), flops)

    def overtrain(self, params: float, tokens: float) -> pd.Series:
        """Compare a run with the compute-optimal one of the same loss and of the same compute.

        Parameters
        ----------
        params, tokens : float
            The run.

        Returns
        -------
        Series
            ``loss`` there; ``optimal_loss`` for the same compute; ``extra_flops``, the factor of
            training compute over the cheapest run of the same loss; ``smaller``, that run's size
            over this one's.
        """
        self._check_splittable()
        law, estimates = self.fit_.law, self.fit_.estimates[None]
        flops = FLOPS_PER_PARAM_TOKEN * params * tokens
        loss = self._law_loss(params, tokens)
        size = best_params(law, estimates, flops)[0]
        best = self._law_loss(size, flops / (FLOPS_PER_PARAM_TOKEN * size))
        cheap_n, cheap_d = (float(v[0]) for v in cheapest_for_loss(law, estimates, loss))
        return pd.Series(
            {
                "loss": loss,
                "optimal_loss": best,
                "extra_flops": flops / (FLOPS_PER_PARAM_TOKEN * cheap_n * cheap_d),
                "smaller": cheap_n / params,
            }
        )

    def _laws(self, table: RunsTable) -> tuple[str, ...]:
        """Return the laws that the table can carry, or the one that was asked for."""
        if self.law != "auto":
            laws: tuple[str, ...] = (scaling_law_named(self.law).name,)
        else:
            laws = tuple(name for name in ENSEMBLE if _suits(name, table)) or ("compute",)
        if np.ptp(table.loss) == 0:
            raise CannotForecastError(
                f"{table.source}: PRED201: every run ended with the same loss: there is no law"
            )
        fewest = max(FEWEST_RUNS, 1 + min(len(SCALING_LAWS[name].names) for name in laws))
        if (count := distinct_runs(table)) < fewest:
            raise CannotForecastError(
                f"{table.source}: PRED201: {count} different runs are too few for law "
                f"'{laws[0]}'; {fewest} are needed"
            )
        if table.runs["params"].isna().any() and laws[0] in _BOTH_AXES:
            raise InputError(
                f"{table.source}: law '{laws[0]}' needs columns for params and tokens; with "
                "compute only, use --law compute or bnsl"
            )
        return laws

    def _fit(self, name: str) -> Fit:
        law, table = SCALING_LAWS[name], self.table_
        return fit_law(
            law,
            [axis[0] for axis in table.axes(law)],
            table.loss,
            groups=np.arange(len(table)),
            delta=self.delta,
            draws=self.draws,
            n_starts=_STARTS,
            rng=self.random_state,
        )

    def _findings(self) -> tuple[Finding, ...]:
        found = [*self.table_.findings, *check_table(self.table_)]
        found += [*self.fit_.findings, *check_fit(self.fit_, self.table_)]
        if self.table_.repeats and "data-constrained" not in self.ensemble_.params:
            text = f"some runs read their data several times; law '{self.law}' takes it all as new"
            found.append(Finding("PRED218", text, source=self.table_.source))
        if not self.ensemble_.factor(self.level)[1]:
            text = (
                f"{len(self.ensemble_.scores())} hidden runs to calibrate on; the interval holds "
                "if the law is right"
            )
            found.append(Finding("PRED216", text, source=self.table_.source))
        return tuple(found)

    def _forecast_one(
        self, at: Mapping[str, float], run: str
    ) -> tuple[Forecast, tuple[Finding, ...]]:
        place = complete(dict(at))
        self._check_place(place)
        ahead = float(place["flops"].iloc[0] / self.table_.flops.max())
        found = self._place_findings(place, ahead)
        codes = [f.code for f in (*self.findings_, *found) if f.severity is not Severity.INFO]
        ends = self.predict_interval(place)[0]
        numbers = (float(self.predict(place)[0]), float(ends[0]), float(ends[1]))
        blocked = any(f.severity is Severity.BLOCKING for f in found)
        value, lower, upper = (None, None, None) if blocked else numbers
        forecast = Forecast(
            run, self.table_.loss_name, dict(at), value, lower, upper, self.level, self.law,
            len(self.table_), ahead, tuple(dict.fromkeys(codes)),
        )  # fmt: skip
        return forecast, found

    def _check_place(self, place: pd.DataFrame) -> None:
        if place["params"].isna().any() and set(self.ensemble_.params) & set(_BOTH_AXES):
            raise InputError(
                "a place needs params and tokens (or flops with one of them) for law "
                f"'{self.law}', such as params=7e9,tokens=2e12"
            )

    def _place_findings(self, place: pd.DataFrame, ahead: float) -> tuple[Finding, ...]:
        found = []
        if ahead > _FAR:
            text = f"the place has {ahead:.3g} times the largest compute in the table"
            found.append(Finding("PRED208", text))
        axis = one_axis(self.table_)
        if axis is not None:
            there, wanted = float(self.table_.runs[axis].median()), float(place[axis].iloc[0])
            if not 1 / _SAME_RATIO < wanted / there < _SAME_RATIO:
                text = f"the place has {wanted:.3g} {axis}, every run {there:.3g}: what more of it"
                found.append(Finding("PRED223", f"{text} does cannot be told"))
        ratio = float((place["tokens"] / place["params"]).iloc[0])
        if (
            one_ratio(self.table_)
            and np.isfinite(ratio)
            and self.table_.runs["params"].notna().all()
        ):
            usual = float((self.table_.runs["tokens"] / self.table_.runs["params"]).median())
            if not 1 / _SAME_RATIO < ratio / usual < _SAME_RATIO:
                found.append(
                    Finding(
                        "PRED221",
                        f"the place has {ratio:.3g} tokens a parameter, "
                        f"every run about {usual:.3g}",
                    )
                )
        return tuple(found)

    def _with_bootstrap(self, runs: pd.DataFrame, ends: Array, level: float) -> Array:
        """Widen an interval to what the bootstrap and the scatter of runs ask for."""
        from scipy.stats import norm

        with np.errstate(all="ignore"):
            said = np.log(self.fit_.law.value(law_axes(self.fit_.law, runs), self.fit_.draws))
        spread = np.nanstd(np.where(np.isfinite(said), said, np.nan), axis=0)
        half = norm.ppf((1 + level) / 2) * np.hypot(spread, self.ensemble_.noise[-1])
        middle = ends.mean(axis=1)
        half = np.maximum(half, (ends[:, 1] - ends[:, 0]) / 2)
        return np.stack([middle - half, middle + half], axis=1)

    def _check_splittable(self) -> None:
        self._check_fitted()
        if one_ratio(self.table_):
            raise CannotForecastError(
                f"{self.table_.source}: PRED202: one ratio of tokens to parameters only, so no "
                "budget can be split; train runs at another ratio"
            )
        if (axis := one_axis(self.table_)) is not None:
            raise CannotForecastError(
                f"{self.table_.source}: PRED203: every run has the same {axis}, so no budget can "
                "be split; train runs at another"
            )
        need_both_axes(self.fit_.law)

    def _estimates_and_draws(self) -> Array:
        return np.concatenate([self.fit_.estimates[None], self.fit_.draws])

    def _allocation(
        self, size: Array, tokens: Array, unique_tokens: float | None, inference_tokens: float
    ) -> Allocation:
        """Make an allocation of best sizes and tokens, the first row the estimate."""
        ends = [(1 - self.level) / 2, (1 + self.level) / 2]
        place = {"params": float(size[0]), "tokens": float(tokens[0])}
        if unique_tokens is not None:
            place["unique_tokens"] = min(unique_tokens, place["tokens"])
        forecast = self._forecast_one(place, "")[0]
        size_ends = np.nanquantile(size[1:], ends)
        token_ends = np.nanquantile(tokens[1:], ends)
        flops = FLOPS_PER_PARAM_TOKEN * place["params"] * place["tokens"]
        reading = FLOPS_PER_PARAM_TOKEN_READ * place["params"] * inference_tokens
        return Allocation(
            flops, place["params"], place["tokens"],
            forecast.value, forecast.lower, forecast.upper,
            float(size_ends[0]), float(size_ends[1]), float(token_ends[0]), float(token_ends[1]),
            self.level, place["tokens"] / place.get("unique_tokens", place["tokens"]),
            flops + reading,
        )  # fmt: skip

    def _law_loss(self, params: float, tokens: float) -> float:
        place = np.array([params]), np.array([tokens])
        return float(loss_at(self.fit_.law, self.fit_.estimates[None], *place)[0, 0])


def _as_table(X: object, tokens: object, loss: object) -> RunsTable:
    if isinstance(X, RunsTable):
        return X
    if isinstance(X, pd.DataFrame):
        return runs_table(X)
    if isinstance(X, str | Path):
        return read_runs(Path(X))
    if tokens is None or loss is None:
        raise InputError("give a table of runs, or params, tokens and loss of each run")
    columns = {"params": X, "tokens": tokens, "loss": loss}
    arrays = {name: np.asarray(values, dtype=float).ravel() for name, values in columns.items()}
    if len({len(values) for values in arrays.values()}) != 1:
        sizes = ", ".join(f"{name} {len(values)}" for name, values in arrays.items())
        raise InputError(f"params, tokens and loss must be equally long, not {sizes}")
    return runs_table(pd.DataFrame(arrays))


def _places(X: pd.DataFrame | Array | Sequence[Sequence[float]]) -> pd.DataFrame:
    if isinstance(X, pd.DataFrame):
        return complete(
            {str(name): X[name].to_numpy(dtype=float) for name in X if X[name].notna().all()}
        )
    rows = np.asarray(X, dtype=float)
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise InputError(f"places are rows of params and tokens, not an array of {rows.shape}")
    return complete({"params": rows[:, 0], "tokens": rows[:, 1]})


def _suits(name: str, table: RunsTable) -> bool:
    """Return whether a table can carry a law of parameters and tokens."""
    if (
        one_ratio(table)
        or one_axis(table) is not None
        or distinct_runs(table) <= len(SCALING_LAWS[name].names)
    ):
        return False
    return table.repeats if name == "data-constrained" else True


def _best(ensemble: Ensemble) -> str:
    """Return the law whose members miss least on hidden runs."""
    names = list(ensemble.params)
    if ensemble.errors.shape[1] == 0:
        return names[0]
    miss = np.nanmedian(np.abs(ensemble.errors), axis=2).mean(axis=1)
    return names[int(miss.reshape(len(names), -1).mean(axis=1).argmin())]
