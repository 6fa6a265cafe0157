"""Bytes of weights and caches, by hand."""

from __future__ import annotations

import pytest

from predictor import InputError, count_memory, read_config


def test_llama_3_8b_by_hand(public_configs):
    model = read_config(public_configs["Llama-3-8B"])
    memory = count_memory(model, tokens=8192)
    # keys and values of 8 heads of 128 in 32 layers, two bytes each: 128 KiB a token
    assert memory.cache == 8192 * 128 * 1024
    assert memory.weights == 2 * 8_030_261_248
    assert memory.total == memory.weights + memory.cache


@pytest.mark.parametrize(("bits", "share"), [(16, 1), (8, 0.5), (4, 0.25)])
def test_fewer_bits_are_fewer_bytes(bits, share, public_configs):
    model = read_config(public_configs["Llama-3-8B"])
    whole, small = count_memory(model), count_memory(model, weight_bits=bits, cache_bits=bits)
    assert small == tuple(share * value for value in whole)


def test_latent_attention_keeps_576_numbers_a_token_and_layer(public_configs):
    memory = count_memory(read_config(public_configs["DeepSeek-V2"]), tokens=1)
    assert memory.cache == 2 * 60 * 576


def test_a_state_does_not_grow(public_configs):
    model = read_config(public_configs["GLA 1.3B"])
    short, long = (count_memory(model, tokens=t).cache for t in (1, 10**6))
    assert short == long == 2 * 24 * 4 * 256 * 512


def test_a_window_is_all_that_is_kept():
    config = {
        "model_type": "mistral", "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 96,
        "vocab_size": 100, "sliding_window": 10,
    }  # fmt: skip
    kept = count_memory(read_config(config), tokens=1000, sequences=3).cache
    assert kept == 2 * 3 * 2 * 2 * (16 + 16) * 10


def test_other_bits_are_refused(public_configs):
    with pytest.raises(InputError, match="weight_bits=3: there are 16, 8, 4"):
        count_memory(read_config(public_configs["GPT-2 small"]), weight_bits=3)
