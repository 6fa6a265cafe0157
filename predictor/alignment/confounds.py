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
#: Lengths that differ by less explain nothing.
_ALIKE = 0.05
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


def length_slope(values: Array, logs: Array) -> float:
    """Return how a score changes with the logarithm of the length, within strategies.

    Parameters
    ----------
    values, logs : array, (examples, strategies)
        Scores (logarithms, where they are compared by ratio) and logarithms of the numbers of
        tokens; NaN where missing.

    Returns
    -------
    float
        0 where lengths do not vary.

    Examples
    --------
    >>> logs = np.log([[8.0, 2.0], [16.0, 4.0]])
    >>> round(length_slope(logs + [0.0, 3.0], logs), 6)
    1.0
    """
    there = np.isfinite(values) & np.isfinite(logs)
    x, y = (np.where(there, v, np.nan) for v in (logs, values))
    x, y = (v - np.nanmean(v, axis=0) for v in (x, y))
    spread = float(np.nansum(x**2))
    return float(np.nansum(x * y)) / spread if spread > 1e-9 else 0.0


def at_one_length(values: Array, logs: Array, *, ratio: bool, total: bool) -> Array:
    """Return scores as they would be if all responses had the same length.

    A sum over tokens is taken by token; any other score is moved along the slope that it has with
    the logarithm of the length within strategies.

    Parameters
    ----------
    values : array, (examples, strategies)
        Scores; NaN where missing.
    logs : array, (examples, strategies)
        Logarithm of the number of tokens; NaN where missing.
    ratio : bool
        Whether scores are compared by ratio.
    total : bool
        Whether a score is a sum over tokens.

    Examples
    --------
    >>> sums, tokens = np.array([[-8.0, -2.0]]), np.array([[8.0, 2.0]])
    >>> at_one_length(sums, np.log(tokens), ratio=False, total=True).round(6).tolist()
    [[-4.0, -4.0]]
    """
    away = logs - np.nanmean(logs)
    if total:
        return np.asarray(values * np.exp(-away))
    plain = np.log(np.maximum(values, 1e-12)) if ratio else values
    level = plain - length_slope(plain, logs) * away
    return np.exp(level) if ratio else level


def check_length(
    strategies: tuple[str, ...], first: int, levelled: Array, length: Array, lower_is_better: bool
) -> LengthConfound | None:
    """Find out whether a strategy is first only as its responses are shorter, or longer.

    Parameters
    ----------
    strategies : tuple of str
        Names.
    first : int
        Which of them is first, as found.
    levelled : array, (strategies,)
        Scores at one length.
    length : array, (strategies,)
        Mean number of tokens.
    lower_is_better : bool
        Direction.
    """
    now = int(np.argmin(levelled if lower_is_better else -levelled))
    alike = levelled[first] == levelled[now] or abs(np.log(length[first] / length[now])) < _ALIKE
    if alike:
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
