"""Verdicts as JUnit XML, which CI systems show as tests."""

from __future__ import annotations

from itertools import groupby
from xml.etree import ElementTree as Xml

from predictor.gates.verdict import GateResult, Status, Verdict

_KIND = {Status.FAIL: "failure", Status.ERROR: "failure", Status.UNDECIDED: "failure"}


def junit_text(result: GateResult) -> str:
    """Return the verdicts as a JUnit document: a suite a check, a case a run.

    Margin, interval and probability are properties of the suite, named by the run; the sentence for
    the reviewer is the body of the failure, or the output of the case.
    """
    root = Xml.Element("testsuites", _counts(result.verdicts) | {"name": "predictor gate"})
    for name, group in groupby(result.verdicts, key=lambda verdict: verdict.name):
        verdicts = tuple(group)
        suite = Xml.SubElement(root, "testsuite", _counts(verdicts) | {"name": _clean(name)})
        properties = Xml.SubElement(suite, "properties")
        for verdict in verdicts:
            _add_properties(properties, verdict)
        for verdict in verdicts:
            _add_case(suite, verdict)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(verdicts: tuple[Verdict, ...]) -> dict[str, str]:
    failed = sum(verdict.status in _KIND for verdict in verdicts)
    return {"tests": str(len(verdicts)), "failures": str(failed), "errors": "0"}


def _add_properties(properties: Xml.Element, verdict: Verdict) -> None:
    forecast = verdict.forecast
    known: dict[str, object] = {"verdict": verdict.status, "requirement": verdict.requirement}
    known |= {"margin": verdict.margin, "probability": verdict.probability}
    if forecast is not None:
        known |= {"value": forecast.value, "lower": forecast.lower, "upper": forecast.upper}
        known |= {"level": forecast.level, "law": forecast.law}
    for key, value in known.items():
        if value is not None and value != "":
            name = f"{verdict.run}.{key}" if verdict.run else key
            shown = repr(value) if isinstance(value, float) else str(value)
            Xml.SubElement(properties, "property", {"name": _clean(name), "value": _clean(shown)})


def _add_case(suite: Xml.Element, verdict: Verdict) -> None:
    name = verdict.run or verdict.name
    case = Xml.SubElement(
        suite, "testcase", {"name": _clean(name), "classname": _clean(verdict.name)}
    )
    if verdict.status in _KIND:
        attributes = {"type": str(verdict.status), "message": _clean(verdict.message)}
        body = Xml.SubElement(case, "failure", attributes)
    else:
        body = Xml.SubElement(case, "system-out")
    body.text = _clean(f"{verdict.status}: {verdict.message}")


def _clean(text: str) -> str:
    """Leave out what XML 1.0 cannot hold; the writer escapes the rest."""
    return "".join(c if _allowed(ord(c)) else "\N{REPLACEMENT CHARACTER}" for c in text)


def _allowed(code: int) -> bool:
    return (
        code in (0x9, 0xA, 0xD)
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or (0x10000 <= code <= 0x10FFFF)
    )
