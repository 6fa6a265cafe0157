"""What a language model is made of, as far as its cost goes: parts, layers, the model.

A part says how many weights its matrix products hold and how many of them a token meets, how many
parameters it has besides, what it computes that is no product with weights, and what it keeps for
later tokens. Parameters, FLOPs and memory are sums over parts (:mod:`predictor.architecture`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Phase = Literal["decode", "prefill"]


@dataclass(frozen=True)
class Span:
    """The tokens whose mean cost is asked for.

    Parameters
    ----------
    tokens : int
        How many tokens.
    context : int
        How many tokens came before the first of them.
    phase : {"decode", "prefill"}
        One token at a time from a cache, or all at once.
    """

    tokens: int = 1024
    context: int = 0
    phase: Phase = "decode"

    def keys_seen(self, window: int | None = None) -> float:
        """Return the mean over the tokens of ``min(t, window)``, t tokens lying before each.

        Examples
        --------
        >>> Span(1024).keys_seen()
        511.5
        >>> Span(4).keys_seen(window=2)
        1.25
        """
        first, last = self.context, self.context + self.tokens - 1
        if window is None or window >= last:
            return (first + last) / 2
        growing = max(0, window - first)
        total = growing * (first + window - 1) / 2 + (self.tokens - growing) * window
        return total / self.tokens


class Part(Protocol):
    """A part of a layer: an attention, a recurrence, a feed-forward network."""

    def matrices(self) -> int:
        """Return the number of weights in matrix products."""

    def active(self) -> int:
        """Return the number of those weights that one token is multiplied with."""

    def vectors(self) -> int:
        """Return the number of other parameters: biases, norms, convolutions."""

    def core(self, span: Span) -> float:
        """Return FLOPs per token beyond the products with weights."""

    def cache(self, tokens: int) -> int:
        """Return the number of numbers kept of a sequence of this many tokens."""


@dataclass(frozen=True)
class Layer:
    """One layer: its parts, and the parameters of its norms."""

    parts: tuple[Part, ...]
    norms: int


@dataclass(frozen=True)
class Model:
    """A decoder-only language model, as :func:`predictor.architecture.config.read_config` reads it.

    Parameters
    ----------
    kind : str
        ``model_type`` of the config.
    hidden, vocab : int
        Width of the residual stream; rows of the embedding.
    tied : bool
        Whether the language-model head is the embedding, transposed.
    layers : tuple of (Layer, int)
        Each different layer and how often it occurs.
    positions : int
        Learned position embeddings.
    other : int
        Parameters outside layers and embeddings: the last norm, biases of the head.
    fields : mapping
        The config as read.
    notes : tuple of str
        What was assumed, in words.
    """

    kind: str
    hidden: int
    vocab: int
    tied: bool
    layers: tuple[tuple[Layer, int], ...]
    positions: int = 0
    other: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)
    notes: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """Number of layers."""
        return sum(count for _, count in self.layers)

    def parts(self) -> list[tuple[Part, int]]:
        """Return every part with the number of layers it occurs in."""
        return [(part, count) for layer, count in self.layers for part in layer.parts]
