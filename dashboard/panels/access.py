"""Who may come in, and whose workspace they see.

Without ``--secrets`` everybody who reaches the address may. With it, people log in with the
provider that its ``[auth]`` names, and ``[predictor] allow`` says who is let in. It is read again
every time a page is asked for: who is taken off the list is out at the next click.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import streamlit as st

from panels.show import plain
from predictor.errors import InputError
from predictor.store.access import address_of, read_access


def admitted() -> str | None:
    """Return the owner of the workspace to show; None, with the door drawn, for who stays out."""
    if os.environ.get("PREDICTOR_ACCESS", "open") == "open":
        return ""
    claims = st.user.to_dict()
    try:
        access = read_access(Path(os.environ.get("PREDICTOR_SECRETS", "")))
    except InputError as error:
        logging.getLogger(__name__).error("nobody can come in: %s", error)
        return _door("Nobody can come in now; whoever runs this page finds why in its log.")
    if claims.get("is_logged_in") is not True:
        return _door()
    if access.over(claims, time.time()):
        return _door("Your login has lasted its time.")
    reason = access.refusal(claims)
    if reason:
        return _door(f"{reason} Ask whoever runs this page.", inside=True)
    address = address_of(claims)
    with st.sidebar:
        st.caption(plain(address))
        st.button("Log out", on_click=st.logout)
    return address if os.environ.get("PREDICTOR_WORKSPACES") == "user" else ""


def _door(reason: str = "", *, inside: bool = False) -> None:
    """Say who may come in; who is logged in already, but may not, can log out."""
    st.title("Predictor")
    if reason:
        st.error(plain(reason))
    if inside:
        st.button("Log out", on_click=st.logout)
    else:
        st.write("Log in to see your team's runs and forecasts.")
        st.button("Log in", on_click=st.login, type="primary")
