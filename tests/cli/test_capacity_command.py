"""``predictor capacity`` from the command line: formats, contract, exit statuses."""

from __future__ import annotations

import csv
import io
import json

import pytest

from predictor.cli import run

HEAD = "model,series,dataset,text_bits_per_token,nll_bits_per_token,flops_per_token\n"
ROWS = (
    "a-1B,a,mixed_text,34,4.0,2e9\na-8B,a,mixed_text,34,3.6,1.6e10\n"
    "b-1B,b,mixed_text,36,4.4,2e9\nb-8B,b,mixed_text,36,4.0,1.6e10\n"
)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(HEAD + ROWS)
    return path


def said(capsys, *arguments):
    status = run(["capacity", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_json_is_one_document_with_the_contract(table, capsys):
    status, out, _ = said(capsys, table, "--format", "json")
    document = json.loads(out)
    assert status == 0
    assert document["schema"] == "predictor/capacity/1"
    wanted = {
        "model", "series", "text_bits_per_token", "nll_bits_per_token", "flops_per_token",
        "information_capacity",
    }  # fmt: skip
    assert all(wanted <= set(model) for model in document["models"])
    assert document["bias"] == -24
    assert document["models"][0]["information_capacity"] == pytest.approx(6 / 30.897, rel=1e-4)
    assert {warning["code"] for warning in document["warnings"]} == {"PRED308"}


def test_a_fitted_bias_makes_sizes_agree(table, capsys):
    _, out, _ = said(capsys, table, "--bias", "fit", "--format", "json")
    document = json.loads(out)
    assert document["biases"]["mixed_text"]["source"] == "fitted"
    assert document["bias"] == document["biases"]["mixed_text"]["value"]
    _, plain, _ = said(capsys, table, "--format", "json")
    before, after = (
        one["biases"]["mixed_text"]["coefficient_of_variation"]
        for one in (json.loads(plain), document)
    )
    assert after < before


def test_a_given_bias_is_taken(table, capsys):
    _, out, _ = said(capsys, table, "--bias", "-20", "--format", "json")
    assert json.loads(out)["bias"] == -20


def test_other_sizes_are_forecast(table, capsys):
    status, out, _ = said(
        capsys, table, "--at", "70G", "--series", "a", "--metric", "perplexity", "--format", "json"
    )
    (forecast,) = json.loads(out)["forecasts"]
    assert status == 0
    assert forecast["at"] == {"flops_per_token": 7e10}
    assert forecast["lower"] < forecast["value"] < forecast["upper"] < 2**3.6


def test_a_config_is_a_place(table, tmp_path, capsys):
    config = {
        "model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024,
        "vocab_size": 50257,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    _, out, _ = said(capsys, table, "--at", tmp_path / "config.json", "--format", "json")
    places = {one["at"]["flops_per_token"] for one in json.loads(out)["forecasts"]}
    layers, core, head = 12 * 24 * 768**2, 12 * 4 * 768 * 511.5, 2 * 768 * 50257
    assert places == {layers + core + head}


def test_differences_are_split(table, capsys):
    _, out, _ = said(capsys, table, "--against", "b-8B", "--format", "json")
    parts = {one["first"]: one for one in json.loads(out)["decompositions"]}
    assert set(parts) == {"a-1B", "a-8B", "b-1B"}
    assert parts["a-8B"]["compute"] == 0
    assert parts["b-1B"]["tokenizer"] == 0
    one = parts["a-1B"]
    assert one["tokenizer"] + one["prediction"] + one["compute"] == pytest.approx(one["difference"])
    _, text, _ = said(capsys, table, "--against", "b-8B")
    assert "against b-8B" in text


def test_text_ranks_and_says_why(table, capsys):
    status, out, err = said(capsys, table)
    assert status == 0
    assert "Bias -24.00 bits a token, published" in out
    assert "Not beaten at their flops, the cheapest first" in out
    assert err == ""


def test_csv_is_a_table(table, capsys):
    _, out, _ = said(capsys, table, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["model"] for row in rows] == ["a-1B", "a-8B", "b-1B", "b-8B"]


def test_the_same_call_gives_the_same_bytes(table, capsys):
    assert said(capsys, table, "--format", "json") == said(capsys, table, "--format", "json")


@pytest.mark.parametrize("kind", ["svg", "png", "html", "json"])
def test_charts_are_written(table, tmp_path, kind, capsys):
    path = tmp_path / f"chart.{kind}"
    status, _, _ = said(capsys, table, "--chart", path)
    assert status == 0
    assert path.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--bias", "best"], 2, "--bias best: a number"),
        (["--at", "big"], 2, "--at big: neither FLOPs"),
        (["--at", "1e10", "--series", "z"], 2, "--series z: no such series; there are a, b"),
        (["--cost", "latency"], 2, "not known of any model; log a column 'latency'"),
        (["--level", "2"], 2, "level 2"),
        (["--against", "z"], 2, "--against z: no such model; there are a-1B"),
        (["--chart", "chart.txt"], 2, "must end in"),
        (["--chart", "/nowhere/chart.svg"], 2, "cannot be written"),
        (["--convention", "real"], 2, "'real' is not one of"),
    ],
)
def test_wrong_calls_are_one_line(table, arguments, status, message, capsys):
    found, out, err = said(capsys, table, *arguments)
    assert (found, out) == (status, "")
    assert message in err
    assert err.count("\n") == 1


def test_what_cannot_be_fitted_is_status_3(tmp_path, capsys):
    path = tmp_path / "table.csv"
    path.write_text(HEAD + ROWS.splitlines()[0] + "\n")
    status, _, err = said(capsys, path, "--bias", "fit")
    assert status == 3
    assert "no series has two sizes" in err


def test_what_cannot_be_forecast_is_status_3(tmp_path, capsys):
    path = tmp_path / "table.csv"
    path.write_text(HEAD + "a,a,mixed_text,33,2.5,2e9\n")
    status, out, _ = said(capsys, path, "--at", "1e25")
    assert status == 3
    assert "cannot say" in out
    assert "PRED114" in out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "table.csv"),
        ("model\n", "is no table"),
        ("who,what\na,b\n", "no column 'model'"),
        (HEAD + "a,a,x,34,0,2e9\n", "data row 1 (a): nll_bits_per_token is 0"),
    ],
)
def test_bad_tables_are_one_line(tmp_path, text, message, capsys):
    path = tmp_path / "table.csv"
    path.write_text(text)
    status, _, err = said(capsys, path)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1


def test_names_cannot_steer_the_terminal(tmp_path, capsys):
    path = tmp_path / "table.csv"
    path.write_text(HEAD + "\x1b[31mred[bold],a,mixed_text,34,4,2e9\n")
    _, out, _ = said(capsys, path)
    assert "\x1b" not in out
    assert "[bold]" in out


def test_the_readings_give_one_bias_for_six_series(shared_data, capsys):
    path = shared_data / "information-capacity" / "mixed_text.csv"
    _, out, _ = said(capsys, path, "--bias", "fit", "--format", "json")
    found = json.loads(out)["biases"]["mixed_text"]
    assert found["value"] == pytest.approx(-25.01, abs=0.01)
    assert (found["series"], found["models"]) == (6, 23)
    assert found["coefficient_of_variation"] < 0.009
