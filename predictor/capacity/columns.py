"""Columns of a compression table, by the field's usual names in any case."""

from __future__ import annotations

from predictor.logs.columns import canonical

COLUMNS: dict[str, tuple[str, ...]] = {
    "model": ("model", "model_name", "name", "run"),
    "series": ("series", "family", "model_family", "model_series"),
    "dataset": ("dataset", "data_set", "corpus", "task"),
    "checkpoint": ("checkpoint", "step", "global_step", "train_step"),
    "text_bytes": ("text_bytes", "bytes", "n_bytes", "num_bytes", "utf8_bytes"),
    "characters": ("characters", "text_characters", "chars", "n_chars"),
    "tokens": ("tokens", "n_tokens", "num_tokens", "scored_tokens"),
    "text_bits_per_token": ("text_bits_per_token", "text_size", "text_size_per_token"),
    "nll_nats": ("nll_nats", "nll_sum_nats", "negative_log_likelihood_nats"),
    "nll_bits_per_token": ("nll_bits_per_token", "bits_per_token"),
    "logprob_sum": ("logprob_sum", "loglikelihood", "log_likelihood", "logprobs_sum"),
    "bits_per_byte": ("bits_per_byte", "bpb"),
    "bits_per_character": ("bits_per_character", "bpc"),
    "perplexity": ("perplexity", "ppl", "token_perplexity"),
    "gain_bits_per_token": ("gain_bits_per_token", "compression_gain"),
    "flops_per_token": (
        "flops_per_token", "forward_flops_per_token", "inference_flops_per_token",
        "flops_formula",
    ),
    "config": ("config", "config_path", "config_json"),
    "samples": ("samples", "samples_path", "samples_jsonl"),
    "results": ("results", "results_path", "lm_eval_results"),
    "memory_bytes": ("memory_bytes", "memory"),
    "latency": (
        "latency", "latency_ms", "latency_s", "ms_per_token", "seconds_per_token",
        "latency_ms_per_token", "time_per_token",
    ),
}  # fmt: skip


def by_canonical_name(columns: list[str]) -> dict[str, str]:
    """Return the table's own name of every column that is known, by its canonical name.

    Examples
    --------
    >>> by_canonical_name(["Model", "Bytes", "hidden"])
    {'model': 'Model', 'text_bytes': 'Bytes'}
    """
    own = {canonical(column): column for column in reversed(columns)}
    found = {}
    for name, spellings in COLUMNS.items():
        spelt = next((own[spelling] for spelling in spellings if spelling in own), None)
        if spelt is not None:
            found[name] = spelt
    return found
