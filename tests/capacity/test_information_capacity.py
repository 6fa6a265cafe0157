"""InformationCapacity from tables to answers."""

from __future__ import annotations

import json
from math import log

import numpy as np
import pandas as pd
import pytest

from predictor import CannotForecastError, InformationCapacity, InputError

CONFIG = {
    "model_type": "qwen3", "hidden_size": 1024, "num_hidden_layers": 28, "head_dim": 128,
    "num_attention_heads": 16, "num_key_value_heads": 8, "intermediate_size": 3072,
    "vocab_size": 151936, "tie_word_embeddings": True,
}  # fmt: skip
SIZES = np.array([2e9, 8e9, 3e10, 1.2e11])


def table(series="a", capacity=0.2, text=34.0, sizes=SIZES, bias=-24.0, **more):
    gain = -bias + capacity * np.log2(sizes)
    return pd.DataFrame(
        {
            "model": [f"{series}-{size:.0e}" for size in sizes], "series": series,
            "dataset": "mixed_text", "text_bits_per_token": text,
            "nll_bits_per_token": text - gain, "flops_per_token": sizes, **more,
        }
    )  # fmt: skip


def test_the_published_example_comes_out(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    path = tmp_path / "mixed_text.csv"
    path.write_text(
        "model,text_bits_per_token,nll_bits_per_token,config\nq,34.5,4.29,config.json\n"
    )
    capacity = InformationCapacity(convention="paper").fit(path)
    row = capacity.models_.iloc[0]
    assert row["flops_per_token"] == 1_074_470_912
    assert row["information_capacity"] == pytest.approx(0.2070, abs=5e-5)
    assert capacity.bias_["mixed_text"].source == "published"


def test_fields_of_a_config_may_stand_in_the_row():
    row = {**CONFIG, "model": "q", "text_bits_per_token": 34.5, "nll_bits_per_token": 4.29}
    capacity = InformationCapacity().fit(pd.DataFrame([row]))
    assert capacity.models_["flops_per_token"].iloc[0] == 1_309_294_592
    assert capacity.models_["flops_source"].iloc[0] == "exact"
    weights, cache = 2 * 596_049_920, 2 * 28 * 2 * 8 * 128 * 1024
    assert capacity.models_["memory_bytes"].iloc[0] == weights + cache


def test_an_exact_bias_is_fitted_and_siblings_predicted():
    both = pd.concat([table("a", 0.2), table("b", 0.15, text=36.0)])
    capacity = InformationCapacity(bias="fit").fit(both)
    assert capacity.bias_["mixed_text"].value == pytest.approx(-24)
    loss = 34 - (24 + 0.2 * np.log2(5e9))
    predicted = {
        metric: capacity.predict("a", [5e9], metric=metric)[0]
        for metric in ("nll_bits_per_token", "bits_per_byte", "perplexity", "information_capacity")
    }
    assert predicted == pytest.approx(
        {
            "nll_bits_per_token": loss, "bits_per_byte": loss * 8 / 34, "perplexity": 2**loss,
            "information_capacity": 0.2,
        }
    )  # fmt: skip


def test_forecasts_have_intervals_and_say_what_they_rest_on():
    capacity = InformationCapacity().fit(table())
    (one,) = capacity.forecast("a", [5e9])
    assert one.lower < one.value < one.upper
    assert one.points == 4
    assert one.warnings == ("PRED306",)
    (far,) = capacity.forecast("a", [1e14])
    assert "PRED102" in far.warnings
    assert far.upper - far.lower > one.upper - one.lower
    assert far.extrapolation == pytest.approx(1e14 / 1.2e11)


def test_a_loss_below_nothing_is_not_forecast():
    capacity = InformationCapacity().fit(table(text=32.6))
    (one,) = capacity.forecast("a", [1e13])
    assert one.value is None
    assert "PRED114" in one.warnings


def test_nine_backtests_calibrate_on_the_table_itself():
    rng = np.random.default_rng(0)
    frames = [table(name, 0.1 + 0.03 * i) for i, name in enumerate("abc")]
    both = pd.concat(frames, ignore_index=True)
    both["nll_bits_per_token"] += rng.normal(0, 0.01, len(both))
    (one,) = InformationCapacity().fit(both).forecast("a", [5e9])
    assert one.warnings == ()
    assert one.upper - one.lower < 0.2


def test_an_assumed_architecture_is_named():
    row = {**CONFIG, "model": "q", "text_bits_per_token": 34.5, "nll_bits_per_token": 4.29}
    unknown = pd.DataFrame([{**row, "model_type": "brand_new"}])
    assert "PRED307" in codes(InformationCapacity().fit(unknown))
    assert "PRED307" not in codes(InformationCapacity(convention="paper").fit(unknown))


def test_checkpoints_of_a_run_and_where_two_runs_cross():
    steps = [100.0, 200.0, 300.0]
    rows = [
        {
            "model": name, "dataset": "x", "checkpoint": step, "text_bits_per_token": 34.0,
            "nll_bits_per_token": nll, "flops_per_token": 1e9,
        }
        for name, losses in {"fast": [5.0, 4.8, 4.7], "slow": [6.0, 5.0, 4.5]}.items()
        for step, nll in zip(steps, losses, strict=True)
    ]  # fmt: skip
    capacity = InformationCapacity(bias=-24).fit(pd.DataFrame(rows))
    assert capacity.models_["rank"].dropna().tolist() == [2, 1]
    (found,) = capacity.crossings()
    assert found.place == pytest.approx(250)
    assert found.ahead == "slow"


def test_samples_give_standard_errors_and_ties(tmp_path):
    rng = np.random.default_rng(0)
    lines = []
    for model, shift in (("a", 0.0), ("b", 0.001), ("c", 20.0)):
        for i, nats in enumerate(rng.normal(-250, 30, size=60)):
            lines.append(
                {
                    "model": model, "dataset": "x", "sample": i, "bytes": 400, "tokens": 100,
                    "logprob_sum": nats - shift, "flops_per_token": 1e9,
                }
            )  # fmt: skip
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    capacity = InformationCapacity(bias=-24).fit(path)
    models = capacity.models_.set_index("model")
    assert models.loc["c", "rank"] == 3
    assert models.loc["a", "tied_with"] == ("b",)
    assert models.loc["c", "tied_with"] == ()
    expected = 30 / log(2) / 100 / np.sqrt(60) / np.log2(1e9)
    assert models.loc["a", "standard_error"] == pytest.approx(expected, rel=0.3)
    assert (models["lower"] < models["information_capacity"]).all()


def test_the_same_seed_gives_the_same_numbers(tmp_path):
    path = tmp_path / "samples.jsonl"
    rows = [
        {"bytes": 40 + i, "tokens": 10, "logprob_sum": -20 - i, "flops_per_token": 1e9}
        for i in range(9)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second, third = (
        InformationCapacity(random_state=seed).fit(path).models_["lower"].iloc[0]
        for seed in (0, 0, 1)
    )
    assert first == second != third


def test_files_of_samples_and_results_are_read_beside_the_table(tmp_path):
    (tmp_path / "s.jsonl").write_text('{"bytes": 40, "tokens": 10, "logprob_sum": -20.8}\n' * 3)
    (tmp_path / "r.json").write_text(
        json.dumps({"results": {"wikitext": {"byte_perplexity,none": 2**0.75}}, "config": {}})
    )
    path = tmp_path / "t.csv"
    path.write_text(
        "model,dataset,samples,results,text_bytes,tokens,flops_per_token\n"
        "a,wikitext,s.jsonl,,,,1e9\nb,wikitext,,r.json,40,10,1e9\n"
    )
    models = InformationCapacity().fit(path).models_.set_index("model")
    assert models["bits_per_byte"].to_dict() == pytest.approx({"a": 20.8 / log(2) / 40, "b": 0.75})


def test_decomposition_and_front():
    both = pd.concat([table("a", 0.2), table("b", 0.15, text=30.5)], ignore_index=True)
    capacity = InformationCapacity().fit(both)
    parts = capacity.decompose("a-2e+09", "b-2e+09")
    assert parts.tokenizer > 0
    assert parts.compute == 0
    assert parts.difference == pytest.approx(0.05)
    front = capacity.pareto("flops")
    best = front[front["on_front"]]["model"].tolist()
    assert len(best) == 4
    assert front["measure"].unique().tolist() == ["bits_per_byte"]
    assert front["value"].is_monotonic_increasing
    with pytest.raises(InputError, match="cost 'latency': not known of any model; log a column"):
        capacity.pareto("latency")


def test_a_backtest_leaves_every_size_out():
    both = pd.concat([table("a", 0.2), table("b", 0.15)], ignore_index=True)
    found = InformationCapacity().fit(both).backtest()
    assert found["model"].tolist() == both["model"].tolist()
    assert found["predicted"].to_numpy() == pytest.approx(found["gain"].to_numpy())
    assert InformationCapacity().fit(table(sizes=SIZES[:1])).backtest().empty


def test_measured_latency_is_a_cost():
    capacity = InformationCapacity().fit(table(latency_ms=[9.0, 8.0, 20.0, 30.0]))
    front = capacity.pareto("latency").set_index("model")["on_front"]
    assert front.to_dict() == {
        "a-2e+09": False, "a-8e+09": True, "a-3e+10": True, "a-1e+11": True,
    }  # fmt: skip


def codes(capacity):
    return {finding.code for finding in capacity.findings_}


def test_a_series_of_one_is_answered_in_words():
    capacity = InformationCapacity().fit(table(sizes=SIZES[:1]))
    assert "PRED302" in codes(capacity)
    (one,) = capacity.forecast("a", [8e9])
    assert one.value == pytest.approx(34 - 24 - 0.2 * np.log2(8e9))


def test_two_data_sets_under_one_name_are_answered_in_words():
    twice = pd.concat([table(), table()], ignore_index=True)
    with pytest.raises(InputError, match="two data sets mixed under one name"):
        InformationCapacity().fit(twice)
    mixed = table()
    mixed.loc[0, ["text_bits_per_token", "nll_bits_per_token"]] += 4
    assert "PRED303" in codes(InformationCapacity().fit(mixed))


def test_nats_given_as_bits_are_suspected_among_siblings():
    honest = table()
    assert "PRED304" not in codes(InformationCapacity().fit(honest))
    honest.loc[1, "nll_bits_per_token"] *= log(2)
    suspects = [f for f in InformationCapacity().fit(honest).findings_ if f.code == "PRED304"]
    assert ["a-8e+09" in finding.message for finding in suspects] == [True]


def test_a_data_set_without_a_published_bias_is_named():
    assert "PRED301" in codes(InformationCapacity().fit(table().assign(dataset="mine")))
    given = InformationCapacity(bias=-20).fit(table().assign(dataset="mine"))
    assert "PRED301" not in codes(given)


def test_a_bias_that_does_not_fit_is_named():
    assert "PRED309" not in codes(InformationCapacity().fit(table()))
    below = InformationCapacity(bias=-40).fit(table())
    assert "a-2e+09 and 3 more is not above 0" in next(
        finding.message for finding in below.findings_ if finding.code == "PRED309"
    )
    assert "PRED309" in codes(InformationCapacity(bias=-29.5).fit(table()))


def test_samples_may_stand_in_any_table(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text(
        "model,bytes,tokens,logprob_sum,flops_per_token\na,40,10,-20.8,1e9\na,80,20,-41.6,1e9\n"
    )
    models = InformationCapacity(bias=-24).fit(path).models_
    assert models["bits_per_byte"].tolist() == pytest.approx([20.8 / log(2) / 40])


def test_no_bias_can_be_fitted_to_single_models():
    with pytest.raises(CannotForecastError, match="no series has two sizes"):
        InformationCapacity(bias="fit").fit(table(sizes=SIZES[:1]))


def test_biases_may_be_given_by_data_set():
    both = pd.concat([table(), table().assign(dataset="mine")])
    capacity = InformationCapacity(bias={"mine": -20}).fit(both)
    assert {name: bias.value for name, bias in capacity.bias_.items()} == {
        "mixed_text": -24, "mine": -20,
    }  # fmt: skip
    with pytest.raises(InputError, match="several data sets: choose one of mixed_text, mine"):
        capacity.predict("a", [1e9])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flops_per_token": None}, "no FLOPs; give flops_per_token, or config"),
        ({"flops_per_token": -3.0}, "flops_per_token is -3"),
        ({"flops_per_token": 1.5}, "not giga or tera"),
        ({"flops_per_token": 6e21}, "nor those of a training run"),
        ({"model": None}, "no model name"),
        (
            {"config": "nowhere.json", "flops_per_token": None},
            r"data row 1 \(a-2e\+09\): nowhere.json: cannot be opened",
        ),
        (
            {"hidden": 1024, "vocab": 9, "flops_per_token": None},
            r"data row 1 \(a-2e\+09\): config .*missing num_hidden_layers",
        ),
        ({"latency": "slow"}, "latency is 'slow', no number"),
    ],
)
def test_wrong_rows_are_answered_in_words(change, message):
    wrong = table().astype({"flops_per_token": object}).assign(**change)
    with pytest.raises(InputError, match=message):
        InformationCapacity().fit(wrong)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bias": "best"}, "bias 'best': a number, or one of published, fit"),
        ({"bias": float("nan")}, "finite number of bits"),
        ({"convention": "real"}, "convention 'real'"),
        ({"level": 1.5}, "level 1.5"),
        ({"draws": 1}, "must be 2 or more"),
    ],
)
def test_wrong_settings_are_answered_in_words(settings, message):
    with pytest.raises(InputError, match=message):
        InformationCapacity(**settings).fit(table())


