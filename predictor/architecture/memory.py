"""Bytes of a model's weights and of what it keeps of a sequence, at 16, 8 and 4 bits."""

from __future__ import annotations

from typing import NamedTuple

from predictor.architecture.model import Model
from predictor.architecture.parameters import count_parameters
from predictor.errors import InputError

BITS = (16, 8, 4)


class Memory(NamedTuple):
    """Bytes that a model takes.

    Parameters
    ----------
    weights : float
        All parameters at so many bits; scales and what a scheme keeps finer are not counted.
    cache : float
        Keys and values, latent vectors or recurrent states of the sequences.
    total : float
        Both.
    """

    weights: float
    cache: float
    total: float


def count_memory(
    model: Model,
    *,
    weight_bits: int = 16,
    cache_bits: int = 16,
    tokens: int = 1024,
    sequences: int = 1,
) -> Memory:
    """Count the bytes of weights and cache.

    Parameters
    ----------
    model : Model
        From :func:`predictor.read_config`.
    weight_bits, cache_bits : {16, 8, 4}
        Bits a number. Fewer change bytes, not FLOPs.
    tokens : int
        Length of each sequence.
    sequences : int
        How many are kept at once.

    Returns
    -------
    Memory

    Raises
    ------
    InputError
        If the bits are none of these.

    References
    ----------
    Dettmers et al., LLM.int8(), arXiv 2208.07339; Dettmers and Zettlemoyer (4 bit), arXiv
    2212.09720.

    Examples
    --------
    >>> from predictor.architecture.config import read_config
    >>> llama3 = {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
    ...           "num_attention_heads": 32, "num_key_value_heads": 8,
    ...           "intermediate_size": 14336, "vocab_size": 128256}
    >>> count_memory(read_config(llama3), weight_bits=4, tokens=8192)
    Memory(weights=4015130624.0, cache=1073741824.0, total=5088872448.0)
    """
    for name, bits in (("weight_bits", weight_bits), ("cache_bits", cache_bits)):
        if bits not in BITS:
            raise InputError(f"{name}={bits}: there are {', '.join(map(str, BITS))}")
    weights = count_parameters(model).total * weight_bits / 8
    numbers = sum(part.cache(tokens) * count for part, count in model.parts())
    cache = numbers * sequences * cache_bits / 8
    return Memory(weights, cache, weights + cache)
