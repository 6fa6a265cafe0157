"""Softmax attention: multi-head, grouped-query, sliding-window, and latent (MLA)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from predictor.architecture.model import Span


@dataclass(frozen=True)
class Attention:
    """Multi-head, multi-query or grouped-query attention, whole or in a sliding window.

    A token costs ``2 H (d_k + d_v)`` FLOPs for each key it sees: a dot product with the query, and
    a share of the value; softmax, norms and rotations (below 1 %) are left out.

    Parameters
    ----------
    hidden, heads, kv_heads, key, value : int
        Width of the model; query heads; key-value heads; width of a head's key and value.
    window : int, optional
        Keys that a token sees at most.
    input_bias, output_bias : bool
        Whether the projections have biases.
    norm : {"head", "width"}, optional
        Norms of queries and keys: one a layer for all heads, or over all heads' width.
    gated : bool
        Whether the query projection makes a gate of the output too (Qwen3-Next).
    sinks : bool
        Whether each head has a learned sink (gpt-oss).

    References
    ----------
    Vaswani et al., arXiv 1706.03762; Ainslie et al. (grouped queries), arXiv 2305.13245; Beltagy et
    al. (windows), arXiv 2004.05150; 2 FLOPs a multiply-add as in Kaplan et al., arXiv 2001.08361.

    Examples
    --------
    >>> Attention(4096, 32, 8, 128, 128).core(Span(1024))
    8380416.0
    """

    hidden: int
    heads: int
    kv_heads: int
    key: int
    value: int
    window: int | None = None
    input_bias: bool = False
    output_bias: bool = False
    norm: Literal["head", "width"] | None = None
    gated: bool = False
    sinks: bool = False

    def matrices(self) -> int:
        """Return the weights of the four projections."""
        queries = self.heads * self.key * (2 if self.gated else 1)
        keys_values = self.kv_heads * (self.key + self.value)
        return self.hidden * (queries + keys_values + self.heads * self.value)

    def active(self) -> int:
        """Return all weights: every token meets them."""
        return self.matrices()

    def vectors(self) -> int:
        """Return biases, norms and sinks."""
        inputs = self.heads * self.key + self.kv_heads * (self.key + self.value)
        norm = {"head": 2 * self.key, "width": (self.heads + self.kv_heads) * self.key}
        found = self.input_bias * inputs + self.output_bias * self.hidden
        return found + (norm[self.norm] if self.norm else 0) + self.sinks * self.heads

    def core(self, span: Span) -> float:
        """Return FLOPs of scores and of the sum of values."""
        return 2 * self.heads * (self.key + self.value) * span.keys_seen(self.window)

    def cache(self, tokens: int) -> int:
        """Return keys and values of the tokens in sight."""
        kept = tokens if self.window is None else min(tokens, self.window)
        return self.kv_heads * (self.key + self.value) * kept


@dataclass(frozen=True)
class LatentAttention:
    """Multi-head latent attention (MLA): keys and values from one low-rank vector a token.

    Decoding from the latent cache, the up-projections are absorbed into query and output, so each
    key costs ``2 H (2 r + d_rope)``; at prefill keys and values are expanded and cost
    ``2 H (d_nope + d_rope + d_v)``. The products with weights are as many either way.

    Parameters
    ----------
    hidden, heads : int
        Width of the model; heads.
    query_rank : int, optional
        Rank of the query projection; None where it is full.
    rank : int
        Rank r of keys and values (``kv_lora_rank``).
    nope, rope, value : int
        Width of a head's key without and with rotation, and of its value.

    References
    ----------
    DeepSeek-V2, arXiv 2405.04434, section 2.1 and appendix C.

    Examples
    --------
    >>> LatentAttention(5120, 128, 1536, 512, 128, 64, 128).cache(1)
    576
    """

    hidden: int
    heads: int
    query_rank: int | None
    rank: int
    nope: int
    rope: int
    value: int

    def matrices(self) -> int:
        """Return the weights of the low-rank projections and the output."""
        queries = self.heads * (self.nope + self.rope)
        into = self.query_rank or 0
        query = into * (self.hidden + queries) if into else self.hidden * queries
        down = self.hidden * (self.rank + self.rope)
        up = self.rank * self.heads * (self.nope + self.value)
        return query + down + up + self.heads * self.value * self.hidden

    def active(self) -> int:
        """Return all weights: every token meets them."""
        return self.matrices()

    def vectors(self) -> int:
        """Return the norms of the low-rank vectors."""
        return (self.query_rank or 0) + self.rank

    def core(self, span: Span) -> float:
        """Return FLOPs of scores and of the sum of values."""
        expanded = self.nope + self.rope + self.value
        width = expanded if span.phase == "prefill" else 2 * self.rank + self.rope
        return 2 * self.heads * width * span.keys_seen()

    def cache(self, tokens: int) -> int:
        """Return the latent vectors and the shared rotated keys."""
        return (self.rank + self.rope) * tokens
