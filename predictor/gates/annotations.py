"""Verdicts as GitHub workflow commands, which a pull request shows beside the file."""

from __future__ import annotations

from predictor.gates.verdict import GateResult, Status

_LEVELS = {
    Status.FAIL: "error", Status.ERROR: "error", Status.UNDECIDED: "error", Status.WARN: "warning",
}  # fmt: skip


def annotations_text(result: GateResult, gate_file: str) -> str:
    """Return one workflow command for every verdict that is not a pass.

    Parameters
    ----------
    result : GateResult
        The verdicts.
    gate_file : str
        The file that the annotations are shown at.
    """
    return "".join(
        f"::{_LEVELS[v.status]} file={_property(gate_file)},title={_property(v.name)}::"
        f"{_data(v.message)}\n"
        for v in result.verdicts
        if v.status in _LEVELS
    )


def _data(text: str) -> str:
    """Escape a message: a line break in it would start a command of its own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
