"""From what is logged to bits a token; mistakes of unit are answered in words."""

from __future__ import annotations

from math import e, log

import pytest

from predictor import InputError
from predictor.capacity.units import compression_of

SUMS = {"text_bytes": 4000.0, "tokens": 1000.0, "nll_nats": 3000 * log(2)}


def test_sums_make_bits():
    one = compression_of({**SUMS, "characters": 2000.0}, "row")
    assert one.text_bits_per_token == 32
    assert one.nll_bits_per_token == pytest.approx(3)
    assert one.bits_per_byte == pytest.approx(0.75)
    assert one.bits_per_character == pytest.approx(1.5)
    assert one.gain_bits_per_token == pytest.approx(29)


@pytest.mark.parametrize(
    "form",
    [
        {"nll_bits_per_token": 3.0},
        {"nll_nats": 3000 * log(2)},
        {"bits_per_byte": 0.75},
        {"perplexity": 8.0},
    ],
)
def test_every_form_of_the_likelihood_makes_the_same(form):
    row = {"text_bytes": 4000, "tokens": 1000, **form}
    assert compression_of(row, "row").nll_bits_per_token == pytest.approx(3)


def test_the_gain_alone_is_enough():
    assert compression_of({"gain_bits_per_token": 30.2}, "row").gain_bits_per_token == 30.2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**SUMS, "tokens": 0}, "tokens is 0; nothing was scored"),
        ({**SUMS, "text_bytes": -1}, "text_bytes is -1"),
        ({**SUMS, "text_bytes": 900}, "900 bytes for 1000 tokens; a token stands for at least one"),
        ({**SUMS, "nll_nats": -5}, "log-likelihoods go in with their sign turned"),
        ({**SUMS, "nll_nats": 3000 * 32}, "costs more than the text itself.*a sum, not a mean"),
        ({**SUMS, "nll_nats": 2.1}, r"out of any model's reach.*nats given as bits\?"),
        ({**SUMS, "perplexity": 1.0}, "perplexity is 1"),
        ({**SUMS, "vocab": 7}, "worse than guessing among 7 tokens"),
        ({**SUMS, "nll_nats": "lots"}, "nll_nats is 'lots', no number"),
        ({**SUMS, "nll_nats": float("inf")}, "finite number"),
        ({"text_bits_per_token": 4.1, "nll_bits_per_token": 3}, "bytes given as bits"),
        ({"text_bits_per_token": 32}, "no likelihood; give nll_nats"),
        ({"nll_bits_per_token": 3}, "no text size; give text_bytes"),
        ({**SUMS, "text_bits_per_token": 20}, "text_bytes and tokens make 32"),
    ],
)
def test_impossible_values_are_answered_in_words(row, message):
    with pytest.raises(InputError, match=rf"^row: .*{message}"):
        compression_of(row, "row")


@pytest.mark.parametrize(
    "nats",
    [
        {"nll_bits_per_token": 3 * log(2), "nll_nats": 3000 * log(2)},
        {"nll_bits_per_token": 3 * log(2), "perplexity": e ** (3 * log(2))},
    ],
)
def test_nats_given_as_bits_contradict_the_other_column(nats):
    with pytest.raises(InputError, match=r"nats given as bits\? \(bits are nats / ln 2\)"):
        compression_of({"text_bytes": 4000, "tokens": 1000, **nats}, "row")


def test_other_contradictions_are_named():
    row = {**SUMS, "nll_bits_per_token": 4.5}
    with pytest.raises(InputError, match=r"makes 4\.5 bits a token, nll_nats 3: give one of them"):
        compression_of(row, "row")
