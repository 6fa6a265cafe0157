"""Early signals of fine-tuning runs: lower gradient norm and higher loss early end better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.health.signals import Array, losses, norms
from predictor.logs.tables import RunLog

#: The window is this share of an epoch, and holds at least so many logged steps.
WINDOW, FEWEST_STEPS = (0.05, 0.15), 20
#: Stopping is advised only where the past ranks runs better than this, with so many runs.
STOP_TAU, STOP_RUNS = 0.5, 6
#: A run is left behind where another in flight ends better with this probability.
_BEHIND = 0.9
_DRAWS = 1_000
_RIDGE = 1.0
#: Settings that move loss or gradient norm by themselves.
_CONFOUNDS = {
    "batch size": ("batch_size", "global_batch_size", "effective_batch_size", "micro_batch_size"),
    "learning rate": ("lr", "learning_rate", "peak_lr", "max_lr"),
    "warm-up": ("warmup_steps", "warmup", "num_warmup_steps", "warmup_ratio"),
    "loss mask": ("loss_mask", "mask", "train_on_inputs", "completion_only"),
    "model": ("base_model", "model", "params"),
    "data": ("data", "dataset", "data_path"),
}


@dataclass(frozen=True)
class EarlySignals:
    """What the first part of fine-tuning runs says of their ends.

    Parameters
    ----------
    runs : DataFrame
        One row a run, the best first: ``run, loss, grad_norm`` (geometric mean), ``points`` within
        the window, ``score`` (z of the loss minus z of the log gradient norm; higher is better),
        ``rank``; with past runs also ``final`` (where known), ``expected`` and ``stop``
        (probability that the best in flight ends better).
    axis : str
        What runs are aligned by.
    window : tuple of float
        First and last place on it.
    tau, lower, upper : float or None
        Kendall's tau between scores and ends of past runs, each left out in turn, and its 90 %
        interval; None without past runs.
    weights : dict of str to float
        Weights of z(loss) and z(log gradient norm), learned where that ranks the past better.
    stop : tuple of str
        Runs that the evidence says to stop.
    findings : tuple of Finding
        What to beware of.
    """

    runs: pd.DataFrame
    axis: str
    window: tuple[float, float]
    tau: float | None
    lower: float | None
    upper: float | None
    weights: dict[str, float]
    stop: tuple[str, ...]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values of what holds for all runs."""
        return {
            "axis": self.axis, "window": list(self.window), "tau": self.tau,
            "tau_lower": self.lower, "tau_upper": self.upper, "weights": self.weights,
            "stop": list(self.stop),
        }  # fmt: skip

    def of(self, run: str) -> dict[str, Any]:
        """Return a run's row as plain values; empty where it has none."""
        own = self.runs[self.runs["run"] == run]
        if own.empty:
            return {}
        row = own.iloc[0].drop("run").to_dict()
        return {str(k): None if pd.isna(v) else _plain(v) for k, v in row.items()}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def early_signals(
    log: RunLog,
    finals: pd.DataFrame | None = None,
    *,
    epoch_samples: float | None = None,
    lower_is_better: bool = False,
    seed: int = 0,
) -> EarlySignals | None:
    """Rank fine-tuning runs by loss and gradient norm of 5 to 15 % of an epoch.

    Runs are aligned by samples seen where that is logged, else by tokens, else by steps. With past
    runs whose final score is known the weights of both signals are learned by ridge regression on
    the others, each run left out in turn; the published signs (+1, -1) stay where that ranks no
    better.

    Parameters
    ----------
    log : RunLog
        Losses and gradient norms of runs of the same model and data, past ones among them.
    finals : DataFrame, optional
        Columns ``run, final``: the final score of past runs.
    epoch_samples : float, optional
        Samples (or tokens, or steps) of an epoch; where not given, the farthest run's.
    lower_is_better : bool
        Of final scores.
    seed : int
        For the interval of tau.

    Returns
    -------
    EarlySignals or None
        None where fewer than two runs log both signals.

    Raises
    ------
    InputError
        If the table of final scores has no columns ``run, final`` or none of the runs.

    References
    ----------
    Unveiling the Secret Recipe, arXiv 2412.13337: the signs. Window, score and rule are this
    project's.
    """
    pair = _pair(log)
    if pair is None:
        return None
    axis = _axis(log, pair)
    end = epoch_samples or float(log.points.loc[log.points["metric"] == pair[0], axis].max())
    window = (WINDOW[0] * end, WINDOW[1] * end)
    table = _window_means(log, pair, axis, window)
    findings = list(_confounds(log))
    if axis in ("step", "epoch"):
        findings.append(
            Finding("PRED610", f"runs are aligned by {axis}, as no log has samples or tokens: with "
                    "different batch sizes the same step is not the same amount of training")
        )  # fmt: skip
    short = table[table["points"] < FEWEST_STEPS]["run"].tolist()
    table = table[table["points"] >= FEWEST_STEPS].reset_index(drop=True)
    findings += [
        Finding("PRED609", f"fewer than {FEWEST_STEPS} logged steps within {axis} {window[0]:.4g} "
                f"to {window[1]:.4g}: no early signal", run=run)
        for run in short
    ]  # fmt: skip
    if len(table) < 2:
        return None
    features = np.column_stack([_z(table["loss"]), -_z(np.log(table["grad_norm"]))])
    score = features.sum(axis=1)
    table["score"] = score
    tau = lower = upper = None
    weights = {"loss": 1.0, "log_grad_norm": -1.0}
    stop: tuple[str, ...] = ()
    if finals is not None:
        table["final"] = _finals(table, finals)
        sign = -1.0 if lower_is_better else 1.0
        past = table["final"].notna().to_numpy()
        if past.sum() >= 4:
            target = sign * table["final"].to_numpy()[past]
            said, plain = _left_out(features[past], target), score[past]
            learned = _tau(said, target) > _tau(plain, target)
            basis = said if learned else plain
            tau, lower, upper = _tau_interval(basis, target, seed)
            expected, spread = _expected(features, score, past, target, learned)
            if learned:
                slope = _ridge(features[past], target)[1]
                weights = {"loss": float(slope[0]), "log_grad_norm": -float(slope[1])}
                table["score"] = expected
            table["expected"] = sign * expected
            table["stop"] = _behind(expected, spread, past)
            if tau > STOP_TAU and lower > 0 and past.sum() >= STOP_RUNS:
                stop = tuple(table.loc[~past & (table["stop"] > _BEHIND), "run"])
        findings += _evidence(int(past.sum()), tau, lower, upper)
    else:
        findings.append(
            Finding("PRED611", "no past runs with final scores: whether this ranking tells "
                    "anything here is not known; give them by --past")
        )  # fmt: skip
    table = table.sort_values("score", ascending=False, kind="stable").reset_index(drop=True)
    table["rank"] = np.arange(1, len(table) + 1)
    return EarlySignals(table, axis, window, tau, lower, upper, weights, stop, tuple(findings))


