"""From logged responses to one checked row a task, strategy and example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.responses import response_frame

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 2_000_000
#: A sum of log-likelihoods may exceed zero by rounding.
_ROUNDING = 1e-3
#: By column: the least and the most it can be, and what to do about another value.
_RANGES: dict[str, tuple[float, float, str]] = {
    "log_likelihood": (-np.inf, _ROUNDING, "log-likelihoods in nats are at most 0; log minus the "
                       "loss, summed over the tokens"),
    "self_log_likelihood": (-np.inf, _ROUNDING, "log-likelihoods in nats are at most 0"),
    "unconditional_log_likelihood": (-np.inf, _ROUNDING, "log-likelihoods in nats are at most 0"),
    "tokens": (0, np.inf, "a number of tokens is at least 0"),
    "bytes": (0, np.inf, "a number of bytes is at least 0"),
    "ppl": (1 - 1e-6, np.inf, "a perplexity is at least 1"),
    "self_ppl": (1 - 1e-6, np.inf, "a perplexity is at least 1"),
    "similarity": (-1 - 1e-6, 1 + 1e-6, "a similarity lies between -1 and 1"),
    "reward": (-np.inf, np.inf, "a reward is a finite number"),
}  # fmt: skip
KEYS = ("group", "strategy", "example")


def example_frame(
    responses: pd.DataFrame, name: str = "table"
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return one row a group (model and task), strategy and example, with what scores need.

    Several rows of one example and strategy are several samples of the model's own answer: their
    numbers are averaged, which makes of similarities the expected alignment.

    Parameters
    ----------
    responses : DataFrame
        ``strategy, example`` and any of the columns of a response log, see
        :data:`predictor.logs.responses.SPELLINGS`.
    name : str
        What errors call it.

    Returns
    -------
    examples : DataFrame
        ``group, strategy, example`` and any of ``tokens, loss, self_loss, unconditional_loss``
        (nats a token), ``similarity, reward, text, reference``.
    findings : list of Finding

    Raises
    ------
    InputError
        If a number is impossible or no number and no text is there; names row and column.
    """
    frame = response_frame(responses, name)
    if len(frame) > _MOST_ROWS:
        raise InputError(f"{name}: {len(frame):,} rows, more than {_MOST_ROWS:,}")
    frame = _from_token_lists(frame, name)
    for column in set(_RANGES) & set(frame.columns):
        frame[column] = _numbers(frame[column], column, name)
    frame["group"] = group_names(frame)
    frame, findings = _without_empty(frame, name)
    for loss, ppl, total in (
        ("loss", "ppl", "log_likelihood"),
        ("self_loss", "self_ppl", "self_log_likelihood"),
    ):
        frame, noticed = _with_loss(frame, loss, ppl, total)
        findings += noticed
    frame = _with_sums(frame)
    return _one_row_each(frame, findings), findings


def _numbers(values: pd.Series, column: str, name: str) -> pd.Series:
    import pandas as pd

    given = pd.to_numeric(values, errors="coerce")
    least, most, advice = _RANGES[column]
    wrong = (given.isna() & values.notna()) | (given < least) | (given > most) | np.isinf(given)
    if wrong.any():
        first = values.index[wrong][0]
        shown = str(values[first])[:40]
        if not np.isfinite(given[first]) and not pd.isna(given[first]):
            advice = f"{column} is a finite number; leave it out where there is none"
        raise InputError(
            f"{name}, data row {int(first) + 1}: {column} is {shown}"
            f"{f' (and {wrong.sum() - 1:,} more rows)' if wrong.sum() > 1 else ''}; {advice}"
        )
    return given.astype(float)


