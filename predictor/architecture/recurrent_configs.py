"""Layers of linear attention, its gated and delta-rule kin, and their hybrids with softmax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from predictor.architecture.attention import Attention
from predictor.architecture.families import Traits
from predictor.architecture.feed_forward import FeedForward
from predictor.architecture.fields import Fields
from predictor.architecture.mixture_configs import expert_layers, read_mixture
from predictor.architecture.model import Layer, Part
from predictor.architecture.recurrence import Recurrence, Rule
from predictor.architecture.transformer_configs import read_attention
from predictor.errors import InputError

#: Rank of the gate's projection where the config has none (flash-linear-attention's default).
_GATE_RANK = 16


def read_layers(kind: str, fields: Fields) -> list[Layer]:
    """Return the layers of a model of one of :data:`FAMILIES`, the first first.

    Raises
    ------
    InputError
        If fields are missing or contradict each other.
    """
    fields.need("hidden_size", "num_hidden_layers", "vocab_size")
    return FAMILIES[kind](fields)


def _stack(fields: Fields, mixer: Recurrence) -> list[Layer]:
    """Return layers of flash-linear-attention: its mixer, or softmax where ``attn`` says so."""
    depth, hidden = fields.layers(), fields.positive("hidden_size")
    network = FeedForward(hidden, _width(fields, hidden))
    softmax = _softmax_layers(fields, depth, hidden)
    return [Layer((softmax.get(index, mixer), network), 2 * hidden) for index in range(depth)]


def _width(fields: Fields, hidden: int) -> int:
    """Return the feed-forward width: two thirds of the ratio, rounded up to 256s."""
    if fields.get("intermediate_size") is not None:
        return fields.positive("intermediate_size")
    return 256 * -(-int(hidden * fields.ratio("hidden_ratio", 4) * 2 / 3) // 256)


def _softmax_layers(fields: Fields, depth: int, hidden: int) -> dict[int, Part]:
    told = fields.get("attn")
    found: dict[int, Part] = {}
    for spec in told if isinstance(told, list) else [told] if told else []:
        if not isinstance(spec, Mapping) or not isinstance(spec.get("layers"), list):
            raise InputError(f"{fields.source}: attn must name its layers and num_heads")
        part = _softmax(Fields(spec, f"{fields.source}, attn"), hidden)
        found |= {index: part for index in spec["layers"] if index in range(depth)}
    return found


def _softmax(spec: Fields, hidden: int) -> Attention:
    heads = spec.positive("num_heads")
    key = spec.divided(hidden, heads, "hidden_size by num_heads")
    return Attention(
        hidden, heads, spec.positive("num_kv_heads", heads), key, key,
        window=spec.count("window_size", 0) or None, input_bias=spec.flag("qkv_bias"),
    )  # fmt: skip


class _Sizes:
    """Widths of a flash-linear-attention mixer."""

    def __init__(self, fields: Fields, heads: int, expand_k: float, expand_v: float) -> None:
        self.hidden = fields.positive("hidden_size")
        self.heads = fields.positive("num_heads", heads)
        keys = int(self.hidden * fields.ratio("expand_k", expand_k))
        values = int(self.hidden * fields.ratio("expand_v", expand_v))
        self.key = fields.divided(keys, self.heads, "key width by num_heads")
        self.value = fields.divided(values, self.heads, "value width by num_heads")
        groups = self.heads // fields.positive("num_kv_heads", self.heads)
        self.keys, self.values = keys, values
        self.grouped_keys, self.grouped_values = keys // groups, values // groups


def _linear(fields: Fields) -> list[Layer]:
    sizes = _Sizes(fields, heads=4, expand_k=1.0, expand_v=1.0)
    maps = {"hedgehog": 1, "t2r": 1, "elementwise_product": 2}
    each = maps.get(str(fields.get("feature_map") or "elementwise_product"), 0)
    each *= 1 if fields.flag("tie_feature_map_qk") else 2
    through = sizes.keys + sizes.grouped_keys + sizes.grouped_values + sizes.values
    return _stack(fields, Recurrence(
        "linear", sizes.heads, sizes.key, sizes.value,
        projections=sizes.hidden * through + each * sizes.key**2, others=sizes.value,
    ))  # fmt: skip


def _gated(fields: Fields) -> list[Layer]:
    sizes = _Sizes(fields, heads=4, expand_k=0.5, expand_v=1.0)
    rank = fields.positive("gate_low_rank_dim", _GATE_RANK)
    out = sizes.values * (2 if fields.flag("use_output_gate", True) else 1)
    through = sizes.keys + sizes.grouped_keys + sizes.grouped_values + out
    channels = sizes.keys + sizes.grouped_keys + sizes.grouped_values
    return _stack(fields, Recurrence(
        "gated", sizes.heads, sizes.key, sizes.value,
        projections=sizes.hidden * (through + rank) + rank * sizes.grouped_keys,
        others=sizes.grouped_keys + sizes.value,
        channels=channels if fields.flag("use_short_conv") else 0,
        kernel=fields.count("conv_size", 4),
    ))  # fmt: skip


def _delta(fields: Fields) -> list[Layer]:
    sizes = _Sizes(fields, heads=16, expand_k=1.0, expand_v=1.0)
    out = sizes.values * (2 if fields.flag("use_gate") else 1)
    strengths = sizes.heads if fields.flag("use_beta", True) else 0
    convolved = fields.flag("use_short_conv", True)
    return _stack(fields, Recurrence(
        "delta", sizes.heads, sizes.key, sizes.value,
        projections=sizes.hidden * (2 * sizes.keys + sizes.values + out + strengths),
        others=sizes.value,
        channels=2 * sizes.keys + sizes.values if convolved else 0,
        kernel=fields.count("conv_size", 4),
    ))  # fmt: skip


def _gated_delta(fields: Fields) -> list[Layer]:
    hidden, heads = fields.positive("hidden_size"), fields.positive("num_heads", 6)
    states = fields.positive("num_v_heads", heads)
    key = fields.positive("head_dim", 256)
    value = int(key * fields.ratio("expand_v", 2.0))
    gate = 2 if fields.flag("use_gate", True) else 1
    through = 2 * heads * key + states * value * (1 + gate) + 2 * states
    convolved = fields.flag("use_short_conv", True)
    return _stack(fields, Recurrence(
        "gated-delta", states, key, value, projections=hidden * through,
        others=value + 2 * states, channels=2 * heads * key + states * value if convolved else 0,
        kernel=fields.count("conv_size", 4),
    ))  # fmt: skip


def _memories(rule: Rule) -> Callable[[Fields], list[Layer]]:
    """Return the reader of a mixture of memories of this rule."""

    def read(fields: Fields) -> list[Layer]:
        hidden, heads = fields.positive("hidden_size"), fields.positive("num_heads", 4)
        key, value = _memory_widths(rule, fields, heads)
        keys, values = heads * key, heads * value
        rank = fields.positive("gate_low_rank_dim", _GATE_RANK)
        gates = {
            "gated-delta": 2 * hidden * heads, "gated": rank * (hidden + keys), "linear": 0,
            "delta": hidden * heads,
        }[rule]  # fmt: skip
        count = fields.positive("num_memories", fields.positive("num_experts", 4))
        met = fields.positive("topk", 2)
        shared = fields.flag("shared_mem", True)
        single = fields.flag("single_kv_proj", fields.flag("single_expert"))
        writes = hidden * (keys + values) + gates
        out = values * (2 if fields.flag("use_output_gate", True) else 1)
        always = hidden * (keys + out + count)
        convolved = fields.flag("use_short_conv", rule == "gated-delta")
        return _stack(fields, Recurrence(
            rule, heads, key, value,
            projections=always + writes * (1 if single else count + shared),
            projections_met=always + writes * (1 if single else met + shared),
            others=value + (2 * heads if rule == "gated-delta" else 0),
            channels=2 * keys + values if convolved else 0,
            kernel=fields.count("conv_size", 4),
            memories=count + shared,
            met=met + shared,
        ))  # fmt: skip

    return read


def _memory_widths(rule: Rule, fields: Fields, heads: int) -> tuple[int, int]:
    if rule == "gated-delta":
        key = fields.positive("head_dim", 256)
        return key, int(key * fields.ratio("expand_v", 1.0))
    sizes = _Sizes(fields, heads, 0.5 if rule == "gated" else 1.0, 1.0)
    return sizes.key, sizes.value


def _next(fields: Fields) -> list[Layer]:
    """Return layers of Qwen3-Next: gated delta rule, gated softmax every so many, a mixture."""
    needed = ("linear_num_value_heads", "linear_num_key_heads", "linear_key_head_dim")
    fields.need(*needed, "linear_value_head_dim", "num_attention_heads", "intermediate_size")
    hidden, depth = fields.positive("hidden_size"), fields.layers()
    states, heads, key = (fields.positive(name) for name in needed)
    value = fields.positive("linear_value_head_dim")
    channels = 2 * heads * key + states * value
    recurrent = Recurrence(
        "gated-delta", states, key, value,
        projections=hidden * (channels + 2 * states * value + 2 * states),
        others=value + 2 * states, channels=channels,
        kernel=fields.count("linear_conv_kernel_dim", 4),
    )  # fmt: skip
    softmax = read_attention(Traits(qk_norm="head"), "qwen3_next", fields, None)
    assert isinstance(softmax, Attention)
    gated = Attention(**{**vars(softmax), "gated": True})
    every = fields.positive("full_attention_interval", 4)
    listed = fields.get("layer_types")
    kinds = listed if isinstance(listed, list) and len(listed) == depth else [
        "full_attention" if (index + 1) % every == 0 else "linear_attention"
        for index in range(depth)
    ]  # fmt: skip
    return _with_networks(
        "qwen3_next", fields, [gated if k == "full_attention" else recurrent for k in kinds]
    )


def _lightning(fields: Fields) -> list[Layer]:
    """Return layers of MiniMax-01: linear attention with a fixed decay, softmax every eighth."""
    fields.need("num_attention_heads", "intermediate_size")
    hidden, depth = fields.positive("hidden_size"), fields.layers()
    softmax = read_attention(Traits(), "minimax", fields, None)
    assert isinstance(softmax, Attention)
    width = softmax.heads * softmax.key
    recurrent = Recurrence(
        "gated", softmax.heads, softmax.key, softmax.key, projections=hidden * width * 5,
        others=width,
    )  # fmt: skip
    listed: Any = fields.get("attn_type_list") or fields.get("layer_types")
    if not isinstance(listed, list) or len(listed) != depth:
        raise InputError(f"{fields.source}: missing attn_type_list or layer_types, one a layer")
    mixers = [softmax if kind in (1, "full_attention") else recurrent for kind in listed]
    return _with_networks("minimax", fields, mixers)


def _with_networks(kind: str, fields: Fields, mixers: list[Any]) -> list[Layer]:
    hidden = fields.positive("hidden_size")
    mixed = expert_layers(fields, len(mixers))
    mixture = read_mixture(kind, fields, hidden, bias=False) if any(mixed) else None
    dense = FeedForward(hidden, fields.positive("intermediate_size"))
    return [
        Layer((mixer, mixture if is_mixture and mixture else dense), 2 * hidden)
        for mixer, is_mixture in zip(mixers, mixed, strict=True)
    ]


def _liger(bias: bool, norm: bool) -> Callable[[Fields], list[Layer]]:
    """Return the reader of a linearised transformer.

    Its projections feed gated linear attention and a sliding window of softmax at once; the gate
    is pooled from the keys and has no weights.
    """

    def read(fields: Fields) -> list[Layer]:
        fields.need("num_attention_heads", "intermediate_size")
        hidden, depth = fields.positive("hidden_size"), fields.layers()
        window = fields.positive("window_size", 64)
        traits = Traits(input_bias=bias, qk_norm="head" if norm else None)
        softmax = read_attention(traits, "liger", fields, window)
        assert isinstance(softmax, Attention)
        state = Recurrence("gated", softmax.heads, softmax.key, softmax.value, projections=0)
        network = FeedForward(hidden, fields.positive("intermediate_size"))
        return [Layer((softmax, state, network), 2 * hidden)] * depth

    return read


#: Readers by ``model_type``: flash-linear-attention's names, MoM's, Liger's, transformers'.
FAMILIES: dict[str, Callable[[Fields], list[Layer]]] = {
    "linear_attn": _linear,
    "gla": _gated,
    "delta_net": _delta,
    "gated_deltanet": _gated_delta,
    "mom": _memories("gated-delta"),
    "mom_gated_deltanet": _memories("gated-delta"),
    "mom_gla": _memories("gated"),
    "mom_linear_attn": _memories("linear"),
    "qwen3_next": _next,
    "minimax": _lightning,
    "minimax_text_01": _lightning,
    "liger_gla": _liger(bias=False, norm=False),
    "liger_qwen2_gla": _liger(bias=True, norm=False),
    "liger_qwen3_gla": _liger(bias=False, norm=True),
}
