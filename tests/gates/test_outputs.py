"""JUnit, Markdown, annotations and JSON; nothing in a log may be more than text in them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from xml.etree import ElementTree as Xml

import jsonschema
import pytest
from markdown_it import MarkdownIt

from predictor.cli.output import json_text
from predictor.fitting.forecast import Forecast
from predictor.gates.annotations import annotations_text
from predictor.gates.junit import junit_text
from predictor.gates.markdown import intervals_svg, markdown_text
from predictor.gates.schema import gate_schema
from predictor.gates.verdict import GateResult, Status, Verdict

from ..conftest import ROOT

HOSTILE = 'x"]]>&<script>alert(1)</script>|`[a](javascript:b)`\n::error::\x1b[31m\x00 ![i](//h)'
FORECAST = Forecast(HOSTILE, "loss", {"step": 9.0}, 2.5, 2.4, 2.6, 0.9, "auto", 40, 2.0)
RESULT = GateResult(
    (
        Verdict("plain", Status.PASS, "fine", "run", FORECAST, "at most 3", 0.4, 0.99),
        Verdict(HOSTILE, Status.FAIL, HOSTILE, HOSTILE, FORECAST, HOSTILE, -0.1, 0.1),
        Verdict("gone", Status.ERROR, "no such file"),
        Verdict("soft", Status.WARN, "a\nb%", "run", FORECAST, "at most 2", -0.5, 0.0),
    )
)


def test_junit_counts_and_keeps_hostile_text_as_text():
    root = Xml.fromstring(junit_text(RESULT))
    assert (root.get("tests"), root.get("failures")) == ("4", "2")
    suites = root.findall("testsuite")
    assert [len(s.findall("testcase")) for s in suites] == [1, 1, 1, 1]
    failure = suites[1].find("testcase/failure")
    assert failure.get("type") == "fail"
    assert "<script>" in failure.text
    assert not root.findall(".//script")
    named = {p.get("name"): p.get("value") for p in suites[0].findall("properties/property")}
    assert named["run.margin"] == "0.4"
    assert named["run.verdict"] == "pass"
    assert named["run.upper"] == "2.6"


@pytest.mark.slow
def test_junit_keeps_to_the_public_schema(tmp_path):
    xmlschema = pytest.importorskip("xmlschema")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", "pytest", "pytest==8.4.2", "--dest", str(tmp_path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("pytest's sources, which hold the schema, could not be fetched")
    with tarfile.open(tmp_path / "pytest-8.4.2.tar.gz") as archive:
        text = archive.extractfile("pytest-8.4.2/testing/example_scripts/junit-10.xsd").read()
    (tmp_path / "junit.xsd").write_bytes(text)
    xmlschema.XMLSchema(str(tmp_path / "junit.xsd")).validate(junit_text(RESULT))


def test_markdown_renders_as_one_table_without_markup_from_logs():
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown_text(RESULT))
    assert page.count("<tr>") == 5
    assert all(row.count("<td>") == 7 for row in page.split("<tr>")[2:])
    assert not re.search(r"<(script|a|img|code)\b", page)
    assert "&lt;script&gt;" in page


def test_picture_is_well_formed_and_escaped():
    root = Xml.fromstring(intervals_svg(RESULT))
    assert len([e for e in root if e.tag.endswith("circle")]) == 3
    assert not [e for e in root.iter() if e.tag.endswith("script")]


def test_annotations_are_one_line_each():
    lines = annotations_text(RESULT, "a,b:c.toml").splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning"]
    assert lines[0].startswith("::error file=a%2Cb%3Ac.toml,title=x")
    assert lines[2].endswith("::a%0Ab%25")


def test_json_keeps_to_the_published_schema():
    published = json.loads((ROOT / "docs" / "gate.schema.json").read_text())
    assert published == gate_schema()
    document = json.loads(json_text("gate", RESULT.to_dict(), ()))
    jsonschema.validate(document, published)
    document["checks"][0]["status"] = "maybe"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, published)
