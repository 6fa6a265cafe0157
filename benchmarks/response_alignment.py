"""Which score picks the response strategy to train on: simulated rounds, and real small ones.

    python benchmarks/response_alignment.py

Simulated: 51 pairs of model and task, 6 to 8 strategies, three seeds, as in arXiv 2502.11779. The
simulation is set so that most scores come near the published figures, printed beside them: mean
accuracy 62.74, of each pair's best strategy 65.08; by 50 examples self-aligned perplexity picks
64.1 with a weighted rank correlation of .34. Perplexities of single examples share the question's
difficulty and have heavy tails. What is simulated cannot say that the scores work; it says what
example counts, aggregation and intervals do if they work as published.

Real: two small language models, four tasks, five ways of writing the answers
(``datasets/response_strategies``), trained on and compared.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from predictor import AlignmentExperience, ResponseAlignment, dataset_path, evaluate_scores
from predictor.alignment.aggregation import aggregate
from predictor.alignment.evaluation import rank_correlation
from predictor.alignment.mixing import mix

MODELS, TASKS, COUNTS, ROUNDS = 3, 17, (3, 5, 10, 20, 50, 100, 300), 40
#: By score: how often the best strategy stands out, how often one that is picked blindly does, and
#: how the others go with accuracy; chosen to come near the published figures.
SIGNALS = {
    "self_perplexity": (0.55, 0.0, 0.30), "perplexity": (0.25, 0.0, 0.25),
    "similarity": (0.10, 0.0, 0.20), "reward": (0.0, 1.0, 0.45),
}  # fmt: skip
#: Published weighted rho and accuracy of the pick, from 50 examples, as far as they are known.
PUBLISHED = {
    "self-ppl mean": "0.34 / 64.1", "self-ppl geometric": "0.36 / -", "self-ppl median": "0.37 / -",
    "ppl mean": "0.28 / 63.5", "ifd": "0.17 / 62.9", "car": "0.28 / 62.8", "reward": "0.27 / 62.7",
}  # fmt: skip


def simulated_pair(rng: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the accuracies of a pair's strategies and each score's true values."""
    count = int(rng.integers(6, 9))
    quality = rng.standard_normal(count)
    spread = 1.7 * np.exp(0.7 * rng.standard_normal() - 0.245)
    accuracy = 62.74 + 12 * rng.standard_normal() + spread * (quality - quality.mean())
    measured = accuracy + 0.5 / np.sqrt(3) * rng.standard_normal(count)
    scores = {}
    for name, (stands_out, blindly, r) in SIGNALS.items():
        signal = r * quality + np.sqrt(1 - r**2) * rng.standard_normal(count)
        chance = rng.random()
        if chance < stands_out:
            signal[np.argmax(quality)] = signal.max() + 0.5
        elif chance < stands_out + blindly:
            signal[rng.integers(count)] = signal.max() + 0.5
        scores[name] = signal
    return measured, scores


