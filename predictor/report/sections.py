"""Sections of a report, one an answer: question, words, chart, table, findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from predictor.logs.tables import AXES
from predictor.report import words
from predictor.report.document import Section

if TYPE_CHECKING:
    from predictor.alignment.response_alignment import ResponseAlignment
    from predictor.backtest.result import Backtest
    from predictor.capacity.information_capacity import InformationCapacity
    from predictor.curves.question import Answer
    from predictor.difficulty.cod import Chain
    from predictor.difficulty.outlook import Outlook
    from predictor.difficulty.suite import Suite
    from predictor.fitting.forecast import Forecast
    from predictor.gates.verdict import GateResult
    from predictor.health.run_health import RunHealth, RunReport
    from predictor.logs.tables import ItemLog, RunLog
    from predictor.scaling.allocation import Allocation
    from predictor.scaling.question import ScalingAnswer

#: Nobody looks at more charts of one kind than this.
MOST_CHARTS = 12


def forecasts_table(forecasts: Iterable[Forecast]) -> pd.DataFrame:
    """Return forecasts as a table to read.

    Examples
    --------
    >>> from predictor.fitting.forecast import Forecast
    >>> one = Forecast("a", "loss", {"step": 200.0}, 2.5, 2.4, 2.6, 0.9, "power", 40, 2.0)
    >>> print(forecasts_table([one])[["Run", "At", "Interval"]].to_string(index=False))
    Run       At          Interval
      a step 200 2.4 to 2.6 (90 %)
    """
    return pd.DataFrame([_forecast_row(forecast) for forecast in forecasts])


def _forecast_row(one: Forecast) -> dict[str, object]:
    said = one.value is not None
    interval = f"{one.lower:.4g} to {one.upper:.4g} ({100 * one.level:g} %)" if said else ""
    return {
        "Run": one.run,
        "Metric": one.metric,
        "At": ", ".join(f"{axis} {value:g}" for axis, value in one.at.items()),
        "Forecast": f"{one.value:.4g}" if said else "cannot say",
        "Interval": interval,
        "Beyond the data": "" if one.extrapolation is None else f"{one.extrapolation:.3g} times",
        "Points": one.points,
        "Warnings": " ".join(one.warnings),
    }


def curves_section(answer: Answer, happened: pd.DataFrame | None = None) -> Section:
    """Return where runs go, a chart for each of the first twelve.

    Parameters
    ----------
    answer : Answer
        From :func:`predictor.curves.question.ask` with ``bands=True``.
    happened : DataFrame, optional
        Columns ``run, place, value``: hidden points, drawn beside the forecast.
    """
    runs = list(answer.bands)[:MOST_CHARTS]
    return Section(
        "Learning curves",
        question=f"What will {answer.question.metric} be, in each run?",
        words=_summary(answer),
        table=forecasts_table(answer.forecasts),
        findings=answer.forecasts.findings,
        parts=tuple(_curve(answer, run, happened) for run in runs),
        answered=any(forecast.trusted for forecast in answer.forecasts),
    )


def _summary(answer: Answer) -> str:
    said = sum(forecast.trusted for forecast in answer.forecasts)
    count = len(answer.forecasts)
    level = f"{100 * answer.question.level:g} %"
    if count == 1:
        return ""
    return f"{said} of {count} forecasts can be made; intervals are of {level}."


def _curve(answer: Answer, run: str, happened: pd.DataFrame | None) -> Section:
    from predictor.report.charts import curve_chart

    later = None if happened is None else happened[happened["run"] == run]
    caption = (
        "Points are logged, the line is the forecast, the band its "
        f"{100 * answer.question.level:g} % interval"
    )
    caption += "; rings are what then happened." if later is not None and len(later) else "."
    chart = curve_chart(answer, run, later)
    return Section(run, words.curve_words(answer, run), chart=chart, caption=caption)


def logged_section(log: RunLog, metric: str, reason: str) -> Section:
    """Return curves as they were logged, where nothing can be forecast for the reason given."""
    from predictor.report.log_charts import logged_chart

    points = log.points[log.points["metric"] == metric]
    axis = next(axis for axis in AXES if points[axis].notna().any())
    return Section(
        "Learning curves",
        question=f"What will {metric} be, in each run?",
        words=f"Nothing was forecast: {reason}.",
        chart=logged_chart(log, metric, axis),
        caption="As logged.",
        findings=log.findings,
        answered=False,
    )


def items_section(log: ItemLog) -> Section:
    """Return what is known of each model, where nothing is asked of larger ones."""
    from predictor.logs.inspection import inspect_logs

    rows = pd.DataFrame(inspect_logs(log))
    rows["benchmarks"] = [", ".join(names) for names in rows["benchmarks"]]
    return Section(
        "Benchmarks",
        question="What will the larger model score?",
        words="Nothing was forecast: --at flops=... or params=...,tokens=... says of which model.",
        table=_named(rows.dropna(axis=1, how="all")),
        findings=log.findings,
        answered=False,
    )


def scaling_section(answer: ScalingAnswer) -> Section:
    """Return what a scaling law says: forecasts, budgets, next runs."""
    from predictor.report.scaling_charts import scaling_chart

    known, parts = answer.estimator, []
    if answer.forecasts:
        table = forecasts_table(answer.forecasts).drop(columns=["Run", "Points"])
        parts.append(Section("Forecasts", table=table))
    if answer.allocations:
        rows = [_budget_row(one) for one in answer.allocations]
        parts.append(Section("Budgets", table=pd.DataFrame(rows)))
    if answer.next_runs is not None and len(answer.next_runs):
        parts.append(Section("Runs to make next", table=_named(answer.next_runs)))
    law = None if known is None else pd.DataFrame({"estimate": known.params, "error": known.bse})
    return Section(
        "Scaling law",
        question="How does the loss go with parameters and tokens, and how to spend a budget?",
        words=words.scaling_words(answer),
        chart=None if known is None else scaling_chart(known),
        caption="Lines are the law, points the runs; the last panel is how far each lies off it.",
        table=None if law is None else _named(law.rename_axis("parameter").reset_index()),
        findings=answer.findings,
        parts=tuple(parts),
        answered=answer.said_something,
    )


def _budget_row(one: Allocation) -> dict[str, object]:
    said = one.value is not None
    return {
        "FLOPs": f"{one.flops:.3g}",
        "Parameters": f"{one.params:.3g}",
        "interval of parameters": f"{one.params_lower:.3g} to {one.params_upper:.3g}",
        "Tokens": f"{one.tokens:.3g}",
        "interval of tokens": f"{one.tokens_lower:.3g} to {one.tokens_upper:.3g}",
        "Loss": f"{one.value:.4g}" if said else "cannot say",
        f"{100 * one.level:g} % interval": f"{one.lower:.4g} to {one.upper:.4g}" if said else "",
    }


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns=lambda name: str(name).replace("_", " "))


def downstream_section(suite: Suite, chains: Mapping[str, Chain | None]) -> Section:
    """Return what benchmarks will score, a chart for each of the first twelve.

    Parameters
    ----------
    suite : Suite
        From :func:`predictor.difficulty.suite.forecast_suite`.
    chains : mapping of str to Chain or None
        Clusters of items by benchmark.
    """
    said = [forecast for forecast in suite.forecasts if forecast.trusted]
    shown = suite.outlooks[:MOST_CHARTS]
    return Section(
        "Benchmarks",
        question="What will the larger model score?",
        words=f"{len(said)} of {len(suite.forecasts)} forecasts can be made.",
        table=forecasts_table(suite.forecasts),
        findings=suite.forecasts.findings,
        parts=tuple(_benchmark(one, chains.get(one.ladder.benchmark)) for one in shown),
        answered=bool(said),
    )


def _benchmark(one: Outlook, chain: Chain | None) -> Section:
    from predictor.difficulty.suite import Suite
    from predictor.fitting.forecast import Forecasts
    from predictor.report.downstream_charts import downstream_chart

    alone = Suite((one,), Forecasts([]))
    caption = "Points are models of the ladder, the line is the forecast, the band its interval"
    below = "; below it clusters of items alike in difficulty." if chain is not None else "."
    return Section(
        one.ladder.benchmark,
        words.downstream_words(alone, {one.ladder.benchmark: chain}),
        chart=downstream_chart(one, chain),
        caption=caption + below,
    )


def capacity_section(capacity: InformationCapacity, cost: str = "flops") -> Section:
    """Return how well models compress for what they cost, a part for each data set."""
    return Section(
        "Information capacity",
        question="Which model gives most for what it costs?",
        findings=tuple(capacity.findings_),
        parts=tuple(_dataset(capacity, name, cost) for name in capacity.bias_),
    )


def _dataset(capacity: InformationCapacity, dataset: str, cost: str) -> Section:
    from predictor.report.capacity_charts import dataset_chart

    rows = capacity.models_
    rows = rows[(rows["dataset"] == dataset) & rows["final"]].sort_values("rank")
    table = rows[["rank", "model", "series", "bits_per_byte", "flops_per_token",
                  "information_capacity", "lower", "upper"]]  # fmt: skip
    return Section(
        dataset,
        words.capacity_words(capacity, dataset, cost),
        chart=dataset_chart(capacity, dataset, cost),
        caption="Above, models of a series are joined; below, the line is what no other beats.",
        table=_named(table.dropna(axis=1, how="all")),
    )


def alignment_section(alignment: ResponseAlignment) -> Section:
    """Return which response strategy should write the training data."""
    from predictor.report.alignment_charts import alignment_chart

    return Section(
        "Response strategies",
        question="Which way of writing the answers should the model be trained on?",
        words=words.alignment_words(alignment),
        chart=alignment_chart(alignment),
        caption=f"Scores by {alignment.score_} ({alignment.better_} is better) with intervals.",
        table=_named(alignment.strategies_),
        findings=tuple(alignment.findings_),
    )


def health_section(log: RunLog, health: RunHealth) -> Section:
    """Return whether runs are sound, with charts of the first twelve in which something was seen.

    Parameters
    ----------
    log : RunLog
        As read.
    health : RunHealth
        From :func:`predictor.health.run_health.run_health`.
    """
    counts = Counter(one.verdict for one in health.runs)
    seen = [one for one in health.runs if one.verdict != "sound" or one.spikes]
    return Section(
        "Health of the runs",
        question="Are these runs sound?",
        words=", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + ".",
        table=_named(health.to_frame()) if len(health.to_frame()) else None,
        findings=health.findings,
        parts=tuple(_run_health(log, one) for one in seen[:MOST_CHARTS]),
    )


def _run_health(log: RunLog, one: RunReport) -> Section:
    from predictor.report.health_charts import run_chart

    return Section(
        one.run, words.health_words(one), chart=run_chart(log, one), caption="Shaded: spikes."
    )


def gate_section(result: GateResult) -> Section:
    """Return what checks came to."""
    from predictor.report.gate_charts import gate_chart, gate_frame

    drawn = gate_frame(result.to_dict()["checks"])
    rows = [
        {
            "Verdict": str(verdict.status),
            "Check": verdict.name,
            "Run": verdict.run or "",
            "Margin": verdict.margin,
            "What it says": verdict.message,
        }
        for verdict in result.verdicts
    ]
    return Section(
        "Gate",
        question="May this be merged or launched?",
        words=words.gate_words(result),
        chart=gate_chart(drawn) if len(drawn) else None,
        caption="Intervals of the forecasts that checks rest on." if len(drawn) else "",
        table=pd.DataFrame(rows) if rows else None,
    )


def trust_section(found: Backtest) -> Section:
    """Return how far forecasts may be trusted, by what they said of what is known."""
    from predictor.report.backtest_charts import calibration_chart

    drawn = len(found.calibration) > 0
    return Section(
        "Trust",
        question="How far may these forecasts be trusted?",
        words=words.trust_words(found),
        chart=calibration_chart(found) if drawn else None,
        caption="An honest law lies on the dashed diagonal." if drawn else "",
        table=_named(found.laws) if len(found.laws) else None,
        findings=found.findings,
    )
