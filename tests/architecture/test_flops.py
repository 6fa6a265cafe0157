"""FLOPs by hand, part by part; the published formula against the published readings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictor import InputError, count_flops, read_config
from predictor.architecture.attention import Attention, LatentAttention
from predictor.architecture.feed_forward import FeedForward, Mixture
from predictor.architecture.model import Span
from predictor.architecture.recurrence import Recurrence

GPT2 = {
    "model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024,
    "vocab_size": 50257,
}  # fmt: skip
LLAMA = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 96, "vocab_size": 100,
}  # fmt: skip


def test_gpt2_small_by_hand():
    # a layer: 4 h^2 of attention and 8 h^2 of its network, twice; 4 h FLOPs a key, 511.5 of them
    layers, core, head = 12 * 2 * 12 * 768**2, 12 * 4 * 768 * 511.5, 2 * 768 * 50257
    counted = count_flops(read_config(GPT2))
    assert counted == (layers + core + head, layers, core, head)


def test_llama_3_8b_is_twice_its_products_and_its_core(public_configs):
    products = 8_030_261_248 - 128_256 * 4096 - 65 * 4096
    counted = count_flops(read_config(public_configs["Llama-3-8B"]))
    assert counted.total == 2 * products + 32 * 4 * 4096 * 511.5


def test_mixtral_is_twice_the_12_9_billion_of_its_report(public_configs):
    counted = count_flops(read_config(public_configs["Mixtral-8x7B"]))
    assert counted.layers + counted.head == pytest.approx(2 * (12.9e9 - 32_000 * 4096), rel=0.01)
    assert counted.core == 32 * 4 * 4096 * 511.5


def test_deepseek_v2_is_twice_the_21_billion_of_its_report(public_configs):
    model = read_config(public_configs["DeepSeek-V2"])
    decode, prefill = count_flops(model), count_flops(model, phase="prefill")
    # 21.4 B by the checkpoint, of which the embedding's 0.5 B are looked up
    assert decode.layers + decode.head == pytest.approx(2 * (21.376e9 - 102_400 * 5120), rel=0.001)
    # absorbed: scores over 512 + 64 numbers, values of 512; expanded: 192 and 128
    assert decode.core == 60 * 128 * (2 * (512 + 64) + 2 * 512) * 511.5
    assert prefill.core == 60 * 128 * (2 * 192 + 2 * 128) * 511.5


def test_gated_linear_attention_by_hand(public_configs):
    counted = count_flops(read_config(public_configs["GLA 1.3B"]))
    assert counted.core == 24 * 4 * 256 * 512 * 5
    assert counted.layers == 2 * 24 * (4 * 2048**2 + 16 * 3072 + 3 * 2048 * 5632)
    # its paper counts 4 d^2 weights a mixer and 1.3 B in all
    assert counted.total / 2 == pytest.approx(1.3e9, rel=0.03)


def test_linear_attention_costs_the_same_however_long_the_text(public_configs):
    model = read_config(public_configs["GLA 1.3B"])
    assert count_flops(model, tokens=10).total == count_flops(model, context=10**6).total


def test_a_window_ends_the_growth():
    config = {**LLAMA, "model_type": "mistral", "sliding_window": 16}
    model = read_config(config)
    late = count_flops(model, tokens=1, context=10_000)
    assert late.core == 2 * 4 * 4 * 16 * 16


@given(st.integers(0, 40), st.integers(1, 40), st.one_of(st.none(), st.integers(1, 90)))
def test_keys_seen_is_the_mean_over_tokens(context, tokens, window):
    counted = [min(t, window or t) for t in range(context, context + tokens)]
    assert Span(tokens, context).keys_seen(window) == pytest.approx(np.mean(counted))


def test_a_query_gate_doubles_the_query_projection():
    plain, gated = (Attention(64, 4, 2, 16, 16, gated=g) for g in (False, True))
    assert gated.matrices() - plain.matrices() == 64 * 4 * 16


def test_latent_attention_by_hand():
    part = LatentAttention(100, 4, None, 10, 6, 2, 5)
    assert part.matrices() == 100 * 4 * 8 + 100 * 12 + 10 * 4 * 11 + 4 * 5 * 100
    assert part.core(Span(1, 7)) == 2 * 4 * (2 * 10 + 2) * 7
    assert part.cache(3) == 36


def test_a_mixture_counts_the_chosen_and_the_shared():
    expert, shared = FeedForward(8, 4), FeedForward(8, 6, gated=False)
    part = Mixture(8, expert, experts=5, chosen=2, shared=shared)
    assert part.active() == 8 * 5 + 2 * 3 * 8 * 4 + 2 * 8 * 6
    assert part.matrices() - part.active() == 3 * 3 * 8 * 4


@pytest.mark.parametrize(
    ("rule", "each"), [("linear", 4), ("gated", 5), ("delta", 6), ("gated-delta", 7)]
)
def test_a_state_costs_what_its_recurrence_does(rule, each):
    part = Recurrence(rule, 2, 3, 5, projections=0, channels=4, kernel=4)
    assert part.core(Span()) == 2 * 3 * 5 * each + 2 * 4 * 4
    assert part.cache(10**6) == 2 * 3 * 5 + 4 * 3


def test_a_mixture_of_memories_meets_its_chosen_and_the_shared():
    config = {
        "model_type": "mom_gated_deltanet", "hidden_size": 1024, "num_hidden_layers": 1,
        "num_heads": 4, "head_dim": 256, "expand_v": 1, "hidden_ratio": 3, "num_experts": 4,
        "topk": 2, "shared_mem": True, "single_expert": False, "use_short_conv": True,
        "vocab_size": 32000, "tie_word_embeddings": True,
    }  # fmt: skip
    counted = count_flops(read_config(config))
    write = 1024 * 2 * 1024 + 2 * 1024 * 4
    mixer = 1024 * (3 * 1024 + 4) + 3 * write
    assert counted.layers == 2 * (mixer + 3 * 1024 * 2048)
    assert counted.core == 3 * (4 * 256 * 256 * 7 + 2 * 3 * 1024 * 4)


def test_liger_adds_a_state_and_a_window_to_the_same_projections():
    liger = {**LLAMA, "model_type": "liger_gla", "window_size": 8}
    plain, linear = count_flops(read_config(LLAMA)), count_flops(read_config(liger))
    assert linear.layers == plain.layers
    seen = (sum(range(8)) + (1024 - 8) * 8) / 1024
    assert linear.core == pytest.approx(2 * (2 * 4 * 32 * seen + 4 * 16 * 16 * 5))


def test_a_hybrid_has_softmax_where_it_says():
    gla = {
        "model_type": "gla", "hidden_size": 64, "num_hidden_layers": 4, "num_heads": 4,
        "vocab_size": 100,
    }  # fmt: skip
    hybrid = {**gla, "attn": {"layers": [1, 3], "num_heads": 4, "num_kv_heads": 2}}
    core = count_flops(read_config(hybrid)).core
    assert core == 2 * (4 * 8 * 16 * 5) + 2 * (2 * 4 * 32 * 511.5)


def test_delta_rule_and_gated_delta_rule_by_hand():
    base = {"hidden_size": 64, "num_hidden_layers": 1, "num_heads": 4, "vocab_size": 100}
    delta = count_flops(read_config({**base, "model_type": "delta_net"}))
    assert delta.core == 4 * 16 * 16 * 6 + 2 * 3 * 64 * 4
    assert delta.layers == 2 * (64 * (4 * 64 + 4) + 3 * 64 * 256)
    gated = count_flops(read_config({**base, "model_type": "gated_deltanet", "head_dim": 8}))
    assert gated.core == 4 * 8 * 16 * 7 + 2 * (2 * 32 + 64) * 4
    assert gated.layers == 2 * (64 * (2 * 32 + 3 * 64 + 2 * 4) + 3 * 64 * 256)


def test_linear_attention_by_hand():
    config = {
        "model_type": "linear_attn", "hidden_size": 64, "num_hidden_layers": 1, "num_heads": 4,
        "feature_map": "identity", "vocab_size": 100,
    }  # fmt: skip
    counted = count_flops(read_config(config))
    assert counted.core == 4 * 16 * 16 * 4
    assert counted.layers == 2 * (4 * 64 * 64 + 3 * 64 * 256)


@pytest.mark.parametrize("phase", ["decode", "prefill"])
def test_phases_agree_where_attention_is_plain(phase):
    assert count_flops(read_config(LLAMA), phase=phase) == count_flops(read_config(LLAMA))


def test_more_tokens_cost_more():
    costs = [count_flops(read_config(LLAMA), tokens=t).total for t in (1, 10, 1000)]
    assert costs[0] < costs[1] < costs[2]


def test_the_published_formula_by_hand():
    config = {
        "model_type": "qwen3", "hidden_size": 1024, "num_hidden_layers": 28, "head_dim": 128,
        "num_attention_heads": 16, "num_key_value_heads": 8, "intermediate_size": 3072,
        "vocab_size": 151936, "tie_word_embeddings": True,
    }  # fmt: skip
    paper = count_flops(read_config(config), convention="paper").total
    layer = 4 * 1024**2 + 4 * 1024 * 512 + 6 * 1024 * 3072 + 4 * 1024 * 511.5
    assert paper == 28 * layer + 2 * 1024 * 151936
    assert np.log2(paper) == pytest.approx(30.0010, abs=1e-4)


def test_the_published_formula_has_its_habits(public_configs):
    def paper(name, **changes):
        config = {**public_configs[name], **changes}
        return count_flops(read_config(config), convention="paper").total

    # its mixtures count with intermediate_size, whatever the experts
    assert paper("GLM-4.5-Air-Base") == paper("GLM-4.5-Air-Base", num_experts_per_tok=1)
    # latent attention does not grow with the text
    model = read_config(public_configs["DeepSeek-V2"])
    long, short = (count_flops(model, tokens=t, convention="paper").total for t in (9999, 10))
    assert long == short
    # head_dim is ignored
    assert paper("Qwen3-4B-Base") == paper("Qwen3-4B-Base", head_dim=64)


def test_the_published_formula_within_a_third_of_a_percent(shared_data, public_configs):
    pandas = pytest.importorskip("pandas")
    rows = pandas.read_csv(shared_data / "information-capacity" / "mixed_text.csv")
    for row in rows.itertuples():
        model = read_config(public_configs[row.model])
        paper = count_flops(model, convention="paper").total
        assert paper == pytest.approx(row.flops_fig, rel=0.003), row.model
        assert paper == pytest.approx(row.flops_formula, rel=1e-5), row.model


def test_the_published_formula_does_not_know_linear_attention(public_configs):
    model = read_config(public_configs["GLA 1.3B"])
    with pytest.raises(InputError, match=r"paper's formula.*missing num_attention_heads"):
        count_flops(model, convention="paper")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"convention": "real"}, "exact and paper"),
        ({"phase": "train"}, "decode and prefill"),
        ({"tokens": 0}, "at least one token"),
        ({"context": -1}, "at least one token"),
    ],
)
def test_wrong_questions_are_answered_in_words(wrong, message):
    with pytest.raises(InputError, match=message):
        count_flops(read_config(LLAMA), **wrong)
