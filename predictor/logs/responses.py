"""Columns of a table of responses, under their canonical names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from predictor.errors import InputError
from predictor.logs import columns as names

if TYPE_CHECKING:
    import pandas as pd

#: By canonical name: how the field spells it, the best first.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "strategy": ("strategy", "response_strategy", "method", "generator", "teacher"),
    "example": (
        "example", "example_id", "prompt_id", "question_id", "item", "item_id", "id", "idx",
    ),
    "tokens": ("tokens", "n_tokens", "num_tokens", "token_count", "response_tokens", "length"),
    "log_likelihood": (
        "log_likelihood", "loglikelihood", "logprob_sum", "sum_logprob", "logprob", "log_prob",
        "log_probability",
    ),
    "token_logprobs": ("token_logprobs", "token_log_likelihoods", "logprobs"),
    "unconditional_log_likelihood": (
        "unconditional_log_likelihood", "unconditional_logprob_sum", "unconditional_logprob",
    ),
    "self_log_likelihood": (
        "self_log_likelihood", "self_logprob_sum", "self_aligned_logprob_sum",
    ),
    "ppl": ("ppl", "perplexity"),
    "self_ppl": ("self_ppl", "self_perplexity", "self_aligned_perplexity", "sappl"),
    "similarity": ("similarity", "cosine", "cosine_similarity"),
    "reward": ("reward", "reward_score"),
    "task": ("task", "dataset", "benchmark"),
    "model": ("model", "model_name", "target_model"),
    "question": ("question", "prompt", "instruction", "input"),
    "text": ("text", "response", "answer", "output", "completion"),
    "reference": ("reference", "own_answer", "model_answer", "model_response", "sample"),
    "correct": ("correct", "reference_correct", "own_answer_correct"),
}  # fmt: skip


def response_frame(frame: pd.DataFrame, name: str = "table") -> pd.DataFrame:
    """Return responses under canonical names, one row a strategy and example; others are kept.

    Parameters
    ----------
    frame : DataFrame
        As read.
    name : str
        What errors call it.

    Returns
    -------
    DataFrame
        ``strategy`` and ``example`` are text; rows that lack one of them are left out.

    Raises
    ------
    InputError
        If there is no strategy or no example.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"teacher": ["a"], "id": [3.0], "logprob_sum": [-12.5]})
    >>> response_frame(frame).to_dict("records")
    [{'strategy': 'a', 'example': '3', 'log_likelihood': -12.5}]
    """
    columns = [str(column) for column in frame.columns]
    found = {
        field: column
        for field, spellings in SPELLINGS.items()
        if (column := names.first_named(columns, spellings))
    }
    missing = [field for field in ("strategy", "example") if field not in found]
    if missing:
        raise InputError(f"{name} has no column '{missing[0]}'; log one row a strategy and example")
    renamed = frame.rename(columns={column: field for field, column in found.items()})
    rest = [column for column in renamed.columns if column not in found]
    kept = renamed[[*found, *rest]].dropna(subset=["strategy", "example"])
    if kept.empty:
        raise InputError(f"{name}: no row names both a strategy and an example")
    text = {field: kept[field].map(_plain).astype(str) for field in ("strategy", "example")}
    return kept.assign(**text)


def _plain(value: object) -> str:
    """Return a name; a whole number without its decimal point."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole and isinstance(value, float) else str(value)
