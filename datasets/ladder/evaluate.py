"""Evaluate trained models: which items they get right, how they compress held-out text.

    python datasets/ladder/evaluate.py [--work FOLDER] [--again]

Reads what ``train.py`` left in the working folder and writes ``<run>.results.json.gz`` beside it,
for every run without trouble; what is evaluated already is skipped.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import corpus
import numpy as np
import suite
import torch
from torch.nn import functional
from train import CONTEXT, VOCABULARIES, Model, encode

KINDS, PIECES = ("code", "prose"), 30


@torch.no_grad()
def log_likelihoods(
    model: Model, vocabulary: str, pairs: list[tuple[str, str]], temperature: float = 1.0
) -> list[tuple[float, int]]:
    """Return log p(answer | prompt) in nats and the answer's tokens, at a temperature."""
    coded = []
    for prompt, answer in pairs:
        after = encode(answer, vocabulary)
        before = encode(prompt, vocabulary)[-(CONTEXT + 1 - len(after)) :]
        coded.append((before, after))
    order = sorted(range(len(coded)), key=lambda i: sum(map(len, coded[i])))
    found: list[tuple[float, int]] = [(0.0, 0)] * len(coded)
    for begin in range(0, len(order), 128):
        part = order[begin : begin + 128]
        longest = max(sum(map(len, coded[i])) for i in part)
        block = torch.zeros((len(part), longest), dtype=torch.long)
        for row, i in enumerate(part):
            whole = [*coded[i][0], *coded[i][1]]
            block[row, : len(whole)] = torch.tensor(whole)
        logs = functional.log_softmax(model(block[:, :-1]) / temperature, dim=-1)
        each = logs.gather(2, block[:, 1:, None])[..., 0]
        for row, i in enumerate(part):
            first, count = len(coded[i][0]) - 1, len(coded[i][1])
            found[i] = float(each[row, first : first + count].sum()), count
    return found


def passed(model: Model, run: str, vocabulary: str) -> list[dict[str, object]]:
    """Return trials and passes of every item."""
    items = suite.items()
    answered = [item for item in items if item.prompt]
    chances = log_likelihoods(
        model, vocabulary, [(i.prompt, i.answer) for i in answered], suite.TEMPERATURE
    )
    table = []
    for item, (chance, _) in zip(answered, chances, strict=True):
        seed = random.Random(f"{run} {item.benchmark} {item.name}").getrandbits(64)
        passes = np.random.default_rng(seed).binomial(suite.SAMPLES, min(1.0, math.exp(chance)))
        table.append((item, suite.SAMPLES, int(passes)))
    chosen = [item for item in items if item.variants]
    pairs = [(p, o) for item in chosen for p, options in item.variants for o in options]
    once = list(dict.fromkeys(pairs))
    scores = dict(zip(once, log_likelihoods(model, vocabulary, once), strict=True))
    for item in chosen:
        right = 0
        for prompt, options in item.variants:
            each = [total / count for total, count in (scores[prompt, o] for o in options)]
            right += int(each[0] > max(each[1:]))
        table.append((item, suite.VARIANTS, right))
    return [
        {"benchmark": item.benchmark, "item": item.name, "trials": trials, "passes": right}
        for item, trials, right in table
    ]


def pieces(kind: str) -> list[str]:
    """Return held-out pieces of about 800 characters, cut at line ends."""
    text = {"code": corpus.code, "prose": corpus.prose}[kind](True)
    rng = random.Random(f"samples of {kind}")
    found = []
    while len(found) < PIECES:
        start = text.index("\n", rng.randrange(len(text) - 2_000)) + 1
        found.append(text[start : text.rindex("\n", start, start + 800) + 1])
    return found


@torch.no_grad()
def log_likelihood(model: Model, tokens: list[int]) -> float:
    """Return the log-likelihood of a text in nats but for its first token, window by window."""
    total, half = 0.0, CONTEXT // 2
    for start in range(0, max(1, len(tokens) - half), half):
        window = torch.tensor([tokens[start : start + CONTEXT + 1]])
        logs = functional.log_softmax(model(window[:, :-1]), dim=-1)
        each = logs.gather(2, window[:, 1:, None])[0, :, 0]
        total += float(each[0 if start == 0 else half :].sum())
    return total


def compressed(model: Model, vocabulary: str) -> Iterator[dict[str, object]]:
    """Yield bytes, tokens and log-likelihood of held-out pieces."""
    for kind in KINDS:
        for i, text in enumerate(pieces(kind)):
            tokens = encode(text, vocabulary)
            yield {
                "dataset": kind, "sample": f"{i:02d}", "bytes": len(text.encode()),
                "tokens": len(tokens) - 1, "logprob_sum": round(log_likelihood(model, tokens), 3),
            }  # fmt: skip


def load(work: Path, run: str) -> tuple[Model, str]:
    """Return a trained model and its vocabulary."""
    with gzip.open(work / f"{run}.json.gz", "rt") as file:
        outcome = json.load(file)["outcome"]
    model = Model(outcome["size"], VOCABULARIES.get(outcome["vocabulary"], 256))
    model.load_state_dict(torch.load(work / f"{run}.weights", weights_only=True))
    return model.eval(), outcome["vocabulary"]


def untroubled(work: Path) -> list[str]:
    """Return the finished runs that nothing was done to."""
    runs = [path.name.removesuffix(".weights") for path in sorted(work.glob("*.weights"))]
    return [run for run in runs if "spikes" not in run and "diverges" not in run]


def main() -> None:
    """Evaluate every run that is trained."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("ladder-work"), help="results so far")
    parser.add_argument("--again", action="store_true", help="also what is evaluated already")
    settings = parser.parse_args()
    torch.set_num_threads(1)
    for run in untroubled(settings.work):
        output = settings.work / f"{run}.results.json.gz"
        if output.exists() and not settings.again:
            continue
        started = time.time()
        model, vocabulary = load(settings.work, run)
        results = {
            "items": passed(model, run, vocabulary), "compression": [*compressed(model, vocabulary)]
        }  # fmt: skip
        with gzip.open(output, "wt") as file:
            json.dump(results, file)
        share = np.mean([row["passes"] / row["trials"] for row in results["items"]])
        print(f"{run}: {share:.3f} passed, {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
