"""Draw the pictures that the pages show, from bundled logs: ``python docs/pictures.py``."""

from __future__ import annotations

from pathlib import Path

import altair as alt
import numpy as np

import predictor
from predictor.difficulty.outlook import outlook
from predictor.difficulty.question import ladders_of
from predictor.difficulty.suite import clusters_of
from predictor.report.alignment_charts import alignment_chart
from predictor.report.backtest_charts import calibration_chart
from predictor.report.charts import as_svg
from predictor.report.downstream_charts import downstream_chart
from predictor.report.health_charts import run_chart, weights_chart
from predictor.report.scaling_charts import scaling_chart

HERE = Path(__file__).parent


def main() -> None:
    log = predictor.load_dataset("mlp_runs")
    laws = ("auto", "power", "inverse-sqrt")
    calibration = calibration_chart(predictor.backtest(log, "val_loss", laws=laws))
    (HERE / "backtest.svg").write_text(as_svg(calibration), encoding="utf-8")
    alignment = predictor.ResponseAlignment(score="self_perplexity").fit(
        predictor.dataset_path("response_strategies")
    )
    (HERE / "align.svg").write_text(as_svg(alignment_chart(alignment)), encoding="utf-8")
    (ladder,), _ = ladders_of(predictor.read_logs(predictor.dataset_path("mlp_ladder")))
    small = ladder.take(np.arange(8))
    found = outlook(small, [small.place(flops=float(ladder.size[-1]))], draws=100)
    drawn = downstream_chart(found, clusters_of(small))
    (HERE / "downstream.svg").write_text(as_svg(drawn), encoding="utf-8")
    draw_health()
    law = predictor.ScalingLaw(draws=200).fit(predictor.dataset_path("mlp_scaling"))
    (HERE / "scaling.svg").write_text(as_svg(scaling_chart(law)), encoding="utf-8")


def draw_health() -> None:
    """Draw two runs with trouble, and two checkpoints of one run."""
    log = predictor.load_dataset("ladder")
    runs = {one.run: one for one in predictor.run_health(log, metrics=["loss", "grad_norm"]).runs}
    drawn = [run_chart(log, runs[name]) for name in ("25k-spikes-s0-2M", "25k-diverges-s0-2M")]
    (HERE / "health.svg").write_text(as_svg(alt.vconcat(*drawn)), encoding="utf-8")
    folder = predictor.dataset_path("ladder-checkpoints")
    weights = predictor.checkpoint_health(
        [folder / f"55k-s0-{tokens}.safetensors" for tokens in ("1M", "8M")]
    )
    (HERE / "health-weights.svg").write_text(as_svg(weights_chart(weights)), encoding="utf-8")


if __name__ == "__main__":
    main()
