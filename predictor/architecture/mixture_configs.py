"""Which layers hold a mixture of experts, and what it is made of."""

from __future__ import annotations

from predictor.architecture.feed_forward import FeedForward, Mixture
from predictor.architecture.fields import Fields

#: Families whose router has a correction for each expert that no field tells of.
_CORRECTED = ("deepseek_v3", "kimi_k2", "glm4_moe", "ernie4_5_moe", "gpt_oss")


def expert_layers(fields: Fields, depth: int) -> list[bool]:
    """Return for each layer whether its feed-forward network is a mixture of experts.

    Examples
    --------
    >>> expert_layers(Fields({"n_routed_experts": 64, "first_k_dense_replace": 1}, ""), 3)
    [False, True, True]
    """
    if fields.count("experts", 0) <= 1:
        return [False] * depth
    listed = fields.numbers("moe_layer_freq", depth)
    if listed is not None:
        return [value > 0 for value in listed]
    named = fields.get("moe_layers")
    if isinstance(named, list) and named:
        return [index in named for index in range(depth)]
    dense = fields.get("mlp_only_layers")
    dense = dense if isinstance(dense, list) else []
    first = fields.count("first_k_dense_replace", fields.count("moe_layer_start_index", 0))
    return [
        index >= first and index not in dense and _in_step(fields, index, first)
        for index in range(depth)
    ]


def _in_step(fields: Fields, index: int, first: int) -> bool:
    """Return whether a mixture falls on this layer where only every so many layers have one."""
    if fields.get("moe_layer_interval") is not None:
        return (index - first) % max(1, fields.count("moe_layer_interval")) == 0
    if fields.get("moe_layer_freq") is not None:
        return index % max(1, fields.count("moe_layer_freq")) == 0
    names = ("decoder_sparse_step", "interleave_moe_layer_step")
    step = max(fields.count(name, 1) for name in names)
    return (index + 1) % max(1, step) == 0


def read_mixture(kind: str, fields: Fields, hidden: int, bias: bool) -> Mixture:
    """Return the mixture of a layer that has one.

    Raises
    ------
    InputError
        If it is not told how wide an expert is, or how many a token meets.
    """
    fields.need("num_experts_per_tok")
    plain = fields.count("intermediate_size", 0)
    width = fields.positive("moe_intermediate_size", plain)
    several = fields.count("n_shared_experts", 0)
    together = fields.count("shared_expert_intermediate_size", several * width)
    if kind.startswith("llama4"):
        together = plain
    return Mixture(
        hidden=hidden,
        expert=FeedForward(hidden, width, bias=bias),
        experts=fields.positive("experts"),
        chosen=fields.positive("num_experts_per_tok"),
        shared=FeedForward(hidden, together, bias=bias) if together else None,
        shared_gate=kind in ("qwen2_moe", "qwen3_next"),
        router_bias=kind in _CORRECTED,
    )
