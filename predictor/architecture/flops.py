"""Forward FLOPs of a token: the sum over a model's parts, or the published shortcut."""

from __future__ import annotations

from typing import Literal, NamedTuple

from predictor.architecture.model import Model, Phase, Span
from predictor.architecture.paper import paper_flops
from predictor.errors import InputError

Convention = Literal["exact", "paper"]
CONVENTIONS = ("exact", "paper")


class Flops(NamedTuple):
    """Forward FLOPs of one token, and what they are spent on.

    Parameters
    ----------
    total : float
        All of them.
    layers : float
        Products with the weights of the layers, 2 FLOPs a weight that the token meets.
    core : float
        Attention over earlier tokens, or the change and reading of a recurrent state.
    head : float
        The language-model head, ``2 h V``.
    """

    total: float
    layers: float
    core: float
    head: float


def count_flops(
    model: Model,
    *,
    tokens: int = 1024,
    context: int = 0,
    phase: Phase = "decode",
    convention: Convention = "exact",
) -> Flops:
    """Count forward FLOPs per token, the mean over a stretch of tokens.

    Parameters
    ----------
    model : Model
        From :func:`predictor.read_config`.
    tokens : int
        Length of the stretch.
    context : int
        Tokens that lie before it.
    phase : {"decode", "prefill"}
        From a cache, one token after another, or all at once (causal). The head is counted for
        every token.
    convention : {"exact", "paper"}
        What the config says, part by part, or the formula that information capacities were
        published with (:mod:`predictor.architecture.paper`).

    Returns
    -------
    Flops

    Raises
    ------
    InputError
        If the convention, the phase or a length is none, or the paper has no formula for the model.

    References
    ----------
    2 FLOPs a weight and token: Kaplan et al., arXiv 2001.08361, table 1. Each part names its own.

    Examples
    --------
    >>> from predictor.architecture.config import read_config
    >>> qwen3 = {"model_type": "qwen3", "hidden_size": 1024, "num_hidden_layers": 28,
    ...          "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
    ...          "intermediate_size": 3072, "vocab_size": 151936, "tie_word_embeddings": True}
    >>> count_flops(read_config(qwen3), convention="paper").total
    1074470912.0
    >>> count_flops(read_config(qwen3)).total
    1309294592.0
    """
    _check(tokens, context, phase, convention)
    if convention == "paper":
        return Flops(*paper_flops(model, tokens=tokens, context=context, phase=phase))
    span = Span(tokens, context, phase)
    layers = 2.0 * sum(part.active() * count for part, count in model.parts())
    core = sum(part.core(span) * count for part, count in model.parts())
    head = 2.0 * model.hidden * model.vocab
    return Flops(layers + core + head, layers, core, head)


def _check(tokens: int, context: int, phase: str, convention: str) -> None:
    if convention not in CONVENTIONS:
        raise InputError(f"convention '{convention}': there are {' and '.join(CONVENTIONS)}")
    if phase not in ("decode", "prefill"):
        raise InputError(f"phase '{phase}': there are decode and prefill")
    if tokens < 1 or context < 0:
        raise InputError(f"{tokens} tokens after {context}: at least one token after none or more")
