"""The public configs that the benchmark writes down as facts."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def public_configs() -> dict:
    """Return the configs by model, from benchmarks/public_configs.py."""
    path = Path(__file__).parents[2] / "benchmarks" / "public_configs.py"
    spec = importlib.util.spec_from_file_location("benchmarks_public_configs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CONFIGS
