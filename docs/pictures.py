"""Draw the pictures that the pages show, from bundled logs: ``python docs/pictures.py``."""

from __future__ import annotations

from pathlib import Path

import predictor
from predictor.report.backtest_charts import calibration_chart
from predictor.report.charts import as_svg
from predictor.report.scaling_charts import scaling_chart

HERE = Path(__file__).parent


def main() -> None:
    log = predictor.load_dataset("mlp_runs")
    laws = ("auto", "power", "inverse-sqrt")
    calibration = calibration_chart(predictor.backtest(log, "val_loss", laws=laws))
    (HERE / "backtest.svg").write_text(as_svg(calibration), encoding="utf-8")
    law = predictor.ScalingLaw(draws=200).fit(predictor.dataset_path("mlp_scaling"))
    (HERE / "scaling.svg").write_text(as_svg(scaling_chart(law)), encoding="utf-8")


if __name__ == "__main__":
    main()
