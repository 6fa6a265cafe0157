"""What a family's configs leave unsaid: biases, norms, tied embeddings, default sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from predictor.architecture.fields import Fields
from predictor.errors import InputError


@dataclass(frozen=True)
class Traits:
    """What the family's code has where its configs say nothing.

    Parameters
    ----------
    known : bool
        Whether the family is one of :data:`FAMILIES`.
    input_bias, output_bias, mlp_bias : bool
        Biases of query, key and value projections, of the output projection, of the feed-forward
        network.
    gated : bool
        Whether the feed-forward network is gated.
    norm_bias : bool
        Whether norms have a bias (LayerNorm) or not (RMSNorm).
    norms : int
        Norms a layer, beside those of queries and keys.
    qk_norm : {"head", "width"}, optional
        Norms of queries and keys.
    tied : bool
        Whether the head is the embedding where ``tie_word_embeddings`` is absent.
    positions : int, optional
        Learned positions beyond ``n_positions``; None where positions are not learned.
    embedding_norm, head_bias : bool
        Whether the embedding has a norm, the head a bias.
    heads, kv_heads, head_dim, vocab : int, optional
        Sizes where their fields are absent.
    four_times : bool
        Whether the feed-forward network is four times as wide as the model where no field tells.
    """

    known: bool = True
    input_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    gated: bool = True
    norm_bias: bool = False
    norms: int = 2
    qk_norm: Literal["head", "width"] | None = None
    tied: bool = False
    positions: int | None = None
    embedding_norm: bool = False
    head_bias: bool = False
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    vocab: int | None = None
    four_times: bool = False


_LLAMA = Traits()
_GPT2 = Traits(
    input_bias=True, output_bias=True, mlp_bias=True, gated=False, norm_bias=True, tied=True,
    positions=0, four_times=True,
)  # fmt: skip
_GEMMA3 = Traits(
    norms=4, qk_norm="head", tied=True, heads=8, kv_heads=4, head_dim=256, vocab=262_208
)
_PLAIN = (
    "llama", "llama4", "llama4_text", "mistral", "mistral3", "ministral", "ministral3", "mixtral",
    "phi3", "internlm", "internlm2", "internlm3", "baichuan", "yi", "deepseek", "deepseek_v2",
    "deepseek_v3", "kimi_k2", "glm", "glm4_moe", "seed_oss", "granite", "granitemoe", "minicpm",
    "ernie4_5", "ernie4_5_moe", "transformer",
)  # fmt: skip

#: Traits by ``model_type``, as in the modelling code of that name in Hugging Face transformers.
FAMILIES: dict[str, Traits] = {
    **dict.fromkeys(_PLAIN, _LLAMA),
    "gpt2": _GPT2,
    "gpt_bigcode": _GPT2,
    "gpt_neo": replace(_GPT2, input_bias=False),
    "gptj": replace(
        _GPT2, input_bias=False, output_bias=False, norms=1, positions=None, tied=False,
        head_bias=True,
    ),
    "gpt_neox": replace(_GPT2, positions=None, tied=False, four_times=False),
    "opt": replace(_GPT2, positions=2, four_times=False),
    "bloom": replace(_GPT2, positions=None, embedding_norm=True),
    "phi": replace(
        _GPT2, positions=None, tied=False, norms=1, head_bias=True, four_times=False
    ),
    "starcoder2": replace(_GPT2, positions=None, four_times=False),
    "falcon": Traits(gated=False, norm_bias=True, norms=1, tied=True, four_times=True),
    "stablelm": Traits(norm_bias=True),
    "olmo": Traits(norms=0),
    "olmo2": Traits(qk_norm="width"),
    "olmo3": Traits(qk_norm="width"),
    "olmoe": Traits(qk_norm="width"),
    "gemma": Traits(tied=True),
    "gemma2": Traits(norms=4, tied=True, heads=8, kv_heads=4, head_dim=256, vocab=256_000),
    "gemma3": _GEMMA3,
    "gemma3_text": _GEMMA3,
    "cohere": Traits(norms=1, tied=True),
    "cohere2": Traits(norms=1, tied=True),
    "qwen": Traits(input_bias=True),
    "qwen2": Traits(input_bias=True),
    "qwen2_moe": Traits(input_bias=True),
    "qwen3": Traits(qk_norm="head"),
    "qwen3_moe": Traits(qk_norm="head"),
    "glm4": Traits(norms=4),
    "exaone4": Traits(qk_norm="head"),
    "gpt_oss": Traits(input_bias=True, output_bias=True, mlp_bias=True),
    "mimo": Traits(input_bias=True),
    "hunyuan_v1_dense": Traits(qk_norm="head", tied=True),
    "hunyuan_v1_moe": Traits(qk_norm="head", tied=True),
    "smollm3": Traits(tied=True),
    "arcee": Traits(gated=False),
    "nemotron": Traits(gated=False, norm_bias=True),
}  # fmt: skip

NEEDED = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
#: Fields that only models of another build have: counting these as plain decoders would be wrong.
_FOREIGN = (
    "ssm_state_size", "state_size", "mamba_d_state", "ssm_cfg", "mamba_num_heads", "rwkv_version",
    "attention_hidden_size", "decoder_layers", "is_encoder_decoder", "expand_k", "expand_v",
    "linear_num_key_heads", "conv_L_cache",
)  # fmt: skip


def traits_of(kind: str, fields: Fields) -> Traits:
    """Return the family's traits, or those of a plain decoder where the family is not known.

    Raises
    ------
    InputError
        If the family is not known and its config is of another build: which fields tell so, and
        which a plain decoder would need.
    """
    if kind in FAMILIES:
        return FAMILIES[kind]
    foreign = [name for name in _FOREIGN if fields.get(name)]
    if foreign:
        missing = [n for n in (*NEEDED, "intermediate_size") if fields.get(n) is None]
        lacks = f"; missing {', '.join(missing)}" if missing else ""
        raise InputError(
            f"{fields.source}: an unknown architecture, with {', '.join(foreign)}, which no count "
            f"here covers{lacks}; give flops_per_token instead of the config"
        )
    return Traits(known=False)
