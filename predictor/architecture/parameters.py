"""How many parameters a model has, with and without embeddings, and how many a token meets."""

from __future__ import annotations

from typing import NamedTuple

from predictor.architecture.model import Model


class Parameters(NamedTuple):
    """Counts of a model's parameters.

    Parameters
    ----------
    total : int
        All of them; a tied head counts once.
    active : int
        Without the experts and memories that a token does not meet, as reports of mixtures count.
    without_embeddings : int
        ``total`` without token and position embeddings and without the head: the N of most
        scaling laws.
    embeddings : int
        Token and position embeddings and an untied head.
    """

    total: int
    active: int
    without_embeddings: int
    embeddings: int


def count_parameters(model: Model) -> Parameters:
    """Count a model's parameters.

    Parameters
    ----------
    model : Model
        From :func:`predictor.read_config`.

    Returns
    -------
    counts : Parameters

    References
    ----------
    Kaplan et al., arXiv 2001.08361, table 1, for the count without embeddings.

    Examples
    --------
    >>> from predictor.architecture.config import read_config
    >>> gpt2 = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12,
    ...         "n_positions": 1024, "vocab_size": 50257}
    >>> count_parameters(read_config(gpt2)).total
    124439808
    """
    embeddings = model.hidden * model.vocab * (1 if model.tied else 2) + model.positions
    inside = model.other + sum(layer.norms * count for layer, count in model.layers)
    inside += sum((part.matrices() + part.vectors()) * n for part, n in model.parts())
    idle = sum((part.matrices() - part.active()) * n for part, n in model.parts())
    total = inside + embeddings
    return Parameters(total, total - idle, inside, embeddings)
