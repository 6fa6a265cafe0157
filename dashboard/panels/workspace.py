"""The workspace of this session, and what several pages ask of it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from panels.show import counted, plain
from predictor.logs.tables import RunLog
from predictor.store.uploading import Limits
from predictor.store.workspace import Upload, Workspace

_OWNER = "owner of the workspace"


#: Largest file that may be uploaded, in MB.
LARGEST = int(os.environ.get("PREDICTOR_MAX_UPLOAD_MB", "200"))


@st.cache_resource(show_spinner=False)
def _opened(folder: str | None, database: str | None) -> Workspace:
    largest = LARGEST * 1024**2
    limits = Limits(file_bytes=largest, total_bytes=max(largest, Limits.total_bytes))
    return Workspace.open(folder, database, limits=limits)


def enter(owner: str) -> None:
    """Open the workspace of this owner for the pages of this session."""
    st.session_state[_OWNER] = owner
    workspace()


def workspace() -> Workspace:
    """Return the workspace of this session."""
    folder, database = (os.environ.get(f"PREDICTOR_{name}") for name in ("WORKSPACE", "DATABASE"))
    return _opened(folder, database).of(st.session_state.get(_OWNER, ""))


@st.cache_data(max_entries=64, show_spinner="Reading the runs ...")
def _log(owner: str, digest: str, runs: tuple[int, ...]) -> RunLog:
    del owner, digest  # what the cache is keyed by
    return workspace().log(runs)


def log_of(runs: Sequence[int]) -> RunLog:
    """Return the log of these runs; kept until one of them changes."""
    here = workspace()
    return _log(st.session_state[_OWNER], here.digest(runs), tuple(runs))


def choose_runs(key: str, *, most: int | None = None) -> pd.DataFrame:
    """Let the user choose runs; return their rows, none where there is none to choose."""
    runs = workspace().runs()
    if runs.empty:
        nothing_yet("training runs")
        return runs
    groups = sorted({group for group in runs["group"] if group})
    shown = runs
    if groups:
        chosen = st.pills(
            "Groups", groups, selection_mode="multi", format_func=plain, key=f"{key}-groups"
        )
        shown = runs[runs["group"].isin(chosen)] if chosen else runs
    names = dict(zip(shown["id"].astype(str), shown["name"], strict=True))
    first = list(names)[:1]
    picked = st.multiselect(
        "Runs", list(names), default=first, format_func=lambda each: names.get(each, each),
        key=f"{key}-runs-{'-'.join((groups and chosen) or [])}", max_selections=most,
    )  # fmt: skip
    if not picked:
        st.info("Choose one run or more.")
    return shown[shown["id"].astype(str).isin(picked)]


def choose_upload(kind: str, what: str, key: str) -> Upload | None:
    """Let the user choose an upload that serves a purpose; None, with guidance, where none does."""
    fitting = [upload for upload in workspace().uploads() if kind in upload.kinds]
    if not fitting:
        nothing_yet(what)
        return None
    by_id = {str(upload.id): upload for upload in fitting}
    chosen = st.selectbox(
        "Upload", list(by_id), format_func=lambda each: by_id[each].title, key=key,
    )  # fmt: skip
    return by_id[chosen] if chosen else None


def nothing_yet(what: str) -> None:
    """Say what this page needs and where to get it."""
    st.info(f"There are no {plain(what)} here yet. Upload some, or take the bundled examples.")
    st.page_link("app_pages/home.py", label="Upload, or take an example", icon=":material/upload:")


def content_of(upload: Upload) -> str:
    """Say what an upload holds: how many runs, else what it is good for."""
    return counted(len(upload.runs), "run") if upload.runs else ", ".join(upload.kinds)
