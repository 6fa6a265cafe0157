"""What a predicted gain means in a metric, and what to beware of in it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from predictor.capacity.table import Measurement
from predictor.capacity.within_series import Gain
from predictor.errors import CannotForecastError
from predictor.findings import Finding

Array = NDArray[np.float64]
Metric = Literal[
    "nll_bits_per_token", "bits_per_byte", "perplexity", "gain_bits_per_token",
    "information_capacity",
]  # fmt: skip
METRICS = (
    "nll_bits_per_token", "bits_per_byte", "perplexity", "gain_bits_per_token",
    "information_capacity",
)  # fmt: skip
#: Further than this many doublings from the nearest reference, a prediction is a far one.
FAR = 4.0


def noticed(gain: Gain, series: str, places: Array) -> list[Finding]:
    """Return what to beware of in predictions of a series at these FLOPs a token."""
    findings = []
    if not gain.backtests:
        message = "too few sizes with siblings to calibrate on: as wide as published series scatter"
        findings.append(Finding("PRED306", message, run=series))
    for place, far in zip(places, gain.doublings, strict=True):
        if far > FAR:
            message = f"{place:.4g} FLOPs lie {far:.1f} doublings beyond the nearest size measured"
            findings.append(Finding("PRED102", message, run=series))
    return findings


def as_metric(
    gain: Array, metric: str, places: Array, bias: float, siblings: list[Measurement]
) -> Array:
    """Turn gains (value, lower, upper) into a metric; NaN where a loss would be none."""
    if metric == "gain_bits_per_token":
        return gain
    if metric == "information_capacity":
        return (gain + bias) / places[:, None]
    sizes = [row.compression.text_bits_per_token for row in siblings]
    known = [size for size in sizes if size is not None]
    if not known:
        raise CannotForecastError(
            f"{metric} of {siblings[0].series}: its text size is not logged, so only "
            "gain_bits_per_token and information_capacity can be predicted"
        )
    size = float(np.mean(known))
    # A larger gain is a smaller loss: the ends change places.
    loss = size - gain[:, [0, 2, 1]]
    loss = np.where(loss > 0, loss, np.nan)
    if metric == "bits_per_byte":
        return 8 * loss / size
    return np.exp2(loss) if metric == "perplexity" else loss
