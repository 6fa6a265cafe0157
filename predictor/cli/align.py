"""The command ``predictor align``: which response strategy should write the training data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from predictor.cli.options import common_options
from predictor.cli.output import csv_text, emit, json_text, print_findings
from predictor.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from predictor.alignment.experience import AlignmentExperience
    from predictor.logs.tables import ResponseLog

_SCORE = "auto, self_perplexity, perplexity, alignment, ifd, log_probability, car, reward or mixed."
_EMIT = (
    "Print the prompts to score, one JSON request a line, from strategy, example, question, "
    "response and reference (the model's own answer)."
)
_RESULTS = "What a server or harness answered to these prompts (JSONL).  [default: none]"
_PAST = (
    "Two tables of past rounds: scores (model, task, strategy, a column a score) and accuracies "
    "(model, task, strategy, seed, accuracy).  [default: none]"
)
_KINDS = "Prompts to emit, of plain, self and unconditional."


@click.command("align", short_help="Which response strategy should write the training data?")
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--score", default="auto", show_default=True, metavar="NAME", help=_SCORE)
@click.option(
    "--aggregation",
    type=click.Choice(["median", "mean", "geometric"]),
    default="median",
    show_default=True,
    help="From examples to a strategy.",
)
@click.option(
    "--similarity",
    type=click.Choice(["tfidf", "embeddings"]),
    default="tfidf",
    show_default=True,
    help="How texts are compared, where no similarity is logged.",
)
@click.option("--past", type=click.Path(path_type=Path), nargs=2, default=None, help=_PAST)
@click.option("--results", type=click.Path(path_type=Path), help=_RESULTS)
@click.option("--emit-requests", "emits", is_flag=True, help=_EMIT + "  [default: rank]")
@click.option("--kinds", default="plain,self", show_default=True, help=_KINDS)
@click.option(
    "--shots",
    type=click.IntRange(1, 32),
    default=3,
    show_default=True,
    help="Own answers in a self-aligned prompt.",
)
@click.option("--model", default="model", show_default=True, help="Model named in the requests.")
@click.option("--level", type=float, default=0.9, show_default=True, help="Level of intervals.")
@click.option(
    "--chart",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the charts here (.svg, .png, .html or .json).  [default: none]",
)
@common_options
def command(
    table: Path,
    score: str,
    aggregation: str,
    similarity: str,
    past: tuple[Path, Path] | None,
    results: Path | None,
    emits: bool,
    kinds: str,
    shots: int,
    model: str,
    level: float,
    chart: Path | None,
    form: str,
    output: Path | None,
    seed: int,
    quiet: bool,
) -> int:
    """Rank response strategies by TABLE: some 50 examples each, scored by the model to train."""
    from predictor.alignment.response_alignment import ResponseAlignment, read_responses

    log = read_responses(table)
    if emits:
        emit(_requests(log.responses, kinds, shots, model, seed, str(table)), output)
        return 0
    if results is not None:
        from dataclasses import replace

        from predictor.alignment.results import read_results

        frame, noticed = read_results(log.responses, results, name=str(table))
        log = replace(log, responses=frame, findings=(*log.findings, *noticed))
    carried = _carried(log, score, similarity) if past else []
    experience = _experience(past, carried, level, seed)
    if experience is not None and experience.score_ in carried:
        score = experience.score_
    alignment = ResponseAlignment(
        score=score, aggregation=aggregation, similarity=similarity,  # type: ignore[arg-type]
        level=level, random_state=seed,
    ).fit(log, name=str(table))  # fmt: skip
    if chart is not None:
        from predictor.cli.charts import write_chart
        from predictor.report.alignment_charts import alignment_chart

        write_chart(alignment_chart(alignment), chart)
    findings = alignment.findings_
    if form == "json":
        from predictor.alignment.answer import align_body

        emit(json_text("align", align_body(alignment, experience), findings), output)
    elif form == "csv":
        emit(csv_text(alignment.strategies_), output)
    else:
        from predictor.cli.align_page import align_text

        emit(align_text(alignment, experience), output)
    print_findings(findings, quiet)
    return 3 if len(alignment.strategies_) < 2 else 0


def _requests(frame: pd.DataFrame, kinds: str, shots: int, model: str, seed: int, name: str) -> str:
    import json

    from predictor.alignment.requests import KINDS, build_requests

    wanted = tuple(kind.strip() for kind in kinds.split(","))
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown:
        raise InputError(f"--kinds {unknown[0]}: there are {', '.join(KINDS)}")
    requests = build_requests(
        frame, kinds=wanted, shots=shots, model=model, random_state=seed, name=name,  # type: ignore[arg-type]
    )  # fmt: skip
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in requests)


def _carried(log: ResponseLog, score: str, similarity: str) -> list[str]:
    """Return the score asked for, or all that the log carries."""
    from predictor.alignment.response_alignment import scores_of
    from predictor.alignment.scores import score_named

    return scores_of(log, similarity) if score == "auto" else [score_named(score)]


def _experience(
    past: tuple[Path, Path] | None, carried: list[str], level: float, seed: int
) -> AlignmentExperience | None:
    """Learn from past rounds, of the scores that this round can have."""
    if past is None:
        return None
    from predictor.alignment.experience import AlignmentExperience
    from predictor.logs.frames import read_table
    from predictor.logs.source import Source

    frames = []
    for path in past:
        if not path.is_file():
            raise InputError(f"--past {path}: no such file")
        frames.append(read_table(Source(path, str(path), path.stem)).frame)
    return AlignmentExperience(level=level, random_state=seed).fit(*frames, among=carried)
