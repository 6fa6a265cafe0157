"""Configs from files of strangers: read, bounded, refused in words."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predictor import InputError, count_flops, count_parameters, read_config

LLAMA = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 96, "vocab_size": 100,
}  # fmt: skip


def test_a_file_a_folder_and_a_mapping_read_alike(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA))
    assert read_config(path) == read_config(tmp_path) == read_config(LLAMA)


def test_a_multimodal_config_stands_for_its_language_model():
    nested = {"model_type": "mistral3", "text_config": {**LLAMA, "model_type": "mistral"}}
    assert count_parameters(read_config(nested)) == count_parameters(read_config(LLAMA))


@pytest.mark.parametrize(
    "missing",
    [
        ["hidden_size"],
        ["num_attention_heads", "vocab_size"],
        ["num_hidden_layers", "intermediate_size"],
    ],
)
def test_missing_fields_are_all_named(missing):
    left = {name: value for name, value in LLAMA.items() if name not in missing}
    with pytest.raises(InputError, match=rf"missing {', '.join(missing)}"):
        read_config(left)


def test_an_unknown_architecture_says_what_is_missing():
    mamba = {"model_type": "mamba2", "hidden_size": 64, "num_hidden_layers": 2, "state_size": 128}
    with pytest.raises(InputError, match=r"unknown architecture.*state_size.*missing num_att"):
        read_config(mamba)


def test_an_unknown_name_with_all_fields_is_a_plain_decoder_and_says_so():
    model = read_config({**LLAMA, "model_type": "brand_new"})
    assert "brand_new" in model.notes[0]
    assert count_parameters(model) == count_parameters(read_config(LLAMA))


def test_layers_of_unknown_kind_are_refused():
    with pytest.raises(InputError, match="layers of kind mamba are not counted"):
        read_config({**LLAMA, "layer_types": ["mamba", "full_attention"]})


def test_layers_that_predict_further_tokens_are_named():
    assert "further tokens" in read_config({**LLAMA, "num_nextn_predict_layers": 1}).notes[0]


def test_windows_follow_the_listed_layers():
    listed = {**LLAMA, "layer_types": ["sliding_attention", "full_attention"]}
    with pytest.raises(InputError, match="missing sliding_window"):
        read_config(listed)
    model = read_config({**listed, "sliding_window": 8})
    one = 2 * 4 * 32
    assert count_flops(model, tokens=1, context=100).core == one * 8 + one * 100


@pytest.mark.parametrize(
    ("kind", "depth", "whole"), [("gemma2", 4, 2), ("gemma3_text", 12, 2), ("gpt_oss", 4, 2)]
)
def test_families_alternate_windows(kind, depth, whole):
    config = {**LLAMA, "model_type": kind, "sliding_window": 1, "num_hidden_layers": depth}
    model = read_config({**config, "head_dim": 16})
    core = count_flops(model, tokens=1, context=100).core
    assert core == 2 * 4 * 32 * (whole * 100 + (depth - whole))


def test_the_first_layers_of_a_mixture_may_be_dense():
    mixture = {
        **LLAMA, "model_type": "deepseek_v3", "n_routed_experts": 8, "num_experts_per_tok": 2,
        "moe_intermediate_size": 16, "first_k_dense_replace": 1, "num_hidden_layers": 3,
    }  # fmt: skip
    model = read_config(mixture)
    assert [count for _, count in model.layers] == [1, 2]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("hidden_size", -1, "hidden_size is '-1'"),
        ("hidden_size", 0, "hidden_size is 0"),
        ("hidden_size", "wide", "hidden_size is 'wide'"),
        ("hidden_size", 1e300, "whole number"),
        ("hidden_size", float("nan"), "whole number"),
        ("hidden_size", True, "whole number"),
        ("hidden_size", [1, 2], "whole number"),
        ("hidden_size", 66, "does not divide"),
        ("num_hidden_layers", 10**8, "layers, more than"),
        ("num_key_value_heads", 3, "does not divide"),
        ("tie_word_embeddings", "yes", "true or false"),
        ("layer_types", ["full_attention"], "1 layer_types for 2 layers"),
    ],
)
def test_absurd_values_are_refused_in_words(field, value, message):
    with pytest.raises(InputError, match=message):
        read_config({**LLAMA, field: value})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no JSON"),
        (b"{", "is no JSON"),
        (b"[1]", "no JSON object"),
        (b"\xff\xfe\x00", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b" " * (5 * 1024**2), "larger than 4 MiB"),
    ],
)
def test_files_that_are_no_config_are_refused_in_words(tmp_path, content, message):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_config(path)


def test_a_path_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"cannot be opened \(no such file"):
        read_config(tmp_path / "nowhere.json")
    with pytest.raises(InputError, match="is no path"):
        read_config("a\0b")


JUNK = st.sampled_from(
    [
        None, True, -1, 0, 3, 1.5, 1e300, float("nan"), 10**12, "x", "", [], [1], [None, {}], {},
        {"layers": "x"}, {"layers": [0], "num_heads": 0}, [{"layers": [0, 9], "num_heads": 4}],
        {"hidden_size": 1}, [1, 1], ["full_attention", 1], "\ud800",
    ]
)  # fmt: skip
FIELDS = (
    *LLAMA, "head_dim", "kv_lora_rank", "layer_types", "num_experts", "num_experts_per_tok",
    "attn", "sliding_window", "text_config", "moe_layer_freq", "mlp_only_layers", "q_lora_rank",
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=4),
    st.sampled_from(["llama", "gla", "qwen3_next", "mom", "minimax", "deepseek_v3", "gemma3"]),
)
def test_junk_gives_a_count_or_words_never_a_crash(junk, kind):
    with contextlib.suppress(InputError):
        model = read_config({**LLAMA, "model_type": kind, **junk})
        assert count_parameters(model).total > 0
        assert count_flops(model).total > 0
        assert count_flops(model, convention="paper").total > 0
