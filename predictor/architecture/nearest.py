"""A real architecture near a number of parameters: depth, width and heads from a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from predictor.architecture.config import read_config
from predictor.architecture.model import Model
from predictor.architecture.parameters import count_parameters
from predictor.errors import InputError

#: Width over depth of published dense decoders: 64 (GPT-2 small) to 205 (PaLM); Llama 3 has 128.
_ASPECT = 100.0
_DEPTHS = (*range(1, 8), *range(8, 32, 2), *range(32, 130, 4))
#: Width of a head, by the width of the model, and steps of the width that keep heads divisible.
_SMALL_HEAD, _LARGE_HEAD, _LARGE_WIDTH = 64, 128, 2048
_STEPS = ((512, 64), (2048, 128), (np.inf, 512))
_SMALLEST, _LARGEST = 1e4, 1e14
_GROUP = 4  # query heads that share a key and a value, in large models
#: A size this far off counts as much as an aspect ratio off by its own factor.
_SIZE_OFF, _ASPECT_OFF = 0.05, 2.0


@dataclass(frozen=True)
class Architecture:
    """A dense decoder of about a wanted size.

    Parameters
    ----------
    layers, hidden, heads, key_value_heads, feed_forward, vocab : int
        Depth, width, heads of queries and of keys, width of the gated feed-forward network, tokens.
    params, params_without_embeddings : int
        Counted from the config.
    config : dict
        As ``config.json`` has it.
    """

    layers: int
    hidden: int
    heads: int
    key_value_heads: int
    feed_forward: int
    vocab: int
    params: int
    params_without_embeddings: int
    config: dict[str, Any]

    @property
    def model(self) -> Model:
        """The model, as :func:`predictor.read_config` reads it."""
        return read_config(self.config)

    def to_dict(self) -> dict[str, Any]:
        """Return the architecture as plain values, the config left out."""
        names = ("layers", "hidden", "heads", "key_value_heads", "feed_forward", "vocab")
        counts = ("params", "params_without_embeddings")
        return {name: getattr(self, name) for name in (*names, *counts)}


def nearest_architecture(
    params: float, *, vocab: int = 32_000, embeddings: bool = True
) -> Architecture:
    """Return a dense decoder with about so many parameters, of a usual shape.

    Parameters
    ----------
    params : float
        Wanted number of parameters.
    vocab : int
        Size of the vocabulary.
    embeddings : bool
        Whether ``params`` counts embeddings and head.

    Returns
    -------
    Architecture
        Gated feed-forward layers of 8/3 of the width, heads of 64 or 128, keys shared by four heads
        where there are 32 or more, tied embeddings below a width of 2,048.

    Raises
    ------
    InputError
        If the number is out of range, or smaller than the embeddings alone.

    References
    ----------
    Touvron et al. 2023, arXiv 2302.13971, table 2 (the shape of the layers); Kaplan et al. 2020,
    arXiv 2001.08361, section 3.1 (the loss hardly depends on the aspect ratio).

    Examples
    --------
    >>> found = nearest_architecture(7e9)
    >>> found.layers, found.hidden, round(found.params / 7e9, 2)
    (44, 3584, 1.0)
    """
    if not _SMALLEST <= params <= _LARGEST:
        raise InputError(f"a model of {params:g} parameters has no transformer here")
    if vocab < 1:
        raise InputError(f"a vocabulary has one token at least, not {vocab}")
    best: tuple[float, Architecture] | None = None
    for layers in _DEPTHS:
        for hidden in _widths(params, layers):
            one = _built(layers, hidden, vocab)
            size = one.params if embeddings else one.params_without_embeddings
            off = abs(np.log(size / params)) / _SIZE_OFF
            off += abs(np.log(hidden / layers / _ASPECT)) / np.log(_ASPECT_OFF)
            if best is None or off < best[0]:
                best = off, one
    assert best is not None
    return best[1]


def _widths(params: float, layers: int) -> list[int]:
    """Return some widths around that of a model of this depth without embeddings."""
    guess = np.sqrt(params / (12 * layers))
    step = next(step for limit, step in _STEPS if guess < limit)
    middle = int(guess // step)
    return [step * k for k in range(max(1, middle - 6), middle + 3)]


def _built(layers: int, hidden: int, vocab: int) -> Architecture:
    width = _SMALL_HEAD if hidden < _LARGE_WIDTH else _LARGE_HEAD
    heads = max(1, hidden // width)
    shared = heads // _GROUP if heads >= 8 * _GROUP and heads % _GROUP == 0 else heads
    inner = max(width, round(8 * hidden / 3 / width) * width)
    config = {
        "model_type": "llama",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": shared,
        "intermediate_size": inner,
        "vocab_size": vocab,
        "tie_word_embeddings": hidden < _LARGE_WIDTH,
    }
    counted = count_parameters(read_config(config))
    return Architecture(
        layers, hidden, heads, shared, inner, vocab,
        counted.total, counted.without_embeddings, config,
    )  # fmt: skip
