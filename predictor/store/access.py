"""Who may come in: what a secrets file says of it, and whether a login's claims satisfy it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from predictor.errors import InputError

_NEEDED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_SETTINGS = ("allow", "unmarked", "hours")
_CALLBACK = "/oauth2callback"
#: Whoever guesses the secret that signs the cookies is whoever they like.
_SECRET_LENGTH = 32
#: One address, or all of a domain.
_ENTRY = re.compile(r"[^@\s*]*@[^@\s*]+")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True)
class Access:
    """Who may come in.

    Parameters
    ----------
    allow : tuple of str
        Addresses, and domains as ``"@example.org"`` (not their subdomains). Empty: nobody.
    unmarked : bool
        Whether an address counts of which the provider does not say whether it is verified. One
        of which it says that it is not never does.
    hours : float
        How long a login lasts.
    site : str
        Address of the pages as browsers see it, such as ``"https://predictor.example.org"``.

    Examples
    --------
    >>> access = Access(("mira@example.org", "@lab.example.org"))
    >>> access.refusal({"email": "Ken@lab.example.org", "email_verified": True})
    ''
    >>> access.refusal({"email": "ken@example.org", "email_verified": True})
    'ken@example.org is not on the list of those who may come in.'
    """

    allow: tuple[str, ...] = ()
    unmarked: bool = False
    hours: float = 24.0
    site: str = ""

    def refusal(self, claims: Mapping[str, object]) -> str:
        """Return why a login may not come in, in a sentence; "" where it may.

        Parameters
        ----------
        claims : Mapping
            What the provider says of who logged in; ``email`` and ``email_verified`` count.
        """
        address = address_of(claims)
        if not address:
            return "The provider gives no e-mail address for this account."
        verified = claims.get("email_verified")
        if verified is None and not self.unmarked:
            return f"The provider does not say whether {address} is verified."
        if verified not in (None, True, "true"):
            return f"The provider says that {address} is not verified."
        if not any(_covers(entry, address) for entry in self.allow):
            return f"{address} is not on the list of those who may come in."
        return ""

    def over(self, claims: Mapping[str, object], now: float) -> bool:
        """Return whether a login has lasted its time.

        Parameters
        ----------
        claims : Mapping
            What the provider said; ``iat`` (seconds since 1970) counts. Without it, it is over.
        now : float
            Seconds since 1970.
        """
        issued = claims.get("iat")
        if isinstance(issued, bool) or not isinstance(issued, int | float):
            return True
        return not now - issued < self.hours * 3600


def address_of(claims: Mapping[str, object]) -> str:
    """Return a login's address, as lists and workspaces know it; "" where there is none.

    Only ASCII loses its case: of other letters some become ASCII, and with them another's address.

    Examples
    --------
    >>> address_of({"email": "Mira@Example.org"})
    'mira@example.org'
    """
    given = claims.get("email")
    if not isinstance(given, str) or not _ADDRESS.fullmatch(given):
        return ""
    return _folded(given)


def read_access(path: Path) -> Access:
    """Read who may come in from a secrets file, and check what a login needs of it.

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML, lacks something, or lets nobody in.
    """
    if path.suffix != ".toml":
        raise InputError(f"{path}: the name of a secrets file must end in .toml")
    document = _document(path)
    login = _table(document, "auth", path, "how to log in; docs/dashboard.md shows one")
    for key in _NEEDED:
        if not isinstance(login.get(key), str) or not login[key]:
            raise InputError(f"{path}: [auth] needs {key}, a text that is not empty")
    if len(login["cookie_secret"]) < _SECRET_LENGTH:
        raise InputError(
            f"{path}: [auth] cookie_secret is shorter than {_SECRET_LENGTH} characters; make one "
            "with python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    site = urlsplit(login["redirect_uri"])
    if site.scheme not in ("http", "https") or not site.hostname or site.path != _CALLBACK:
        raise InputError(
            f"{path}: [auth] redirect_uri must be the address of the pages and {_CALLBACK}, "
            f"such as https://predictor.example.org{_CALLBACK}, not '{login['redirect_uri']}'"
        )
    settings = _table(document, "predictor", path, 'who may come in: allow = ["@example.org"]')
    return _settings(settings, path, f"{site.scheme}://{site.netloc}")


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: not TOML: {error}") from None


def _table(document: Mapping[str, Any], name: str, path: Path, what: str) -> dict[str, Any]:
    table = document.get(name)
    if not isinstance(table, dict):
        raise InputError(f"{path}: there is no [{name}], which says {what}")
    return table


def _settings(settings: Mapping[str, Any], path: Path, site: str) -> Access:
    for key in settings:
        if key not in _SETTINGS:
            raise InputError(
                f"{path}: [predictor] has no '{key}'; there are {', '.join(_SETTINGS)}"
            )
    allow = settings.get("allow")
    if not isinstance(allow, list) or not allow:
        raise InputError(
            f"{path}: [predictor] allow must list who may come in: "
            '["mira@example.org", "@lab.example.org"]'
        )
    for entry in allow:
        if not isinstance(entry, str) or not _ENTRY.fullmatch(entry):
            raise InputError(
                f"{path}: [predictor] allow: {entry!r} is neither an address (mira@example.org) "
                "nor a domain (@example.org)"
            )
    unmarked = settings.get("unmarked", False)
    if not isinstance(unmarked, bool):
        raise InputError(f"{path}: [predictor] unmarked must be true or false, not {unmarked!r}")
    hours = settings.get("hours", 24)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= 720:
        raise InputError(f"{path}: [predictor] hours must be a number up to 720, not {hours!r}")
    return Access(tuple(map(_folded, allow)), unmarked, float(hours), site)


def _covers(entry: str, address: str) -> bool:
    """Return whether an entry of a list is this address or its domain."""
    entry = _folded(entry)
    if entry.startswith("@"):
        return len(entry) > 1 and address.rpartition("@")[2] == entry[1:]
    return address == entry


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else text
