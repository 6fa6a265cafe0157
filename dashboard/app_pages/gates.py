"""Gates: checks on forecasts; edit their thresholds, see the effect, copy them into CI."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pandas as pd
import streamlit as st
from panels.show import begin, figure, plain, problem, report_buttons, table
from panels.workspace import choose_upload, log_of, nothing_yet, workspace

from predictor.curves.horizon import default_metric
from predictor.curves.metric import kind_of
from predictor.errors import InputError, PredictorError
from predictor.gates.checking import check_gates
from predictor.gates.checks import Gate
from predictor.gates.config import gate_toml, parse_gate
from predictor.gates.verdict import GateResult
from predictor.report.gate_charts import gate_chart, gate_frame
from predictor.report.words import gate_words

_COLUMNS = ("name", "metric", "at", "upper", "lower", "value", "level", "undecided", "severity")
_ICONS = {"pass": "✓", "warn": "!", "fail": "✗", "undecided": "?", "error": "✗"}


@st.cache_resource(max_entries=50, show_spinner="Checking ...")
def _checked(owner: str, upload: int, gate: str) -> GateResult:
    del owner
    with workspace().folder_of(upload) as folder:
        return check_gates(json.loads(gate), root=folder)


def _first_check(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a check to begin with: a metric must not end worse than the first run's is now."""
    log = log_of([int(runs["id"].iloc[0])])
    metric = default_metric(log)
    values = log.curve(log.run_names[0], metric)["value"].to_numpy()
    worst = "upper" if kind_of(metric, values).better == "lower" else "lower"
    last = float(values[-1])
    row = dict.fromkeys(_COLUMNS) | {
        "name": f"{metric} at the end",
        "metric": metric,
        worst: round(last, 4),
        "level": 0.9,
        "severity": "error",
    }
    return pd.DataFrame([row], columns=list(_COLUMNS))


def _edited(start: pd.DataFrame, key: str) -> list[dict[str, Any]]:
    number, choice = st.column_config.NumberColumn, st.column_config.SelectboxColumn
    edited = st.data_editor(
        start, num_rows="dynamic", hide_index=True, key=key,
        column_config={
            "name": st.column_config.TextColumn("check", required=True),
            "metric": st.column_config.TextColumn("metric"),
            "at": st.column_config.TextColumn("at", help="step=20000; empty: the planned end"),
            "upper": number("upper end at most", help="for a metric to keep low"),
            "lower": number("lower end at least", help="for a metric to keep high"),
            "value": number("value", help="What the forecast itself must not pass."),
            "level": number("level", min_value=0.01, max_value=0.99),
            "undecided": choice("if undecided", options=["fail", "pass", "warn"]),
            "severity": choice("severity", options=["error", "warning"]),
        },
    )  # fmt: skip
    rows = edited.astype(object).where(edited.notna(), None).to_dict("records")
    return [{str(k): v for k, v in row.items() if v not in (None, "")} for row in rows]


def _from_toml(text: str) -> list[dict[str, Any]]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the pasted gate is not valid TOML: {error}") from None
    gate = content.get("tool", {}).get("predictor", {}).get("gate")
    if not isinstance(gate, dict):
        raise InputError("the pasted text has no [tool.predictor.gate]")
    return [
        check.model_dump(exclude_defaults=True) for check in parse_gate(gate, "pasted gate").checks
    ]


def _show(result: GateResult, gate: Gate) -> None:
    status = str(result.status)
    say = {"pass": st.success, "fail": st.error, "undecided": st.warning, "error": st.error}[status]
    say(f"Gate: {status} (exit status {result.exit_status} in CI)")
    for verdict in result.verdicts:
        st.markdown(
            f"- {_ICONS[str(verdict.status)]} **{plain(verdict.name)}**, {verdict.status}: "
            f"{plain(verdict.message)}"
        )
    rows = [v.to_dict() for v in result.verdicts]
    frame = pd.DataFrame(
        [
            {k: row[k] for k in ("name", "run", "status", "requirement", "margin", "probability")}
            for row in rows
        ]
    )
    figure(
        gate_chart(gate_frame(result.to_dict()["checks"])),
        gate_words(result),
        title="Forecasts against thresholds",
        key="gate",
        table=frame,
    )
    table(frame, name="gate", key="verdicts")
    st.header("For your CI")
    st.caption(
        "Put this into predictor.toml or pyproject.toml, point `logs` at the files in your "
        "repository, and run `predictor gate`."
    )
    st.code(gate_toml(gate), language="toml")


begin(
    "Gates",
    "May this be merged or launched? Edit thresholds and see what they would say of these logs.",
)
try:
    upload = choose_upload("runs", "training runs", "gate-upload")
    if upload is not None:
        pasted = st.text_area(
            "Paste a gate file to begin from it (optional)",
            key="pasted",
            height=100,
            placeholder="[[tool.predictor.gate.checks]] ...",
        )
        logs = [file.name for file in upload.files][:1000]
        if pasted.strip():
            checks = _from_toml(pasted)
            st.caption("The checks are those pasted; their `logs` are taken to be this upload.")
        else:
            runs = workspace().runs()
            own = runs[runs["upload"] == upload.id]
            checks = [] if own.empty else _edited(_first_check(own), f"checks-{upload.id}")
        if not checks:
            nothing_yet("checks")
        else:
            gate = parse_gate({"checks": [{**check, "logs": logs} for check in checks]}, "checks")
            _show(
                _checked(workspace().owner, upload.id, gate.model_dump_json(exclude_defaults=True)),
                gate,
            )
            report_buttons("Gate")
except PredictorError as error:
    problem(error)
