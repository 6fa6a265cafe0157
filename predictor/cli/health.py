"""The command ``predictor health``: is a run sound, and is it worth going on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from predictor.cli.logs import meta_option, read_runs
from predictor.cli.options import common_options, paths_argument
from predictor.cli.output import csv_text, emit, json_text, print_findings, progress
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.writing import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from predictor.curves.standings import Comparison
    from predictor.health.checkpoint import CheckpointHealth, Which
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
_RUN = "Only runs of this name; * and ? stand for any text.  [default: all]"
_CHART = "Write the chart here (.svg, .png, .html or .json).  [default: none]"


class Told(NamedTuple):
    """What was found, for a page, a table or a document."""

    health: RunHealth | None = None
    limits: Sequence[Limits] = ()
    compared: Comparison | None = None
    weights: CheckpointHealth | None = None
    chosen: Sequence[str] = ()
    findings: Sequence[Finding] = ()


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
    "--condition",
    type=click.Choice(["auto", "all", "none"]),
    default="auto",
    show_default=True,
    help="Condition numbers of matrices; auto: where they take about a minute or less.",
)
@click.option(
    "--least-conditioned",
    type=click.IntRange(1),
    metavar="N",
    help="Name the N tensors to fine-tune that forget least.  [default: none]",
)
@click.option("--list", "names", type=click.Path(dir_okay=False, path_type=Path), help=_LIST)
@click.option("--run", "runs", metavar="RUN", multiple=True, help=_RUN)
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
    condition: Which,
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
    _check_list(names, least_conditioned, checkpoints)
    told, log = Told(), None
    if logs:
        log = read_runs(logs, log_format, meta, runs)
        health = run_health(
            log, metrics=metrics, false_alarms=false_alarms, finals=_table(past),
            lower_is_better=lower_is_better, epoch_samples=epoch_samples,
            weight_decay=weight_decay, seed=seed,
        )  # fmt: skip
        told = _with_law(told._replace(health=health, findings=health.findings), log, table, seed)
        if compares:
            told = _with_comparison(told, log, metrics, seed)
    if checkpoints:
        which: Which = "all" if least_conditioned else condition
        told = _with_weights(told, checkpoints, which, least_conditioned, quiet)
    if names is not None:
        write_whole("".join(f"{name}\n" for name in told.chosen), names, "--list")
    if chart is not None:
        _draw(log, told, chart)
    emit(_answer(form, told), output)
    print_findings(list(dict.fromkeys(told.findings)), quiet)
    unsaid = told.health is not None and all(
        one.verdict == "cannot say" for one in told.health.runs
    )
    return 3 if unsaid and told.weights is None else 0


def _is_checkpoint(path: Path) -> bool:
    if path.suffix == ".safetensors":
        return True
    if path.suffix in (".bin", ".pt", ".pth", ".ckpt", ".pkl") and path.is_file():
        raise InputError(
            f"{path}: pickled checkpoints are not opened, as reading one runs what is in it; save "
            "it as .safetensors"
        )
    return path.is_dir() and next(path.glob("*.safetensors"), None) is not None


def _check_list(names: Path | None, count: int | None, checkpoints: list[Path]) -> None:
    if names is not None and count is None:
        raise InputError("--list wants --least-conditioned N, how many tensors")
    if count is not None and not checkpoints:
        raise InputError("--least-conditioned wants a checkpoint: a .safetensors file or folder")


def _table(path: Path | None) -> pd.DataFrame | None:
    if path is None:
        return None
    from predictor.logs.frames import read_table
    from predictor.logs.source import Source

    if not path.is_file():
        raise InputError(f"--past {path}: no such file")
    return read_table(Source(path, str(path), path.stem)).frame


def _with_law(told: Told, log: RunLog, table: Path | None, seed: int) -> Told:
    if table is None:
        return told
    from predictor.cli.limits import limits_of_log

    limits, findings = limits_of_log(log, table, seed)
    return told._replace(limits=limits, findings=(*told.findings, *findings))


def _with_comparison(told: Told, log: RunLog, metrics: Sequence[str], seed: int) -> Told:
    from predictor.curves.comparison import compare_runs

    if len(log.run_names) < 2:
        raise InputError("--compare wants two runs or more; the logs hold one")
    compared = compare_runs(log, metrics[0] if metrics else None, None, None, seed=seed)
    return told._replace(compared=compared, findings=(*told.findings, *compared.findings))


def _with_weights(
    told: Told, checkpoints: list[Path], which: Which, count: int | None, quiet: bool
) -> Told:
    from predictor.health.checkpoint import checkpoint_health

    with progress("weights", quiet) as step:
        weights = checkpoint_health(checkpoints, condition=which, progress=step)
    chosen = weights.least_conditioned(count) if count is not None else []
    return told._replace(
        weights=weights, chosen=chosen, findings=(*told.findings, *weights.findings)
    )


def _draw(log: RunLog | None, told: Told, path: Path) -> None:
    from predictor.cli.charts import write_chart
    from predictor.report.health_charts import health_chart

    write_chart(health_chart(log, told.health, told.weights), path)


def _answer(form: str, told: Told) -> str:
    if form == "json":
        return json_text("health", _document(told), list(dict.fromkeys(told.findings)))
    if form == "text":
        from predictor.cli.health_page import health_text

        return health_text(
            told.health, list(told.limits), told.compared, told.weights, list(told.chosen)
        )
    if told.health is not None and told.weights is not None:
        raise InputError("--format csv is one table: ask about logs and checkpoints apart")
    if told.health is not None:
        return csv_text(told.health.to_frame())
    assert told.weights is not None
    return csv_text(told.weights.tensors)


def _document(told: Told) -> dict[str, Any]:
    health, weights = told.health, told.weights
    body: dict[str, Any] = {
        "runs": health.to_dict() if health is not None else [],
        "weights": weights.to_dict() if weights is not None else [],
        "early": health.early.to_dict() if health is not None and health.early else None,
        "limits": [one.to_dict() for one in told.limits],
        "least_conditioned": list(told.chosen),
    }
    if told.compared is not None:
        body["comparison"] = told.compared.to_dict()
    return body
