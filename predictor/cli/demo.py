"""The command ``predictor demo``: see it work, on a real log that comes with the package."""

from __future__ import annotations

from pathlib import Path

import click

from predictor.cli.options import common_options
from predictor.cli.output import csv_text, emit, json_text, print_findings
from predictor.cli.pages import answer_text
from predictor.curves.question import Answer, ask, only_runs, pose, seen_until
from predictor.fitting.forecast import Forecast
from predictor.logs.tables import RunLog

_RUN, _METRIC, _AXIS = "147k-s0-8M", "eval_loss", "step"


@click.command("demo", short_help="Show me it works, on a bundled log.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("predictor-demo.html"),
    show_default=True,
    help="Where to write the HTML report.",
)
@common_options
def command(report: Path, form: str, output: Path | None, seed: int, quiet: bool) -> int:
    """Forecast the end of a bundled run from its first half, and compare with what happened."""
    from predictor.bundle import load_dataset

    log = only_runs(load_dataset("ladder"), [_RUN])
    curve = log.curve(_RUN, _METRIC).sort_values(_AXIS)
    end, truth = float(curve[_AXIS].iloc[-1]), float(curve["value"].iloc[-1])
    question = pose(log, metric=_METRIC, axis=_AXIS, places=[{_AXIS: end}])
    answer = ask(seen_until(log, _AXIS, end / 2), question, seed=seed, bands=True)
    _write_report(answer, log, end / 2, report)
    if form == "json":
        body = {"forecasts": answer.forecasts.to_dict(), "truth": truth, "report": str(report)}
        emit(json_text("demo", body, answer.forecasts.findings), output)
    elif form == "csv":
        emit(csv_text(answer.forecasts.to_frame()), output)
    else:
        text = f"{answer_text(answer)}\n{_what_happened(answer.forecasts[0], truth)}\n"
        emit(f"{text}Report: {report}\n", output)
    print_findings(answer.forecasts.findings, quiet)
    return 0


def _what_happened(forecast: Forecast, truth: float) -> str:
    if forecast.value is None or forecast.lower is None or forecast.upper is None:
        return f"What then happened: {truth:.4g}"
    inside = "inside" if forecast.lower <= truth <= forecast.upper else "outside"
    off = 100 * abs(forecast.value / truth - 1)
    return f"What then happened: {truth:.4g}, {inside} the interval, {off:.2g} % off the forecast"


def _write_report(answer: Answer, log: RunLog, seen: float, report: Path) -> None:
    from predictor.report.html import html_report

    curve = log.curve(_RUN, _METRIC)
    hidden = curve[curve[_AXIS] > seen].rename(columns={_AXIS: "place"})
    title = f"Where {_RUN} ends, forecast from its first half"
    emit(html_report(answer, title, hidden[["run", "place", "value"]]), report)
