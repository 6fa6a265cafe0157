"""What else than suiting the model could have put a strategy first: its length, its format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictor.findings import Finding

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
_FEWEST = 10
#: Marks of a format, by the name a person knows them by.
FORMATS = {
    "a final-answer mark": re.compile(r"####|\\boxed\{|(?i:the (final )?answer is)"),
    "step by step": re.compile(r"(?im)\bstep \d|^\s*\d+[.)]\s"),
    "Markdown": re.compile(r"(?m)^\s*(#{1,6} |[-*] )|\*\*[^*]+\*\*"),
    "code": re.compile(r"```|(?m:^\s*(def|import|return) )"),
    "JSON or XML": re.compile(r"^\s*[{\[].*[}\]]\s*$|^\s*<\w+>.*</\w+>\s*$", re.DOTALL),
}
_COMMON, _RARE = 0.8, 0.2


class LengthConfound(NamedTuple):
    """A strategy that is first only by its length.

    Parameters
    ----------
    finding : Finding
        In words.
    rival : str
        The strategy that would be first at one length.
    """

    finding: Finding
    rival: str


def length_slope(values: Array, tokens: Array) -> float:
    """Return how a score changes with the logarithm of the length, within strategies.

    Parameters
    ----------
    values, tokens : array, (examples, strategies)
        Scores (logarithms, where they are compared by ratio) and numbers of tokens; NaN where
        missing.

    Returns
    -------
    float
        0 where lengths do not vary.

    Examples
    --------
    >>> tokens = np.array([[8.0, 2.0], [16.0, 4.0]])
    >>> round(length_slope(np.log(tokens) + [0.0, 3.0], tokens), 6)
    1.0
    """
    with np.errstate(divide="ignore"):
        x = np.where(np.isfinite(values) & (tokens > 0), np.log(tokens), np.nan)
    y = np.where(np.isfinite(x), values, np.nan)
    x, y = (v - np.nanmean(v, axis=0) for v in (x, y))
    spread = float(np.nansum(x**2))
    return float(np.nansum(x * y)) / spread if spread > 1e-9 else 0.0


def check_length(
    strategies: tuple[str, ...],
    values: Array,
    tokens: Array,
    order: NDArray[np.int64],
    lower_is_better: bool,
) -> LengthConfound | None:
    """Find a strategy that is first only as its responses are shorter, or longer.

    The mean scores are compared again at one length, by the slope within strategies.

    Parameters
    ----------
    strategies : tuple of str
        Names.
    values, tokens : array, (examples, strategies)
        See :func:`length_slope`.
    order : array of int
        Strategies from the best to the worst, as found.
    lower_is_better : bool
        Direction.
    """
    if len(order) < 2 or np.isfinite(values).sum(axis=0).min() < _FEWEST:
        return None
    sign = 1.0 if lower_is_better else -1.0
    length = np.exp(np.nanmean(np.log(np.maximum(tokens, 1e-9)), axis=0))
    means = sign * np.nanmean(values, axis=0)
    same = means - sign * length_slope(values, tokens) * np.log(length / length.mean())
    first, now = int(np.argmin(means)), int(np.argmin(same))
    if first == now or first != int(order[0]):
        return None
    how = "shorter" if length[first] < length[now] else "longer"
    finding = Finding(
        "PRED507",
        f"'{strategies[first]}' is first with {how} responses ({length[first]:.0f} tokens, "
        f"'{strategies[now]}' {length[now]:.0f}); at one length '{strategies[now]}' would be",
    )
    return LengthConfound(finding, strategies[now])


def check_format(examples: pd.DataFrame, best: str) -> list[Finding]:
    """Find formats that the best strategy's responses have, or lack, unlike the others.

    Parameters
    ----------
    examples : DataFrame
        ``strategy`` and ``text``; nothing is found without texts.
    best : str
        The strategy ranked first.
    """
    if "text" not in examples or examples["strategy"].nunique() < 2:
        return []
    texts = examples.dropna(subset=["text"])
    found = []
    for name, pattern in FORMATS.items():
        has = (
            texts["text"]
            .astype(str)
            .str.slice(0, 20_000)
            .map(lambda text, mark=pattern: bool(mark.search(text)))
        )
        share = has.groupby(texts["strategy"]).mean()
        if best not in share:
            continue
        others = share.drop(best)
        alone = share[best] >= _COMMON and (others <= _RARE).all()
        lacks = share[best] <= _RARE and (others >= _COMMON).all()
        if len(others) and (alone or lacks):
            what = "alone has" if alone else "alone lacks"
            found.append(Finding(
                "PRED508", f"'{best}' {what} {name} in its responses: the score may be the "
                "format's; write another strategy in it to tell",
            ))  # fmt: skip
    return found
