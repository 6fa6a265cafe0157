"""Runs: all that was uploaded; rename, tag, group, delete and undo."""

from __future__ import annotations

from zlib import crc32

import pandas as pd
import streamlit as st
from panels.show import begin, counted, figure, plain, problem, warnings
from panels.workspace import content_of, log_of, nothing_yet, workspace

from predictor.errors import PredictorError
from predictor.logs.places import parse_number
from predictor.report.log_charts import logged_chart
from predictor.store.workspace import Upload

_FACTS = ("params", "tokens", "flops")
_UNDO = "what can be undone"
_MOST_FILES = 50
_COLUMNS = {
    "params": st.column_config.NumberColumn(format="compact"),
    "tokens": st.column_config.NumberColumn(format="compact"),
    "flops": st.column_config.NumberColumn(format="scientific"),
    "bytes": st.column_config.NumberColumn(format="compact"),
    "created": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
}


def _deleted(token: int, what: str) -> None:
    st.session_state[_UNDO] = (token, what)


def _undo() -> None:
    token, _ = st.session_state.pop(_UNDO)
    try:
        workspace().undo(token)
    except PredictorError as error:
        problem(error)


def _undo_bar() -> None:
    if _UNDO in st.session_state:
        _, what = st.session_state[_UNDO]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Deleted {plain(what)}.")
            st.button("Undo", on_click=_undo, icon=":material/undo:", key="undo")


def _changes(chosen: list[int], names: dict[int, str]) -> None:
    here = workspace()
    columns = st.columns(5)
    with columns[0], st.popover("Rename", disabled=len(chosen) != 1, width="stretch"):
        name = st.text_input("New name", names[chosen[0]], max_chars=200, key=f"name-{chosen[0]}")
        if st.button("Rename this run", key="rename"):
            here.rename(chosen[0], name)
            st.rerun()
    with columns[1], st.popover("Group", width="stretch"):
        group = st.text_input("Group (empty: none)", max_chars=100, key="group")
        if st.button("Put into this group", key="set-group"):
            here.set_group(chosen, group)
            st.rerun()
    with columns[2], st.popover("Tags", width="stretch"):
        tags = st.text_input("Tags, with commas between", max_chars=200, key="tags")
        if st.button("Set these tags", key="set-tags"):
            here.set_tags(chosen, [tag.strip() for tag in tags.split(",") if tag.strip()])
            st.rerun()
    with columns[3], st.popover("Size", width="stretch"):
        st.caption("What the log does not tell: 350M, 2T, 1e21; empty leaves it as it is.")
        told = {
            name: st.text_input(name, key=f"fact-{name}") for name in ("params", "tokens", "flops")
        }
        if st.button("Tell this of these runs", key="set-facts"):
            facts = {name: parse_number(text) for name, text in told.items() if text.strip()}
            for run in chosen:
                here.set_facts(run, **facts)
            st.rerun()
    with columns[4]:
        label = f"Delete {len(chosen)}" if len(chosen) > 1 else "Delete"
        if st.button(label, icon=":material/delete:", key="delete", width="stretch"):
            _deleted(
                here.delete(chosen), f"{len(chosen)} runs" if len(chosen) > 1 else names[chosen[0]]
            )
            st.rerun()


def _detail(run: int) -> None:
    log = log_of((run,))
    metrics = log.metrics
    metric = st.selectbox("Metric", metrics, key=f"metric-{run}")
    if metric:
        axis = log.axes(log.run_names[0], metric)[0]
        curve = log.curve(log.run_names[0], metric)
        words = f"{len(curve)} logged values of {metric}, up to {axis} {curve[axis].max():.6g}."
        figure(
            logged_chart(log, metric, axis),
            words,
            title=f"{log.run_names[0]}: {metric}",
            key="logged",
            findings=log.findings,
        )
    facts = log.runs.iloc[0].dropna()
    with st.expander("What stays fixed"):
        st.table({plain(name): plain(value) for name, value in facts.items()})


def _uploads() -> None:
    st.header("Uploads")
    uploads = workspace().uploads()
    shown = pd.DataFrame(
        {
            "title": [each.title for each in uploads],
            "holds": [content_of(each) for each in uploads],
            "files": [len(each.files) for each in uploads],
            "bytes": [sum(file.size for file in each.files) for each in uploads],
            "warnings": [len(each.findings) for each in uploads],
            "created": [each.created for each in uploads],
        }
    )
    for row in _ticked(shown, [each.id for each in uploads], "uploads", "single-row"):
        _upload(uploads[row])


def _upload(upload: Upload) -> None:
    st.subheader(plain(upload.title))
    warnings(upload.findings)
    files = upload.files[:_MOST_FILES]
    st.table({plain(file.name): f"{file.size:,} bytes" for file in files})
    if len(upload.files) > len(files):
        st.caption(f"and {counted(len(upload.files) - len(files), 'more file')}")
    if st.button("Delete this upload", key="delete-upload", icon=":material/delete:"):
        _deleted(workspace().delete_upload(upload.id), upload.title)
        st.rerun()


def _ticked(frame: pd.DataFrame, ids: list[int], name: str, mode: str) -> list[int]:
    """Show a table and return the rows that are ticked.

    Its key tells what stands in it: where somebody else adds or deletes something meanwhile, no
    tick goes over to another row.
    """
    event = st.dataframe(
        frame, hide_index=True, on_select="rerun", selection_mode=mode,
        key=f"{name}-table-{crc32(repr(ids).encode())}", column_config=_COLUMNS,
    )  # fmt: skip
    return [int(row) for row in event.selection.rows if row < len(frame)]


begin("Runs", "What is in this workspace, in which state is it, and what was noticed on reading?")
_undo_bar()
runs = workspace().runs()
if runs.empty:
    nothing_yet("training runs")
else:
    text = st.text_input("Filter by name, group or tag", key="filter", bind="query-params")
    if text:
        columns = runs["name"] + " " + runs["group"] + " " + runs["tags"].str.join(" ")
        runs = runs[columns.str.contains(text, case=False, regex=False)]
    shown = runs.drop(columns=["id", "upload"]).assign(
        tags=runs["tags"].map(list), metrics=runs["metrics"].map(list), axes=runs["axes"].map(list)
    )
    ids = [int(each) for each in runs["id"]]
    picked = [ids[row] for row in _ticked(shown, ids, "runs", "multi-row")]
    if picked:
        try:
            _changes(
                picked, {int(i): str(n) for i, n in zip(runs["id"], runs["name"], strict=True)}
            )
            _detail(picked[0])
        except PredictorError as error:
            problem(error)
    else:
        st.caption(
            "Tick a run to see its curves and what was noticed, to rename, group, tag or delete it."
        )
if workspace().uploads():
    _uploads()
