"""Early signals of fine-tuning runs: lower gradient norm and higher loss early end better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.health.evidence import BEHIND, PUBLISHED, Evidence, weigh
from predictor.health.signals import Array, losses, norms
from predictor.logs.tables import RunLog

#: The window is this share of an epoch, and holds at least so many steps and logged points.
WINDOW, FEWEST_STEPS, _FEWEST_POINTS = (0.05, 0.15), 20, 3
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
        One row a run, the best first: ``run, loss, grad_norm`` (geometric mean), ``points`` and
        ``steps`` within the window, ``score`` (by default z of the loss minus z of the log gradient
        norm; higher is better), ``rank``; with past runs also ``final`` (where known), ``expected``
        and ``stop`` (probability that the best in flight ends better). Empty where fewer than two
        runs have a window with 20 steps.
    axis : str
        What runs are aligned by.
    window : tuple of float
        First and last place on it.
    tau, lower, upper : float or None
        Kendall's tau between scores and ends of past runs, each left out in turn, and its 90 %
        interval; None without past runs.
    weights : mapping of str to float
        Weights of z(loss) and z(log gradient norm): 1 and -1, or what past runs have taught.
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
    weights: Mapping[str, float]
    stop: tuple[str, ...]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values of what holds for all runs."""
        return {
            "axis": self.axis, "window": list(self.window), "tau": self.tau,
            "tau_lower": self.lower, "tau_upper": self.upper, "weights": dict(self.weights),
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
    runs whose final score is known the weights of both signals are learned from them, drawn
    towards the published signs; see :func:`predictor.health.evidence.weigh`.

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
    long = (table["steps"] >= FEWEST_STEPS) & (table["points"] >= _FEWEST_POINTS)
    findings = [*_confounds(log), *_by_steps(axis), *_short(table[~long], axis, window)]
    table = table[long].reset_index(drop=True)
    if len(table) < 2:
        return EarlySignals(table[:0], axis, window, None, None, None, PUBLISHED, (), (*findings,))
    features = np.column_stack([_z(table["loss"]), -_z(np.log(table["grad_norm"]))])
    final = None
    if finals is not None:
        final = table["final"] = _finals(table, finals)
    said = weigh(features, final, -1.0 if lower_is_better else 1.0, seed)
    table = _ranked(table.assign(score=said.score), said)
    stop = tuple(table.loc[table["stop"] > BEHIND, "run"]) if said.may_stop else ()
    return EarlySignals(
        table, axis, window, said.tau, said.lower, said.upper, said.weights, stop,
        (*findings, *said.findings),
    )  # fmt: skip


def _ranked(table: pd.DataFrame, said: Evidence) -> pd.DataFrame:
    """Return the runs, the best first, with what they are expected to end at."""
    if said.expected is not None:
        table = table.assign(expected=said.expected, stop=said.behind)
    table = table.sort_values("score", ascending=False, kind="stable").reset_index(drop=True)
    return table.assign(rank=np.arange(1, len(table) + 1))


def _by_steps(axis: str) -> list[Finding]:
    if axis not in ("step", "epoch"):
        return []
    return [
        Finding("PRED610", f"runs are aligned by {axis}, as no log has samples or tokens: with "
                "different batch sizes the same step is not the same amount of training")
    ]  # fmt: skip


def _short(table: pd.DataFrame, axis: str, window: tuple[float, float]) -> list[Finding]:
    return [
        Finding("PRED609", f"fewer than {FEWEST_STEPS} steps within {axis} {window[0]:.4g} to "
                f"{window[1]:.4g}: no early signal", run=run)
        for run in table["run"]
    ]  # fmt: skip


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
        if len(loss) == 0 or len(norm) == 0:
            continue
        inside = [part[part[axis].between(*window)] for part in (loss, norm)]
        positive = inside[1][inside[1]["value"] > 0]["value"]
        points = min(len(inside[0]), len(positive))
        rows.append({
            "run": run, "loss": float(inside[0]["value"].mean()) if points else np.nan,
            "grad_norm": float(np.exp(np.log(positive).mean())) if points else np.nan,
            "points": points, "steps": _steps(inside[0]["step"].to_numpy()) if points else 0.0,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["run", "loss", "grad_norm", "points", "steps"])


def _steps(step: Array) -> float:
    """Return how many steps lie between logged points, or the points where steps are not logged."""
    if len(step) < 2 or np.isnan(step).any():
        return float(len(step))
    return float(step[-1] - step[0] + np.median(np.diff(step)))


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
