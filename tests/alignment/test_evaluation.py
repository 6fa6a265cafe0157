"""The source's protocol, and what past rounds teach."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from predictor import AlignmentExperience, evaluate_scores
from predictor.alignment.evaluation import rank_correlation
from predictor.errors import InputError


def rounds(effect=-3.0, noise=1.0, tasks=17, models=3, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for model in range(models):
        for task in range(tasks):
            spread = np.exp(0.5 * rng.normal())
            for strategy in range(6):
                score = rng.normal()
                accuracy = 60 + spread * (effect * score + noise * rng.normal())
                rows.append((f"m{model}", f"t{task}", f"s{strategy}", score, accuracy))
    return pd.DataFrame(rows, columns=["model", "task", "strategy", "score", "accuracy"])


def test_the_protocol_by_hand():
    rows = [
        ("m", "x", "a", 1.0, 50.0), ("m", "x", "b", 2.0, 60.0), ("m", "x", "c", 3.0, 40.0),
        ("m", "y", "a", 2.0, 70.0), ("m", "y", "b", 1.0, 72.0), ("m", "y", "c", 3.0, 71.0),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["model", "task", "strategy", "score", "accuracy"])
    found = evaluate_scores(table, table.assign(seed=0), quiet=True)
    assert found.accuracy == (50 + 72) / 2
    assert found.upper_bound == (60 + 72) / 2
    assert found.random == (50 + 71) / 2
    assert found.always == {"a": 60.0, "b": 66.0, "c": 55.5}
    rho_x, rho_y, d_x, d_y = 0.5, 0.5, 10.0, 1.0
    assert found.weighted_rho == pytest.approx((rho_x * d_x + rho_y * d_y) / (d_x + d_y))


def test_weights_are_by_diversity():
    """A pair ranked wrong with ten times the diversity counts ten times."""
    rows = [("m", "x", s, float(i), 10.0 * i) for i, s in enumerate("abc")]
    rows += [("m", "y", s, float(i), -1.0 * i) for i, s in enumerate("abc")]
    table = pd.DataFrame(rows, columns=["model", "task", "strategy", "score", "accuracy"])
    assert evaluate_scores(table, table, quiet=True).weighted_rho == pytest.approx(-9 / 11)


def test_seeds_are_averaged_and_examples_too():
    table = rounds(tasks=3, models=1)
    halves = [table.assign(seed=s, accuracy=table["accuracy"] + d) for s, d in ((0, -2), (1, 2))]
    scores = pd.concat([table.assign(score=table["score"] + d) for d in (-1, 1)])
    one = evaluate_scores(table, table, quiet=True)
    other = evaluate_scores(scores, pd.concat(halves), quiet=True)
    assert other.weighted_rho == pytest.approx(one.weighted_rho)
    assert other.accuracy == pytest.approx(one.accuracy)


def test_rank_correlation_is_scipy_s():
    rng = np.random.default_rng(0)
    for _ in range(5):
        x, y = rng.integers(0, 5, 8).astype(float), rng.normal(size=8)
        assert rank_correlation(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert rank_correlation(np.ones(4), np.arange(4.0)) == 0


def test_ties_count_with_their_mean():
    table = pd.DataFrame({
        "model": "m", "task": "t", "strategy": ["a", "b", "c"], "score": [1.0, 1.0, 2.0],
        "accuracy": [50.0, 60.0, 70.0],
    })  # fmt: skip
    found = evaluate_scores(table, table, quiet=True)
    assert found.accuracy == 55
    assert found.pairs["picked"].tolist() == ["a or b"]


def test_higher_is_better_turns_the_ranking():
    table = rounds()
    low = evaluate_scores(table, table, quiet=True)
    high = evaluate_scores(table.assign(score=-table["score"]), table, better="higher", quiet=True)
    assert high.weighted_rho == pytest.approx(low.weighted_rho)
    with pytest.raises(InputError, match="better 'up'"):
        evaluate_scores(table, table, better="up", quiet=True)


def test_it_prints_the_protocol():
    printed = io.StringIO()
    table = rounds()
    found = evaluate_scores(table, table, file=printed)
    for name, value in (
        ("mean accuracy of the pick", found.accuracy), ("weighted rho", found.weighted_rho),
        ("upper bound", found.upper_bound), ("random", found.random),
        ("always s0", found.always["s0"]),
    ):  # fmt: skip
        line = next(line for line in printed.getvalue().splitlines() if line.startswith(name))
        assert line.removeprefix(name).split()[0] == f"{value:.3f}"
    assert printed.getvalue().startswith("51 pairs of model and task\n")
    assert "left out" not in printed.getvalue()


def test_it_prints_where_standard_output_is_now(capsys):
    evaluate_scores(rounds(tasks=2), rounds(tasks=2))
    assert "weighted rho" in capsys.readouterr().out
    evaluate_scores(rounds(tasks=2), rounds(tasks=2), quiet=True)
    assert capsys.readouterr().out == ""


def test_missing_cells_by_hand():
    """A score, an accuracy, a whole seed are missing: the rest of each pair counts, and is told."""
    scores = pd.DataFrame(
        [("m", "x", "a", 1.0), ("m", "x", "b", 2.0), ("m", "x", "c", np.nan), ("m", "y", "a", 2.0),
         ("m", "y", "b", 1.0), ("m", "y", "c", 3.0), ("m", "z", "a", 1.0)],
        columns=["Model", "Task", "Strategy", "Score"],
    )  # fmt: skip
    accuracies = pd.DataFrame(
        [("m", "x", "a", 0, 40.0), ("m", "x", "a", 1, 60.0), ("m", "x", "b", 0, 60.0),
         ("m", "x", "b", 1, np.nan), ("m", "x", "c", 0, 90.0), ("m", "y", "a", 0, 10.0),
         ("m", "y", "b", 0, 30.0), ("m", "y", "c", 0, 20.0), ("m", "z", "a", 0, 5.0)],
        columns=["model", "task", "strategy", "seed", "accuracy"],
    ).assign(note="?")  # fmt: skip
    found = evaluate_scores(scores, accuracies, quiet=True)
    assert (found.accuracy, found.upper_bound, found.random) == (40.0, 45.0, 37.5)
    assert found.always == {"a": 30.0, "b": 45.0}
    assert found.partly == {"c": (20.0, 1)}
    d_x, d_y = np.std([50.0, 60.0], ddof=1), 10.0
    assert found.weighted_rho == pytest.approx((-1.0 * d_x + 0.5 * d_y) / (d_x + d_y))
    assert found.left_out == 2
    assert "left out: 2 strategies" in found.summary()
    assert "(of the 1 pairs that have it)" in found.summary()


def test_unequal_seeds_and_order_of_rows_by_hand():
    """Seeds are averaged in each strategy first, however many each has."""
    keys = ["model", "task", "strategy"]
    scores = pd.DataFrame([("m", "x", s, v) for s, v in zip("abc", (3.0, 2.0, 1.0), strict=True)],
                          columns=[*keys, "score"])  # fmt: skip
    rows = [("m", "x", "a", 0, 0.0), ("m", "x", "b", 0, 10.0), ("m", "x", "b", 1, 30.0),
            ("m", "x", "c", 0, 0.0), ("m", "x", "c", 1, 0.0), ("m", "x", "c", 2, 30.0)]  # fmt: skip
    accuracies = pd.DataFrame(rows, columns=[*keys, "seed", "accuracy"])
    one = evaluate_scores(scores, accuracies, quiet=True)
    assert (one.accuracy, one.upper_bound, one.random, one.weighted_rho) == (10.0, 20.0, 10.0, 0.5)
    other = evaluate_scores(scores[::-1], accuracies.sample(frac=1, random_state=3), quiet=True)
    assert other.to_dict() == one.to_dict()


def test_a_score_that_tells_everything_reaches_the_upper_bound():
    table = rounds(noise=0.0)
    found = evaluate_scores(table, table, quiet=True)
    assert found.weighted_rho == pytest.approx(1)
    assert found.accuracy == pytest.approx(found.upper_bound)


def test_a_score_that_tells_nothing_has_zero_in_its_interval():
    table = rounds(effect=0.0)
    found = evaluate_scores(table, table, quiet=True)
    low, high = found.intervals["weighted_rho"]
    assert low < 0 < high
    assert found.accuracy == pytest.approx(found.random, abs=0.6)


def test_strategies_that_not_every_pair_has_are_no_always():
    table = rounds(tasks=4)
    table = table[~((table["task"] == "t0") & (table["strategy"] == "s5"))]
    assert "s5" not in evaluate_scores(table, table, quiet=True).always


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="score"), "scores has no column 'score'"),
        (lambda t: t.assign(score="low"), "scores, data row 1: score is 'low'"),
        (lambda t: t.assign(task="other"), "no model and task has two strategies in both"),
    ],
)
def test_bad_tables_are_named(change, said):
    table = rounds(tasks=2, models=1)
    with pytest.raises(InputError, match=said):
        evaluate_scores(change(table), table, quiet=True)


def test_the_score_that_told_most_is_chosen():
    table = rounds()
    noise = np.random.default_rng(1).normal(size=len(table))
    scores = table.rename(columns={"score": "perplexity"}).assign(ifd=noise)
    learnt = AlignmentExperience().fit(scores.drop(columns="accuracy"), table)
    assert learnt.score_ == "perplexity"
    assert learnt.p_score_["perplexity"] > 0.95
    assert sum(learnt.p_score_.values()) == pytest.approx(1)
    assert learnt.held_out_ == pytest.approx(learnt.evaluations_["perplexity"].accuracy)


def test_a_gain_has_its_sign_and_its_interval():
    table = rounds(noise=0.5)
    past = table.rename(columns={"score": "perplexity"})
    learnt = AlignmentExperience().fit(past.drop(columns="accuracy"), table)
    scores = {"good": 1.0, "middling": 2.0, "bad": 3.0}
    gain = learnt.gain(scores, "good", "bad")
    assert gain.lower < gain.value < gain.upper
    assert gain.p_better > 0.95
    back = learnt.gain(scores, "bad", "good")
    assert back.value == pytest.approx(-gain.value)
    with pytest.raises(InputError, match="no score of strategy 'ugly'"):
        learnt.gain(scores, "good", "ugly")


def test_a_score_that_tells_nothing_promises_nothing():
    table = rounds(effect=0.0)
    past = table.rename(columns={"score": "perplexity"})
    learnt = AlignmentExperience().fit(past.drop(columns="accuracy"), table)
    gain = learnt.gain({"a": 1.0, "b": 2.0, "c": 3.0}, "a", "c")
    assert gain.lower < 0 < gain.upper
    assert 0.3 < gain.p_better < 0.7


def test_gains_lie_in_their_intervals():
    table = rounds(noise=2.0, seed=4).rename(columns={"score": "perplexity"})
    inside = []
    for task in table["task"].unique():
        past, now = table[table["task"] != task], table[table["task"] == task]
        learnt = AlignmentExperience().fit(past.drop(columns="accuracy"), past)
        for _, pair in now.groupby("model"):
            scores = dict(zip(pair["strategy"], pair["perplexity"], strict=True))
            truth = dict(zip(pair["strategy"], pair["accuracy"], strict=True))
            for other in list(scores)[1:]:
                gain = learnt.gain(scores, "s0", other)
                inside.append(gain.lower <= truth["s0"] - truth[other] <= gain.upper)
    assert 0.84 <= np.mean(inside) <= 0.97


def test_the_choice_can_be_among_those_that_can_be_computed_now():
    table = rounds(noise=0.1)
    noise = np.random.default_rng(1).normal(size=len(table))
    past = table.rename(columns={"score": "SAPPL"}).assign(ifd=noise).drop(columns="accuracy")
    assert AlignmentExperience().fit(past, table).score_ == "self_perplexity"
    assert AlignmentExperience().fit(past, table, among=["ifd", "reward"]).score_ == "ifd"
    assert AlignmentExperience().fit(past, table, among=["car"]).score_ == "self_perplexity"


def test_what_else_a_kept_ranking_holds_is_no_score():
    table = rounds(tasks=3)
    kept = table.assign(lower=0.0, upper=1.0, rank=1, p_best=0.5, regret=0.0, examples=50)
    kept = kept.drop(columns="accuracy").rename(columns={"score": "perplexity"})
    learnt = AlignmentExperience().fit(kept, table)
    assert list(learnt.p_score_) == ["perplexity"]


def test_one_pair_teaches_nothing():
    table = rounds(tasks=1, models=1).rename(columns={"score": "perplexity"})
    with pytest.raises(InputError, match="one pair of model and task"):
        AlignmentExperience().fit(table.drop(columns="accuracy"), table)
    with pytest.raises(InputError, match="no column of a score"):
        AlignmentExperience().fit(table[["model", "task", "strategy"]], table)
