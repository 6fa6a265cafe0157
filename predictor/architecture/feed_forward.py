"""Feed-forward networks: gated or not, and mixtures of experts."""

from __future__ import annotations

from dataclasses import dataclass

from predictor.architecture.model import Span


@dataclass(frozen=True)
class FeedForward:
    """A network of two matrices (``4 h f`` FLOPs a token), or three where gated (``6 h f``).

    References
    ----------
    Shazeer, GLU Variants Improve Transformer, arXiv 2002.05202.

    Examples
    --------
    >>> 2 * FeedForward(4096, 14336).active()
    352321536
    """

    hidden: int
    width: int
    gated: bool = True
    bias: bool = False

    def matrices(self) -> int:
        """Return the weights of up, down and gate."""
        return (3 if self.gated else 2) * self.hidden * self.width

    def active(self) -> int:
        """Return all weights: every token meets them."""
        return self.matrices()

    def vectors(self) -> int:
        """Return the biases."""
        return self.bias * ((2 if self.gated else 1) * self.width + self.hidden)

    def core(self, span: Span) -> float:  # noqa: ARG002 (a part's signature)
        """Return no FLOPs: there are only products with weights."""
        return 0.0

    def cache(self, tokens: int) -> int:  # noqa: ARG002
        """Return nothing: no token is remembered."""
        return 0


@dataclass(frozen=True)
class Mixture:
    """A mixture of experts: a router, the experts it chooses from, and one that all tokens meet.

    Parameters
    ----------
    hidden : int
        Width of the model.
    expert : FeedForward
        One routed expert.
    experts, chosen : int
        How many there are, and how many a token meets.
    shared : FeedForward, optional
        What every token meets beside them.
    shared_gate : bool
        Whether a gate of one output scales the shared one (Qwen).
    router_bias : bool
        Whether the router has a bias, or a correction, for each expert.

    References
    ----------
    Shazeer et al., arXiv 1701.06538; shared experts: DeepSeekMoE, arXiv 2401.06066.

    Examples
    --------
    >>> Mixture(4096, FeedForward(4096, 14336), 8, 2).active()
    352354304
    """

    hidden: int
    expert: FeedForward
    experts: int
    chosen: int
    shared: FeedForward | None = None
    shared_gate: bool = False
    router_bias: bool = False

    def _always(self) -> int:
        shared = self.shared.matrices() if self.shared else 0
        return self.hidden * (self.experts + self.shared_gate) + shared

    def matrices(self) -> int:
        """Return the weights of router and all experts."""
        return self._always() + self.experts * self.expert.matrices()

    def active(self) -> int:
        """Return the weights of the router, the chosen and the shared experts."""
        return self._always() + self.chosen * self.expert.matrices()

    def vectors(self) -> int:
        """Return the biases."""
        shared = self.shared.vectors() if self.shared else 0
        return self.experts * (self.expert.vectors() + self.router_bias) + shared

    def core(self, span: Span) -> float:  # noqa: ARG002
        """Return no FLOPs: there are only products with weights."""
        return 0.0

    def cache(self, tokens: int) -> int:  # noqa: ARG002
        """Return nothing: no token is remembered."""
        return 0
