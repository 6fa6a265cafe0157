"""What the field does about what was seen, with its source. Advice, never an action."""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """What others did.

    Parameters
    ----------
    event : str
        What it is about: "narrow", "wide", "divergence", "leads", "skipped", ...
    text : str
        One sentence.
    source : str
        Where it is published; empty where it is this project's own view.
    """

    event: str
    text: str
    source: str


_LING = "Ling team, Every FLOP Counts, arXiv 2503.05139"
_GLM = "Zeng et al., GLM-130B, arXiv 2210.02414"

_ADVICE: dict[str, tuple[Advice, ...]] = {
    "narrow": (
        Advice(
            "narrow",
            "Narrow spikes last a few steps and do little: skip the update, put its data back in "
            "at a random later place; if the loss is high again there, lower the learning rate for "
            "that step.",
            _LING,
        ),
    ),
    "wide": (
        Advice(
            "wide",
            "Wide spikes persist and disrupt: skip the updates and re-inject their data later; if "
            "that does not help, go on from a checkpoint before the spike.",
            _LING,
        ),
    ),
    "divergence": (
        Advice(
            "divergence",
            "Roll back 50 to 100 steps; if it comes again, shrink the gradient of the embedding "
            "(alpha 0.1), skip some 200 steps of data, halve the minimum learning rate, in this "
            "order.",
            _GLM,
        ),
    ),
    "leads": (
        Advice(
            "leads",
            "The gradient norm rose first, as it did before collapses there: watch it, and keep a "
            "checkpoint from before its spikes; shrinking the embedding's gradient steadied it.",
            _GLM,
        ),
    ),
    "loss scale": (
        Advice(
            "loss scale",
            "The loss scale falls when gradients overflow in 16 bits; a run whose scale has gone "
            "to the bottom rarely comes back: go on from before it fell.",
            "",
        ),
    ),
    "not a number": (
        Advice(
            "not a number",
            "One step without a number is usually skipped by the scaler; several in a row are a "
            "divergence: go on from the last checkpoint before them.",
            "",
        ),
    ),
    "skipped": (
        Advice("skipped", "Skipped steps in a row mean overflow: look at the loss scale.", ""),
    ),
    "plateau": (
        Advice(
            "plateau",
            "Ask 'predictor forecast' what more steps would bring; a lower learning rate, where it "
            "has not fallen yet, is what most often ends a plateau.",
            "",
        ),
    ),
    "stalled": (
        Advice("stalled", "Look whether the job waited for data, a node or a checkpoint.", ""),
    ),
    "stops early": (Advice("stops early", "Look at the job's last lines: why did it end?", ""),),
}


def advice_on(kinds: list[str]) -> list[Advice]:
    """Return what is known to help with these events, each thing once.

    Parameters
    ----------
    kinds : list of str
        Kinds of spikes and events.

    Examples
    --------
    >>> [one.event for one in advice_on(["wide", "wide", "no such thing"])]
    ['wide']
    """
    return [one for kind in dict.fromkeys(kinds) for one in _ADVICE.get(kind, ())]
