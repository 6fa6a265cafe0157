"""Configs of public models, as facts: what their ``config.json`` on huggingface.co says.

One line a model: the repository there, and the fields that a cost depends on.
"""

from __future__ import annotations

from typing import Any

_DENSE = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "intermediate_size", "vocab_size",
)  # fmt: skip


def _dense(kind: str, *numbers: int, **more: Any) -> dict[str, Any]:
    return {"model_type": kind, **dict(zip(_DENSE, numbers, strict=True)), **more}


_LATENT = {
    "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
    "v_head_dim": 128, "moe_layer_freq": 1,
}  # fmt: skip
_TIED = {"tie_word_embeddings": True}
_WIDE = {"head_dim": 128}
_BIASED = {"attention_bias": True}
_QWEN15 = {"use_sliding_window": False, "sliding_window": 32768, "max_window_layers": 21}
_GLM45 = {
    **_WIDE, "n_routed_experts": 128, "n_shared_experts": 1, "num_experts_per_tok": 8,
    "moe_intermediate_size": 1408, "first_k_dense_replace": 1, "attention_bias": True,
    "use_qk_norm": False, "num_nextn_predict_layers": 1,
}  # fmt: skip

#: By the name that the published readings give the model.
CONFIGS: dict[str, dict[str, Any]] = {
    # Qwen/Qwen3-*-Base
    "Qwen3-0.6B-Base": _dense("qwen3", 1024, 28, 16, 8, 3072, 151936, **_WIDE, **_TIED),
    "Qwen3-1.7B-Base": _dense("qwen3", 2048, 28, 16, 8, 6144, 151936, **_WIDE, **_TIED),
    "Qwen3-4B-Base": _dense("qwen3", 2560, 36, 32, 8, 9728, 151936, **_WIDE, **_TIED),
    "Qwen3-8B-Base": _dense("qwen3", 4096, 36, 32, 8, 12288, 151936, **_WIDE),
    "Qwen3-14B-Base": _dense("qwen3", 5120, 40, 40, 8, 17408, 151936, **_WIDE),
    # Qwen/Qwen1.5-*
    "Qwen1.5-0.5B": _dense("qwen2", 1024, 24, 16, 16, 2816, 151936, **_QWEN15, **_TIED),
    "Qwen1.5-1.8B": _dense("qwen2", 2048, 24, 16, 16, 5504, 151936, **_QWEN15),
    "Qwen1.5-4B": _dense("qwen2", 2560, 40, 20, 20, 6912, 151936, **_QWEN15),
    "Qwen1.5-7B": _dense("qwen2", 4096, 32, 32, 32, 11008, 151936, **_QWEN15),
    "Qwen1.5-14B": _dense("qwen2", 5120, 40, 40, 40, 13696, 152064, **_QWEN15),
    "Qwen1.5-32B": _dense("qwen2", 5120, 64, 40, 8, 27392, 152064, **_QWEN15),
    "Qwen1.5-72B": _dense("qwen2", 8192, 80, 64, 64, 24576, 152064, **_QWEN15),
    "Qwen1.5-MoE-A2.7B": _dense(
        "qwen2_moe", 2048, 24, 16, 16, 5632, 151936, num_experts=60, num_experts_per_tok=4,
        moe_intermediate_size=1408, shared_expert_intermediate_size=5632, decoder_sparse_step=1,
    ),
    # meta-llama/Llama-3.*
    "Llama-3.2-1B": _dense("llama", 2048, 16, 32, 8, 8192, 128256, head_dim=64, **_TIED),
    "Llama-3.2-3B": _dense("llama", 3072, 28, 24, 8, 8192, 128256, **_WIDE, **_TIED),
    "Llama-3.1-8B": _dense("llama", 4096, 32, 32, 8, 14336, 128256),
    "Llama-3.1-70B": _dense("llama", 8192, 80, 64, 8, 28672, 128256),
    # zai-org/GLM-4-*-Base-0414, GLM-4.5-*Base
    "GLM-4-9B-0414-Base": _dense("glm4", 4096, 40, 32, 2, 13696, 151552, **_WIDE, **_BIASED),
    "GLM-4-32B-Base-0414": _dense("glm4", 6144, 61, 48, 2, 23040, 151552, **_WIDE),
    "GLM-4.5-Air-Base": _dense("glm4_moe", 4096, 46, 96, 8, 10944, 151552, **_GLM45),
    "GLM-4.5-Base": _dense(
        "glm4_moe", 5120, 92, 96, 8, 12288, 151552,
        **_GLM45 | {
            "n_routed_experts": 160, "moe_intermediate_size": 1536, "first_k_dense_replace": 3,
            "use_qk_norm": True,
        },
    ),
    # ByteDance-Seed/Seed-OSS-36B-Base
    "Seed-OSS-36B-Base": _dense("seed_oss", 5120, 64, 80, 8, 27648, 155136, **_WIDE, **_BIASED),
    # mistralai/Ministral-3-*-Base-2512, text_config
    "Ministral-3-3B-Base": _dense("ministral3", 3072, 26, 32, 8, 9216, 131072, **_WIDE, **_TIED),
    "Ministral-3-8B-Base": _dense("ministral3", 4096, 34, 32, 8, 14336, 131072, **_WIDE),
    "Ministral-3-14B-Base": _dense("ministral3", 5120, 40, 32, 8, 16384, 131072, **_WIDE),
    # deepseek-ai/DeepSeek-V2, DeepSeek-V3.1-Base
    "DeepSeek-V2": _dense(
        "deepseek_v2", 5120, 60, 128, 128, 12288, 102400, **_LATENT, moe_intermediate_size=1536,
        n_routed_experts=160, n_shared_experts=2, num_experts_per_tok=6, first_k_dense_replace=1,
    ),
    "DeepSeek-V3.1-Base": _dense(
        "deepseek_v3", 7168, 61, 128, 128, 18432, 129280, **_LATENT, moe_intermediate_size=2048,
        n_routed_experts=256, n_shared_experts=1, num_experts_per_tok=8, first_k_dense_replace=3,
    ),
    # openai-community/gpt2
    "GPT-2 small": {
        "model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024,
        "vocab_size": 50257,
    },
    # meta-llama/Meta-Llama-3-8B
    "Llama-3-8B": _dense("llama", 4096, 32, 32, 8, 14336, 128256),
    # mistralai/Mixtral-8x7B-v0.1
    "Mixtral-8x7B": _dense(
        "mixtral", 4096, 32, 32, 8, 14336, 32000, num_local_experts=8, num_experts_per_tok=2
    ),
    # fla-hub/gla-1.3B-100B; intermediate_size by its code: 2048 * 4 * 2 / 3, rounded up to 256s
    "GLA 1.3B": {
        "model_type": "gla", "hidden_size": 2048, "num_hidden_layers": 24, "num_heads": 4,
        "expand_k": 0.5, "expand_v": 1, "hidden_ratio": 4, "intermediate_size": None,
        "use_output_gate": True, "use_short_conv": False, "vocab_size": 32000,
        "tie_word_embeddings": False,
    },
}  # fmt: skip
