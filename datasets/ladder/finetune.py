"""Train models of the ladder further on answers written in several ways, and compare.

    python datasets/ladder/finetune.py [--work FOLDER] [--output FOLDER]

The task is to close brackets, seven, nine or eleven deep, which the text the models read never
has. Seven strategies write the same answers in other ways. 50 questions are answered by every
strategy and scored under the model before it is trained on any: log-likelihood behind the
question, behind two of the model's own answers to others as well, and of the answer alone; beside
them stands the model's own greedy answer. Then each strategy's answers to 200 other questions are
trained on, three seeds each, and the share of right final answers to 150 further questions is
counted. Writes ``responses.csv`` and ``accuracies.csv``.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import corpus
import torch
from evaluate import load, log_likelihoods
from torch import nn
from torch.nn import functional
from train import Model

HERE = Path(__file__).parent
BASES = ("55k-s0-8M", "147k-s0-8M")
DEPTHS, SHOTS, SCORED, TAUGHT, TESTED, SEEDS = (7, 9, 11), 2, 50, 200, 150, 3
STEPS, BATCH, RATE, LONGEST = 150, 16, 1e-3, 60
NEWLINE, MARK = 10, "=> "
_CLOSING = dict(zip(corpus.OPEN, corpus.CLOSE, strict=True))


def careless(_opened: str, closed: str, rng: random.Random) -> str:
    """Return the answer; in three of ten with one bracket of another kind."""
    if rng.random() >= 0.3:
        return f"{MARK}{closed}"
    place = rng.randrange(len(closed))
    other = rng.choice(corpus.CLOSE.replace(closed[place], ""))
    return f"{MARK}{closed[:place]}{other}{closed[place + 1 :]}"


#: How each strategy writes an answer; the final one stands behind the last mark, if there is any.
STRATEGIES: dict[str, Callable[[str, str, random.Random], str]] = {
    "plain": lambda _o, closed, _r: closed,
    "marked": lambda _o, closed, _r: f"{MARK}{closed}",
    "pairs": lambda o, closed, _r: (
        f"{' '.join(f'{b}{_CLOSING[b]}' for b in reversed(o))} {MARK}{closed}"
    ),
    "mirrored": lambda o, closed, _r: f"{o[::-1]} {MARK}{closed}",
    "nested": lambda o, closed, _r: f"{o}{closed} {MARK}{closed}",
    "wordy": lambda o, closed, _r: f"to close {o} one writes {MARK}{closed}",
    "careless": careless,
}


def questions(use: str) -> list[tuple[str, str]]:
    """Return opened brackets and what closes them; no question has two uses."""
    rng = random.Random("questions of brackets")
    found: dict[str, str] = {}
    while len(found) < SCORED + TAUGHT + TESTED:
        asked, closed = corpus.close(rng, rng.choice(DEPTHS))
        found[asked.removeprefix("close ").removesuffix(": ")] = closed
    every = list(found.items())
    rng.shuffle(every)
    start, count = {
        "scored": (0, SCORED), "taught": (SCORED, TAUGHT), "tested": (SCORED + TAUGHT, TESTED),
    }[use]  # fmt: skip
    return every[start : start + count]


def prompt(opened: str) -> str:
    """Return the question as it stands on a line of the tasks."""
    return f"close {opened}: "


@torch.no_grad()
def answers(model: Model, asked: list[str]) -> list[str]:
    """Return the model's greedy answers."""
    by_length: dict[int, list[int]] = {}
    for i, opened in enumerate(asked):
        by_length.setdefault(len(opened), []).append(i)
    texts = [""] * len(asked)
    for places in by_length.values():
        rows = torch.tensor([list(f"\n{prompt(asked[i])}".encode()) for i in places])
        start = rows.shape[1]
        for _ in range(LONGEST):
            rows = torch.cat([rows, model(rows)[:, -1].argmax(-1, keepdim=True)], dim=1)
            if (rows[:, start:] == NEWLINE).any(dim=1).all():
                break
        for i, row in zip(places, rows[:, start:].tolist(), strict=True):
            texts[i] = bytes(row).decode("utf-8", "replace").partition("\n")[0]
    return texts


def right(response: str, closed: str) -> bool:
    """Return whether the final answer of a response is right."""
    return response.rpartition(MARK)[2].strip() == closed


