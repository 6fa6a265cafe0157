"""From a fitted ranking to plain values: strategies, tasks, what past rounds say."""

from __future__ import annotations

from typing import Any

from predictor.alignment.decision import Decision
from predictor.alignment.experience import AlignmentExperience, Gain
from predictor.alignment.response_alignment import ResponseAlignment


def align_body(
    alignment: ResponseAlignment, experience: AlignmentExperience | None = None
) -> dict[str, Any]:
    """Return the body of the JSON document of ``predictor align``.

    Parameters
    ----------
    alignment : ResponseAlignment
        Fitted.
    experience : AlignmentExperience, optional
        Fitted on past rounds.
    """
    body = {
        "score": alignment.score_,
        "better": alignment.better_,
        "aggregation": alignment.aggregation,
        "level": alignment.level,
        **decision_body(alignment.decision_),
        "tasks": [{"task": task, **decision_body(one)} for task, one in alignment.tasks_.items()],
    }
    if experience is not None:
        gains = switching_gains(alignment, experience)
        body["past"] = {**experience.to_dict(), "gains": [vars(gain) for gain in gains]}
    return body


def decision_body(decision: Decision) -> dict[str, Any]:
    """Return one ranking, the best first.

    Examples
    --------
    >>> import numpy as np
    >>> from predictor.alignment.decision import decide
    >>> draws = np.array([[1.0, 2.0], [1.1, 1.9]])
    >>> one = decide(("a", "b"), draws[0], draws, np.array([5, 5]), lower_is_better=True, level=0.9)
    >>> decision_body(one)["strategies"][0]["p_best"]
    1.0
    """
    several = len(decision.strategies) > 1
    return {
        "strategies": [
            {
                "strategy": decision.strategies[i], "score": float(decision.score[i]),
                "lower": float(decision.lower[i]), "upper": float(decision.upper[i]),
                "rank": int(decision.rank[i]),
                "p_best": float(decision.p_best[i]) if several else None,
                "regret": float(decision.regret[i]), "examples": int(decision.examples[i]),
            }
            for i in decision.order
        ],
        "decisive": decision.decisive and several,
        "best_set": list(decision.best_set),
        "further_examples": decision.further_examples,
    }  # fmt: skip


def switching_gains(alignment: ResponseAlignment, experience: AlignmentExperience) -> list[Gain]:
    """Return what the first strategy gains over each other one; none where past scores differ.

    Parameters
    ----------
    alignment : ResponseAlignment
        Fitted, by the score that past rounds speak for.
    experience : AlignmentExperience
        Fitted on past rounds.
    """
    if alignment.score_ != experience.score_ or len(alignment.strategies_) < 2:
        return []
    rows = alignment.strategies_
    scores = {str(s): float(v) for s, v in zip(rows["strategy"], rows["score"], strict=True)}
    first, *others = scores
    return [experience.gain(scores, first, other) for other in others]
