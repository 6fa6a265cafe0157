"""Who may come in: the list, the claims of a login, and what a secrets file must say."""

from __future__ import annotations

import math

import pytest

from predictor.errors import InputError
from predictor.store.access import Access, address_of, read_access

LIST = Access(("Mira@example.org", "@Lab.example.org"))
SECRETS = """
[auth]
redirect_uri = "https://predictor.example.org/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "predictor"
client_secret = "a secret"
server_metadata_url = "https://login.example.org/.well-known/openid-configuration"

[predictor]
allow = ["mira@example.org", "@lab.example.org"]
"""


@pytest.mark.parametrize(
    "address",
    ["mira@example.org", "MIRA@EXAMPLE.ORG", "ken@lab.example.org", "Ken@LAB.example.org"],
)
def test_listed_addresses_and_domains_come_in_in_any_case(address):
    assert LIST.refusal({"email": address, "email_verified": True}) == ""


@pytest.mark.parametrize(
    "address",
    [
        "ken@example.org",
        "ken@evil-lab.example.org",
        "ken@evil.lab.example.org",
        "ken@lab.example.org.example.com",
        "mira@example.org.example.com",
        "xmira@example.org",
        "mira@example.org ",
        "mira@example.org\n",
        "ken@example.com\n@lab.example.org",
        "ken@example.com @lab.example.org",
        "ken@example.com@lab.example.org",
        '"ken@example.com"@lab.example.org',
        "@lab.example.org",
        "lab.example.org",
        "m\u0131ra@example.org",
        "mira@example.or\uff47",
        "",
        None,
        True,
        7,
        ["mira@example.org"],
        {"mira@example.org": True},
    ],
)
def test_others_do_not(address):
    assert LIST.refusal({"email": address, "email_verified": True}) != ""


def test_letters_that_only_become_ascii_in_lower_case_do_not_pass_for_it():
    kelvin = "\u212aen@example.org"
    assert kelvin.lower() == "ken@example.org"
    assert Access(("ken@example.org",)).refusal({"email": kelvin, "email_verified": True})
    assert address_of({"email": kelvin}) != "ken@example.org"


@pytest.mark.parametrize("verified", [False, "false", "no", "", 0, 2, [], "True "])
def test_an_address_that_is_not_verified_never_comes_in(verified):
    claims = {"email": "mira@example.org", "email_verified": verified}
    for unmarked in (False, True):
        access = Access(LIST.allow, unmarked=unmarked)
        assert "not verified" in access.refusal(claims)


def test_an_address_of_which_nothing_is_said_comes_in_only_where_that_was_set():
    claims = {"email": "mira@example.org"}
    assert "does not say" in LIST.refusal(claims)
    assert Access(LIST.allow, unmarked=True).refusal(claims) == ""


def test_an_empty_list_and_a_lone_at_let_nobody_in():
    claims = {"email": "mira@example.org", "email_verified": True}
    assert Access(()).refusal(claims)
    assert Access(("@", "", " ")).refusal(claims)


@pytest.mark.parametrize(
    ("issued", "over"),
    [
        (1_000_000 - 3599, False), (1_000_000 - 3600, True), (1_000_000 + 60, False),
        (None, True), ("1000000", True), (True, True), (math.nan, True),
    ],
)  # fmt: skip
def test_a_login_lasts_its_hours(issued, over):
    assert Access(hours=1).over({"iat": issued}, 1_000_000) == over


def test_a_whole_secrets_file_is_read(tmp_path):
    path = tmp_path / "secrets.toml"
    path.write_text(SECRETS + "unmarked = true\nhours = 8\n")
    assert read_access(path) == Access(
        ("mira@example.org", "@lab.example.org"), True, 8.0, "https://predictor.example.org"
    )


LIST_LINE = 'allow = ["mira@example.org", "@lab.example.org"]\n'


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[auth]", "[oauth]", r"no \[auth\]"),
        ("[auth]", "auth = 1\n[oauth]", r"no \[auth\]"),
        ("[predictor]", "[streamlit]", r"no \[predictor\]"),
        ('client_id = "predictor"', "", "needs client_id"),
        ('client_secret = "a secret"', "client_secret = 7", "needs client_secret"),
        ("0123456789abcdef0123456789abcdef", "", "needs cookie_secret"),
        ("0123456789abcdef0123456789abcdef", "short", "shorter than 32"),
        ("/oauth2callback", "/callback", "redirect_uri must be"),
        ("https://predictor", "predictor", "redirect_uri must be"),
        (LIST_LINE, "", "allow must list"),
        (LIST_LINE, "allow = []\n", "allow must list"),
        (LIST_LINE, 'allow = "mira@example.org"\n', "allow must list"),
        (LIST_LINE, "allow = { mira = true }\n", "allow must list"),
        ('"@lab.example.org"', '"lab.example.org"', "neither an address"),
        ('"@lab.example.org"', '"@"', "neither an address"),
        ('"@lab.example.org"', '"@*"', "neither an address"),
        ('"@lab.example.org"', '"*@example.org"', "neither an address"),
        ('"@lab.example.org"', '""', "neither an address"),
        ('"@lab.example.org"', "7", "neither an address"),
        (LIST_LINE, LIST_LINE + "alow = []\n", "no 'alow'"),
        (LIST_LINE, LIST_LINE + "hours = 0\n", "hours must be"),
        (LIST_LINE, LIST_LINE + "hours = nan\n", "hours must be"),
        (LIST_LINE, LIST_LINE + 'unmarked = "no"\n', "unmarked must be"),
        ("[predictor]", "[predictor", "not TOML"),
    ],
)
def test_a_file_that_would_not_do_is_refused_in_one_line(old, new, reason, tmp_path):
    assert old in SECRETS
    path = tmp_path / "secrets.toml"
    path.write_text(SECRETS.replace(old, new, 1))
    with pytest.raises(InputError, match=reason) as caught:
        read_access(path)
    assert "secrets.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_access(tmp_path / "secrets.toml")
    with pytest.raises(InputError, match=r"end in \.toml"):
        read_access(tmp_path / "secrets.txt")
    (tmp_path / "latin.toml").write_bytes("# é".encode("latin-1"))
    with pytest.raises(InputError, match="not TOML"):
        read_access(tmp_path / "latin.toml")
