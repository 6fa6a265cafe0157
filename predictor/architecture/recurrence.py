"""Linear attention and its kin: a state of fixed size instead of a cache that grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from predictor.architecture.model import Span

Rule = Literal["linear", "gated", "delta", "gated-delta"]

#: FLOPs of one token for each number of the state ``S``, key ``k``, value ``v``, query ``q``:
#: adding ``k v'`` is a multiply-add (2), reading ``q' S`` another (2); a decay multiplies each
#: number once more (1); the delta rule first reads what ``k`` already recalls, ``k' S`` (2).
FLOPS_PER_STATE: dict[Rule, int] = {"linear": 4, "gated": 5, "delta": 6, "gated-delta": 7}


@dataclass(frozen=True)
class Recurrence:
    """A layer that folds every token into a state ``S`` of ``d_k x d_v`` numbers a head.

    Counted as the recurrence, token by token; chunked kernels spend more at prefill.

    Parameters
    ----------
    rule : {"linear", "gated", "delta", "gated-delta"}
        How a token changes the state; see :data:`FLOPS_PER_STATE`.
    heads, key, value : int
        Heads; width of a head's key and value.
    projections, projections_met : int
        Weights in matrix products, and those that one token meets.
    others : int
        Biases, norms and the like.
    channels, kernel : int
        Channels and length of the short convolutions.
    memories, met : int
        States of a mixture of memories, and how many a token changes and reads.

    References
    ----------
    Linear attention: Katharopoulos et al., arXiv 2006.16236; gated: Yang et al., arXiv 2312.06635;
    delta rule: arXiv 2406.06484; gated delta rule: arXiv 2412.06464; mixture of memories: Du et
    al., arXiv 2502.13685; Liger: arXiv 2503.01496.

    Examples
    --------
    >>> Recurrence("gated", heads=4, key=256, value=512, projections=0).core(Span())
    2621440.0
    """

    rule: Rule
    heads: int
    key: int
    value: int
    projections: int
    projections_met: int | None = None
    others: int = 0
    channels: int = 0
    kernel: int = 0
    memories: int = 1
    met: int = 1

    def matrices(self) -> int:
        """Return the weights of all projections and gates."""
        return self.projections

    def active(self) -> int:
        """Return the weights that one token meets."""
        return self.projections if self.projections_met is None else self.projections_met

    def vectors(self) -> int:
        """Return the convolutions and the other parameters."""
        return self.others + self.channels * self.kernel

    def core(self, span: Span) -> float:  # noqa: ARG002 (the same for every token)
        """Return FLOPs of changing and reading the state, and of the convolutions."""
        state = self.heads * self.key * self.value * FLOPS_PER_STATE[self.rule]
        return float(self.met * (state + 2 * self.channels * self.kernel))

    def cache(self, tokens: int) -> int:  # noqa: ARG002
        """Return the states and the inputs that the convolutions look back on."""
        back = self.channels * max(0, self.kernel - 1)
        return self.memories * (self.heads * self.key * self.value + back)
