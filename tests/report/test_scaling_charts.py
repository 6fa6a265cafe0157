"""Charts of scaling laws."""

from __future__ import annotations

from predictor import ScalingLaw, dataset_path
from predictor.report.charts import as_svg
from predictor.report.scaling_charts import scaling_chart
from predictor.scaling.table import read_runs


def test_three_charts_or_residuals_alone():
    table = read_runs(dataset_path("mlp_scaling"))
    whole = scaling_chart(ScalingLaw(draws=20).fit(table)).to_dict()
    assert len(whole["vconcat"]) == 3
    alone = scaling_chart(ScalingLaw("compute", draws=20).fit(table))
    assert as_svg(alone).startswith("<svg")
    assert "vconcat" not in alone.to_dict()
