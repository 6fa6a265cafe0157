"""A checkpoint larger than memory allowed: 4 GB, at the disk's speed. Takes disk and a minute."""

from __future__ import annotations

import importlib.util
import re
import shutil
import tempfile
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "run_health.py"


@pytest.mark.slow
def test_four_gigabytes_under_one_of_memory(capsys):
    if shutil.disk_usage(tempfile.gettempdir()).free < 10e9:
        pytest.skip("less than 10 GB free for temporary files")
    spec = importlib.util.spec_from_file_location("run_health_benchmark", _SCRIPT)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    benchmark.large(4.0)
    told = re.search(r"([\d.]+) times a plain read .* memory ([\d.]+) GiB", capsys.readouterr().out)
    assert float(told[1]) <= 3
    assert float(told[2]) < 1
