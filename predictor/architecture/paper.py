"""The FLOPs formula that information capacities were published with, habits and all.

It reads six numbers of a config and takes every model for a dense transformer: ``head_dim`` is
``h / H`` whatever the config says, windows do not end attention, mixtures count with
``intermediate_size`` (their first dense layers' width, often), and latent attention has dense
projections and a core that does not grow with the text. Use it to compare with published values;
``convention="exact"`` counts the model.

References
----------
Yuan et al., arXiv 2511.08066, and the file ``flops.py`` of its repository,
TeleAI-AI-Flow/InformationCapacity.
"""

from __future__ import annotations

from predictor.architecture.families import FAMILIES, Traits
from predictor.architecture.fields import Fields
from predictor.architecture.model import Model, Phase


def paper_flops(
    model: Model, *, tokens: int, context: int, phase: Phase
) -> tuple[float, float, float, float]:
    """Return total, layers, core and head by the published formula; see ``count_flops``.

    Raises
    ------
    InputError
        If the config lacks a number that the formula takes, as those of linear attention do.
    """
    fields = Fields(model.fields, f"the paper's formula, of a '{model.kind}' config")
    traits = FAMILIES.get(model.kind, Traits())
    fields.need(*([] if traits.heads else ["num_attention_heads"]))
    hidden, depth, vocab = model.hidden, model.depth, model.vocab
    heads = fields.positive("num_attention_heads", traits.heads)
    key = hidden // heads
    grouped = fields.positive("num_key_value_heads", traits.kv_heads or heads) * key
    latent = "deepseek" in model.kind
    width = _expert_products(fields) if latent else _products(model.kind, fields, hidden)
    layers = depth * (4.0 * hidden**2 + 4 * hidden * grouped + width * hidden)
    core = depth * 4.0 * heads * key * _keys(fields, latent, tokens, context, phase)
    if latent and phase == "prefill":
        core += depth * 2.0 * hidden * _rank(fields) / tokens
    head = 2.0 * hidden * vocab
    return layers + core + head, layers, core, head


def _keys(fields: Fields, latent: bool, tokens: int, context: int, phase: Phase) -> float:
    if latent:
        return float(_rank(fields))
    return float(tokens) if phase == "prefill" else context + (tokens - 1) / 2


def _rank(fields: Fields) -> int:
    return fields.count("kv_lora_rank", 1)


def _products(kind: str, fields: Fields, hidden: int) -> float:
    """Return FLOPs of the feed-forward network over the width of the model."""
    if kind.startswith("llama4"):
        return 6.0 * fields.count("intermediate_size_mlp") + 4 * fields.count("intermediate_size")
    four_times = FAMILIES.get(kind, Traits()).four_times
    width = fields.count("intermediate_size", 4 * hidden if four_times else None)
    if kind == "gpt_oss":
        return 4.0 * width * fields.count("num_experts_per_tok")
    if kind == "qwen2_moe":
        width += fields.count("shared_expert_intermediate_size")
    return 6.0 * width


def _expert_products(fields: Fields) -> float:
    met = fields.count("n_shared_experts", 0) + fields.count("num_experts_per_tok", 0)
    width = fields.count("moe_intermediate_size", fields.count("intermediate_size", 0))
    return 6.0 * width * met
