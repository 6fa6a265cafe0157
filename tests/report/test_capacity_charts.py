"""Charts of information capacity draw what the frames say."""

from __future__ import annotations

import pandas as pd
import pytest

from predictor import InformationCapacity
from predictor.report.capacity_charts import capacity_chart, pareto_chart, series_chart
from predictor.report.charts import as_svg


@pytest.fixture(scope="module")
def capacity():
    table = pd.DataFrame(
        {
            "model": ["a-1", "a-2", "b<script>"], "series": ["a", "a", "b"],
            "dataset": "mixed_text", "text_bits_per_token": 34.0,
            "nll_bits_per_token": [4.0, 3.7, 3.9], "flops_per_token": [2e9, 8e9, 9e9],
        }
    )  # fmt: skip
    return InformationCapacity().fit(table)


def rows(chart):
    return [row for data in chart.to_dict()["datasets"].values() for row in data]


def test_every_model_is_a_point(capacity):
    chart = series_chart(capacity.models_, "mixed_text")
    assert {row["model"] for row in rows(chart)} == {"a-1", "a-2", "b<script>"}


def test_the_front_is_marked(capacity):
    front = capacity.pareto("flops")
    chart = pareto_chart(front, "flops")
    marked = {row["model"] for row in rows(chart) if row["on_front"]}
    assert marked == {"a-1", "a-2"}
    assert min(row["value"] for row in rows(chart)) == pytest.approx(8 * 3.7 / 34)


def test_it_draws_without_a_browser_and_without_markup(capacity):
    svg = as_svg(capacity_chart(capacity))
    assert svg.startswith("<svg")
    assert "<script>" not in svg
