"""The prompts whose log-likelihoods the scores are made of, for any server to run."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from predictor.alignment.examples import KEYS, group_names
from predictor.errors import InputError
from predictor.logs.responses import response_frame

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["plain", "self", "unconditional"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: The model's own answers to other questions that stand in a self-aligned prompt (the source).
SHOTS = 3
#: What stands right before a response in every prompt but the response alone.
ANSWER_MARK = "\nAnswer: "
_QUESTION, _ANSWER = "Question: {}\nAnswer:", " {}\n\n"
_TRUE = {True, "1", "true", "True", "yes"}


def request_id(kind: str, group: str, strategy: str, example: str) -> str:
    """Return the ``custom_id`` of a request: a JSON list, which no name can break.

    Examples
    --------
    >>> request_id("plain", "", "step by step", "7")
    '["plain","","step by step","7"]'
    """
    parts = [kind, group, strategy, example]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def build_requests(
    responses: pd.DataFrame,
    *,
    kinds: tuple[Kind, ...] = ("plain", "self"),
    shots: int = SHOTS,
    model: str = "model",
    random_state: int = 0,
    name: str = "table",
) -> Iterator[dict[str, Any]]:
    r"""Yield one request a response and kind, in the form of OpenAI's batches of completions.

    The server scores the prompt (``echo``, ``logprobs``) and adds one token that is not used. A
    self-aligned prompt holds the model's own answers (``reference``; only right ones where
    ``correct`` says which) to other questions first, the same for all strategies of an example.

    Parameters
    ----------
    responses : DataFrame
        ``strategy, example, question, response`` and, for the kind "self", ``reference`` (and
        ``correct``).
    kinds : tuple of {"plain", "self", "unconditional"}
        Prompts to make; "unconditional", the response alone, is for IFD.
    shots : int
        Own answers in a self-aligned prompt.
    model : str
        Name of the model on the server.
    random_state : int
        Seed of the choice of other questions.
    name : str
        What errors call the table.

    Yields
    ------
    dict
        ``custom_id, method, url, body``, and ``response_start``: the character of the prompt
        where the response begins.

    Raises
    ------
    InputError
        If questions, responses or own answers are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"strategy": ["a"], "example": ["1"], "question": ["2+2?"],
    ...                       "response": ["4"]})
    >>> one = next(build_requests(table, kinds=("plain",)))
    >>> one["body"]["prompt"], one["response_start"]
    ('Question: 2+2?\nAnswer: 4', 23)
    """
    frame = keyed_responses(responses, name)
    needed = _needed(frame, kinds, name)
    own = _own_answers(frame, shots, name) if "self" in kinds else {}
    for kind in kinds:
        for row in frame.dropna(subset=needed).to_dict("records"):
            answers = own.get(str(row["group"]), {}) if kind == "self" else {}
            before = _before(kind, str(row.get("question", "")), answers, shots, random_state)
            yield _request(kind, row, before, model)


def _needed(frame: pd.DataFrame, kinds: tuple[Kind, ...], name: str) -> list[str]:
    """Return the columns that every prompt needs; refuse a table that lacks them."""
    needed = ["text", *(["question"] if set(kinds) - {"unconditional"} else [])]
    for column in [*needed, *(["reference"] if "self" in kinds else [])]:
        if column not in frame or frame[column].isna().all():
            told = {
                "text": "response", "reference": "reference (the model's own answers)"
            }.get(column, column)  # fmt: skip
            raise InputError(f"{name} has no column '{told}', which the prompts are made of")
    return needed


def _request(kind: str, row: dict[Hashable, Any], before: str, model: str) -> dict[str, Any]:
    text = str(row["text"])
    return {
        "custom_id": request_id(kind, *(str(row[key]) for key in KEYS)),
        "method": "POST",
        "url": "/v1/completions",
        "body": {
            "model": model, "prompt": before + text, "max_tokens": 1, "temperature": 0,
            "echo": True, "logprobs": 1,
        },
        "response_start": len(before),
    }  # fmt: skip


def keyed_responses(responses: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return responses under canonical names with their group, one row a strategy and example."""
    frame = response_frame(responses, name)
    frame = frame.assign(group=group_names(frame))
    return frame.drop_duplicates(list(KEYS))


def _own_answers(frame: pd.DataFrame, shots: int, name: str) -> dict[str, dict[str, str]]:
    """Return the model's own answers by question, of each model and task."""
    right = frame.dropna(subset=["question", "reference"])
    if "correct" in right:
        right = right[right["correct"].isin(_TRUE)]
    right = right.assign(reference=right["reference"].map(_first))
    found = {}
    for group in frame["group"].unique():
        rows = right[right["group"] == group].drop_duplicates("question")
        found[str(group)] = dict(zip(rows["question"].map(str), rows["reference"], strict=True))
        if len(rows) <= shots:
            raise InputError(
                f"{name}: {len(rows)} questions{f' of {group}' if group else ''} with an own answer"
                f"{' that is correct' if 'correct' in frame else ''}; a self-aligned prompt needs "
                f"{shots} other ones: log more, or ask for fewer with --shots"
            )
    return found


def _first(reference: Any) -> str:
    return str(reference[0]) if isinstance(reference, list | np.ndarray) else str(reference)


def _before(kind: str, question: str, own: dict[str, str], shots: int, seed: int) -> str:
    """Return what stands before the response."""
    if kind == "unconditional":
        return ""
    asked = _QUESTION.format(question) + ANSWER_MARK[-1]
    if kind == "plain":
        return asked
    # The seed is of the question alone, so that strategies are scored behind the same prompt.
    rng = np.random.default_rng([seed, *question.encode()])
    others = [one for one in own if one != question]
    chosen = [others[i] for i in rng.choice(len(others), size=shots, replace=False)]
    return "".join(_QUESTION.format(q) + _ANSWER.format(own[q]) for q in chosen) + asked
