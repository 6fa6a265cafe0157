"""InformationCapacity: one number that compares models across sizes, tokenizers, architectures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray

from predictor.architecture.flops import CONVENTIONS, Convention
from predictor.capacity.bias import Bias, fit_bias, published_bias, spread_within
from predictor.capacity.comparison import (
    Crossing,
    Decomposition,
    cost_column,
    curve_crossings,
    decompose,
    line_crossing,
    pareto_front,
)
from predictor.capacity.compression import PUBLISHED_CUT
from predictor.capacity.doubts import doubts
from predictor.capacity.left_out import leave_one_out
from predictor.capacity.model_arrays import as_arrays, last_checkpoints
from predictor.capacity.ranking import model_frame
from predictor.capacity.sibling_metrics import FAR, METRICS, Metric, as_metric, noticed
from predictor.capacity.table import Measurement, Settings, from_frame, read_table
from predictor.capacity.within_series import Gain, backtest_scores, predict_gain
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.fitting.estimator import Estimator
from predictor.fitting.forecast import Forecast, Forecasts

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
_SIZE = "flops_per_token"
_GAIN = "gain_bits_per_token"
_CURVE = ["checkpoint", "information_capacity"]


class InformationCapacity(Estimator):
    """Information capacity of models, and the loss that another size of a series would reach.

    ``IC = (TS - NLL + b) / log2 F``, all per token: TS the bits of text that a token stands for,
    NLL the bits it costs by the model, F its forward FLOPs, and b a bias, one a data set, that
    makes the sizes of one series agree.

    Parameters
    ----------
    bias : float, {"published", "fit"} or mapping of str to float
        b in bits a token: given, for all data sets or each by name; the source's constant for data
        sets of that name; or fitted to the series of two or more sizes.
    convention : {"exact", "paper"}
        How FLOPs are counted from configs; published values are by "paper".
    level : float
        Probability of intervals.
    max_tokens : int
        Tokens that a sample is cut to, and that FLOPs are the mean over.
    draws : int
        Bootstrap draws over samples, where samples are logged.
    random_state : int
        Seed of the draws.

    Attributes
    ----------
    models_ : DataFrame
        One row a model, checkpoint and data set, with its information capacity, standard error,
        interval, rank and ties.
    bias_ : dict of str to Bias
        The bias by data set.
    findings_ : list of Finding
        What was noticed.

    References
    ----------
    Yuan et al., Information Capacity: Evaluating the Efficiency of Large Language Models via Text
    Compression, arXiv 2511.08066. Fitting b in closed form, predicting siblings and the
    decomposition are rebuilt here.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({
    ...     "model": ["a-1B", "a-8B"], "series": "a", "dataset": "mixed_text",
    ...     "text_bits_per_token": 34.0, "nll_bits_per_token": [4.0, 3.5],
    ...     "flops_per_token": [2e9, 16e9]})
    >>> capacity = InformationCapacity().fit(table)
    >>> capacity.models_["information_capacity"].round(4).tolist()
    [0.1942, 0.1918]
    >>> capacity.predict("a", [4e9], metric="nll_bits_per_token").round(2).tolist()
    [3.82]
    """

    def __init__(
        self,
        *,
        bias: float | str | dict[str, float] = "published",
        convention: Convention = "exact",
        level: float = 0.9,
        max_tokens: int = PUBLISHED_CUT,
        draws: int = 1000,
        random_state: int = 0,
    ) -> None:
        self.bias = bias
        self.convention = convention
        self.level = level
        self.max_tokens = max_tokens
        self.draws = draws
        self.random_state = random_state

    def fit(self, table: str | Path | pd.DataFrame) -> Self:
        """Read or take a table of compressions, settle the bias, compute the capacities.

        Parameters
        ----------
        table : path or DataFrame
            One row a model and data set: ``model, series, dataset``; the text's size as
            ``text_bytes`` and ``tokens`` or ``text_bits_per_token``; the likelihood as
            ``nll_nats`` (sum), ``nll_bits_per_token``, ``perplexity``, ``bits_per_byte``,
            ``results`` (path of lm-evaluation-harness results) or ``samples`` (path of a JSONL of
            samples); compute as ``flops_per_token``, ``config`` (path of a config.json) or the
            config's fields. A JSONL file may hold a row a sample instead.

        Returns
        -------
        InformationCapacity
            Itself.

        Raises
        ------
        InputError
            If a setting or a row is wrong.
        CannotForecastError
            If the bias is to be fitted and no series has two sizes.
        """
        self._check()
        if isinstance(table, str | Path):
            rows, findings = read_table(
                Path(table), convention=self.convention, max_tokens=self.max_tokens
            )
        else:
            settings = Settings(self.convention, self.max_tokens)
            rows, findings = from_frame(table, settings)
        if not rows:
            raise InputError("the table has no rows; log at least one model")
        self.measurements_ = rows
        final = last_checkpoints(rows)
        names = list(dict.fromkeys(row.dataset for row in rows))
        by_name = {name: [row for row in final if row.dataset == name] for name in names}
        self.bias_ = {name: self._bias_of(name, members) for name, members in by_name.items()}
        for name, members in by_name.items():
            findings += doubts(name, members, self.bias_[name])
        values = {name: bias.value for name, bias in self.bias_.items()}
        self.models_ = model_frame(
            rows, final, values, level=self.level, draws=self.draws, seed=self.random_state
        )
        self.findings_: list[Finding] = findings
        return self

    def predict(
        self,
        series: str,
        flops_per_token: Sequence[float] | Array,
        *,
        metric: Metric = "nll_bits_per_token",
        dataset: str | None = None,
    ) -> Array:
        """Predict a metric of other sizes of a series.

        Parameters
        ----------
        series : str
            Name of the series; its models are the references.
        flops_per_token : array, (places,)
            Forward FLOPs a token of the sizes asked for, counted as the references' are.
        metric : str
            ``nll_bits_per_token``, ``bits_per_byte``, ``perplexity``, ``gain_bits_per_token`` or
            ``information_capacity``.
        dataset : str, optional
            Data set; may be left out where there is one.

        Returns
        -------
        array, (places,)
        """
        return self._predicted(series, flops_per_token, metric, dataset)[0][:, 0]

    def predict_interval(
        self,
        series: str,
        flops_per_token: Sequence[float] | Array,
        *,
        metric: Metric = "nll_bits_per_token",
        dataset: str | None = None,
    ) -> Array:
        """Return lower and upper ends of the interval; see :meth:`predict`.

        Returns
        -------
        array, (places, 2)
        """
        return self._predicted(series, flops_per_token, metric, dataset)[0][:, 1:]

    def forecast(
        self,
        series: str,
        flops_per_token: Sequence[float] | Array,
        *,
        metric: Metric = "nll_bits_per_token",
        dataset: str | None = None,
    ) -> Forecasts:
        """Forecast a metric of other sizes of a series, with intervals and warnings.

        Returns
        -------
        Forecasts
        """
        values, gain, points, largest = self._predicted(series, flops_per_token, metric, dataset)
        places = np.asarray(flops_per_token, dtype=float)
        findings = list(noticed(gain, series, places))
        shared = ("PRED306",) if not gain.backtests else ()
        found = []
        for place, (value, lower, upper), far in zip(places, values, gain.doublings, strict=True):
            possible = np.isfinite(value) and np.isfinite(lower) and np.isfinite(upper)
            codes = (*shared, *(("PRED102",) if far > FAR else ()))
            codes = codes if possible else (*codes, "PRED114")
            found.append(
                Forecast(
                    run=series,
                    metric=metric,
                    at={"flops_per_token": float(place)},
                    value=float(value) if possible else None,
                    lower=float(lower) if possible else None,
                    upper=float(upper) if possible else None,
                    level=self.level,
                    law="information-capacity",
                    points=points,
                    extrapolation=float(place / largest),
                    warnings=codes,
                )
            )
        return Forecasts(found, findings)

    def backtest(self, dataset: str | None = None) -> pd.DataFrame:
        """Predict every size that has siblings without itself, against power laws.

        Returns
        -------
        DataFrame
            ``model, series``; the ``gain`` in bits a token, ``predicted`` with ``lower`` and
            ``upper``, whether it lies ``inside``; and what a ``power_law`` of the series, or one of
            an exponent shared by all (``power_law_shared``), says.
        """
        name = self._dataset(dataset)
        rows = [row for row in last_checkpoints(self.measurements_) if row.dataset == name]
        bias = self.bias_[name]
        given = None if bias.source == "fitted" else bias.value
        found = leave_one_out(*as_arrays(rows), given, self.level)
        places = found.pop("index").astype(int)
        found.insert(0, "model", [rows[i].model for i in places])
        found.insert(1, "series", [rows[i].series for i in places])
        return found

    def decompose(self, first: str, second: str, dataset: str | None = None) -> Decomposition:
        """Split the difference of two models among tokenizer, prediction and compute.

        Raises
        ------
        InputError
            If a model is not in the table, or its text size is not logged.
        """
        name = self._dataset(dataset)
        a, b = (self._one(model, name) for model in (first, second))
        return decompose(a, b, self.bias_[name].value)

    def pareto(
        self, cost: Literal["flops", "memory", "latency"] = "flops", dataset: str | None = None
    ) -> pd.DataFrame:
        """Return models with a cost, the best compression first, and which ones no other beats.

        Parameters
        ----------
        cost : {"flops", "memory", "latency"}
            FLOPs a token, bytes of weights and cache, or measured time a token.
        dataset : str, optional
            Data set; may be left out where there is one.

        Returns
        -------
        DataFrame
            ``model, series, cost, measure, value, on_front``: the measure is ``bits_per_byte``
            (less is better), or ``gain_bits_per_token`` where text sizes are not logged.
        """
        name = self._dataset(dataset)
        chosen = self.models_[(self.models_["dataset"] == name) & self.models_["final"]]
        measure = "bits_per_byte" if chosen["bits_per_byte"].notna().all() else _GAIN
        frame = chosen[["model", "series"]].assign(
            cost=cost_column(chosen, cost), measure=measure, value=chosen[measure]
        )
        frame = frame[frame["cost"].notna()]
        sign = -1 if measure == "bits_per_byte" else 1
        quality = sign * frame["value"].to_numpy(dtype=float)
        frame = frame.assign(on_front=pareto_front(frame["cost"].to_numpy(), quality))
        return frame.iloc[np.argsort(-quality, kind="stable")].reset_index(drop=True)

    def crossings(self, dataset: str | None = None) -> list[Crossing]:
        """Return where series cross over size, and where runs cross in training.

        Series cross where their own lines of gain over log2 FLOPs do; runs (models with two or
        more checkpoints) where their information capacities do, between checkpoints.
        """
        name = self._dataset(dataset)
        rows = self.models_[self.models_["dataset"] == name]
        final = rows[rows["final"]]
        lines = [
            (str(s), np.log2(part[_SIZE].to_numpy()), part["gain_bits_per_token"].to_numpy())
            for s, part in final.groupby("series", sort=False)
        ]
        curves = [
            (str(m), *part.sort_values("checkpoint")[_CURVE].to_numpy(dtype=float).T)
            for m, part in rows[rows["checkpoint"].notna()].groupby("model", sort=False)
        ]
        pairs = [(i, j) for i in range(len(lines)) for j in range(i)]
        met = [line_crossing(lines[j], lines[i]) for i, j in pairs]
        runs = [(i, j) for i in range(len(curves)) for j in range(i)]
        in_training = [c for i, j in runs for c in curve_crossings(curves[j], curves[i])]
        return [*(crossing for crossing in met if crossing is not None), *in_training]

    def _check(self) -> None:
        if self.convention not in CONVENTIONS:
            raise InputError(f"convention '{self.convention}': there are {', '.join(CONVENTIONS)}")
        if not 0 < self.level < 1:
            raise InputError(f"level {self.level:g}: must lie between 0 and 1, such as 0.9")
        if self.max_tokens < 2 or self.draws < 2:
            raise InputError("max_tokens and draws must be 2 or more")
        words = ("published", "fit")
        if isinstance(self.bias, str) and self.bias not in words:
            raise InputError(f"bias '{self.bias}': a number, or one of {', '.join(words)}")

    def _bias_of(self, name: str, rows: list[Measurement]) -> Bias:
        x, gain, groups = as_arrays(rows)
        if self.bias == "fit":
            return fit_bias(x, gain, groups, self.level)
        source: Literal["given", "published"] = "given"
        if isinstance(self.bias, dict) and name in self.bias:
            value = float(self.bias[name])
        elif isinstance(self.bias, dict | str):
            value, source = published_bias(name), "published"
        else:
            value = float(self.bias)
        if not np.isfinite(value):
            raise InputError(f"bias {value}: a finite number of bits a token is needed")
        sizes = np.bincount(groups)
        several, models = int((sizes > 1).sum()), int(sizes[sizes > 1].sum())
        spread = spread_within((gain + value) / x, groups)
        return Bias(value, source, None, None, self.level, several, models, spread)

    def _dataset(self, name: str | None) -> str:
        self._check_fitted()
        known = list(self.bias_)
        if name is None and len(known) == 1:
            return known[0]
        if name not in self.bias_:
            what = "several data sets" if name is None else f"no data set '{name}'"
            raise InputError(f"{what}: choose one of {', '.join(known[:8])}")
        return name

    def _one(self, model: str, dataset: str) -> tuple[str, float, float, float]:
        rows = self.models_[
            (self.models_["model"] == model)
            & (self.models_["dataset"] == dataset)
            & self.models_["final"]
        ]
        if rows.empty:
            known = ", ".join(self.models_["model"].unique()[:6])
            raise InputError(f"no model '{model}' on '{dataset}'; there are {known}")
        row = rows.iloc[0]
        if np.isnan(row["text_bits_per_token"]):
            raise InputError(f"{model}: its text size is not logged; give text_bits_per_token")
        size = float(row["text_bits_per_token"]) / 8
        log_flops = float(np.log2(row["flops_per_token"]))
        return model, size, float(row["nll_bits_per_token"]) / size, log_flops

    def _predicted(
        self,
        series: str,
        flops_per_token: Sequence[float] | Array,
        metric: str,
        dataset: str | None,
    ) -> tuple[Array, Gain, int, float]:
        """Return value, lower, upper by place; the gain; the references; their largest FLOPs."""
        if metric not in METRICS:
            raise InputError(f"metric '{metric}': there are {', '.join(METRICS)}")
        name = self._dataset(dataset)
        flops = np.asarray(flops_per_token, dtype=float)
        if flops.ndim != 1 or not np.all(np.isfinite(flops) & (flops > 2)):
            raise InputError("flops_per_token: a list of numbers above 2 is needed")
        rows = [row for row in last_checkpoints(self.measurements_) if row.dataset == name]
        siblings = [row for row in rows if row.series == series]
        if not siblings:
            known = ", ".join(dict.fromkeys(row.series for row in rows))
            raise InputError(f"no series '{series}' on '{name}'; there are {known[:200]}")
        bias = self.bias_[name]
        x, gain, groups = as_arrays(rows)
        scores = backtest_scores(x, gain, groups, None if bias.source == "fitted" else bias.value)
        own_x, own_gain, _ = as_arrays(siblings)
        places = np.log2(flops)
        found = predict_gain(places, own_x, own_gain, bias.value, scores, self.level)
        values = np.column_stack([found.value, found.lower, found.upper])
        turned = as_metric(values, metric, places, bias.value, siblings)
        largest = max(row.flops_per_token for row in siblings)
        return turned, found, len(siblings), largest
