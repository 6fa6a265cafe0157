"""The command ``predictor health``: is a run sound, and is it worth going on."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from predictor.cli.logs import meta_option, read_runs
from predictor.cli.options import common_options, paths_argument
from predictor.cli.output import csv_text, emit, json_text, print_findings, progress
from predictor.errors import InputError
from predictor.findings import Finding

if TYPE_CHECKING:
    import pandas as pd

    from predictor.curves.standings import Comparison
    from predictor.health.checkpoint import CheckpointHealth
    from predictor.health.limits import Limits
    from predictor.health.run_health import RunHealth
    from predictor.logs.tables import RunLog

_METRIC = "Loss or gradient norm to look at.  [default: all that their names tell]"
_ALARMS = "Allowed spikes in 10,000 logged points without any."
_PAST = "Table with columns run, final: ends of past runs, for early signals.  [default: none]"
_EPOCH = "Samples of an epoch, for early signals.  [default: the farthest run's]"
_LAW = "Table of runs with params, tokens, loss: tells what limits each run.  [default: none]"
_DECAY = "Weight decay, for the training clock.  [default: the log's]"
_LIST = "Write names of the tensors to fine-tune here, one a line.  [default: none]"
_CHART = "Write the chart here (.svg, .png, .html or .json).  [default: none]"


@click.command("health", short_help="Is this run sound, and is it worth going on?")
@paths_argument
@click.option("--metric", "metrics", metavar="M", multiple=True, help=_METRIC)
@click.option("--false-alarms", type=float, default=1.0, show_default=True, help=_ALARMS)
@click.option("--past", type=click.Path(path_type=Path), metavar="TABLE", help=_PAST)
@click.option("--lower-is-better", is_flag=True, help="Of past ends.  [default: higher]")
@click.option("--epoch-samples", type=float, metavar="N", help=_EPOCH)
@click.option("--law", "table", type=click.Path(path_type=Path), metavar="TABLE", help=_LAW)
@click.option("--weight-decay", type=float, metavar="W", help=_DECAY)
@click.option("--compare", "compares", is_flag=True, help="Compare the runs.  [default: do not]")
@click.option(
    "--largest-side",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    help="Condition numbers of matrices with no more rows or columns.",
)
@click.option(
    "--least-conditioned",
    type=click.IntRange(1),
    metavar="N",
    help="Name the N tensors to fine-tune that forget least.  [default: none]",
)
@click.option("--list", "names", type=click.Path(dir_okay=False, path_type=Path), help=_LIST)
@click.option("--run", "runs", metavar="RUN", multiple=True, help="Only these runs.")
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help=_CHART)
@meta_option
@common_options
def command(
    paths: tuple[Path, ...],
    log_format: str | None,
    metrics: tuple[str, ...],
    false_alarms: float,
    past: Path | None,
    lower_is_better: bool,
    epoch_samples: float | None,
    table: Path | None,
    weight_decay: float | None,
    compares: bool,
    largest_side: int,
    least_conditioned: int | None,
    names: Path | None,
    runs: tuple[str, ...],
    chart: Path | None,
    meta: Path | None,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Look at the logs in PATHS, and at checkpoints (*.safetensors, or a folder of them)."""
    from predictor.health.run_health import run_health

    checkpoints = [path for path in paths if _is_checkpoint(path)]
    logs = [path for path in paths if path not in checkpoints]
    if names is not None and least_conditioned is None:
        raise InputError("--list wants --least-conditioned N, how many tensors")
    if least_conditioned is not None and not checkpoints:
        raise InputError("--least-conditioned wants a checkpoint: a .safetensors file or folder")
    health = compared = None
    limits: list[Limits] = []
    findings: list[Finding] = []
    log = None
    if logs:
        log = read_runs(logs, log_format, meta, runs)
        health = run_health(
            log, metrics=metrics, false_alarms=false_alarms, finals=_table(past),
            lower_is_better=lower_is_better, epoch_samples=epoch_samples,
            weight_decay=weight_decay, seed=seed,
        )  # fmt: skip
        findings += health.findings
        if table is not None:
            limits, noticed = _limits(log, table, seed)
            findings += noticed
        compared = _compared(log, metrics, seed) if compares else None
        findings += compared.findings if compared is not None else ()
    weights = None
    if checkpoints:
        from predictor.health.checkpoint import checkpoint_health

        with progress("weights", quiet) as step:
            weights = checkpoint_health(checkpoints, largest_side=largest_side, progress=step)
        findings += weights.findings
    chosen = _chosen(weights, least_conditioned, names)
    if chart is not None:
        _draw(log, health, weights, chart)
    findings = list(dict.fromkeys(findings))
    emit(_answer(form, health, limits, compared, weights, chosen, findings), output)
    print_findings(findings, quiet)
    unsaid = health is not None and all(one.verdict == "cannot say" for one in health.runs)
    return 3 if unsaid and weights is None else 0


