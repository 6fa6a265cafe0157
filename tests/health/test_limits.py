"""What limits a run: shares of the reducible loss."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.errors import InputError
from predictor.health.limits import limits_of


def law(n, d):
    """Return losses of two draws of a law: size is the second draw's trouble."""
    return np.stack([1.8 + 400 * n**-0.34 + 400 * d**-0.28, 1.8 + 500 * n**-0.34 + 400 * d**-0.28])


def best(_flops):
    return np.array([2e8, 3e8])


def test_a_small_run_on_much_data_is_limited_by_size():
    found = limits_of("a", 1e8, 1e13, law, best)
    assert found.shares[0].part == "size"
    assert sum(one.share for one in found.shares) == pytest.approx(1)
    assert found.verdict.startswith("limited most by size")
    assert found.trained == pytest.approx(1e13 / (1e21 / 2e8))
    assert "over-trained" in found.verdict


def test_a_run_under_way_is_limited_by_time():
    found = limits_of("a", 1e12, 1e8, law, best, planned=1e12)
    parts = {one.part: one for one in found.shares}
    assert found.shares[0].part == "time"
    gain = 400 * (1e8**-0.28 - 1e12**-0.28)
    assert parts["time"].doubling == pytest.approx(gain)
    assert found.reducible == pytest.approx(400 * 1e12**-0.34 + 400 * 1e8**-0.28)


def test_doubling_is_what_the_law_says():
    found = limits_of("a", 1e9, 2e10, law, best)
    parts = {one.part: one for one in found.shares}
    assert parts["size"].doubling == pytest.approx(400 * (1e9**-0.34 - 2e9**-0.34))
    assert parts["data"].doubling == pytest.approx(400 * (2e10**-0.28 - 4e10**-0.28))
    assert parts["size"].lower <= parts["size"].share <= parts["size"].upper


def test_a_plan_behind_is_none():
    assert limits_of("a", 1e9, 2e10, law, best, planned=1e9).planned is None


@pytest.mark.parametrize(("params", "tokens"), [(0, 1e9), (1e9, -1), (float("nan"), 1e9)])
def test_no_size_or_tokens(params, tokens):
    with pytest.raises(InputError, match="run 'a'"):
        limits_of("a", params, tokens, law, best)
