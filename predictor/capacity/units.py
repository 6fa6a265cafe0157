"""From what a row logs to bits a token, with the mistakes of unit that a value betrays."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, log, log2
from typing import Any

from predictor.capacity.compression import Compression
from predictor.errors import InputError

#: The best models spend a fifth of a bit on a byte of source code; a tenth is out of reach.
LEAST_BITS_PER_BYTE = 0.1
_NATS = "nats given as bits? (bits are nats / ln 2)"
#: How far two statements of one number may lie apart.
_SAME = 0.02


def compression_of(row: Mapping[str, Any], where: str) -> Compression:
    """Return the compression that a row of sums or of rates logs.

    Parameters
    ----------
    row : mapping
        Values by canonical column name; absent ones are missing or None.
    where : str
        What an error calls the row.

    Raises
    ------
    InputError
        If too little is logged, or a value is impossible: no tokens, fewer bytes than tokens, a
        cost that no model can have, two columns that contradict each other.

    Examples
    --------
    >>> row = {"text_bytes": 4000, "tokens": 1000, "nll_nats": 2079.4415}
    >>> round(compression_of(row, "row 1").nll_bits_per_token, 6)
    3.0
    """
    values = {name: _number(row[name], name, where) for name in _NUMBERS if _given(row, name)}
    _check_counts(values, where)
    size, cost = _text_bits(values, where), _nll_bits(values, where)
    if (size is None or cost is None) and "gain_bits_per_token" in values:
        return Compression(size, cost, gain=values["gain_bits_per_token"])
    if size is None:
        raise InputError(
            f"{where}: no text size; give text_bytes and tokens, or text_bits_per_token"
        )
    if cost is None:
        raise InputError(
            f"{where}: no likelihood; give nll_nats (the sum) with tokens, nll_bits_per_token, "
            "bits_per_byte or perplexity"
        )
    _check_bits(size, cost, row, where)
    characters = values.get("characters")
    tokens = values.get("tokens")
    return Compression(
        text_bits_per_token=size,
        nll_bits_per_token=cost,
        bits_per_byte=8 * cost / size,
        bits_per_character=cost * tokens / characters if tokens and characters else None,
        tokens=tokens,
    )


_NUMBERS = (
    "text_bytes", "tokens", "characters", "text_bits_per_token", "nll_nats", "nll_bits_per_token",
    "bits_per_byte", "perplexity", "gain_bits_per_token",
)  # fmt: skip


def _given(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name)
    return value is not None and value == value and value != ""


def _number(value: Any, name: str, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{where}: {name} is {str(value)[:40]!r}, no number") from None
    if not isfinite(number):
        raise InputError(f"{where}: {name} is {number}; a finite number is needed")
    return number


def _check_counts(values: Mapping[str, float], where: str) -> None:
    for name in ("text_bytes", "tokens", "characters"):
        if name in values and values[name] <= 0:
            raise InputError(
                f"{where}: {name} is {values[name]:g}; nothing was scored, so leave the row out or "
                "log the count of what was"
            )
    for name in ("nll_nats", "nll_bits_per_token", "bits_per_byte", "text_bits_per_token"):
        if name in values and values[name] <= 0:
            raise InputError(
                f"{where}: {name} is {values[name]:g}; a negative log-likelihood and a text size "
                "are above 0 (log-likelihoods go in with their sign turned)"
            )
    if values.get("perplexity", 2) <= 1:
        raise InputError(f"{where}: perplexity is {values['perplexity']:g}; it lies above 1")
    text, tokens = values.get("text_bytes"), values.get("tokens")
    if text and tokens and text < tokens:
        raise InputError(
            f"{where}: {text:g} bytes for {tokens:g} tokens; a token stands for at least one byte: "
            "are the columns swapped, or do the tokens count padding?"
        )


def _text_bits(values: Mapping[str, float], where: str) -> float | None:
    text, tokens = values.get("text_bytes"), values.get("tokens")
    counted = 8 * text / tokens if text and tokens else None
    given = values.get("text_bits_per_token")
    if given is not None and given < 8:
        raise InputError(
            f"{where}: text_bits_per_token is {given:g}; a token stands for at least one byte, "
            "which is 8 bits: bytes given as bits?"
        )
    if given is not None and counted is not None and abs(given / counted - 1) > 10 * _SAME:
        raise InputError(
            f"{where}: text_bits_per_token is {given:g}, but text_bytes and tokens make "
            f"{counted:.4g}; give one of them"
        )
    return counted if given is None else given


def _nll_bits(values: Mapping[str, float], where: str) -> float | None:
    """Return the cost of a token by the first form that is there; the others must agree."""
    text, tokens = values.get("text_bytes"), values.get("tokens")
    size = values.get("text_bits_per_token") or (8 * text / tokens if text and tokens else None)
    forms: dict[str, float] = {}
    if "nll_bits_per_token" in values:
        forms["nll_bits_per_token"] = values["nll_bits_per_token"]
    if "nll_nats" in values and tokens:
        forms["nll_nats"] = values["nll_nats"] / tokens / log(2)
    if "perplexity" in values:
        forms["perplexity"] = log2(values["perplexity"])
    if "bits_per_byte" in values and size:
        forms["bits_per_byte"] = values["bits_per_byte"] * size / 8
    if not forms:
        return None
    (first, cost), *others = forms.items()
    for other, bits in others:
        _check_agreement(first, cost, other, bits, where)
    return cost


def _check_agreement(first: str, cost: float, other: str, bits: float, where: str) -> None:
    # Bits per byte is a ratio of sums where the text size may be a mean over samples.
    if abs(cost / bits - 1) <= (10 * _SAME if other == "bits_per_byte" else _SAME):
        return
    nats = abs(cost / bits / log(2) - 1) <= _SAME or abs(bits / cost / log(2) - 1) <= _SAME
    why = _NATS if nats else "give one of them"
    raise InputError(f"{where}: {first} makes {cost:.4g} bits a token, {other} {bits:.4g}: {why}")


def _check_bits(size: float, cost: float, row: Mapping[str, Any], where: str) -> None:
    per_byte = 8 * cost / size
    if cost >= size:
        raise InputError(
            f"{where}: {cost:.4g} bits a token for a text of {size:.4g}: no model that compresses "
            "costs more than the text itself; is the likelihood a sum, not a mean, or the text "
            "size in bytes?"
        )
    if per_byte < LEAST_BITS_PER_BYTE:
        raise InputError(
            f"{where}: {per_byte:.3g} bits per byte is out of any model's reach: {_NATS} or a mean "
            "given as a sum?"
        )
    vocab = row.get("vocab")
    if vocab and cost > log2(vocab):
        raise InputError(
            f"{where}: {cost:.4g} bits a token is worse than guessing among {vocab:g} tokens; "
            "check the unit"
        )