def examples_of(scores: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return 300 examples' scores, (examples, strategies)."""
    shape = (max(COUNTS), len(scores["perplexity"]))
    shared = 0.35 * rng.standard_normal((shape[0], 1))
    found = {}
    for name in ("self_perplexity", "perplexity"):
        tail = 0.3 * rng.standard_t(3, shape) + 0.35 * (rng.exponential(1.0, shape) - 1)
        found[name] = np.exp(np.clip(0.9 - 0.25 * scores[name] + shared + tail, 0.01, 5))
    noise = 0.15 * rng.standard_normal(shape) + 0.1 * rng.standard_normal((shape[0], 1))
    found["similarity"] = np.clip(0.6 + 0.1 * scores["similarity"] + noise, -1, 1)
    found["reward"] = 0.4 * scores["reward"] + rng.standard_normal(shape)
    loss = np.log(found["perplexity"])
    # What a response's loss alone is made of besides its loss behind the question.
    own = 0.5 * rng.standard_normal(shape[1]) + 0.25 * rng.standard_normal((shape[0], 1))
    alone = 1.2 + 0.6 * loss + own + 0.2 * rng.standard_normal(shape)
    found["ifd"] = loss / np.maximum(alone, 0.2)
    found["car"] = found["reward"] / (1 + 3 * loss)
    length = 0.5 * rng.standard_normal(shape[1]) + 0.4 * rng.standard_normal((shape[0], 1))
    found["log_probability"] = -loss * np.exp(4.5 + length + 0.2 * rng.standard_normal(shape))
    return found


def columns_of(examples: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """Return every score of the first examples, lower better."""
    one = np.ones((1, count))

    def by(how: str, name: str) -> np.ndarray:
        return aggregate(examples[name][:count], one, how)[0]

    found = {f"self-ppl {how}": by(how, "self_perplexity")
             for how in ("mean", "geometric", "median")}  # fmt: skip
    found |= {f"ppl {how}": by(how, "perplexity") for how in ("mean", "median")}
    found["similarity"] = 1 - by("mean", "similarity")
    for how in ("mean", "median"):
        found[f"mixed {how}"] = mix(found[f"self-ppl {how}"], found["similarity"])
    found["ifd"] = by("median", "ifd")
    for name in ("log_probability", "car", "reward"):
        found[name] = -by("median", name)
    return found


def simulated_scores() -> None:
    """Print accuracy of the pick and weighted rho by score and number of examples."""
    rng = np.random.default_rng(0)
    rho: dict[tuple[str, int], list[float]] = {}
    picked: dict[tuple[str, int], list[float]] = {}
    weights, best, blind = [], [], []
    for _ in range(ROUNDS * MODELS * TASKS):
        accuracy, scores = simulated_pair(rng)
        examples = examples_of(scores, rng)
        weights.append(accuracy.std(ddof=1))
        best.append(accuracy.max())
        blind.append(accuracy.mean())
        for count in COUNTS:
            for name, values in columns_of(examples, count).items():
                rho.setdefault((name, count), []).append(rank_correlation(-values, accuracy))
                picked.setdefault((name, count), []).append(accuracy[np.argmin(values)])
    centre = 62.74 - np.mean(blind)
    print(f"Simulated, {ROUNDS} times {MODELS * TASKS} pairs: weighted rho / accuracy of the pick")
    print(f"best strategy {np.mean(best) + centre:.2f}, random {np.mean(blind) + centre:.2f}")
    names = list(dict.fromkeys(name for name, _ in rho))
    heads = "".join(f"{count:>13d}" for count in COUNTS)
    print(f"{'examples':18s}{heads}   published, 50")
    for name in names:
        cells = [
            f"{np.average(rho[name, count], weights=weights):6.2f} / "
            f"{np.mean(picked[name, count]) + centre:.2f}"[-13:]
            for count in COUNTS
        ]
        told = "".join(f"{cell:>13s}" for cell in cells)
        print(f"{name:18s}{told}   {PUBLISHED.get(name, '')}".rstrip())
    print()


def calibration() -> None:
    """Print how often the strategy said to be best is, by the probability said."""
    rng = np.random.default_rng(1)
    print("Is p(best) kept? Best by endlessly many examples, simulated")
    print(
        f"{'examples':10s}{'said over .9':>14s}{'true':>7s}{'set of 90 %':>13s}{'holds best':>12s}"
    )
    for count in (5, 10, 50):
        said, true, sizes, holds = [], [], [], []
        for pair in range(150):
            _, scores = simulated_pair(rng)
            examples = examples_of(scores, rng)["self_perplexity"][:count]
            rows = [
                (f"s{s}", e, value) for (e, s), value in np.ndenumerate(examples)
            ]  # fmt: skip
            table = pd.DataFrame(rows, columns=["strategy", "example", "self_ppl"])
            found = ResponseAlignment(random_state=pair).fit(table).decision_
            best = f"s{np.argmax(scores['self_perplexity'])}"
            said.append(found.p_best.max())
            true.append(found.best == best)
            sizes.append(len(found.best_set))
            holds.append(best in found.best_set)
        sure = np.array(said) > 0.9
        share = f"{np.mean(np.array(true)[sure]):.2f}" if sure.any() else "-"
        print(f"{count:<10d}{sure.sum():>14d}{share:>7s}{np.mean(sizes):>13.1f}"
              f"{100 * np.mean(holds):>10.0f} %")  # fmt: skip
    print()


def gains() -> None:
    """Print how often the gain of switching lies in its interval, tasks left out one by one."""
    rng = np.random.default_rng(2)
    inside, wide, right = [], [], []
    for _ in range(4):
        rows = []
        for model in range(MODELS):
            for task in range(TASKS):
                accuracy, scores = simulated_pair(rng)
                values = columns_of(examples_of(scores, rng), 50)
                for s, value in enumerate(accuracy):
                    own = (values["self-ppl median"][s], values["ppl median"][s])
                    rows.append((f"m{model}", f"t{task}", f"s{s}", *own, value))
        names = ["model", "task", "strategy", "self_perplexity", "perplexity", "accuracy"]
        table = pd.DataFrame(rows, columns=names)
        for task in table["task"].unique():
            past, now = table[table["task"] != task], table[table["task"] == task]
            learnt = AlignmentExperience().fit(past.drop(columns="accuracy"), past)
            for _, pair in now.groupby("model"):
                scores = dict(zip(pair["strategy"], pair[learnt.score_], strict=True))
                truth = dict(zip(pair["strategy"], pair["accuracy"], strict=True))
                ranked = sorted(scores, key=lambda name: scores[name])
                gain = learnt.gain(scores, ranked[0], ranked[-1])
                true = truth[ranked[0]] - truth[ranked[-1]]
                inside.append(gain.lower <= true <= gain.upper)
                wide.append(gain.upper - gain.lower)
                right.append((gain.p_better, true > 0))
    said, came = np.array(right).T
    print(f"Gain of the best over the worst by score, tasks left out: inside its 90 % interval "
          f"{100 * np.mean(inside):.0f} % of {len(inside)}, width {np.mean(wide):.1f} points; "
          f"p(gain > 0) said {said.mean():.2f}, came true {came.mean():.2f}\n")  # fmt: skip


def real() -> None:
    """Print the ranking by 50 examples, the accuracies after training, and what each score did."""
    path = dataset_path("response_strategies")
    responses = pd.read_csv(path)
    accuracies = pd.read_csv(path.with_name("accuracies.csv"))
    kinds = ("self_perplexity", "perplexity", "alignment", "mixed", "ifd", "log_probability")
    rows = []
    for kind in kinds:
        for (model, task), part in responses.groupby(["model", "task"]):
            found = ResponseAlignment(score=kind).fit(part).decision_
            rows += [
                (kind, model, task, strategy, value, p)
                for strategy, value, p in zip(
                    found.strategies, found.score, found.p_best, strict=True
                )
            ]
    names = ["kind", "model", "task", "strategy", "score", "p_best"]
    scores = pd.DataFrame(rows, columns=names)
    first = scores[scores["kind"] == "self_perplexity"]
    means = accuracies.groupby(["model", "task", "strategy"])["accuracy"].mean().reset_index()
    shown = first.merge(means).sort_values(["model", "task", "score"])
    print("Real: small language models; self-aligned perplexity of 50 examples, then trained on")
    for (model, task), part in shown.groupby(["model", "task"]):
        told = ", ".join(
            f"{row.strategy} {row.score:.2f} (p {row.p_best:.2f}; {row.accuracy:.1f} %)"
            for row in part.itertuples()
        )
        print(f"  {model} {task}: {told}")
    for kind in kinds:
        better = "higher" if kind in ("alignment", "log_probability") else "lower"
        own = scores[scores["kind"] == kind]
        print(f"\n{kind}: ", end="")
        evaluate_scores(own, accuracies, better=better)
    wide = scores.pivot(index=["model", "task", "strategy"], columns="kind", values="score")
    learnt = AlignmentExperience().fit(wide.reset_index(), accuracies)
    shares = ", ".join(f"{name} {share:.2f}" for name, share in learnt.p_score_.items())
    print(f"\nbest score with probability: {shares}; pick by the score that was best on other "
          f"tasks: {learnt.held_out_:.2f} %")  # fmt: skip


def large() -> None:
    """Print the time of 100,000 examples."""
    rng = np.random.default_rng(3)
    count, names = 100_000, [f"s{i}" for i in range(6)]
    table = pd.DataFrame({
        "strategy": np.repeat(names, count), "example": np.tile(np.arange(count), len(names)),
        "tokens": 100, "logprob_sum": -100 * rng.gamma(4, 0.3, count * len(names)),
    })  # fmt: skip
    started = time.perf_counter()
    ResponseAlignment().fit(table)
    print(f"\n{count:,} examples of 6 strategies ranked in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    simulated_scores()
    calibration()
    gains()
    real()
    large()