def _is_checkpoint(path: Path) -> bool:
    if path.suffix == ".safetensors":
        return True
    if path.suffix in (".bin", ".pt", ".pth", ".ckpt", ".pkl") and path.is_file():
        raise InputError(
            f"{path}: pickled checkpoints are not opened, as reading one runs what is in it; save "
            "it as .safetensors"
        )
    return path.is_dir() and next(path.glob("*.safetensors"), None) is not None


def _table(path: Path | None) -> pd.DataFrame | None:
    if path is None:
        return None
    from predictor.logs.frames import read_table
    from predictor.logs.source import Source

    if not path.is_file():
        raise InputError(f"--past {path}: no such file")
    return read_table(Source(path, str(path), path.stem)).frame


def _limits(log: RunLog, table: Path, seed: int) -> tuple[list[Limits], list[Finding]]:
    """Return what limits each run whose size and tokens are known."""
    from predictor.curves.question import planned_ends
    from predictor.health.limits import limits_of
    from predictor.scaling.scaling_law import ScalingLaw

    law = ScalingLaw("chinchilla", random_state=seed).fit(table)
    ends = planned_ends(log, "tokens")
    seen = log.points.groupby("run")["tokens"].max()
    found, missing = [], []
    for row in log.runs.to_dict("records"):
        run = str(row["run"])
        params, told = _number(row.get("params")), _number(row.get("tokens"))
        tokens = _number(seen.get(run)) or told
        if params is None or tokens is None:
            missing.append(run)
            continue
        found.append(
            limits_of(
                run, params, tokens, law.draws_at, law.best_sizes,
                planned=ends.get(run, told),
            )
        )  # fmt: skip
    noticed = [
        Finding("PRED616", "params or tokens are not logged; give them by --meta TABLE", run=run)
        for run in missing
    ]
    return found, noticed


def _number(value: object) -> float | None:
    """Return a setting as a number; None where it is none."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if isfinite(number) else None


def _compared(log: RunLog, metrics: Sequence[str], seed: int) -> Comparison:
    from predictor.curves.comparison import compare_runs

    if len(log.run_names) < 2:
        raise InputError("--compare wants two runs or more; the logs hold one")
    return compare_runs(log, metrics[0] if metrics else None, None, None, seed=seed)


def _chosen(weights: CheckpointHealth | None, count: int | None, path: Path | None) -> list[str]:
    if weights is None or count is None:
        return []
    from predictor.writing import write_whole

    chosen = weights.least_conditioned(count)
    if path is not None:
        write_whole("".join(f"{name}\n" for name in chosen), path, "--list")
    return chosen


def _draw(
    log: RunLog | None, health: RunHealth | None, weights: CheckpointHealth | None, path: Path
) -> None:
    from predictor.cli.charts import write_chart
    from predictor.report.health_charts import health_chart

    write_chart(health_chart(log, health, weights), path)


def _answer(
    form: str,
    health: RunHealth | None,
    limits: list[Limits],
    compared: Comparison | None,
    weights: CheckpointHealth | None,
    chosen: list[str],
    findings: list[Finding],
) -> str:
    if form == "csv":
        if health is not None and weights is not None:
            raise InputError("--format csv is one table: ask about logs and checkpoints apart")
        if weights is not None:
            return csv_text(weights.tensors)
        assert health is not None
        return csv_text(health.to_frame())
    if form == "json":
        body: dict[str, Any] = {
            "runs": health.to_dict() if health is not None else [],
            "weights": weights.to_dict() if weights is not None else [],
            "early": health.early.to_dict() if health is not None and health.early else None,
            "limits": [one.to_dict() for one in limits],
            "least_conditioned": chosen,
        }
        if compared is not None:
            body["comparison"] = compared.to_dict()
        return json_text("health", body, findings)
    from predictor.cli.health_page import health_text

    return health_text(health, limits, compared, weights, chosen)
