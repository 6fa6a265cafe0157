"""Samples of a text as logged, one JSON line each: sums, probabilities of tokens, the harness's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, log
from pathlib import Path
from typing import Any

import numpy as np

from predictor.capacity.compression import PUBLISHED_CUT, Samples
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.source import Source

#: More samples than this are no evaluation of one model.
_MOST_SAMPLES = 5_000_000
_TOKEN_LOGPROBS = ("logprobs", "token_logprobs")
_SUMS = ("logprob_sum", "loglikelihood", *_TOKEN_LOGPROBS)


@dataclass(frozen=True)
class Scored:
    """One sample: bytes and tokens scored, and ``-log2 p`` of them; tokens may be unknown."""

    text_bytes: float
    tokens: float | None
    nll_bits: float
    characters: float | None


def is_sample(row: Mapping[str, Any]) -> bool:
    """Return whether a row is a sample, by its columns, and not a model's row of a table."""
    if any(name in row for name in _SUMS):
        return True
    return isinstance(row.get("bits_per_byte"), list)


def read_samples(
    path: Path, *, cut: int = PUBLISHED_CUT, tokens: float | None = None
) -> tuple[Samples, list[Finding]]:
    """Read a file of samples.

    Parameters
    ----------
    path : Path
        JSONL, gzip undone.
    cut : int
        Tokens that a sample is cut to where its tokens are logged one by one.
    tokens : float, optional
        Tokens of all samples, where they do not log theirs (the harness's do not): they are then
        taken to be in proportion to bytes.

    Raises
    ------
    InputError
        If a line is no sample; names file and line.
    """
    source = Source(path, str(path), path.stem)
    each = (
        scored(parsed(line, source, number), f"{path}, line {number}", cut)
        for number, line in source.lines()
        if line.strip()
    )
    return gather(each, str(path), cut, tokens)


def parsed(line: str, source: Source, number: int) -> dict[str, Any]:
    """Return the JSON object of one line."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise source.error(f"line {number} is no JSON object or is cut off") from None
    if not isinstance(row, dict):
        raise source.error(f"line {number} is no JSON object; one sample a line is expected")
    return row


def gather(
    found: Iterable[Scored], where: str, cut: int, tokens: float | None
) -> tuple[Samples, list[Finding]]:
    """Return samples as arrays, and what was noticed."""
    kept = []
    for sample in found:
        kept.append(sample)
        if len(kept) > _MOST_SAMPLES:
            raise InputError(f"{where}: more than {_MOST_SAMPLES:,} samples; give their sums")
    if not kept:
        raise InputError(f"{where}: holds no samples; one JSON object a line is expected")
    text = np.array([s.text_bytes for s in kept])
    if all(s.tokens is not None for s in kept):
        each = np.array([s.tokens for s in kept], dtype=float)
    elif tokens:
        each = text * tokens / text.sum()
    else:
        raise InputError(
            f"{where}: samples without tokens; log tokens with each, or give a column 'tokens'"
        )
    if each.sum() > text.sum():
        raise InputError(
            f"{where}: {text.sum():g} bytes for {each.sum():g} tokens; a token stands for at "
            "least one byte"
        )
    known = all(s.characters is not None for s in kept)
    chars = np.array([s.characters for s in kept], dtype=float) if known else None
    samples = Samples(text, each, np.array([s.nll_bits for s in kept]), chars)
    return samples, list(_findings(each, where, cut))


def _findings(tokens: np.ndarray[Any, Any], where: str, cut: int) -> Iterable[Finding]:
    longer = int((tokens > cut).sum())
    if longer:
        yield Finding(
            "PRED305",
            f"{longer} of {len(tokens)} samples are longer than {cut} tokens, where published "
            "values cut them: later tokens cost less, so the bias may not fit",
            source=where,
        )


def scored(row: Mapping[str, Any], where: str, cut: int) -> Scored:
    """Return what one sample's row logs.

    ``bytes, tokens, logprob_sum`` (nats) are taken as they are: of the tokens scored. From the
    probabilities of tokens, the first is left out, and the rest beyond the cut; that needs
    ``token_bytes``, or the text to be short enough. The harness's ``bits_per_byte`` is a pair of
    log-likelihood and bytes.

    Examples
    --------
    >>> row = {"logprobs": [None, -0.6931, -1.3863], "token_bytes": [3, 4, 4]}
    >>> scored(row, "sample", 1024).text_bytes, round(scored(row, "sample", 1024).nll_bits, 3)
    (8.0, 3.0)
    """
    listed = next((row[name] for name in _TOKEN_LOGPROBS if isinstance(row.get(name), list)), None)
    if listed is not None:
        return _from_tokens(row, listed, where, cut)
    pair = row.get("bits_per_byte")
    if isinstance(pair, list) and len(pair) == 2:
        nats, text = (number(value, "bits_per_byte", where) for value in pair)
        return _sample(nats, text, _maybe(row, "tokens", where), None, where)
    name = next((n for n in ("logprob_sum", "loglikelihood") if row.get(n) is not None), None)
    if name is None:
        raise InputError(f"{where}: no logprob_sum, logprobs or bits_per_byte in this sample")
    text_of = next((n for n in ("bytes", "text_bytes") if row.get(n) is not None), "bytes")
    return _sample(
        number(row.get(name), name, where),
        number(row.get(text_of), text_of, where),
        _maybe(row, "tokens", where),
        _maybe(row, "characters", where),
        where,
    )


def _from_tokens(row: Mapping[str, Any], listed: list[Any], where: str, cut: int) -> Scored:
    nats = [number(value, "logprobs", where) for value in listed[1:cut]]
    each = row.get("token_bytes")
    if isinstance(each, list):
        if len(each) != len(listed):
            raise InputError(f"{where}: {len(each)} token_bytes for {len(listed)} logprobs")
        text = sum(number(value, "token_bytes", where) for value in each[1:cut])
    elif len(listed) <= cut:
        text = number(row.get("bytes"), "bytes", where)
    else:
        raise InputError(
            f"{where}: {len(listed)} tokens are to be cut to {cut}, so token_bytes are needed "
            "(UTF-8 bytes of each token)"
        )
    return _sample(float(sum(nats)), text, float(len(nats)), None, where)


def _sample(
    nats: float, text: float, tokens: float | None, characters: float | None, where: str
) -> Scored:
    if text <= 0 or (tokens is not None and tokens <= 0):
        what = "no bytes" if text <= 0 else "no tokens"
        raise InputError(f"{where}: {what} were scored; leave such samples out")
    if nats > 0:
        raise InputError(
            f"{where}: the log-likelihood is {nats:g}; it lies below 0 (turn the sign of a loss)"
        )
    return Scored(text, tokens, -nats / log(2), characters)


def _maybe(row: Mapping[str, Any], name: str, where: str) -> float | None:
    value = row.get(name)
    # A table's blank is NaN.
    return None if value is None or value != value else number(value, name, where)


def number(value: Any, name: str, where: str) -> float:
    """Return a finite number, or say which value of which row is none."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if not plain or not isfinite(value):
        raise InputError(f"{where}: {name} is {str(value)[:40]!r}; a finite number is needed")
    return float(value)
