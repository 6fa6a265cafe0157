"""Parameters against what checkpoints and reports state, to the last one."""

from __future__ import annotations

import pytest

from predictor import count_parameters, read_config

WIDE = {"head_dim": 128}
TIED = {"tie_word_embeddings": True}


def dense(kind, hidden, layers, heads, kv, width, vocab, **more):
    return {
        "model_type": kind, "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv, "intermediate_size": width,
        "vocab_size": vocab, **more,
    }  # fmt: skip


#: Config and the number of parameters in the published checkpoint's tensors.
CHECKPOINTS = {
    "Qwen2.5-0.5B": (
        dense("qwen2", 896, 24, 14, 2, 4864, 151936, **TIED, use_sliding_window=False), 494_032_768
    ),
    "Pythia-160m": (dense("gpt_neox", 768, 12, 12, 12, 3072, 50304), 162_322_944),
    "OPT-125m": (
        {
            "model_type": "opt", "hidden_size": 768, "num_hidden_layers": 12,
            "num_attention_heads": 12, "ffn_dim": 3072, "max_position_embeddings": 2048,
            "vocab_size": 50272,
        },
        125_239_296,
    ),
    "Falcon-7B": (
        {
            "model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32,
            "num_attention_heads": 71, "multi_query": True, "vocab_size": 65024,
        },
        6_921_720_704,
    ),
    "Gemma-2-2B": (
        dense("gemma2", 2304, 26, 8, 4, 9216, 256000, head_dim=256, sliding_window=4096),
        2_614_341_888,
    ),
    "Gemma-3-1B": (
        dense("gemma3_text", 1152, 26, 4, 1, 6912, 262144, head_dim=256, sliding_window=512),
        999_885_952,
    ),
    "OLMo-2-7B": (dense("olmo2", 4096, 32, 32, 32, 11008, 100352), 7_298_617_344),
    "Qwen3-30B-A3B": (
        dense(
            "qwen3_moe", 2048, 48, 32, 4, 6144, 151936, **WIDE, moe_intermediate_size=768,
            num_experts=128, num_experts_per_tok=8, decoder_sparse_step=1, mlp_only_layers=[],
        ),
        30_532_122_624,
    ),
    "gpt-oss-20b": (
        dense(
            "gpt_oss", 2880, 24, 64, 8, 2880, 201088, head_dim=64, num_local_experts=32,
            num_experts_per_tok=4, attention_bias=True, sliding_window=128,
        ),
        20_914_757_184,
    ),
    "Qwen3-Next-80B-A3B": (
        dense(
            "qwen3_next", 2048, 48, 16, 2, 5120, 151936, head_dim=256, moe_intermediate_size=512,
            num_experts=512, num_experts_per_tok=10, shared_expert_intermediate_size=512,
            linear_num_value_heads=32, linear_num_key_heads=16, linear_key_head_dim=128,
            linear_value_head_dim=128, linear_conv_kernel_dim=4, full_attention_interval=4,
        ),
        79_674_391_296,
    ),
}  # fmt: skip

PUBLIC = {
    "GPT-2 small": 124_439_808,
    "Llama-3-8B": 8_030_261_248,
    "Mixtral-8x7B": 46_702_792_704,
    "DeepSeek-V2": 235_741_434_880,
    "DeepSeek-V3.1-Base": 671_026_419_200,
    "Qwen3-0.6B-Base": 596_049_920,
    "Qwen1.5-MoE-A2.7B": 14_315_784_192,
    "Llama-3.2-1B": 1_235_814_400,
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_count_is_that_of_the_checkpoint(name):
    config, total = CHECKPOINTS[name]
    assert count_parameters(read_config(config)).total == total


@pytest.mark.parametrize("name", PUBLIC)
def test_count_of_public_configs(name, public_configs):
    assert count_parameters(read_config(public_configs[name])).total == PUBLIC[name]


@pytest.mark.parametrize(
    ("name", "billions"),
    [("Mixtral-8x7B", 12.9), ("DeepSeek-V2", 21), ("DeepSeek-V3.1-Base", 37)],
)
def test_what_a_token_meets_is_what_the_report_says(name, billions, public_configs):
    active = count_parameters(read_config(public_configs[name])).active
    assert active / 1e9 == pytest.approx(billions, rel=0.02)


def test_minimax_meets_what_its_report_says_without_embeddings():
    layers = (["linear_attention"] * 7 + ["full_attention"]) * 10
    config = dense(
        "minimax", 6144, 80, 64, 8, 9216, 200064, **WIDE, num_local_experts=32,
        num_experts_per_tok=2, layer_types=layers,
    )  # fmt: skip
    counts = count_parameters(read_config(config))
    assert counts.total / 1e9 == pytest.approx(456, rel=0.002)
    assert (counts.active - counts.embeddings) / 1e9 == pytest.approx(45.9, rel=0.002)


def test_parts_add_up(public_configs):
    for config in public_configs.values():
        counts = count_parameters(read_config(config))
        assert counts.without_embeddings + counts.embeddings == counts.total
        assert counts.active <= counts.total


def test_a_gated_linear_layer_has_four_times_the_width_squared(public_configs):
    small = {**public_configs["GLA 1.3B"], "num_hidden_layers": 1}
    config = read_config(small)
    counts = count_parameters(config)
    network, norms, gate = 3 * 2048 * 5632, 3 * 2048 + 512, 16 * (2048 + 1024) + 1024
    assert counts.without_embeddings == 4 * 2048**2 + network + norms + gate
