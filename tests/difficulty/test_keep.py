"""The fewest items that give the full score."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.difficulty.keep import keep_items

from .conftest import item_ladder


def test_few_items_stand_for_all_of_them():
    ladder, _, _ = item_ladder(per_group=100)
    kept = keep_items(ladder, tolerance=0.03)
    assert kept.share < 0.6
    assert kept.error <= 0.03
    assert kept.weights.sum() == pytest.approx(1)
    full = ladder.rates.mean(axis=0)
    assert np.abs(kept.score(ladder.rates[kept.rows]) - full).max() <= 0.03
    finer = keep_items(ladder, tolerance=0.005)
    assert len(finer.items) >= len(kept.items)
