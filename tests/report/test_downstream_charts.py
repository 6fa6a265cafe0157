"""Charts of benchmark forecasts."""

from __future__ import annotations

from predictor import dataset_path, read_logs
from predictor.difficulty.outlook import outlook
from predictor.difficulty.question import ladders_of
from predictor.difficulty.suite import clusters_of
from predictor.report.charts import as_svg
from predictor.report.downstream_charts import downstream_chart


def test_forecast_clusters_and_mapping():
    (ladder,), _ = ladders_of(read_logs(dataset_path("mlp_ladder")))
    small = ladder.take(range(6))
    found = outlook(small, [small.place(flops=float(ladder.size[7]))], draws=5)
    chart = downstream_chart(found, clusters_of(small))
    assert 2 <= len(chart.to_dict()["vconcat"]) <= 3
    assert as_svg(chart).startswith("<svg")
    assert "vconcat" not in downstream_chart(found, None).to_dict()
