"""Can it be forecast? What the ladder lacks, in codes and words."""

from __future__ import annotations

import numpy as np

from predictor.difficulty.features import solved
from predictor.difficulty.ladder import Ladder, Place
from predictor.findings import KINDS, Finding, Severity
from predictor.fitting.law import Array

FEWEST_MODELS, FEWEST_ITEMS = 3, 10
FARTHEST = 30.0
#: A score that is generated has emerged when it lies this far above a guess, one chosen from
#: given answers when it lies this far.
EMERGED_GENERATED, EMERGED_CHOSEN = 0.10, 0.02
#: An interval wider than this says nothing that helps to decide.
WIDEST = 0.5
_RATIO, _FALL, _FEW_TRIALS = 1.25, 0.02, 5
_SURE = 2.0


def judge(ladder: Ladder, place: Place) -> list[Finding]:
    """Return what speaks against a forecast of this place, worst first.

    Parameters
    ----------
    ladder : Ladder
        The ladder.
    place : Place
        The target.

    Returns
    -------
    list of Finding
        Those of blocking severity leave no number.

    Examples
    --------
    >>> one = Ladder("b", ("s",), np.array([1e18]), "flops", np.array([0.4]))
    >>> [finding.code for finding in judge(one, one.place(flops=1e19))]
    ['PRED401']
    """
    checks = (
        _models(ladder), _emergence(ladder), _order(ladder), _ratio(ladder), _items(ladder),
        _trials(ladder), _reach(ladder, place),
    )  # fmt: skip
    found = [finding for finding in checks if finding is not None]
    return sorted(found, key=lambda finding: finding.severity is not Severity.BLOCKING)


def blocked(findings: list[Finding]) -> bool:
    """Return whether any finding leaves no number."""
    return any(KINDS[finding.code].severity is Severity.BLOCKING for finding in findings)


def _said(ladder: Ladder, code: str, message: str) -> Finding:
    return Finding(code, f"{ladder.benchmark}: {message}")


def _models(ladder: Ladder) -> Finding | None:
    count = len(np.unique(ladder.size))
    if count >= FEWEST_MODELS:
        return None
    sizes = "size" if count == 1 else "sizes"
    message = f"{count} {sizes} of models; {FEWEST_MODELS} are the fewest, 5 or more are better"
    return _said(ladder, "PRED401", message)


def standard_error(ladder: Ladder) -> Array:
    """Return the standard error of each score by its items; NaN where their number is unknown."""
    count = np.isfinite(ladder.rates).sum(axis=0)
    if not ladder.has_items:
        return np.full(ladder.rungs, np.nan)
    return np.sqrt(np.maximum(ladder.score * (1 - ladder.score), 1e-4) / np.maximum(count, 1))


def _emergence(ladder: Ladder) -> Finding | None:
    if ladder.rungs < FEWEST_MODELS or (ladder.has_items and np.isinf(ladder.trials).any()):
        return None  # probabilities rise smoothly from the first
    needed = EMERGED_CHOSEN if ladder.chance > 0 else EMERGED_GENERATED
    above = np.sort(ladder.score - ladder.chance)[::-1]
    if above[0] >= needed and above[FEWEST_MODELS - 1] >= needed / 2:
        return _flat(ladder)
    if above[0] >= needed:
        count = int((above >= needed / 2).sum())
        message = (
            f"only {count} of {ladder.rungs} models are clearly above a guess (best "
            f"{above[0] + ladder.chance:.3f}): how it goes on cannot be seen on this ladder; "
            "add larger models"
        )
        return _said(ladder, "PRED402", message)
    best = float(above[0])
    best = best + ladder.chance
    message = (
        f"the best score is {best:.3f}, a guess scores {ladder.chance:.3f}: what larger models "
        "learn cannot be seen on this ladder; add larger models"
    )
    return _said(ladder, "PRED402", message)


def _flat(ladder: Ladder) -> Finding | None:
    """Find scores that do not rise at all, as at the level of a guess that was not told."""
    third = max(1, ladder.rungs // 3)
    rise = float(ladder.score[-third:].mean() - ladder.score[:third].mean())
    error = standard_error(ladder)
    noise = float(np.sqrt((error[-third:] ** 2).mean() + (error[:third] ** 2).mean()))
    if np.isnan(noise):
        noise = 0.01
    if rise > _SURE * noise or ladder.score[-third:].mean() > 0.9:
        return None
    message = (
        f"scores do not rise with size beyond their noise ({ladder.score[0]:.3f} to "
        f"{ladder.score[-1]:.3f}): at chance, or not of this ladder's making"
    )
    return _said(ladder, "PRED402", message)


def _order(ladder: Ladder) -> Finding | None:
    best = np.maximum.accumulate(ladder.score)
    fall = best - ladder.score
    error = np.nan_to_num(standard_error(ladder))
    worst = int((fall - _SURE * error).argmax())
    if fall[worst] <= max(_FALL, _SURE * float(error[worst])):
        return None
    smaller = ladder.models[int(ladder.score[: worst + 1].argmax())]
    message = (
        f"{ladder.models[worst]} scores {100 * fall[worst]:.1f} points below the smaller {smaller}"
    )
    return _said(ladder, "PRED403", message)


def _ratio(ladder: Ladder) -> Finding | None:
    ratio = ladder.tokens / ladder.params
    if not np.isfinite(ratio).all() or ratio.max() <= _RATIO * ratio.min():
        return None
    message = f"tokens per parameter range from {ratio.min():.3g} to {ratio.max():.3g}"
    return _said(ladder, "PRED404", message)


def _items(ladder: Ladder) -> Finding | None:
    if not ladder.has_items:
        return None
    count, some = len(ladder.rates), int(solved(ladder.rates).sum())
    if count >= FEWEST_ITEMS and some >= FEWEST_ITEMS:
        return None
    what = f"{count} items" if count < FEWEST_ITEMS else f"{some} items that any model solves"
    return _said(ladder, "PRED405", f"{what}: too few to cluster, and the score is coarse")


def _trials(ladder: Ladder) -> Finding | None:
    known = ladder.trials[ladder.trials > 0]
    if not known.size or np.median(known) >= _FEW_TRIALS:
        return None
    message = f"{np.median(known):.0f} trials an item: clusters sort luck as well as difficulty"
    return _said(ladder, "PRED418", message)


def _reach(ladder: Ladder, place: Place) -> Finding | None:
    times = place.size / float(ladder.size[-1])
    if times > FARTHEST:
        message = f"{times:.3g} times the {ladder.axis} of the largest model"
        return _said(ladder, "PRED406", message)
    if times <= 1:
        message = f"{times:.3g} times the {ladder.axis} of the largest model"
        return _said(ladder, "PRED417", message)
    return None