def _pair(log: RunLog) -> tuple[str, str] | None:
    """Return the loss and gradient norm that most runs log."""
    counts = log.points.groupby("metric")["run"].nunique()
    found = []
    for names in (losses(log.metrics), norms(log.metrics)):
        if not names or max(counts[name] for name in names) < 2:
            return None
        found.append(max(names, key=lambda name: counts[name]))
    return found[0], found[1]


def _axis(log: RunLog, pair: tuple[str, str]) -> str:
    points = log.points[log.points["metric"].isin(pair)]
    for axis in ("samples", "tokens", "step", "epoch"):
        if points[axis].notna().all():
            return axis
    raise InputError("early signals: the runs share no axis of samples, tokens, steps or epochs")


def _window_means(
    log: RunLog, pair: tuple[str, str], axis: str, window: tuple[float, float]
) -> pd.DataFrame:
    rows = []
    for run in log.run_names:
        loss, norm = (log.curve(run, metric) for metric in pair)
        inside = [part[part[axis].between(*window)] for part in (loss, norm)]
        positive = inside[1][inside[1]["value"] > 0]["value"]
        points = min(len(inside[0]), len(positive))
        if len(loss) == 0 or len(norm) == 0:
            continue
        rows.append({
            "run": run, "loss": float(inside[0]["value"].mean()) if points else np.nan,
            "grad_norm": float(np.exp(np.log(positive).mean())) if points else np.nan,
            "points": points,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["run", "loss", "grad_norm", "points"])


def _z(values: pd.Series) -> Array:
    array = values.to_numpy(np.float64)
    spread = float(array.std())
    return np.zeros(len(array)) if spread == 0 else (array - array.mean()) / spread


def _finals(table: pd.DataFrame, finals: pd.DataFrame) -> pd.Series:
    if not {"run", "final"} <= set(finals.columns):
        raise InputError(
            f"past runs: the table needs the columns run, final; it has {', '.join(finals.columns)}"
        )
    known = dict(
        zip(finals["run"].astype(str), pd.to_numeric(finals["final"], errors="coerce"), strict=True)
    )
    found = table["run"].map(known).astype("float64")
    if found.isna().all():
        raise InputError(f"past runs: none of {', '.join(list(known)[:3])} ... is in the logs")
    return found


def _ridge(features: Array, target: Array) -> tuple[float, Array]:
    centre = features.mean(axis=0)
    left = (features - centre).T @ (features - centre) + _RIDGE * np.eye(features.shape[1])
    slope = np.linalg.solve(left, (features - centre).T @ (target - target.mean()))
    return float(target.mean() - slope @ centre), slope


def _left_out(features: Array, target: Array) -> Array:
    said = np.empty(len(target))
    for i in range(len(target)):
        others = np.arange(len(target)) != i
        base, slope = _ridge(features[others], target[others])
        said[i] = base + features[i] @ slope
    return said


def _tau(said: Array, target: Array) -> float:
    from scipy.stats import kendalltau

    found = float(kendalltau(said, target).statistic)
    return 0.0 if np.isnan(found) else found


def _tau_interval(said: Array, target: Array, seed: int) -> tuple[float, float, float]:
    rng = np.random.default_rng(seed)
    draws = [
        _tau(said[rows], target[rows])
        for rows in rng.integers(len(target), size=(_DRAWS, len(target)))
    ]
    low, high = np.quantile(draws, [0.05, 0.95])
    return _tau(said, target), float(low), float(high)


def _expected(
    features: Array, score: Array, past: NDArray[np.bool_], target: Array, learned: bool
) -> tuple[Array, float]:
    """Return what each run is expected to end at, and the spread of what was left out."""
    inputs = features if learned else score[:, None]
    base, slope = _ridge(inputs[past], target)
    spread = float(np.std(_left_out(inputs[past], target) - target, ddof=1))
    return base + inputs @ slope, spread


def _behind(expected: Array, spread: float, past: NDArray[np.bool_]) -> Array:
    """Return the probability that the best run in flight ends better than each one."""
    from scipy.stats import norm

    flying = ~past
    if not flying.any() or spread == 0:
        return np.zeros(len(expected))
    gap = expected[flying].max() - expected
    told: Array = norm.cdf(gap / (np.sqrt(2.0) * spread))
    return np.where(flying, told, np.nan)


def _confounds(log: RunLog) -> list[Finding]:
    found = []
    for what, columns in _CONFOUNDS.items():
        for name in columns:
            if name in log.runs and log.runs[name].astype(str).nunique() > 1:
                found.append(what)
                break
    if "learning rate" not in found:
        peaks = log.points.groupby("run")["lr"].max().dropna()
        if len(peaks) > 1 and peaks.max() > 1.01 * peaks.min():
            found.append("learning rate")
    if not found:
        return []
    why = "gradient norm falls with batch size, loss rises with a lower learning rate"
    return [Finding("PRED610", f"the runs differ in {', '.join(found)}: {why}")]


def _evidence(
    runs: int, tau: float | None, lower: float | None, upper: float | None
) -> list[Finding]:
    if tau is None or lower is None or upper is None:
        return [Finding("PRED611", f"{runs} past runs with final scores are too few to tell; 4 are "
                        "needed, and 6 to advise stopping")]  # fmt: skip
    if tau > STOP_TAU and lower > 0 and runs >= STOP_RUNS:
        return []
    return [
        Finding("PRED611", f"past runs do not carry advice to stop: Kendall's tau {tau:.2f} "
                f"({lower:.2f} to {upper:.2f}) of {runs} runs; over {STOP_TAU} of {STOP_RUNS} "
                "or more is asked for")
    ]  # fmt: skip
