"""How well a model compresses a text: per token, per byte, per character, with its samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.fitting.bootstrap import multinomial_weights

Array = NDArray[np.float64]

#: Where the source cuts a sample, in tokens.
PUBLISHED_CUT = 1024
#: Most weights that one step of the bootstrap holds.
_MOST_WEIGHTS = 8_000_000


@dataclass(frozen=True)
class Samples:
    """What was logged of each sample of a text.

    Parameters
    ----------
    text_bytes : array, (samples,)
        UTF-8 bytes of the tokens that were scored.
    tokens : array, (samples,)
        Tokens that were scored: the first of a sample is not.
    nll_bits : array, (samples,)
        Sum of ``-log2 p`` over those tokens, in bits.
    characters : array, (samples,), optional
        Characters of the same text.

    Examples
    --------
    >>> one = Samples(np.array([40.0]), np.array([10.0]), np.array([30.0]))
    >>> one.measure().text_bits_per_token, one.measure().bits_per_byte
    (32.0, 0.75)
    """

    text_bytes: Array
    tokens: Array
    nll_bits: Array
    characters: Array | None = None

    def measure(self) -> Compression:
        """Return the mean over samples of bits a token, and the ratios of sums."""
        nll = float(self.nll_bits.sum())
        chars = None if self.characters is None else float(self.characters.sum())
        return Compression(
            text_bits_per_token=float(np.mean(8 * self.text_bytes / self.tokens)),
            nll_bits_per_token=nll / float(self.tokens.sum()),
            bits_per_byte=nll / float(self.text_bytes.sum()),
            bits_per_character=nll / chars if chars else None,
            tokens=float(self.tokens.sum()),
        )

    def draw(self, draws: int, seed: int) -> Array:
        """Return bootstrap draws of text size, negative log-likelihood and bits per byte.

        Samples are resampled whole. Equal numbers of samples and equal seeds give equal weights,
        so that models scored on the same samples are compared in pairs.

        Parameters
        ----------
        draws : int
            Number of draws.
        seed : int
            Seed of the weights.

        Returns
        -------
        array, (3, draws)
            ``text_bits_per_token``, ``nll_bits_per_token``, ``bits_per_byte``.
        """
        rng = np.random.default_rng(seed)
        groups = np.arange(len(self.tokens), dtype=np.intp)
        step = max(1, _MOST_WEIGHTS // len(groups))
        each = np.column_stack(
            [8 * self.text_bytes / self.tokens, self.nll_bits, self.tokens, self.text_bytes]
        )
        sums = np.concatenate(
            [
                multinomial_weights(groups, min(step, draws - done), rng) @ each
                for done in range(0, draws, step)
            ]
        )
        size, nll, tokens, text = sums.T
        return np.stack([size / len(groups), nll / tokens, nll / text])


@dataclass(frozen=True)
class Compression:
    """How well a model compresses a text; what is not known is None.

    Parameters
    ----------
    text_bits_per_token : float or None
        Bits of text that a token stands for, TS: the tokenizer's efficiency.
    nll_bits_per_token : float or None
        Bits that a token costs by the model's probabilities, NLL.
    bits_per_byte, bits_per_character : float or None
        The same cost over the text's UTF-8 bytes or characters: free of the tokenizer.
    tokens : float or None
        Number of tokens scored.
    gain : float or None
        TS - NLL, where only this is known.
    """

    text_bits_per_token: float | None
    nll_bits_per_token: float | None
    bits_per_byte: float | None = None
    bits_per_character: float | None = None
    tokens: float | None = None
    gain: float | None = None

    @property
    def gain_bits_per_token(self) -> float:
        """Bits that a token saves: TS - NLL."""
        if self.text_bits_per_token is None or self.nll_bits_per_token is None:
            assert self.gain is not None
            return self.gain
        return self.text_bits_per_token - self.nll_bits_per_token
