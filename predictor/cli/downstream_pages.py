"""What a person and a program read about benchmarks: forecasts, clusters, methods."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from predictor.cli.chart import draw
from predictor.cli.output import printable, table_text
from predictor.cli.pages import forecast_table, legend
from predictor.difficulty.cluster_law import ceiling_gap
from predictor.difficulty.cod import Chain
from predictor.difficulty.outlook import Outlook
from predictor.difficulty.subset import ClusterKind
from predictor.difficulty.suite import Suite
from predictor.report.words import cluster_words

Chains = dict[str, Chain | None]


def suite_text(suite: Suite, chains: Chains) -> str:
    """Return forecasts, and for a single benchmark its chart, clusters and methods."""
    parts = [forecast_table(list(suite.forecasts))]
    if len(suite.outlooks) == 1:
        one = suite.outlooks[0]
        parts += [_chart(one), _clusters(one, chains.get(one.ladder.benchmark)), _methods(one)]
    parts.append(legend(suite.forecasts))
    return "\n".join(part for part in parts if part)


def _chart(one: Outlook) -> str:
    ladder = one.ladder
    sizes, value, lower, upper = one.band
    if not any(f.trusted for f in one.forecasts) or ladder.rungs < 2:
        return ""
    ahead = sizes >= ladder.size[-1]
    band = (sizes[ahead], value[ahead], lower[ahead], upper[ahead])
    if ahead.sum() < 2:
        return ""
    metric = printable(ladder.benchmark)
    return draw((ladder.size, ladder.score), band, metric=metric, axis=ladder.axis)


def _clusters(one: Outlook, chain: Chain | None) -> str:
    if chain is None:
        return ""
    from rich import box
    from rich.table import Table

    curves = chain.curves
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("cluster", "items", "smallest", "largest", "a", "b", "c", "g"):
        table.add_column(name, justify="right")
    table.add_column("can be extrapolated")
    gaps = ceiling_gap(curves.params)
    for k, (rates, (g, _, a, b)) in enumerate(zip(curves.rates, curves.params, strict=True)):
        numbers = (f"{rates[0]:.3f}", f"{rates[-1]:.3f}", f"{a:.3g}", f"{b:.3g}")
        kind = curves.kinds[k]
        said = "yes" if kind is ClusterKind.EXTRAPOLATABLE else f"no, {kind.value}"
        table.add_row(str(k), str(curves.sizes[k]), *numbers, f"{gaps[k]:.3g}", f"{g:.3g}", said)
    return f"{table_text(table)}{cluster_words(one, chain)}\n"


def _methods(one: Outlook) -> str:
    if not one.each:
        return ""
    errors = one.backtest_errors
    lines = []
    for name, weight in sorted(one.weights.items(), key=lambda pair: -pair[1]):
        values = " ".join(f"{value:.3f}" for value in one.each[name])
        error = errors.get(name, math.nan)
        past = f"off by {100 * error:.1f} points" if np.isfinite(error) else "not backtested"
        lines.append(f"  {name:<13} {100 * weight:3.0f} %   says {values}   {past}")
    why = [f"  {name:<13} not used: {reason}" for name, reason in one.missing.items()]
    title = f"Methods, weighed by {one.tests.splits} backtests on the ladder's largest models:"
    return "\n".join([title, *lines, *why]) + "\n"


def clusters_document(chains: Chains) -> dict[str, Any]:
    """Return ``clusters`` and ``predictable_share`` of the JSON document."""
    clusters: list[dict[str, Any]] = []
    predictable = items = 0
    for benchmark, chain in chains.items():
        if chain is None:
            continue
        curves = chain.curves
        items += len(curves.clustering.labels)
        predictable += int(curves.sizes[curves.predictable].sum())
        gaps = ceiling_gap(curves.params)
        for k, (g, _, a, b) in enumerate(curves.params):
            gap = float(gaps[k]) if np.isfinite(gaps[k]) else None
            kind = curves.kinds[k]
            clusters.append(
                {
                    "cluster": k,
                    "benchmark": benchmark,
                    "items": int(curves.sizes[k]),
                    "parameters": {"g": float(g), "a": float(a), "b": float(b), "c": gap},
                    "kind": kind.value,
                    "predictable": kind is ClusterKind.EXTRAPOLATABLE,
                }
            )
    return {"clusters": clusters, "predictable_share": predictable / items if items else None}


def methods_document(suite: Suite) -> list[dict[str, Any]]:
    """Return what each method would have said of each benchmark, and how it fared before."""
    rows: list[dict[str, Any]] = []
    for one in suite.outlooks:
        errors = one.backtest_errors
        for name, values in one.each.items():
            error = errors.get(name, math.nan)
            rows.append(
                {
                    "benchmark": one.ladder.benchmark,
                    "method": name,
                    "weight": one.weights[name],
                    "values": [float(value) for value in values],
                    "backtest_error": float(error) if np.isfinite(error) else None,
                }
            )
        rows += [
            {"benchmark": one.ladder.benchmark, "method": name, "weight": 0.0, "reason": reason}
            for name, reason in one.missing.items()
        ]
    return rows
