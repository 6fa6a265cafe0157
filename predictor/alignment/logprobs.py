"""A response's log-likelihood in what a server or harness answered to its prompt."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np

from predictor.alignment.requests import ANSWER_MARK
from predictor.errors import InputError

#: Where a decoder puts one token's part of a character, or a tokenizer's own mark of a blank.
_BLANKS = str.maketrans({"\u2581": " ", "\u0120": " ", "\u010a": "\n"})


def scored(row: dict[str, Any], kind: str, text: str, where: str) -> tuple[float, float | None]:
    r"""Return a response's log-likelihood in nats and its number of tokens, where told.

    Parameters
    ----------
    row : dict
        One line of results: a completion, a batch's line, or a harness's sample.
    kind : {"plain", "self", "unconditional"}
        What the prompt was.
    text : str
        The response.
    where : str
        What errors call the line.

    Raises
    ------
    InputError
        If the line holds no log-likelihoods of the prompt, or the response is not in it.

    Examples
    --------
    >>> log = {"tokens": ["Question: 2+2?\nAnswer:", " 4"], "token_logprobs": [None, -0.5]}
    >>> scored({"choices": [{"logprobs": log}]}, "plain", "4", "line 1")
    (-0.5, 1.0)
    """
    try:
        if "filtered_resps" in row or "resps" in row:
            return _of_harness(row)
        body = body_of(row)
        choice = (body.get("choices") or [{}])[0]
        prompt = choice.get("prompt_logprobs") or body.get("prompt_logprobs")
        if prompt:
            ids = choice.get("prompt_token_ids") or body.get("prompt_token_ids")
            pieces, values = _of_prompt(prompt, ids, text, kind)
        else:
            pieces, values = _of_echo(choice, body.get("usage") or {})
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, StopIteration):
        raise InputError(
            f"{where}: no log-likelihoods of the prompt; ask the server for echo and logprobs, or "
            "prompt_logprobs"
        ) from None
    place = _place("".join(pieces), text, kind)
    if place is None:
        raise InputError(f"{where}: the response is not in the prompt's tokens: {text[:40]!r}")
    found = _inside(pieces, values, *place)
    if kind == "unconditional" and found == [None]:
        return float("nan"), 1.0  # of one token alone there is none
    return _total(found, where)


def body_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return the completion itself, unpacked from a batch's line."""
    response = row.get("response", row)
    body = response.get("body", response) if isinstance(response, dict) else row
    return body if isinstance(body, dict) else {}


def _of_harness(row: dict[str, Any]) -> tuple[float, float | None]:
    answer = row.get("filtered_resps") or row["resps"]
    while isinstance(answer[0], list):
        answer = answer[0]
    doc = row.get("doc")
    tokens = doc.get("tokens") if isinstance(doc, dict) else None
    return float(answer[0]), None if tokens is None else float(tokens)


def _of_echo(choice: dict[str, Any], usage: dict[str, Any]) -> tuple[list[str], list[float | None]]:
    """Return the text and log-likelihood of each token of the prompt, as far as that is told."""
    log = choice["logprobs"]
    values = [None if value is None else float(value) for value in log["token_logprobs"]]
    pieces = [str(token) for token in log["tokens"]]
    offsets, whole = log.get("text_offset"), choice.get("text")
    if offsets and isinstance(whole, str) and not _make_up(pieces, offsets):
        # OpenAI writes a token that is a part of a character as its bytes: places tell its text.
        places = [int(one) - int(offsets[0]) for one in offsets]
        pieces = [whole[a:b] for a, b in pairwise([*places, len(whole)])]
    if len(pieces) != len(values):
        raise ValueError("as many tokens as log-likelihoods")
    kept = len(pieces) - int(usage.get("completion_tokens") or 0)
    return pieces[:kept], values[:kept]


def _make_up(pieces: list[str], offsets: list[int]) -> bool:
    """Return whether each token begins where the one before ends."""
    steps = [b - a for a, b in pairwise(offsets)]
    return steps == [len(piece) for piece in pieces[:-1]]


def _of_prompt(
    prompt: list[dict[str, Any] | None], ids: list[int] | None, text: str, kind: str
) -> tuple[list[str], list[float | None]]:
    """Return the text and log-likelihood of each token of vLLM's prompt."""
    pieces, values = [], []
    for i, place in enumerate(prompt):
        # vLLM lists the prompt's own token first, then the likeliest others.
        own = None if place is None else place.get(str(ids[i])) if ids else None
        own = next(iter(place.values())) if place and own is None else own
        pieces.append("" if own is None else str(own.get("decoded_token") or ""))
        values.append(None if own is None else float(own["logprob"]))
    if prompt[0] is not None:
        return pieces, values
    first = _first(text, "".join(pieces)) if kind == "unconditional" else ""
    return ([first, *pieces[1:]], values) if first else (pieces[1:], values[1:])


def _first(text: str, rest: str) -> str:
    """Return the first token of a response alone; empty where a mark of the start is first."""
    if text.endswith(rest):
        return text[: len(text) - len(rest)]
    return "" if _loosely(rest, text, "") else "\ufffd"


def _place(whole: str, text: str, kind: str) -> tuple[int, int] | None:
    """Return where the response begins and ends; the prompt ends with it."""
    if kind == "unconditional":
        at = whole.find(text)
        return (at, at + len(text)) if at >= 0 else _loosely(whole, text, "") or (0, len(whole))
    for mark in (ANSWER_MARK, ""):
        at = whole.rfind(mark + text)
        if at >= 0:
            return at + len(mark), at + len(mark) + len(text)
    return _loosely(whole, text, ANSWER_MARK.strip()) or _loosely(whole, text, "")


def _loosely(whole: str, text: str, mark: str) -> tuple[int, int] | None:
    """Find a response whose blanks, or letters of several tokens, are not as they were written."""
    words = [
        "".join(
            re.escape(part) if part.isascii() else r"[^\x00-\x7f]++"
            for part in re.findall(r"[\x00-\x7f]+|[^\x00-\x7f]+", word)
        )
        for word in text.split()
    ]
    if not words:
        return None
    pattern = re.compile(re.escape(mark) + r"\s*(" + r"\s*".join(words) + ")")
    found = list(pattern.finditer(whole.translate(_BLANKS)))
    return found[-1].span(1) if found else None


def _inside(
    pieces: list[str], values: list[float | None], start: int, end: int
) -> list[float | None]:
    """Return the log-likelihoods of the tokens that hold a part of the response.

    A token that also holds the blank before it is the response's first.
    """
    ends = np.cumsum([len(piece) for piece in pieces])
    found = []
    for piece, value, stop in zip(pieces, values, ends, strict=True):
        begin = stop - len(piece)
        if begin < end and (stop > start or begin >= start):
            found.append(value)
    return found


def _total(values: list[float | None], where: str) -> tuple[float, float]:
    """Return sum and number; a text's first token has no probability: the others' mean stands."""
    known = np.array([value for value in values if value is not None], dtype=float)
    if len(known) == 0:
        raise InputError(f"{where}: no token of the response has a probability")
    return float(known.mean() * len(values)), float(len(values))
