"""Layers of a transformer from its config: attention, feed-forward network, norms."""

from __future__ import annotations

from predictor.architecture.attention import Attention, LatentAttention
from predictor.architecture.families import NEEDED, Traits
from predictor.architecture.feed_forward import FeedForward
from predictor.architecture.fields import Fields
from predictor.architecture.mixture_configs import expert_layers, read_mixture
from predictor.architecture.model import Layer, Part
from predictor.architecture.windows import windows_of

#: Families whose ``attention_bias`` leaves the output projection out.
_INPUT_ONLY = ("glm", "glm4", "glm4_moe", "seed_oss", "gpt_neo")


def read_layers(traits: Traits, kind: str, fields: Fields) -> list[Layer]:
    """Return a transformer's layers, the first first.

    Raises
    ------
    InputError
        If fields are missing (all are named) or contradict each other.
    """
    _check(traits, fields)
    depth, hidden = fields.layers(), fields.positive("hidden_size")
    windows, mixed = windows_of(kind, fields, depth), expert_layers(fields, depth)
    bias = fields.flag("mlp_bias", traits.mlp_bias)
    dense = None if all(mixed) else _dense(traits, kind, fields, hidden, bias)
    mixture = read_mixture(kind, fields, hidden, bias) if any(mixed) else None
    norms = traits.norms * hidden * (2 if traits.norm_bias else 1)
    mixers = {window: read_attention(traits, kind, fields, window) for window in set(windows)}
    layers = []
    for window, is_mixture in zip(windows, mixed, strict=True):
        network = mixture if is_mixture else dense
        assert network is not None
        layers.append(Layer((mixers[window], network), norms))
    return layers


def _check(traits: Traits, fields: Fields) -> None:
    """Name all missing fields at once."""
    unsaid = {"vocab_size": traits.vocab, "num_attention_heads": traits.heads}
    needed = [name for name in NEEDED if unsaid.get(name) is None]
    if not traits.four_times and fields.get("moe_intermediate_size") is None:
        needed.append("intermediate_size")
    fields.need(*needed)


def _dense(traits: Traits, kind: str, fields: Fields, hidden: int, bias: bool) -> FeedForward:
    width = fields.positive("intermediate_size", 4 * hidden if traits.four_times else None)
    if kind == "qwen":
        width //= 2  # its field holds both halves of the gated network
    if kind.startswith("llama4"):
        width = fields.positive("intermediate_size_mlp", width)
    return FeedForward(hidden, width, traits.gated, bias)


def read_attention(traits: Traits, kind: str, fields: Fields, window: int | None) -> Part:
    """Return a layer's attention, latent where the config has a rank for it."""
    hidden = fields.positive("hidden_size")
    heads = fields.positive("num_attention_heads", traits.heads)
    if fields.get("kv_lora_rank") is not None:
        return _latent(fields, hidden, heads)
    grouped = fields.positive("num_key_value_heads", traits.kv_heads or heads)
    if kind in ("falcon", "gpt_bigcode"):
        grouped = _few_keys(fields, heads, grouped)
    fields.divided(heads, grouped, "num_attention_heads by num_key_value_heads")
    width = fields.get("head_dim") or traits.head_dim
    key = fields.positive("head_dim", traits.head_dim) if width else fields.divided(
        hidden, heads, "hidden_size by num_attention_heads"
    )  # fmt: skip
    told = fields.get("attention_bias")
    normed = fields.flag("use_qk_norm", fields.flag("qk_layernorm", traits.qk_norm is not None))
    return Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=grouped,
        key=key,
        value=fields.positive("v_head_dim", key),
        window=window,
        input_bias=fields.flag("attention_bias", traits.input_bias),
        output_bias=fields.flag(
            "attention_out_bias",
            traits.output_bias if told is None or kind in _INPUT_ONLY else bool(told),
        ),
        norm=(traits.qk_norm or "head") if normed else None,
        sinks=kind == "gpt_oss",
    )


def _few_keys(fields: Fields, heads: int, grouped: int) -> int:
    """Return the key-value heads of families that tell them by flags."""
    if fields.flag("new_decoder_architecture"):
        return grouped
    return 1 if fields.flag("multi_query", True) else heads


def _latent(fields: Fields, hidden: int, heads: int) -> LatentAttention:
    fields.need("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim")
    return LatentAttention(
        hidden=hidden,
        heads=heads,
        query_rank=fields.count("q_lora_rank", 0) or None,
        rank=fields.positive("kv_lora_rank"),
        nope=fields.positive("qk_nope_head_dim"),
        rope=fields.count("qk_rope_head_dim"),
        value=fields.positive("v_head_dim"),
    )
