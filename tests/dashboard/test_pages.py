"""Every page: guidance where there is nothing, a chart with words and downloads where there is."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from predictor.gates.checking import check_gates
from predictor.store.workspace import Workspace

#: Charts that the bundled examples give on each page, and a word that its title has.
CHARTS = {"home": 3, "curves": 1, "scaling": 3, "benchmarks": 3, "capacity": 2, "responses": 3,
          "health": 1, "gates": 1}  # fmt: skip


@pytest.fixture(scope="module")
def session(pages: Any, examples: Path) -> Any:
    return pages.open(examples)


def no_trouble(app: Any) -> None:
    assert [each.value for each in app.exception] == []
    assert [each.value for each in app.error] == []


def test_pages_without_content_say_what_to_do(pages: Any, tmp_path: Path) -> None:
    app = pages.open(tmp_path)
    no_trouble(app)
    assert "First upload a log" in pages.words(app)
    for page in pages.names[1:]:
        pages.go(app, page)
        no_trouble(app)
        assert app.info, page
        assert app.get("page_link"), page
        assert not pages.charts(app)


@pytest.mark.parametrize("page", CHARTS)
def test_a_page_shows_charts_with_words_and_downloads(pages: Any, session: Any, page: str) -> None:
    app = pages.go(session, page)
    no_trouble(app)
    charts = pages.charts(app)
    assert len(charts) == CHARTS[page]
    keys = {button.key for button in app.download_button}
    for chart in charts:
        assert chart.proto.alt, "words for who cannot see the chart"
    for kind in ("Data (CSV)", "Picture (SVG)", "Picture (PNG)"):
        assert sum(key.startswith(kind) for key in keys) == len(charts)
    assert "Report (HTML)-report" in keys


def test_words_name_the_forecast_its_interval_and_its_warnings(pages: Any, session: Any) -> None:
    words = pages.words(pages.go(session, "curves")).replace("\\", "")
    assert "90 % interval" in words
    assert "times as far as the data go" in words
    assert "(PRED1" in words


def test_every_page_ends_with_tables_of_what_it_says(pages: Any, session: Any) -> None:
    for page in ("curves", "scaling", "benchmarks", "capacity", "responses", "health", "gates"):
        app = pages.go(session, page)
        assert app.dataframe, page
        assert len(app.dataframe[-1].value), page


def test_runs_are_listed_with_what_was_found(pages: Any, session: Any) -> None:
    app = pages.go(session, "runs")
    no_trouble(app)
    table = app.dataframe[0].value
    assert len(table) == 7
    assert {"name", "metrics", "axes", "warnings"} <= set(table.columns)
    assert len(app.dataframe[1].value) == 5, "one an upload"


def test_what_would_have_been_said_earlier(pages: Any, session: Any) -> None:
    app = pages.go(session, "curves")
    whole = app.dataframe[0].value.iloc[0]
    app.slider(key="share").set_value(50).run()
    no_trouble(app)
    half = app.dataframe[0].value.iloc[0]
    assert half["points"] < whole["points"]
    assert half["step"] == whole["step"], "the same place, from fewer points"
    assert half["value"] != whole["value"]
    app.slider(key="share").set_value(100).run()
    assert app.dataframe[0].value.iloc[0]["value"] == whole["value"]


def test_when_a_target_is_reached(pages: Any, session: Any) -> None:
    app = pages.go(session, "curves")
    app.number_input(key="target").set_value(1.16).run()
    no_trouble(app)
    table = app.dataframe[-1].value
    assert len(table) == 1
    assert "1.16" in pages.words(app).replace("\\", "")
    app.number_input(key="target").set_value(None).run()


def test_other_laws_and_how_they_did(pages: Any, session: Any) -> None:
    app = pages.go(session, "curves")
    app.toggle(key="others").set_value(True).run()
    no_trouble(app)
    laws, scores = (table.value for table in app.dataframe[-2:])
    assert set(laws["law"]) > {"power"}
    assert {"auto", "last value"} <= set(scores["law"])
    assert scores["median_ape"].notna().all()
    app.toggle(key="others").set_value(False).run()


def test_a_place_that_is_no_number_is_an_error_in_a_line(pages: Any, session: Any) -> None:
    app = pages.go(session, "curves")
    app.text_input(key="at").set_value("soon").run()
    assert not app.exception
    assert len(app.error) == 1
    assert "soon" in app.error[0].value
    app.text_input(key="at").set_value("").run()
    no_trouble(app)


def test_a_table_of_runs_is_forecast_and_costed(pages: Any, session: Any) -> None:
    app = pages.go(session, "scaling")
    app.text_input(key="place").set_value("params=100k,tokens=10M").run()
    no_trouble(app)
    first = app.dataframe[0].value
    assert {"value", "lower", "upper"} <= set(first.columns)
    assert (first["params"] == 1e5).any()
    app.text_input(key="spare").set_value("1e12").run()
    no_trouble(app)
    assert any("Runs to make next" in each.value for each in app.subheader)


def test_logged_runs_serve_scaling_too(pages: Any, session: Any) -> None:
    app = pages.go(session, "scaling")
    app.segmented_control(key="from").set_value("Logged runs").run()
    assert not app.exception
    assert app.multiselect


def test_a_sibling_of_another_size(pages: Any, session: Any) -> None:
    app = pages.go(session, "capacity")
    app.text_input(key="size").set_value("1M").run()
    no_trouble(app)
    assert len(app.dataframe[-1].value) == 1


def test_thresholds_turn_the_verdict(pages: Any, examples: Path) -> None:
    app = pages.open(examples, "gates")
    assert "undecided" in app.warning[0].value
    (editor,) = app.data_editor
    app.session_state[editor.key] = edits(upper=9.0)
    app.run()
    no_trouble(app)
    assert "pass" in app.success[0].value
    app.session_state[editor.key] = edits(upper=0.1)
    app.run()
    assert "fail" in app.error[0].value
    copied = app.code[0].value
    table = tomllib.loads(copied)["tool"]["predictor"]["gate"]
    (check,) = table["checks"]
    assert check["upper"] == 0.1
    with Workspace.open(examples) as workspace:
        upload = next(each for each in workspace.uploads() if each.runs)
        with workspace.folder_of(upload.id) as folder:
            result = check_gates(table, root=folder)
    assert str(result.status) == "fail"
    assert f"exit status {result.exit_status}" in app.error[0].value
    pasted = app.text_area(key="pasted").set_value(copied).run()
    assert "fail" in pasted.error[0].value


def test_a_gate_that_is_no_toml_is_an_error_in_a_line(pages: Any, session: Any) -> None:
    app = pages.go(session, "gates")
    app.text_area(key="pasted").set_value("checks = [").run()
    assert not app.exception
    assert len(app.error) == 1
    app.text_area(key="pasted").set_value("").run()


def edits(**values: float) -> dict[str, Any]:
    return {"edited_rows": {0: values}, "added_rows": [], "deleted_rows": []}


def test_trust_scores_forecasts_of_what_then_happened(
    pages: Any, tmp_path: Path, examples: Path
) -> None:
    with Workspace.open(tmp_path) as workspace:
        workspace.add_bundled("mlp_runs")
    app = pages.open(tmp_path, "curves")
    app.slider(key="share").set_value(50).run()
    end = app.dataframe[0].value.iloc[0]["step"]
    app.text_input(key="at").set_value("10k").run()
    no_trouble(app)
    assert end > 10_000, "the first forecast is of what is not logged yet"
    pages.go(app, "trust")
    no_trouble(app)
    scored = next(t.value for t in app.dataframe if "truth" in t.value)
    assert list(scored["at"]) == [10_000]
    assert len(pages.charts(app)) == 1
    assert any("hindsight" in each.value for each in app.header) or "hindsight" in pages.words(app)


def test_a_link_restores_a_view(pages: Any, examples: Path) -> None:
    query = {"metric": "train_loss", "axis": "samples", "share": "60", "law": "power"}
    app = pages.open(examples, "curves", **query)
    no_trouble(app)
    assert app.selectbox(key="metric").value == "train_loss"
    assert app.selectbox(key="axis").value == "samples"
    assert app.slider(key="share").value == 60
    assert app.selectbox(key="law").value == "power"
    row = app.dataframe[0].value.iloc[0]
    assert (row["metric"], row["law"]) == ("train_loss", "power")
    assert "samples" in row


def test_a_link_to_what_is_not_there_shows_the_page(pages: Any, examples: Path) -> None:
    app = pages.open(examples, "curves", metric="no_such", share="1000", at="x y", law="?")
    assert not app.exception
