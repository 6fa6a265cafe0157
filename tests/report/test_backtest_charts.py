"""The calibration chart."""

from __future__ import annotations

from predictor.backtest.rolling import backtest
from predictor.bundle import load_dataset
from predictor.report.backtest_charts import calibration_chart
from predictor.report.charts import as_svg


def test_calibration_chart_draws_each_law_and_the_diagonal():
    found = backtest(load_dataset("mlp_runs"), "val_loss", laws=["power"], horizons=[2.0])
    chart = calibration_chart(found)
    drawn = chart.to_dict()
    assert len(drawn["layer"]) == 2
    assert as_svg(chart).startswith("<svg")
