"""Numbers and places as they are written on the command line."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.errors import InputError
from predictor.logs.places import parse_number, parse_place
from predictor.logs.tables import AXES


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("20000", 2e4), ("20_000", 2e4), ("3e12", 3e12), ("1e21", 1e21), ("1E3", 1e3),
        ("2.5e+3", 2500), ("5e-1", 0.5), (".5", 0.5), ("7.", 7), ("+3", 3), (" 12 ", 12),
        ("7B", 7e9), ("7b", 7e9), ("7G", 7e9), ("2T", 2e12), ("350M", 350e6), ("350m", 350e6),
        ("20k", 2e4), ("1.5K", 1500), ("3P", 3e15), ("2E", 2e18), ("1 M", 1e6), ("1e3k", 1e6),
    ],
)  # fmt: skip
def test_numbers(text, number):
    assert parse_number(text) == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0k", "-5", "nan", "inf", "1e", "five", "1,5", "7X", "7BB", "_5", "1e3.5", "0x10",
     "B", "--1"],
)  # fmt: skip
def test_what_is_no_positive_number(text):
    with pytest.raises(InputError, match="is not a positive number; write 20000"):
        parse_number(text)


@pytest.mark.parametrize("text", ["1e61", "1e999", "9e59T"])
def test_too_large(text):
    with pytest.raises(InputError, match="too large"):
        parse_number(text)


@settings(deadline=None)
@given(st.floats(1e-3, 1e50))
def test_every_float_is_read_back(number):
    assert parse_number(repr(number)) == number


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_a_number_or_an_input_error(text):
    with suppress(InputError):
        assert parse_number(text) > 0


@pytest.mark.parametrize("axis", [*AXES, "params"])
def test_every_axis(axis):
    assert parse_place(f"{axis}=2k", "--at") == {axis: 2000.0}
    assert parse_place(f" {axis.upper()} = 2k ", "--at") == {axis: 2000.0}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("20k", {None: 2e4}),
        ("params=7B,tokens=2T", {"params": 7e9, "tokens": 2e12}),
        ("params=7B, tokens=2T", {"params": 7e9, "tokens": 2e12}),
    ],
)
def test_places(text, place):
    assert parse_place(text, "--at") == place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stp=5", "--at stp=5: no axis 'stp'; did you mean step?"),
        ("token=5", "did you mean tokens?"),
        ("zzz=5", "did you mean step, tokens, samples, epoch, flops, wall_time, params?"),
        ("step=1,step=2", "--at step=1,step=2: the axis is given twice"),
        ("1,2", "--at 1,2: the axis is given twice"),
        ("step=", "--at step=: '' is not a positive number"),
        ("=5", "no axis ''"),
        ("step=a", "--at step=a: 'a' is not a positive number"),
        ("step=5,", "is not a positive number"),
    ],
)
def test_places_that_cannot_be_read(text, message):
    with pytest.raises(InputError) as raised:
        parse_place(text, "--at")
    assert message in str(raised.value)


def test_option_is_named():
    with pytest.raises(InputError, match=r"^--until x: "):
        parse_place("x", "--until")
