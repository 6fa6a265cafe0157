"""What in a table of compressions should make its reader doubt."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

import numpy as np

from predictor.capacity.bias import PUBLISHED, Bias
from predictor.capacity.table import Measurement
from predictor.capacity.within_series import gain_at
from predictor.findings import Finding

#: Sizes of one series share tokenizer and text, so their text size agrees this well.
_SAME_TEXT = 0.02
#: Sizes of one series that differ by more than this share of their mean do not agree.
_DISAGREE = 0.05
#: How well a value must fit 'nats' rather than 'bits' to be suspected.
_LIKE_NATS = 0.08


def doubts(dataset: str, rows: list[Measurement], bias: Bias) -> Iterator[Finding]:
    """Yield what was noticed of one data set's models.

    Parameters
    ----------
    dataset : str
        Its name.
    rows : list of Measurement
        Its models, one checkpoint each.
    bias : Bias
        Its bias.
    """
    plain = dataset.casefold().replace(" ", "_")
    if bias.source == "published" and not any(name in plain for name in PUBLISHED):
        yield Finding(
            "PRED301",
            f"no bias is published for '{dataset}': the source's for other data was taken; "
            "--bias fit finds the one that makes your series' sizes agree",
        )
    yield from _misfit(dataset, rows, bias)
    series: dict[str, list[Measurement]] = {}
    for row in rows:
        series.setdefault(row.series, []).append(row)
    for name, members in series.items():
        yield from _of_series(name, dataset, members, bias.value)
    if rows and not any(row.samples for row in rows):
        yield Finding(
            "PRED308",
            f"'{dataset}': no samples were logged, so there are no standard errors, and "
            "ties cannot be told",
        )


def _misfit(dataset: str, rows: list[Measurement], bias: Bias) -> Iterator[Finding]:
    """Yield where the bias leaves capacities below nothing, or sizes that do not agree at all."""
    below = [row.model for row in rows if row.compression.gain_bits_per_token + bias.value <= 0]
    spread = bias.coefficient_of_variation
    if below:
        yield Finding(
            "PRED309",
            f"'{dataset}': with the bias {bias.value:.4g} the information capacity of "
            f"{below[0]}{f' and {len(below) - 1} more' if below[1:] else ''} is not above 0",
        )
    elif spread is not None and spread > _DISAGREE:
        yield Finding(
            "PRED309",
            f"'{dataset}': sizes of one series differ by {100 * spread:.0f} % in information "
            "capacity, published ones by 1 %",
        )


def _of_series(
    name: str, dataset: str, members: list[Measurement], bias: float
) -> Iterator[Finding]:
    if len(members) == 1:
        yield Finding(
            "PRED302",
            f"one size on '{dataset}': nothing tells how its capacity drifts with size",
            run=name,
        )
        return
    sizes = np.array([m.compression.text_bits_per_token or np.nan for m in members])
    if np.nanmax(sizes, initial=0) > (1 + _SAME_TEXT) * np.nanmin(sizes, initial=np.inf):
        yield Finding(
            "PRED303",
            f"a token stands for {np.nanmin(sizes):.4g} to {np.nanmax(sizes):.4g} bits of text on "
            f"'{dataset}', where one tokenizer and one text give one value: two data sets under "
            "one name, or two tokenizers in one series?",
            run=name,
        )
    yield from _like_nats(name, members, bias)


def _like_nats(name: str, members: list[Measurement], bias: float) -> Iterator[Finding]:
    """Yield models whose bits a token are what their siblings' say in nats."""
    measured = [m.compression for m in members]
    if len(members) < 3 or any(c.nll_bits_per_token is None for c in measured):
        return
    size = np.log2([m.flops_per_token for m in members])
    gain = np.array([c.gain_bits_per_token for c in measured])
    for index, one in enumerate(measured):
        others = np.arange(len(members)) != index
        predicted = gain_at(size[[index]], size[others], gain[others], bias)[0]
        bits, expected = one.nll_bits_per_token or 0.0, (one.text_bits_per_token or 0.0) - predicted
        if expected > 0 and abs(bits / expected / log(2) - 1) <= _LIKE_NATS:
            yield Finding(
                "PRED304",
                f"{members[index].model}: {bits:.4g} bits a token, where {expected:.4g} were to be "
                "expected of its series, which is the same in nats: nats given as bits?",
                run=name,
            )