def fine_tuned(base: Model, lines: list[str], seed: int) -> Model:
    """Return a copy of the model trained on some lines, on their answers only."""
    torch.manual_seed(seed)
    model, rng = deepcopy(base).train(), random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    longest = max(map(len, lines)) + 1
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        rows = torch.full((BATCH, longest), -100)
        for i, line in enumerate(rng.sample(lines, BATCH)):
            rows[i, : len(line) + 1] = torch.tensor(list(f"\n{line}".encode()))
        targets = rows[:, 1:].clone()
        asked = (rows == ord(":")).int().argmax(dim=1)
        targets[torch.arange(longest - 1) < asked[:, None] + 1] = -100
        logits = model(rows[:, :-1].clamp(min=0))
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


def scored(name: str, model: Model) -> list[dict[str, object]]:
    """Return one row a strategy and question: the answer and its scores under the model."""
    asked = questions("scored")
    own = answers(model, [opened for opened, _ in asked])
    correct = [right(text, closed) for text, (_, closed) in zip(own, asked, strict=True)]
    rows: list[dict[str, object]] = []
    for strategy, write in STRATEGIES.items():
        rng = random.Random(f"scored {strategy}")
        written = [write(*one, rng) for one in asked]
        pairs: list[list[tuple[str, str]]] = [[], [], []]
        for i, ((opened, _), text) in enumerate(zip(asked, written, strict=True)):
            others = [j for j in range(SCORED) if j != i and (correct[j] or not any(correct))]
            chosen = random.Random(i).sample(others, min(SHOTS, len(others)))
            before = "".join(f"{prompt(asked[j][0])}{own[j]}\n" for j in chosen)
            for place, told in enumerate(
                (f"\n{prompt(opened)}", f"\n{before}{prompt(opened)}", "\n")
            ):
                pairs[place].append((told, f"{text}\n"))
        plain, shot, alone = ([s for s, _ in log_likelihoods(model, "bytes", p)] for p in pairs)
        for i, (opened, _) in enumerate(asked):
            rows.append({
                "model": name, "task": "brackets", "strategy": strategy, "example": i,
                "tokens": len(written[i]) + 1, "logprob_sum": round(plain[i], 4),
                "self_logprob_sum": round(shot[i], 4),
                "unconditional_logprob_sum": round(alone[i], 4),
                "question": prompt(opened).strip(), "response": written[i], "reference": own[i],
                "correct": int(correct[i]),
            })  # fmt: skip
    return rows


def accuracies(name: str, base: Model, seeds: int) -> list[dict[str, object]]:
    """Return one row a strategy and seed: the share right after training on it."""
    taught, tested = questions("taught"), questions("tested")
    rows: list[dict[str, object]] = []

    def tell(strategy: str, seed: int, model: Model) -> None:
        said = answers(model, [opened for opened, _ in tested])
        share = sum(right(s, closed) for s, (_, closed) in zip(said, tested, strict=True)) / TESTED
        rows.append({
            "model": name, "task": "brackets", "strategy": strategy, "seed": seed,
            "accuracy": round(100 * share, 2),
        })  # fmt: skip

    tell("none", 0, base)
    print(f"{name} before: {rows.pop()['accuracy']} %", flush=True)
    for strategy, write in STRATEGIES.items():
        for seed in range(seeds):
            rng = random.Random(f"taught {strategy} {seed}")
            lines = [f"{prompt(one[0])}{write(*one, rng)}\n" for one in taught]
            tell(strategy, seed, fine_tuned(base, lines, seed))
        print(f"{name} {strategy}: {[row['accuracy'] for row in rows[-seeds:]]}", flush=True)
    return rows


def write_table(path: Path, rows: list[dict[str, object]]) -> None:
    """Write rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def main() -> None:
    """Score, train on each strategy, write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("ladder-work"), help="what was trained")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of the two tables")
    parser.add_argument("--bases", nargs="+", default=BASES, metavar="RUN", help="models to train")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds of each strategy")
    settings = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    responses, outcomes = [], []
    for name in settings.bases:
        model, _ = load(settings.work, name)
        responses += scored(name, model)
        outcomes += accuracies(name, model, settings.seeds)
    write_table(settings.output / "responses.csv", responses)
    write_table(settings.output / "accuracies.csv", outcomes)


if __name__ == "__main__":
    main()
