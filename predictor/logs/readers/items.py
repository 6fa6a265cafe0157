"""Results per item: tables with model, benchmark, item and a score or counts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from predictor.logs import columns as names
from predictor.logs.aggregation import ItemColumns, sum_items
from predictor.logs.frames import read_table
from predictor.logs.layout import Layout, is_number, layout_of
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import ITEM_COLUMNS, ItemLog, Log

_MODELS = ("model", "model_name", "model_id", "llm")
_BENCHMARKS = ("benchmark", "task", "dataset", "eval", "benchmark_name", "task_name", "suite")
_ITEMS = (
    "item", "item_id", "question_id", "example_id", "problem_id", "doc_id", "doc_hash", "sample_id",
    "task_id", "instance_id", "question", "problem", "id",
)  # fmt: skip
_SCORES = (
    "score", "acc", "accuracy", "correct", "is_correct", "pass_rate", "passrate", "pass@1",
    "passed", "success", "exact_match", "acc_norm", "em", "result",
)  # fmt: skip
_TRIALS = (
    "trials",
    "n_trials",
    "num_trials",
    "attempts",
    "n_attempts",
    "num_samples",
    "n_samples",
    "n",
)
_PASSES = (
    "passes", "n_passes", "num_passes", "n_pass", "n_correct", "num_correct", "correct_count",
    "successes", "n_passed", "num_passed", "c",
)  # fmt: skip
_CHECKPOINTS = ("checkpoint", "step", "ckpt", "revision", "global_step")
_SHOTS = ("fewshot", "num_fewshot", "n_shot", "shots")
_KEPT = ("family", "series", "difficulty", "subject", "category", "platform", "date")


def sniff(source: Source) -> bool:
    """Return whether the columns are those of results per item."""
    layout = layout_of(source)
    if layout is None:
        return False
    return find_columns(layout, source.run_hint) is not None or _is_wide(layout)


def find_columns(layout: Layout, benchmark: str) -> ItemColumns | None:
    """Return where model, item and result stand, or None where the table has no such columns."""
    columns = list(layout.columns)
    model = names.first_named(columns, _MODELS)
    score, passes = names.first_named(columns, _SCORES), names.first_named(columns, _PASSES)
    task = names.first_named(columns, _BENCHMARKS)
    item = names.first_named([name for name in columns if name != task], _ITEMS)
    checkpoint = names.first_named(columns, _CHECKPOINTS)
    if item is None and checkpoint and names.canonical(checkpoint) == "checkpoint" and task:
        item, task = task, None
    if not (model and item and (score or passes)):
        return None
    trials = names.first_named(columns, _TRIALS)
    return (
        ItemColumns(
            item=item,
            model=model,
            benchmark=task,
            checkpoint=checkpoint,
            score=None if passes and trials else score,
            trials=trials,
            passes=passes if trials else None,
            shots=names.first_named(columns, _SHOTS),
            facts=_facts(columns),
            kept=tuple(name for name in columns if names.canonical(name) in _KEPT),
            fixed={} if task else {"benchmark": benchmark},
        )
        if score or trials
        else None
    )


def _facts(columns: Sequence[str]) -> dict[str, tuple[str, float]]:
    axes = names.axis_columns(list(columns))
    found: dict[str, tuple[str, float]] = {}
    found |= {axis: axes[axis] for axis in ("tokens", "flops") if axis in axes}
    params = names.first_named(list(columns), names.PARAMS)
    return {**found, "params": (params, 1.0)} if params else found


def _is_wide(layout: Layout) -> bool:
    """Return whether the table has an item a row and a model a column, all scores in [0, 1]."""
    first, *models = layout.columns or ("",)
    if names.canonical(first) not in _ITEMS or len(models) < 2 or layout.kind != "delimited":
        return False
    if any(names.place_of(name) or names.canonical(name) in names.RUN_NAMES for name in models):
        return False
    fields = [field for row in layout.rows if len(row) == len(layout.columns) for field in row[1:]]
    return bool(fields) and all(_is_share(field) for field in fields)


def _is_share(field: str) -> bool:
    return not field or (is_number(field) and 0 <= float(field.replace(",", "")) <= 1)


def read(source: Source) -> Sequence[Log]:
    """Read results per item into an ItemLog, streamed."""
    layout = layout_of(source)
    columns = find_columns(layout, source.run_hint) if layout else None
    if layout is None or (columns is None and not _is_wide(layout)):
        raise source.error(
            "is no table of items; it needs columns model, item, and score (or trials and passes)"
        )
    if columns is None:
        return [_read_wide(source)]
    items, findings = sum_items(source, layout, columns)
    return [ItemLog(items, tuple(findings))]


def _read_wide(source: Source) -> ItemLog:
    table = read_table(source)
    item, *models = [str(name) for name in table.frame.columns]
    numeric = [name for name in models if name in table.numeric()]
    long = table.frame.melt(item, numeric, "model", "passes").dropna(subset=["passes"])
    outside = long[(long["passes"] < 0) | (long["passes"] > 1)]
    if len(outside):
        row = outside.iloc[0]
        raise source.error(
            f"item '{row[item]}' of '{row['model']}' scores {row['passes']:g}; scores lie in [0, 1]"
        )
    long = long.rename(columns={item: "item"}).assign(trials=1.0, benchmark=source.run_hint)
    long["item"], long["model"] = long["item"].astype(str), long["model"].astype("category")
    return ItemLog(_summed(long).reindex(columns=list(ITEM_COLUMNS)), tuple(table.findings))


def _summed(long: pd.DataFrame) -> pd.DataFrame:
    keys = ["model", "benchmark", "item"]
    summed = long.groupby(keys, observed=True, sort=False)[["trials", "passes"]].sum()
    return summed.reset_index()


READER = Reader(
    name="items",
    description="Results per item: model, benchmark, item and a score, or trials and passes",
    sniff=sniff,
    read=read,
)
