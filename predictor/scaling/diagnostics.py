"""What the residuals of a scaling law tell: outliers, leverage, curvature, changing scatter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from predictor.findings import Finding
from predictor.fitting.fit import Fit
from predictor.fitting.law import Array
from predictor.scaling.table import RunsTable

_MAD_TO_SD = 1.4826
_FAR_OFF, _DECISIVE, _SURE = 5.0, 0.9, 0.001
#: An interval of an exponent wider than this share of it says little.
_VAGUE = 2.0
_FEWEST = 8


def residuals(fit: Fit, table: RunsTable) -> pd.DataFrame:
    """Return log residuals of each run, standardised ones and leverages.

    Parameters
    ----------
    fit : Fit
        A fitted law.
    table : RunsTable
        The runs, in the order in which they were fitted.

    Returns
    -------
    DataFrame
        Columns ``params, tokens, flops, loss, fitted, residual`` (log loss minus log fit),
        ``standardised`` (over a robust standard deviation) and ``leverage`` in [0, 1].

    References
    ----------
    Hoaglin and Welsch, The Hat Matrix in Regression and ANOVA, 1978.
    """
    value, slopes = fit.law.value_and_slopes([a[None] for a in fit.x], fit.estimates[None])
    rows = table.runs[["params", "tokens", "flops", "loss"]].copy()
    rows["fitted"] = value[0]
    off = np.log(table.loss) - np.log(value[0])
    spread = _MAD_TO_SD * float(np.median(np.abs(off - np.median(off))))
    rows["residual"] = off
    rows["standardised"] = off / max(spread, 1e-12)
    rows["leverage"] = _leverage((slopes[0] / value[0]).T)
    return rows


def _leverage(jacobian: Array) -> Array:
    scale = np.linalg.norm(jacobian, axis=0)
    left, size, _ = np.linalg.svd(jacobian / np.where(scale > 0, scale, 1.0), full_matrices=False)
    return np.asarray((left[:, size > 1e-10 * size[0]] ** 2).sum(axis=1))


def check_fit(fit: Fit, table: RunsTable) -> list[Finding]:
    """Look for what the residuals say against the law.

    Returns
    -------
    list of Finding
        Codes PRED206, PRED212 to PRED215 and PRED217.
    """
    if len(table) < _FEWEST:
        return list(_vague(fit))
    rows = residuals(fit, table)
    found = [*_outliers(rows), *_vague(fit), *_curvature(rows), *_scatter(rows), *_decisive(rows)]
    found += _settings(rows, table)
    return [Finding(f.code, f.message, f.run, table.source) for f in found]


def _outliers(rows: pd.DataFrame) -> Iterator[Finding]:
    far = rows[rows["standardised"].abs() > _FAR_OFF]
    if far.empty:
        return
    worst = int(rows["standardised"].abs().to_numpy().argmax())
    run = rows.iloc[worst]
    yield Finding(
        "PRED206",
        f"{len(far)} of {len(rows)} runs lie more than {_FAR_OFF:g} robust standard deviations off "
        f"the law; the farthest, row {int(str(run.name)) + 1} (params {run['params']:.3g}, tokens "
        f"{run['tokens']:.3g}), by {100 * np.expm1(run['residual']):+.3g} %",
    )


def _vague(fit: Fit) -> Iterator[Finding]:
    ends = fit.conf_int(0.95)
    for name in (shape.name for shape in fit.law.shapes):
        lower, upper = (float(ends[end].loc[name]) for end in ("lower", "upper"))
        if upper - lower > _VAGUE * abs(fit.params[name]):
            yield Finding(
                "PRED212",
                f"{name} is {fit.params[name]:.3g}, but its 95 % interval goes from "
                f"{lower:.3g} to {upper:.3g}",
            )


def _curvature(rows: pd.DataFrame) -> Iterator[Finding]:
    """Regress residuals on second-order terms of log params and log tokens (RESET by hand)."""
    from scipy.stats import f as f_distribution

    terms = _second_order(rows)
    if len(rows) < terms.shape[1] + 4:
        return
    off = np.clip(rows["standardised"].to_numpy(), -3, 3)
    left, size, _ = np.linalg.svd(terms, full_matrices=False)
    left = left[:, size > 1e-8 * size[0]]
    explained = float(((left.T @ off) ** 2).sum() - len(off) * off.mean() ** 2)
    rest = float((off**2).sum() - len(off) * off.mean() ** 2) - explained
    upper, lower = left.shape[1] - 1, len(rows) - left.shape[1]
    if upper < 1 or rest <= 0:
        return
    chance = float(f_distribution.sf(explained / upper / (rest / lower), upper, lower))
    if chance < _SURE:
        share = explained / (explained + rest)
        yield Finding(
            "PRED213",
            f"a parabola in log params and log tokens explains {100 * share:.0f} % of the scatter "
            f"about the law (p = {chance:.1g})",
        )


def _second_order(rows: pd.DataFrame) -> Array:
    columns = ["params", "tokens"] if rows["params"].notna().all() else ["flops"]
    logs = [np.log(rows[c].to_numpy(dtype=float)) for c in columns]
    logs = [(x - x.mean()) / (x.std() or 1.0) for x in logs]
    products = [a * b for i, a in enumerate(logs) for b in logs[i:]]
    return np.stack([np.ones(len(rows)), *logs, *products], axis=1)


def _scatter(rows: pd.DataFrame) -> Iterator[Finding]:
    from scipy.stats import spearmanr

    trend, chance = spearmanr(rows["flops"], rows["standardised"].abs())
    if chance < _SURE:
        way = "shrinks" if trend < 0 else "grows"
        yield Finding("PRED214", f"scatter about the law {way} with compute (rank r {trend:.2f})")


def _decisive(rows: pd.DataFrame) -> Iterator[Finding]:
    run = rows.iloc[int(rows["leverage"].to_numpy().argmax())]
    if run["leverage"] > _DECISIVE:
        yield Finding(
            "PRED215",
            f"row {int(str(run.name)) + 1} (params {run['params']:.3g}, "
            f"tokens {run['tokens']:.3g}) has "
            f"leverage {run['leverage']:.2f} of 1: the law goes where this run says",
        )


def _settings(rows: pd.DataFrame, table: RunsTable) -> Iterator[Finding]:
    """Ask whether a column of settings divides the residuals."""
    from scipy.stats import kruskal

    for column in table.others.columns:
        label = table.others[column].astype(str)
        counts = label.value_counts()
        if not (2 <= len(counts) <= 12 and counts.iloc[1] >= 3) or label.str.len().max() > 60:
            continue
        parts = [rows.loc[label == name, "residual"].to_numpy() for name in counts.index]
        parts = [part for part in parts if len(part) >= 3]
        if np.ptp(np.concatenate(parts)) == 0:
            continue
        if kruskal(*parts).pvalue < _SURE:
            yield Finding(
                "PRED217",
                f"runs lie apart by '{column}' ({', '.join(map(str, counts.index[:4]))}): "
                "each setting has its own law",
            )
