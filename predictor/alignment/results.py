"""Read what a server or harness says of the prompts, and put it beside the responses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from predictor.alignment.examples import KEYS
from predictor.alignment.logprobs import body_of, scored
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
        total, count = scored(row, kind, texts[key], where)
        kept = found.setdefault(key, {})
        kept[_COLUMNS[kind]] = total
        if count is not None and (kind == "plain" or "tokens" not in kept):
            kept["tokens"] = count
    if not found:
        told = (
            f"all {failed:,} requests failed on the server"
            if failed
            else ("no line holds log-likelihoods; was 'echo' or 'prompt_logprobs' on?")
        )
        raise InputError(f"{results}: {told}")
    sums = pd.DataFrame.from_dict(found, orient="index").reset_index(drop=True)
    sums[list(KEYS)] = pd.DataFrame(list(found), index=sums.index)
    without = frame.drop(columns=[c for c in sums if c in frame and c not in KEYS])
    joined = without.merge(sums, on=list(KEYS), how="left")
    return joined.drop(columns="group"), _missing(joined, failed, results)


def _missing(joined: pd.DataFrame, failed: int, results: Path) -> list[Finding]:
    """Count the responses without a result, by kind of prompt, of the kinds that there are."""
    told = []
    for kind, column in _COLUMNS.items():
        count = int(joined[column].isna().sum()) if column in joined else 0
        if count:
            told.append(f"{count:,} of {len(joined):,} responses have no result of kind '{kind}'")
    if failed:
        told.append(f"{failed:,} requests failed on the server")
    return [Finding("PRED514", "; ".join(told), source=str(results))] if told else []


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
    return bad or (row.get("error") is not None and "choices" not in body_of(row))


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
