"""Responses of several strategies, scored by the model to be trained."""

from __future__ import annotations

from collections.abc import Sequence

from predictor.logs import columns as names
from predictor.logs.frames import read_table
from predictor.logs.layout import layout_of
from predictor.logs.registry import Reader
from predictor.logs.source import Source
from predictor.logs.tables import Log, ResponseLog

_SPELLINGS: dict[str, tuple[str, ...]] = {
    "strategy": ("strategy", "response_strategy", "method", "generator", "teacher"),
    "example": (
        "example", "example_id", "prompt_id", "question_id", "item", "item_id", "id", "idx",
    ),
    "tokens": ("tokens", "n_tokens", "num_tokens", "token_count", "response_tokens", "length"),
    "log_likelihood": (
        "log_likelihood", "loglikelihood", "logprob_sum", "sum_logprob", "logprob", "log_prob",
        "log_probability",
    ),
    "ppl": ("ppl", "perplexity"),
    "self_ppl": ("self_ppl", "self_perplexity", "self_aligned_perplexity"),
    "similarity": ("similarity", "cosine", "cosine_similarity"),
    "text": ("text", "response", "answer", "output", "completion"),
}  # fmt: skip


def sniff(source: Source) -> bool:
    """Return whether the columns name a strategy and an example."""
    layout = layout_of(source)
    if layout is None:
        return False
    columns = list(layout.columns)
    strategy = names.first_named(columns, _SPELLINGS["strategy"][:2])
    return bool(strategy and names.first_named(columns, _SPELLINGS["example"]))


def read(source: Source) -> Sequence[Log]:
    """Read scored responses into a ResponseLog."""
    table = read_table(source)
    columns = [str(name) for name in table.frame.columns]
    found = {
        field: column
        for field, spellings in _SPELLINGS.items()
        if (column := names.first_named(columns, spellings))
    }
    missing = [field for field in ("strategy", "example") if field not in found]
    if missing:
        raise source.error(f"has no column '{missing[0]}'; log one row a strategy and example")
    frame = table.frame.rename(columns={column: field for field, column in found.items()})
    rest = [name for name in frame.columns if name not in found]
    kept = frame[[*found, *rest]].dropna(subset=["strategy", "example"])
    if kept.empty:
        raise source.error("no row names both a strategy and an example")
    strategy = kept["strategy"].map(_plain).astype(str)
    responses = kept.assign(strategy=strategy, example=kept["example"].map(_plain).astype(str))
    return [ResponseLog(responses.reset_index(drop=True), tuple(table.findings))]


def _plain(value: object) -> str:
    """Return a name; a whole number without its decimal point."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole and isinstance(value, float) else str(value)


READER = Reader(
    name="responses",
    description="Scored responses: strategy, example and tokens, log-likelihood or similarity",
    sniff=sniff,
    read=read,
)