def _from_token_lists(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Sum lists of token log-likelihoods."""
    import pandas as pd

    if "token_logprobs" not in frame or "log_likelihood" in frame:
        return frame
    pairs = [
        _summed(cell, f"{name}, data row {int(row) + 1}: token_logprobs")
        for row, cell in zip(frame.index, frame["token_logprobs"], strict=True)
    ]
    summed = pd.DataFrame(pairs, frame.index, ["log_likelihood", "tokens"], dtype=float)
    return frame.assign(**summed)


def _summed(cell: Any, where: str) -> tuple[float, float]:
    """Return the sum and the number of a list; NaN where there is none."""
    try:
        numbers = np.asarray(_listed(cell), dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{where} is no list of numbers") from None
    known = numbers[~np.isnan(numbers)]  # servers give null for the first token
    if np.any(known > _ROUNDING):
        raise InputError(f"{where} holds {known.max():g}; log-likelihoods in nats are at most 0")
    count = float(len(known)) if numbers.ndim else np.nan
    return float(known.sum()) if len(known) else np.nan, count


def _listed(cell: Any) -> Any:
    import json

    return json.loads(cell) if isinstance(cell, str) else cell


def group_names(frame: pd.DataFrame) -> pd.Series:
    """Return the model and task of each row, as far as they vary; empty where none is named."""
    import pandas as pd

    named = [frame[c].fillna("").astype(str) for c in ("model", "task") if c in frame]
    if not named:
        return pd.Series("", index=frame.index)
    varying = [column for column in named if column.nunique() > 1] or named[-1:]
    joined = varying[0]
    for column in varying[1:]:
        joined = joined + " / " + column
    return joined


def _without_empty(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[Finding]]:
    if "tokens" not in frame:
        return frame, []
    empty = frame["tokens"] == 0
    if not empty.any():
        return frame, []
    if empty.all():
        raise InputError(f"{name}: every response has 0 tokens; log the tokens of the responses")
    by_strategy = frame.loc[empty, "strategy"].value_counts()
    told = ", ".join(f"{count} of {strategy}" for strategy, count in by_strategy.items())
    return frame[~empty].copy(), [
        Finding("PRED502", f"responses of 0 tokens have no score and are left out: {told}")
    ]


def _with_loss(
    frame: pd.DataFrame, loss: str, ppl: str, total: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """Add nats a token, from the sum and the count, else from a perplexity."""
    size, by_byte = _size(frame)
    findings = []
    if total in frame and size is not None:
        own = -np.minimum(frame[total], 0.0) / size
        if ppl in frame:
            findings = _compared(own, frame[ppl], ppl, total)
            own = own.fillna(np.log(frame[ppl]))
        if by_byte:
            findings.append(_by_bytes(total))
        return frame.assign(**{loss: own}), findings
    if ppl in frame:
        return frame.assign(**{loss: np.log(np.maximum(frame[ppl], 1.0))}), findings
    return frame, findings


def _size(frame: pd.DataFrame) -> tuple[pd.Series | None, bool]:
    """Return numbers of tokens, else of bytes, and whether it is of bytes."""
    for column in ("tokens", "bytes"):
        if column in frame and frame[column].notna().any():
            return frame[column].where(frame[column] > 0), column == "bytes"
    if "text" not in frame:
        return None, False
    size = frame["text"].fillna("").astype(str).map(lambda text: len(text.encode()))
    return size.where(size > 0), True


def _compared(own: pd.Series, logged: pd.Series, ppl: str, total: str) -> list[Finding]:
    """Notice a perplexity that is not what the sum makes it."""
    apart = np.abs(own - np.log(logged))
    off = float(apart.median()) if apart.notna().any() else 0.0
    if off <= 0.05:
        return []
    return [Finding(
        "PRED503", f"{ppl} and {total} by the count of tokens differ by "
        f"{100 * np.expm1(off):.0f} % in the median; {total} is used",
    )]  # fmt: skip


def _with_sums(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the response's log-likelihood, and its loss alone, which is by the same count."""
    if "log_likelihood" not in frame and {"loss", "tokens"} <= set(frame):
        frame = frame.assign(log_likelihood=-frame["loss"] * frame["tokens"])
    alone, size = "unconditional_log_likelihood", _size(frame)[0]
    if alone in frame and size is not None:
        frame = frame.assign(unconditional_loss=-frame[alone] / size)
    return frame


def _by_bytes(total: str) -> Finding:
    return Finding(
        "PRED504",
        f"no counts of tokens beside {total}: perplexity is by UTF-8 byte, which compares "
        "strategies of one language, not numbers with other tables",
    )


def _one_row_each(frame: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """Average over repeated rows: more samples of the model's own answer."""
    numbers = [
        column
        for column in (
            "tokens", "loss", "self_loss", "unconditional_loss", "similarity", "reward",
            "log_likelihood",
        )
        if column in frame
    ]  # fmt: skip
    texts = [column for column in ("text", "reference") if column in frame]
    kept = frame[[*KEYS, *numbers, *texts]]
    if not kept.duplicated(list(KEYS)).any():
        return kept.reset_index(drop=True)
    grouped = kept.groupby(list(KEYS), sort=False, observed=True)
    most = int(grouped.size().max())
    findings.append(Finding(
        "PRED505", f"up to {most} rows of one strategy and example: taken as several samples and "
        "averaged",
    ))  # fmt: skip
    averaged = grouped[numbers].mean() if numbers else grouped.size().to_frame("rows")
    for column in texts:
        averaged[column] = grouped[column].agg(list if column == "reference" else "first")
    return averaged.reset_index()
