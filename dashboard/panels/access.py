"""Who may come in, and whose workspace they see.

Without ``--secrets`` everybody who reaches the address may. With it, people log in with the
provider that its ``[auth]`` names, and ``[predictor] allow`` lists who is let in: addresses, or
domains as ``"@example.org"``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import streamlit as st

from panels.show import plain


def admitted() -> str:
    """Return the owner of the workspace to show; ask to log in, or send away, where needed."""
    if os.environ.get("PREDICTOR_ACCESS") != "login":
        return ""
    if not st.user.is_logged_in:
        st.title("Predictor")
        st.write("Log in to see your team's runs and forecasts.")
        st.button("Log in", on_click=st.login, type="primary")
        st.stop()
    address = str(st.user.get("email") or "").lower()
    if not allowed(address, st.user.get("email_verified", True), _listed()):
        st.title("Predictor")
        who = plain(address) if address else "This account, which has no e-mail address,"
        st.error(f"{who} is not on the list of those who may come in. Ask whoever runs this page.")
        st.button("Log out", on_click=st.logout)
        st.stop()
    with st.sidebar:
        st.caption(plain(address))
        st.button("Log out", on_click=st.logout)
    return address if os.environ.get("PREDICTOR_WORKSPACES") == "user" else ""


def allowed(address: str, verified: object, listed: Sequence[str]) -> bool:
    """Return whether an address is on the list; one that is not verified never is."""
    if not address or verified not in (True, "true"):
        return False
    return any(
        address.endswith(entry) if entry.startswith("@") else address == entry
        for entry in (str(each).strip().lower() for each in listed)
        if entry not in ("", "@")
    )


def _listed() -> Sequence[str]:
    settings = st.secrets.get("predictor", {})
    listed = settings.get("allow", [])
    return [listed] if isinstance(listed, str) else list(listed)
