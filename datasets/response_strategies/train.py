"""Train small language models, write answers in several ways, score them, train on each, compare.

    python datasets/response_strategies/train.py [--quick] [--output FOLDER]

Two character-level transformers are trained on lines of four tasks whose answers are mostly written
in one of several ways, each model and task with its own mixture. For each model and task 50
questions are answered by every strategy and scored under the model: log-likelihood, log-likelihood
behind three of the model's own answers, log-likelihood of the answer alone, and the model's own
greedy answer. Then each strategy's answers to 160 other questions are trained on, three seeds each,
and the share of right final answers to 150 new questions is counted. Writes ``responses.csv`` and
``accuracies.csv``. Needs PyTorch; some twenty minutes on one core.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

HERE = Path(__file__).parent
CONTEXT, SHOTS, SCORED, TRAINED_ON, TESTED, SEEDS = 128, 3, 50, 160, 150, 3
PRETRAINING, FINE_TUNING, BATCH = 2_400, 150, 24
SIZES = {"small": (48, 2), "large": (80, 2)}  # width, layers
CHARACTERS = "\n abcdefghijklmnopqrstuvwxyz0123456789+-=,.:;>?()"
CODE = {character: i for i, character in enumerate(CHARACTERS)}


def addition(rng: random.Random) -> tuple[str, str, str]:
    """Return a question, its answer, and the steps to it."""
    a, b = rng.randrange(1, 21), rng.randrange(1, 21)
    low = a % 10 + b % 10
    return f"{a}+{b}", str(a + b), f"{a % 10}+{b % 10}={low},{a + b - low}+{low}={a + b}"


def difference(rng: random.Random) -> tuple[str, str, str]:
    """Return a question, its answer, and the steps to it."""
    a, b = rng.randrange(20, 40), rng.randrange(1, 21)
    rest = a - b // 10 * 10
    return f"{a}-{b}", str(a - b), f"{a}-{b // 10 * 10}={rest},{rest}-{b % 10}={a - b}"


def largest(rng: random.Random) -> tuple[str, str, str]:
    """Return a question, its answer, and the steps to it."""
    a, b = rng.randrange(100), rng.randrange(100)
    return f"max {a},{b}", str(max(a, b)), f"{a // 10},{b // 10};{a % 10},{b % 10}"


def reversal(rng: random.Random) -> tuple[str, str, str]:
    """Return a question, its answer, and the steps to it."""
    word = "".join(rng.choice("abcdefgh") for _ in range(4))
    spelled = ",".join(f"{len(word) - i}{c}" for i, c in enumerate(reversed(word)))
    return f"rev {word}", word[::-1], spelled


TASKS: dict[str, Callable[[random.Random], tuple[str, str, str]]] = {
    "addition": addition, "difference": difference, "largest": largest, "reversal": reversal,
}  # fmt: skip


def wrong(answer: str, rng: random.Random) -> str:
    """Return the answer with one character exchanged, as a careless writer would."""
    place = rng.randrange(len(answer))
    letters = "0123456789" if answer[place].isdigit() else "abcdefgh"
    return answer[:place] + rng.choice(letters.replace(answer[place], "")) + answer[place + 1 :]


#: Every strategy ends with the final answer behind "=> ", so that all are judged alike.
STRATEGIES: dict[str, Callable[[str, str, str, random.Random], str]] = {
    "plain": lambda _q, answer, _s, _r: f"=> {answer}",
    "steps": lambda _q, answer, steps, _r: f"{steps} => {answer}",
    "wordy": lambda q, answer, _s, _r: f"well, for {q} one finds => {answer}",
    "backwards": lambda _q, answer, _s, _r: f"({answer[::-1]}) => {answer}",
    "careless": lambda _q, answer, _s, rng: (
        f"=> {wrong(answer, rng) if rng.random() < 0.3 else answer}"
    ),
}


class Model(nn.Module):
    """A decoder-only transformer over characters."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(CHARACTERS), width)
        self.place = nn.Embedding(CONTEXT, width)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, 4, 4 * width, 0.0, batch_first=True, norm_first=True, activation="gelu"
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(CHARACTERS))

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Return logits of the next character."""
        length = codes.shape[1]
        hidden = self.embed(codes) + self.place(torch.arange(length))
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        for block in self.blocks:
            hidden = block(hidden, src_mask=mask, is_causal=True)
        return self.head(self.norm(hidden))


def codes(text: str) -> list[int]:
    """Return the codes of a text's characters."""
    return [CODE[character] for character in text]


