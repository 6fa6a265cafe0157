"""The replication of Chinchilla's fit (arXiv 2404.10102), on the published points."""

from __future__ import annotations

import pandas as pd
import pytest

from predictor import ScalingLaw
from predictor.scaling.table import runs_table


def test_optimum_is_lower_than_the_published_one(shared_data):
    points = pd.read_csv(shared_data / "chinchilla-points" / "points.csv")
    kept = points.sort_values("loss").iloc[:-5].sort_index().reset_index(drop=True)
    law = ScalingLaw("chinchilla", draws=300).fit(runs_table(kept))
    assert law.fit_.objective == pytest.approx(0.0010183, abs=5e-8)
    published = {"E": 1.8172, "alpha": 0.3478, "beta": 0.3658}
    for name, value in published.items():
        assert law.params[name] == pytest.approx(value, rel=0.01)
    errors = {"E": 0.03, "A": 124.58, "B": 1293.23, "alpha": 0.02, "beta": 0.02}
    for name, value in errors.items():
        assert law.bse[name] == pytest.approx(value, rel=0.45)
