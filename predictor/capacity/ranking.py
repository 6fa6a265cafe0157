"""The table of models: information capacity, its standard error, rank and ties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from predictor.capacity.comparison import ranks
from predictor.capacity.table import Measurement

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def model_frame(
    rows: list[Measurement],
    final: list[Measurement],
    biases: dict[str, float],
    *,
    level: float,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """Return one row a measurement, ranked within its data set.

    Parameters
    ----------
    rows : list of Measurement
        All of them.
    final : list of Measurement
        Those that are ranked: the last checkpoint of each model.
    biases : dict
        b by data set.
    level : float
        Probability of the intervals.
    draws, seed : int
        Bootstrap draws over samples, and their seed.
    """
    import pandas as pd

    drawn = [_draws(row, biases[row.dataset], draws, seed) for row in rows]
    frame = pd.DataFrame([_row(row, biases[row.dataset]) for row in rows])
    ends = [_ends(capacity, level) for capacity, _ in drawn]
    frame[["standard_error", "lower", "upper"]] = np.array(ends, dtype=float)
    frame["bits_per_byte_standard_error"] = [_ends(bpb, level)[0] for _, bpb in drawn]
    last = {id(row) for row in final}
    frame["final"] = [id(row) in last for row in rows]
    frame["rank"] = np.nan
    ties: list[tuple[str, ...]] = [() for _ in rows]
    for name in biases:
        _rank(frame, name, [capacity for capacity, _ in drawn], level, ties)
    frame["rank"] = frame["rank"].astype("Int64")
    return frame.assign(tied_with=pd.Series(ties, index=frame.index, dtype=object))


def _row(row: Measurement, bias: float) -> dict[str, object]:
    one = row.compression
    log_flops = float(np.log2(row.flops_per_token))
    size = one.text_bits_per_token
    return {
        "model": row.model,
        "series": row.series,
        "dataset": row.dataset,
        "checkpoint": np.nan if row.checkpoint is None else row.checkpoint,
        "text_bits_per_token": np.nan if size is None else size,
        "bytes_per_token": np.nan if size is None else size / 8,
        "nll_bits_per_token": _or_nan(one.nll_bits_per_token),
        "bits_per_byte": _or_nan(one.bits_per_byte),
        "bits_per_character": _or_nan(one.bits_per_character),
        "gain_bits_per_token": one.gain_bits_per_token,
        "flops_per_token": row.flops_per_token,
        "flops_source": row.flops_source,
        "memory_bytes": _or_nan(row.memory_bytes),
        "latency": _or_nan(row.latency),
        "information_capacity": (one.gain_bits_per_token + bias) / log_flops,
    }


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _draws(
    row: Measurement, bias: float, draws: int, seed: int
) -> tuple[Array | None, Array | None]:
    """Return bootstrap draws of information capacity and of bits per byte."""
    if row.samples is None or len(row.samples.tokens) < 2:
        return None, None
    size, nll, per_byte = row.samples.draw(draws, seed)
    return (size - nll + bias) / np.log2(row.flops_per_token), per_byte


def _ends(drawn: Array | None, level: float) -> tuple[float, float, float]:
    if drawn is None:
        return np.nan, np.nan, np.nan
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(drawn.std(ddof=1)), float(low), float(high)


def _rank(
    frame: pd.DataFrame,
    dataset: str,
    drawn: list[Array | None],
    level: float,
    ties: list[tuple[str, ...]],
) -> None:
    """Put the ranks of one data set into the frame, and who is tied with whom into ``ties``."""
    chosen = np.flatnonzero((frame["dataset"] == dataset) & frame["final"])
    known = {i: d for i, k in enumerate(chosen) if (d := drawn[k]) is not None}
    value = frame["information_capacity"].to_numpy()[chosen]
    rank, tied = ranks(value, known, level)
    names = frame["model"].tolist()
    frame.loc[chosen, "rank"] = rank
    for k, others in zip(chosen, tied, strict=True):
        ties[k] = tuple(str(names[chosen[j]]) for j in others)