def line(question: str, response: str) -> str:
    """Return one line of training text."""
    return f"{question}? {response}\n"


def pretraining_text(model: str, rng: random.Random) -> Callable[[], str]:
    """Return a source of lines: every model and task has its own mixture of strategies."""
    mixtures = {}
    for task in TASKS:
        order = [name for name in STRATEGIES if name != "careless"]
        random.Random(f"{model}/{task}").shuffle(order)
        mixtures[task] = dict(zip(order, (0.5, 0.25, 0.15, 0.1), strict=True))

    def draw() -> str:
        task = rng.choice(list(TASKS))
        name = rng.choices(list(mixtures[task]), list(mixtures[task].values()))[0]
        question, answer, steps = TASKS[task](rng)
        return line(question, STRATEGIES[name](question, answer, steps, rng))

    return draw


def packed(draw: Callable[[], str], count: int) -> torch.Tensor:
    """Return rows of lines, each row as long as the context and one more."""
    rows = []
    for _ in range(count):
        text = "\n"
        while len(text) < CONTEXT + 1:
            text += draw()
        rows.append(codes(text[: CONTEXT + 1]))
    return torch.tensor(rows)


def pretrain(name: str, steps: int) -> Model:
    """Train a model on lines of all tasks."""
    torch.manual_seed(len(name))
    model = Model(*SIZES[name])
    draw = pretraining_text(name, random.Random(f"text of {name}"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    started = time.time()
    for step in range(steps):
        batch = packed(draw, BATCH)
        loss = functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 250 == 249:
            print(
                f"{name}: step {step + 1}, loss {loss:.3f}, {time.time() - started:.0f} s",
                flush=True,
            )
    return model


@torch.no_grad()
def log_likelihoods(model: Model, pairs: list[tuple[str, str]]) -> list[float]:
    """Return log p(response | prompt) in nats, with the line's end."""
    found = []
    for start in range(0, len(pairs), 64):
        part = [(f"\n{p}"[-(CONTEXT - len(r)) :], r) for p, r in pairs[start : start + 64]]
        longest = max(len(p) + len(r) for p, r in part)
        rows = torch.zeros((len(part), longest), dtype=torch.long)
        for i, (prompt, response) in enumerate(part):
            rows[i, : len(prompt) + len(response)] = torch.tensor(codes(prompt + response))
        logs = functional.log_softmax(model(rows[:, :-1]), dim=-1)
        each = logs.gather(2, rows[:, 1:, None])[..., 0]
        for i, (prompt, response) in enumerate(part):
            first = len(prompt) - 1
            found.append(float(each[i, first : first + len(response)].sum()))
    return found


@torch.no_grad()
def answers(model: Model, questions: list[str], longest: int = 60) -> list[str]:
    """Return the model's greedy answers."""
    by_length: dict[int, list[int]] = {}
    for i, question in enumerate(questions):
        by_length.setdefault(len(question), []).append(i)
    texts = dict.fromkeys(range(len(questions)), "")
    for places in by_length.values():
        rows = torch.tensor([codes(f"\n{questions[i]}? ") for i in places])
        start = rows.shape[1]
        for _ in range(longest):
            rows = torch.cat([rows, model(rows)[:, -1].argmax(-1, keepdim=True)], dim=1)
            if (rows[:, start:] == 0).any(dim=1).all():
                break
        for i, row in zip(places, rows[:, start:].tolist(), strict=True):
            texts[i] = "".join(CHARACTERS[c] for c in row).partition("\n")[0]
    return [texts[i] for i in range(len(questions))]


def right(response: str, answer: str) -> bool:
    """Return whether the final answer of a response is right."""
    return response.rpartition("=> ")[2].strip() == answer


def fine_tuned(base: Model, lines: list[str], seed: int) -> Model:
    """Return a copy of the model trained on some lines."""
    torch.manual_seed(seed)
    model = Model(base.embed.weight.shape[1], len(base.blocks))
    model.load_state_dict(base.state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    rng = random.Random(seed)
    longest = max(map(len, lines)) + 1
    for step in range(FINE_TUNING):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (1 - step / FINE_TUNING)
        rows = torch.full((BATCH, longest), -100)
        for i, text in enumerate(rng.sample(lines, BATCH)):
            rows[i, : len(text) + 1] = torch.tensor(codes(f"\n{text}"))
        logits = model(rows[:, :-1].clamp(min=0))
        loss = functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def questions_of(task: str, use: str) -> list[tuple[str, str, str]]:
    """Return the questions of one use: to be scored, taught or tested; none is in two of them."""
    rng = random.Random(f"questions of {task}")
    found: dict[str, tuple[str, str, str]] = {}
    while len(found) < SCORED + TRAINED_ON + TESTED:
        one = TASKS[task](rng)
        found[one[0]] = one
    every = list(found.values())
    start, count = {
        "scored": (0, SCORED), "taught": (SCORED, TRAINED_ON),
        "tested": (SCORED + TRAINED_ON, TESTED),
    }[use]  # fmt: skip
    return every[start : start + count]


def scored(name: str, model: Model, task: str) -> list[dict[str, object]]:
    """Return one row a strategy and question: the answer and its scores under the model."""
    asked = questions_of(task, "scored")
    own = answers(model, [question for question, _, _ in asked])
    correct = [right(text, answer) for text, (_, answer, _) in zip(own, asked, strict=True)]
    rows: list[dict[str, object]] = []
    for strategy, write in STRATEGIES.items():
        rng = random.Random(f"{task} {strategy}")
        written = [write(*one, rng) for one in asked]
        plain, shot, alone = [], [], []
        for i, ((question, _, _), text) in enumerate(zip(asked, written, strict=True)):
            others = [j for j in range(SCORED) if j != i and (correct[j] or not any(correct))]
            chosen = random.Random(f"{task} {i}").sample(others, min(SHOTS, len(others)))
            before = "".join(line(asked[j][0], own[j]) for j in chosen)
            plain.append((f"{question}? ", f"{text}\n"))
            shot.append((f"{before}{question}? ", f"{text}\n"))
            alone.append(("", f"{text}\n"))
        sums = [log_likelihoods(model, pairs) for pairs in (plain, shot, alone)]
        for i, (question, _, _) in enumerate(asked):
            rows.append({
                "model": name, "task": task, "strategy": strategy, "example": i,
                "tokens": len(written[i]) + 1, "logprob_sum": round(sums[0][i], 4),
                "self_logprob_sum": round(sums[1][i], 4),
                "unconditional_logprob_sum": round(sums[2][i], 4), "question": f"{question}?",
                "response": written[i], "reference": own[i], "correct": int(correct[i]),
            })  # fmt: skip
    return rows


def accuracies(name: str, model: Model, task: str) -> list[dict[str, object]]:
    """Return one row a strategy and seed: the share right after training on it."""
    taught, tested = questions_of(task, "taught"), questions_of(task, "tested")
    rows: list[dict[str, object]] = []
    for strategy, write in STRATEGIES.items():
        for seed in range(SEEDS):
            rng = random.Random(f"{task} {strategy} {seed}")
            lines = [line(one[0], write(*one, rng)) for one in taught]
            tuned = fine_tuned(model, lines, seed)
            said = answers(tuned, [question for question, _, _ in tested])
            share = sum(right(s, a) for s, (_, a, _) in zip(said, tested, strict=True)) / TESTED
            rows.append({
                "model": name, "task": task, "strategy": strategy, "seed": seed,
                "accuracy": round(100 * share, 2),
            })  # fmt: skip
        print(f"{name} {task} {strategy}: {[row['accuracy'] for row in rows[-SEEDS:]]}", flush=True)
    return rows


def write(path: Path, rows: list[dict[str, object]]) -> None:
    """Write rows as CSV."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def main() -> None:
    """Train, score, train on each strategy, write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one small model, one task, unripe")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of the two tables")
    settings = parser.parse_args()
    names, tasks, steps = list(SIZES), list(TASKS), PRETRAINING
    if settings.quick:
        names, tasks, steps = names[:1], tasks[:1], 100
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    responses, outcomes = [], []
    for name in names:
        model = pretrain(name, steps)
        for task in tasks:
            responses += scored(name, model, task)
            outcomes += accuracies(name, model, task)
        write(settings.output / "responses.csv", responses)
        write(settings.output / "accuracies.csv", outcomes)


if __name__ == "__main__":
    main()
