"""What each score says of one response: declared once, with its direction and source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from predictor.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Better = Literal["lower", "higher"]
_MOST_NATS = 60.0
_SOURCE = "Ren, Chen and Liu, arXiv 2502.11779"


@dataclass(frozen=True)
class Score:
    """One score of responses.

    Parameters
    ----------
    name : str
        As users give it.
    title : str
        In words.
    better : {"lower", "higher"}
        Which way responses suit the model better.
    needs : tuple of str
        Columns of the examples that it is computed from.
    of : callable
        From these columns to a number each.
    ratio : bool
        Whether it is compared, and averaged over tasks, by ratio and not by difference.
    source : str
        Where it is from.
    total : bool
        Whether it is a sum over tokens, so that length alone makes it worse.
    """

    name: str
    title: str
    better: Better
    needs: tuple[str, ...]
    of: Callable[..., Array]
    ratio: bool
    source: str
    total: bool = False

    def known(self, examples: pd.DataFrame) -> bool:
        """Return whether every column is there, with a number in it."""
        return all(name in examples and examples[name].notna().any() for name in self.needs)

    def per_example(self, examples: pd.DataFrame) -> Array:
        """Return the score of each row; NaN where it cannot be told."""
        columns = [examples[name].to_numpy(dtype=float, na_value=np.nan) for name in self.needs]
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.asarray(self.of(*columns), dtype=float)
        return np.where(np.isfinite(found), found, np.nan)


def _perplexity(loss: Array) -> Array:
    return np.exp(np.minimum(loss, _MOST_NATS))


def _per_token_ratio(loss: Array, unconditional: Array) -> Array:
    return np.where(unconditional > 0, loss / unconditional, np.nan)


SCORES: dict[str, Score] = {
    score.name: score
    for score in (
        Score("self_perplexity", "self-aligned perplexity", "lower", ("self_loss",), _perplexity,
              True, f"{_SOURCE} (v2, v3)"),
        Score("perplexity", "perplexity", "lower", ("loss",), _perplexity, True, _SOURCE),
        Score("alignment", "expected alignment", "higher", ("similarity",), np.asarray, False,
              f"{_SOURCE} (v1)"),
        Score("ifd", "instruction-following difficulty", "lower", ("loss", "unconditional_loss"),
              _per_token_ratio, True, "Li et al., arXiv 2308.12032"),
        Score("log_probability", "log-probability", "higher", ("log_likelihood",), np.asarray,
              False, _SOURCE, total=True),
        Score("car", "consistency-aware reward", "higher", ("reward", "loss"),
              lambda reward, loss: reward / (1 + 3 * loss), False, _SOURCE),
        Score("reward", "reward", "higher", ("reward",), np.asarray, False, _SOURCE),
    )
}  # fmt: skip
#: Perplexity and similarity in one: made of two aggregated scores, not of single responses.
MIXED = "mixed"
NAMES = (*SCORES, MIXED)
_ALIASES = {
    "ppl": "perplexity", "self_ppl": "self_perplexity", "sappl": "self_perplexity",
    "self_aligned_perplexity": "self_perplexity", "similarity": "alignment", "mix": MIXED,
    "logprob": "log_probability",
}  # fmt: skip
#: Below so many examples a strategy the similarity adds to a perplexity: rank correlation .33
#: against .27 at 10 examples, and no more at 50 (the source).
FEW_EXAMPLES = 30


def score_named(name: str) -> str:
    """Return a score's name from what a user wrote.

    Raises
    ------
    InputError
        If there is no such score.

    Examples
    --------
    >>> score_named("SAPPL")
    'self_perplexity'
    """
    plain = plain_name(name)
    if plain not in NAMES:
        raise InputError(f"score '{name}': there are auto, {', '.join(NAMES)}")
    return plain


def plain_name(name: str) -> str:
    """Return the name a score has here, or what was written where it has none.

    Examples
    --------
    >>> plain_name("PPL"), plain_name("my own")
    ('perplexity', 'my own')
    """
    plain = name.strip().lower().replace("-", "_")
    return _ALIASES.get(plain, plain)


def direction(name: str) -> Better:
    """Return which way a score is better; one that is not known is better lower."""
    plain = plain_name(name)
    return SCORES[plain].better if plain in SCORES else "lower"


def perplexity_of(examples: pd.DataFrame) -> Score | None:
    """Return the better of the two perplexities that is logged."""
    known = [SCORES[n] for n in ("self_perplexity", "perplexity") if SCORES[n].known(examples)]
    return known[0] if known else None


def computable(examples: pd.DataFrame) -> list[str]:
    """Return the scores that can be computed, in the order of what speaks for them."""
    found = [name for name, score in SCORES.items() if score.known(examples)]
    mixes = perplexity_of(examples) is not None and SCORES["alignment"].known(examples)
    return [*found, MIXED] if mixes else found


def chosen_score(name: str, examples: pd.DataFrame) -> str:
    """Return the score asked for, or the one with most evidence for it.

    Self-aligned perplexity before perplexity, if every strategy has it; with few examples, and
    similarities, a perplexity and they mixed.

    Raises
    ------
    InputError
        If the columns do not carry it.
    """
    found = computable(examples)
    if not found:
        raise InputError(
            "no score can be computed: log self_ppl, or tokens and logprob_sum, or similarity, or "
            "response and reference, or reward"
        )
    if name != "auto":
        wanted = score_named(name)
        if wanted not in found:
            raise InputError(
                f"score '{name}' needs {_needed(wanted)}; with these columns there are "
                f"{', '.join(found)}"
            )
        return wanted
    if MIXED in found and few(examples):
        return MIXED
    return next((name for name in found if _for_all(name, examples)), found[0])


def few(examples: pd.DataFrame) -> bool:
    """Return whether there are so few examples that the similarity adds to a perplexity."""
    counts = examples.groupby(["group", "strategy"], observed=True)["example"].nunique()
    return float(counts.median()) < FEW_EXAMPLES


def _for_all(name: str, examples: pd.DataFrame) -> bool:
    """Return whether every strategy has the score."""
    if name == MIXED:
        return False
    known = examples.loc[np.isfinite(SCORES[name].per_example(examples)), "strategy"]
    return known.nunique() == examples["strategy"].nunique()


_LOGGED_AS = {
    "loss": "tokens and logprob_sum (or ppl)", "log_likelihood": "logprob_sum",
    "self_loss": "self_ppl (or self_logprob_sum)",
    "unconditional_loss": "unconditional_logprob_sum and tokens", "tokens": "tokens",
    "similarity": "similarity (or response and reference)", "reward": "reward",
}  # fmt: skip


def _needed(name: str) -> str:
    needs = ("loss", "similarity") if name == MIXED else SCORES[name].needs
    return " and ".join(_LOGGED_AS[column] for column in needs)
