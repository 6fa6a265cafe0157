"""Read what a server or harness says of the prompts, and put it beside the responses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from predictor.alignment.examples import KEYS
from predictor.alignment.requests import KINDS, keyed_responses, request_id
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.source import Source

if TYPE_CHECKING:
    import pandas as pd

#: Which column the sum of a kind of prompt's log-likelihoods is.
_COLUMNS = {
    "plain": "log_likelihood", "self": "self_log_likelihood",
    "unconditional": "unconditional_log_likelihood",
}  # fmt: skip
_MOST_LINES = 5_000_000


def read_results(
    responses: pd.DataFrame, results: Path, *, name: str = "table"
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the responses with the log-likelihoods that a run of their prompts gave.

    Read are OpenAI-style completions with ``logprobs`` (``token_logprobs`` and ``text_offset``),
    vLLM's ``prompt_logprobs``, alone or in a batch's ``response.body``, and
    lm-evaluation-harness's samples of loglikelihood requests whose ``doc`` has the
    ``custom_id`` (or ``kind, strategy, example``). Lines are told apart by content.

    Parameters
    ----------
    responses : DataFrame
        What the prompts were made of.
    results : Path
        JSONL, one line a request.
    name : str
        What errors call the table.

    Raises
    ------
    InputError
        If a line cannot be read, belongs to no response or holds no log-likelihoods.
    """
    import pandas as pd

    frame = keyed_responses(responses, name)
    texts = {
        tuple(str(row[key]) for key in KEYS): str(row.get("text", ""))
        for row in frame.to_dict("records")
    }
    found: dict[tuple[str, ...], dict[str, float]] = {}
    failed = 0
    for where, row in _lines(results):
        if _failed(row):
            failed += 1
            continue
        kind, key = _whose(row, where, texts)
        total, count = _scored(row, texts[key], where)
        kept = found.setdefault(key, {})
        kept[_COLUMNS[kind]] = total
        if count is not None and (kind == "plain" or "tokens" not in kept):
            kept["tokens"] = count
    if not found:
        raise InputError(f"{results}: no line holds log-likelihoods; was 'echo' or "
                         "'prompt_logprobs' on?")  # fmt: skip
    scored = pd.DataFrame.from_dict(found, orient="index").reset_index(drop=True)
    scored[list(KEYS)] = pd.DataFrame(list(found), index=scored.index)
    without = frame.drop(columns=[c for c in scored if c in frame and c not in KEYS])
    joined = without.merge(scored, on=list(KEYS), how="left")
    missing = len(frame) - len(found)
    findings = []
    if missing or failed:
        findings.append(Finding(
            "PRED514", f"{missing:,} of {len(frame):,} responses have no result"
            f"{f'; {failed:,} requests failed on the server' if failed else ''}",
            source=str(results),
        ))  # fmt: skip
    return joined.drop(columns="group"), findings


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    for number, line in Source(path, str(path), path.stem).lines():
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        if number > _MOST_LINES:
            raise InputError(f"{where}: more than {_MOST_LINES:,} lines")
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError(f"{where}: no JSON; results are one JSON object a line") from None
        if not isinstance(row, dict):
            raise InputError(f"{where}: no JSON object")
        yield where, row


def _failed(row: dict[str, Any]) -> bool:
    response = row.get("response")
    bad = isinstance(response, dict) and response.get("status_code", 200) != 200
    return bad or (row.get("error") is not None and "choices" not in _body(row))


def _whose(
    row: dict[str, Any], where: str, texts: dict[tuple[str, ...], str]
) -> tuple[str, tuple[str, ...]]:
    logged = row.get("doc")
    doc: dict[str, Any] = logged if isinstance(logged, dict) else {}
    given = row.get("custom_id") or doc.get("custom_id")
    if given is None and {"strategy", "example"} <= set(doc):
        parts = [doc.get("kind", "plain"), doc.get("group", ""), doc["strategy"], doc["example"]]
        given = request_id(*(str(part) for part in parts))
    try:
        kind, *key = (str(part) for part in json.loads(str(given)))
    except (TypeError, ValueError, RecursionError):
        raise InputError(f"{where}: no custom_id of a request made by --emit-requests") from None
    if kind not in KINDS or tuple(key) not in texts:
        raise InputError(f"{where}: {str(given)[:80]} is of no response in the table")
    return kind, tuple(key)


def _body(row: dict[str, Any]) -> dict[str, Any]:
    """Return the completion itself, unpacked from a batch's line."""
    response = row.get("response", row)
    body = response.get("body", response) if isinstance(response, dict) else row
    return body if isinstance(body, dict) else {}


def _scored(row: dict[str, Any], text: str, where: str) -> tuple[float, float | None]:
    """Return the response's log-likelihood in nats and its number of tokens, where told."""
    try:
        if "filtered_resps" in row or "resps" in row:
            return _of_harness(row)
        body = _body(row)
        choice = (body.get("choices") or [{}])[0]
        prompt = choice.get("prompt_logprobs") or body.get("prompt_logprobs")
        if prompt:
            return _of_prompt_logprobs(prompt, text)
        return _of_echo(choice["logprobs"], text)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise InputError(
            f"{where}: no log-likelihoods of the prompt; ask the server for echo and logprobs, or "
            "prompt_logprobs"
        ) from None


def _of_harness(row: dict[str, Any]) -> tuple[float, float | None]:
    answer = row.get("filtered_resps") or row["resps"]
    while isinstance(answer[0], list):
        answer = answer[0]
    doc = row.get("doc")
    tokens = doc.get("tokens") if isinstance(doc, dict) else None
    return float(answer[0]), None if tokens is None else float(tokens)


def _of_echo(logprobs: dict[str, Any], text: str) -> tuple[float, float]:
    """Sum over the tokens that lie in the response, by where each begins."""
    values, offsets = logprobs["token_logprobs"], logprobs["text_offset"]
    tokens = logprobs["tokens"]
    whole = "".join(map(str, tokens))
    end = offsets[0] + whole.rfind(text) + len(text) if text in whole else None
    if end is None:
        raise ValueError("the response is not in the echoed text")
    start = end - len(text)
    inside = [
        value
        for value, begin, token in zip(values, offsets, tokens, strict=True)
        # A token that also holds the blank before the response is the response's first.
        if begin < end and begin + len(token) > start
    ]
    return _total(inside)


def _of_prompt_logprobs(prompt: list[dict[str, Any] | None], text: str) -> tuple[float, float]:
    """Sum from the end back, until the tokens' text holds the response."""
    inside: list[float | None] = []
    held = ""
    for place in reversed(prompt):
        if len(held) >= len(text):
            break
        if place is None:  # the very first token has no probability
            inside.append(None)
            break
        # vLLM lists the prompt's own token first, then the likeliest others.
        own = next(iter(place.values()))
        inside.append(float(own["logprob"]))
        held = str(own.get("decoded_token") or "") + held
    return _total(inside)


def _total(values: list[float | None]) -> tuple[float, float]:
    known = np.array([value for value in values if value is not None], dtype=float)
    if len(known) == 0:
        raise ValueError("no token of the response has a probability")
    return float(known.sum()), float(len(known))
