"""Home: upload logs or take the examples, and see at once where the runs end."""

from __future__ import annotations

import streamlit as st
from panels import ask
from panels.drawn import once
from panels.show import begin, counted, figure, own, plain, problem, report_buttons, warnings
from panels.workspace import LARGEST, content_of, log_of, workspace

from predictor.curves.horizon import default_metric
from predictor.errors import PredictorError
from predictor.report.charts import curve_chart
from predictor.report.words import curve_words
from predictor.store.uploading import Given
from predictor.store.workspace import Upload

#: One bundled data set of each kind.
_EXAMPLES = ("mlp_runs", "mlp_scaling", "mlp_ladder", "text_compression", "response_strategies")
_PAGES = {
    "runs": ("app_pages/curves.py", "Learning curves: where these runs end"),
    "scaling": ("app_pages/scaling.py", "Scaling and budget: how big a model, on how much data"),
    "items": ("app_pages/benchmarks.py", "Benchmarks: what a larger model will score"),
    "capacity": ("app_pages/capacity.py", "Capacity: which model gives most per FLOP"),
    "responses": ("app_pages/responses.py", "Responses: which strategy to fine-tune on"),
}
_DONE = "uploads that were read"


def _read(files: list[Given], title: str) -> None:
    with st.status(f"Reading {counted(len(files), 'file')} ...", expanded=True) as status:
        try:
            upload = workspace().add(files, title)
        except PredictorError as error:
            status.update(label="Nothing was kept", state="error")
            problem(error)
            return
        status.update(label=f"Read: {plain(upload.title)}", state="complete", expanded=False)
    st.session_state[_DONE] = upload.id


def _examples() -> None:
    with st.status("Reading the examples ...") as status:
        added = [workspace().add_bundled(name).id for name in _EXAMPLES]
        st.session_state[_DONE] = added[0]
        status.update(label="The examples are in the workspace", state="complete")


def _new(uploaded: list) -> list:
    """Return the files that this session has not read yet: a rerun sees the old ones again."""
    seen = st.session_state.setdefault("files read", set())
    fresh = [file for file in uploaded if file.file_id not in seen]
    seen.update(file.file_id for file in fresh)
    return fresh


def _first_forecast(upload: Upload) -> None:
    runs = tuple(upload.runs[:3])
    log = log_of(runs)
    metric = default_metric(log)
    axis = log.axes(log.run_names[0], metric)[0]
    answer = ask.forecast(runs, metric, axis)
    for run in answer.outcomes:
        figure(
            once(curve_chart, answer, run), curve_words(answer, run), title=f"{run}: {metric}",
            key=f"home-{run}", findings=own(answer.forecasts.findings, run),
        )  # fmt: skip


def _links(upload: Upload) -> None:
    for kind in upload.kinds:
        if kind in _PAGES:
            page, label = _PAGES[kind]
            st.page_link(page, label=label, icon=":material/arrow_forward:")


begin(
    "Predictor",
    "Where will your runs end, what should you train next, and how far is that to be trusted?",
)
left, right = st.columns([3, 2], gap="large")
with left:
    st.subheader("Upload logs")
    uploaded = st.file_uploader(
        "Training logs, benchmark results, tables of runs; several files of one kind belong "
        "together. A folder goes in as a zip file.",
        accept_multiple_files=True, max_upload_size=LARGEST, key="upload",
    )  # fmt: skip
    st.caption(
        "CSV, TSV, JSONL, Parquet; Weights & Biases, TensorBoard, Hugging Face trainer state, "
        "MLflow, Lightning, Megatron, nanoGPT, lm-evaluation-harness. Content tells what a file is."
    )
    folder = st.toggle("Upload a folder instead", key="by-folder")
    if folder:
        uploaded = [
            *uploaded,
            *st.file_uploader(
                "Folder", accept_multiple_files="directory", max_upload_size=LARGEST, key="folder"
            ),
        ]
    fresh = _new(uploaded)
    if fresh:
        title = fresh[0].name if len(fresh) == 1 else f"{fresh[0].name} and {len(fresh) - 1} more"
        _read([Given(file.name, file) for file in fresh], title)
with right:
    st.subheader("Or look at examples")
    st.write("Real logs of small models that Predictor's own scripts trained: one of each kind.")
    if st.button("Load the examples", type="primary", icon=":material/science:"):
        _examples()
    uploads = workspace().uploads()
    if uploads:
        st.subheader("In this workspace")
        for upload in uploads[:8]:
            st.markdown(f"- {plain(upload.title)}: {plain(content_of(upload))}")
        st.page_link("app_pages/runs.py", label="All runs and uploads", icon=":material/list:")

done = next((each for each in uploads if each.id == st.session_state.get(_DONE)), None)
if done is None and uploads:
    done = next((each for each in uploads if each.runs), None)
if done is not None:
    st.divider()
    st.header(plain(done.title))
    warnings(done.findings)
    _links(done)
    if done.runs:
        _first_forecast(done)
        report_buttons(f"Forecasts: {done.title}")
elif not uploads:
    st.info(
        "First upload a log, or load the examples. Then each page on the left answers one "
        "question; everything is kept in the workspace and is here again tomorrow."
    )