def test_wrong_questions_are_answered_in_words():
    capacity = InformationCapacity()
    with pytest.raises(InputError, match="not fitted yet"):
        capacity.predict("a", [1e9])
    capacity.fit(table())
    with pytest.raises(InputError, match="no series 'z'"):
        capacity.predict("z", [1e9])
    with pytest.raises(InputError, match="metric 'loss'"):
        capacity.predict("a", [1e9], metric="loss")
    with pytest.raises(InputError, match="a list of numbers above 2"):
        capacity.predict("a", [float("nan")])
    with pytest.raises(InputError, match="no model 'z'"):
        capacity.decompose("a-2e+09", "z")


def test_gains_alone_predict_gains_alone():
    frame = table().assign(gain_bits_per_token=lambda f: 34 - f["nll_bits_per_token"])
    frame = frame.drop(columns=["text_bits_per_token", "nll_bits_per_token"])
    capacity = InformationCapacity().fit(frame)
    assert capacity.predict("a", [5e9], metric="gain_bits_per_token") == pytest.approx(
        [24 + 0.2 * np.log2(5e9)]
    )
    with pytest.raises(CannotForecastError, match="its text size is not logged"):
        capacity.predict("a", [5e9])


def test_settings_follow_scikit_learn():
    from sklearn.base import clone

    capacity = InformationCapacity(bias=-20, level=0.8)
    assert clone(capacity).get_params() == capacity.get_params()


def test_published_capacities_come_back(shared_data):
    path = shared_data / "information-capacity" / "mixed_text.csv"
    capacity = InformationCapacity().fit(path)
    published = pd.read_csv(path)["ic_mixed"]
    found = capacity.models_["information_capacity"]
    assert np.abs(found - published).max() < 5e-5
    assert np.abs(found * np.log2(capacity.models_["flops_per_token"]) + 24
                  - capacity.models_["gain_bits_per_token"]).max() < 1e-9  # fmt: skip
