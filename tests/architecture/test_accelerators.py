"""The table of accelerators: its figures, names and what a bad table says."""

from __future__ import annotations

import pytest

from predictor.architecture.accelerators import accelerator_named, read_accelerators
from predictor.errors import InputError


@pytest.mark.parametrize(
    ("name", "teraflops", "gigabytes", "watts"),
    [
        ("h100", 989.4, 80, 700),  # NVIDIA H100 SXM data sheet, 1,979 with sparsity
        ("h200", 989.4, 141, 700),  # NVIDIA H200 data sheet
        ("a100", 312, 80, 400),  # NVIDIA A100 SXM data sheet
        ("l40s", 362.05, 48, 350),  # NVIDIA L40S data sheet
        ("mi300x", 1307.4, 192, 750),  # AMD Instinct MI300X data sheet
    ],
)
def test_figures_are_those_of_the_data_sheets_without_sparsity(name, teraflops, gigabytes, watts):
    one = accelerator_named(name)
    assert one.peak("bf16") == pytest.approx(1e12 * teraflops)
    assert (one.memory_bytes, one.watts) == (1e9 * gigabytes, watts)


def test_every_row_names_its_source_and_every_price_its_month():
    for one in read_accelerators().values():
        assert one.source, one.name
        assert one.peak_flops
        assert (one.usd_per_hour is None) == (one.price_date == "") == (one.price_source == "")


def test_lower_precision_is_never_slower():
    for one in read_accelerators().values():
        known = [one.peak_flops[p] for p in ("fp32", "tf32", "fp16", "fp8") if p in one.peak_flops]
        assert known == sorted(known), one.name


def test_aliases_are_unique_and_any_spelling_is_found():
    table = read_accelerators()
    names = [name for one in table.values() for name in (one.name, *one.aliases)]
    assert len(names) == len(set(names))
    assert accelerator_named("A100 80GB").name == "a100"
    assert accelerator_named("H100_SXM").name == "h100"


def test_unknown_names_are_answered_with_near_ones():
    with pytest.raises(InputError, match=r"'h10O' is not known; did you mean .*h100"):
        accelerator_named("h10O")
    with pytest.raises(InputError, match="no bf16 rate is known of 'v100'; known: fp32, fp16"):
        accelerator_named("v100").peak("bf16")


def test_a_table_of_ones_own(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("name,bf16_tflops,watts\nMy Chip,100,250\n")
    one = accelerator_named("my chip", read_accelerators(path))
    assert (one.peak("bf16"), one.watts, one.usd_per_hour) == (1e14, 250.0, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,bf16_tflops\n", "holds no accelerator"),
        ("name,bf16_tflops\nx,\n", "line 2: needs a name and a rate"),
        ("name,bf16_tflops\n,5\n", "line 2: needs a name and a rate"),
        ("name,bf16_tflops\nx,-5\n", "line 2: bf16_tflops '-5' is not a positive number"),
        ("name,bf16_tflops\nx,fast\n", "line 2: bf16_tflops 'fast' is not a positive number"),
        ("name,bf16_tflops\nx,inf\n", "line 2: bf16_tflops 'inf' is not a positive number"),
    ],
)
def test_a_bad_table_is_one_clear_line(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_accelerators(path)


def test_a_table_that_is_not_text_or_not_there(tmp_path):
    path = tmp_path / "binary.csv"
    path.write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(InputError, match="cannot be read"):
        read_accelerators(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_accelerators(tmp_path / "missing.csv")
