"""Train a ladder of small language models from scratch and log everything a planner wants.

    python datasets/ladder/train.py [--only TRUNK ...] [--work FOLDER]

Decoder-only transformers of seven sizes read bytes of the standard library, its help topics and
lines of small tasks (``corpus.py``). The learning rate stays constant after warm-up and falls to
nothing over the last fifth of each of four token budgets, so one constant trunk carries four
finished runs. Two more seeds of the four smallest sizes; cosine, decay-at-the-end and constant
schedules at one size; two vocabularies of byte pairs; one run with provoked spikes, one that
diverges. A finished run is skipped when the command is given again, an unfinished one goes on from
where its last budget began to decay. Needs PyTorch, tokenizers and safetensors (the extra
``train``); CPU, one thread. ``evaluate.py`` and ``pack.py`` come next.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import corpus
import numpy as np
import suite
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn
from torch.nn import functional

HERE = Path(__file__).parent
CONTEXT, BATCH, WARMUP, DECAY = 128, 16, 50, 0.2
BUDGETS = (1_000_000, 2_000_000, 4_000_000, 8_000_000)
#: Width and layers; parameters outside the embedding are 12 x layers x width squared, and norms.
SIZES = {
    "3k": (16, 1), "7k": (24, 1), "25k": (32, 2), "55k": (48, 2), "147k": (64, 3),
    "442k": (96, 4), "1180k": (128, 6),
}  # fmt: skip
SEEDED = ("3k", "7k", "25k", "55k")
PAIRED = ("7k", "25k", "55k", "147k")
VOCABULARIES = {"bpe512": 512, "bpe1024": 1024}
CHECKPOINTED = ("3k", "55k")
EVALUATIONS = 20


@dataclass(frozen=True)
class Trunk:
    """A constant-rate run and the token budgets at which it is brought to an end."""

    size: str
    seed: int = 0
    vocabulary: str = "bytes"
    budgets: tuple[int, ...] = BUDGETS
    schedule: str = "wsd"
    trouble: str = ""

    @property
    def name(self) -> str:
        parts = [self.size]
        if self.vocabulary != "bytes":
            parts.append(self.vocabulary)
        if self.schedule != "wsd":
            parts.append(self.schedule)
        if self.trouble:
            parts.append(self.trouble)
        return "-".join([*parts, f"s{self.seed}"])

    def run(self, budget: int) -> str:
        return f"{self.name}-{budget // 1_000_000}M"


def plan() -> list[Trunk]:
    """Return every trunk, the cheap ones first."""
    trunks = [Trunk(size) for size in SIZES]
    trunks += [Trunk(size, seed) for seed in (1, 2) for size in SEEDED]
    trunks += [Trunk("55k", 0, "bytes", (4_000_000,), kind) for kind in ("cosine", "constant")]
    trunks += [Trunk(s, 0, v, (4_000_000,)) for v in VOCABULARIES for s in PAIRED]
    trunks += [Trunk("25k", 0, "bytes", (2_000_000,), "wsd", t) for t in ("spikes", "diverges")]
    return sorted(trunks, key=lambda trunk: SIZES[trunk.size])


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(1, width // 16)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        rows, length, width = hidden.shape
        q, k, v = (
            project(hidden).view(rows, length, self.heads, -1).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(rows, length, width))


class FeedForward(nn.Module):
    """Two layers with a GELU between."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up_proj = nn.Linear(width, 4 * width, bias=False)
        self.down_proj = nn.Linear(4 * width, width, bias=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.down_proj(functional.gelu(self.up_proj(hidden)))


class Layer(nn.Module):
    """Attention and feed-forward, each on normed input and added to the stream."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.input_layernorm = nn.LayerNorm(width)
        self.self_attn = Attention(width)
        self.post_attention_layernorm = nn.LayerNorm(width)
        self.mlp = FeedForward(width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        hidden = hidden + self.self_attn(self.input_layernorm(hidden))
        return hidden + self.mlp(self.post_attention_layernorm(hidden))


class Model(nn.Module):
    """A decoder-only transformer; the embedding is the head too."""

    def __init__(self, size: str, vocabulary: int) -> None:
        super().__init__()
        width, layers = SIZES[size]
        self.embed_tokens = nn.Embedding(vocabulary, width)
        self.embed_positions = nn.Embedding(CONTEXT, width)
        self.layers = nn.ModuleList(Layer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                into_stream = name.endswith(("o_proj.weight", "down_proj.weight"))
                spread = (0.5 / math.sqrt(layers) if into_stream else 1.0) / math.sqrt(width)
                nn.init.normal_(weight, std=0.05 if "embed" in name else spread)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return logits of the next token."""
        hidden = self.embed_tokens(tokens) + self.embed_positions.weight[: tokens.shape[1]]
        for layer in self.layers:
            hidden = layer(hidden)
        return self.norm(hidden) @ self.embed_tokens.weight.T

    def parameters_outside_embedding(self) -> int:
        return sum(p.numel() for n, p in self.named_parameters() if "embed" not in n)


@cache
def tokenizer(vocabulary: str) -> Tokenizer:
    """Learn byte pairs on the trained-on text."""
    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learned.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARIES[vocabulary], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    text = [corpus.code(False)[:3_000_000], corpus.prose(False), task_text()[:1_000_000]]
    learned.train_from_iterator(text, trainer)
    return learned


@cache
def task_text() -> str:
    return corpus.tasks(suite.questions(), "train")


def encode(text: str, vocabulary: str) -> list[int]:
    """Return the tokens of a text."""
    if vocabulary == "bytes":
        return list(text.encode())
    return tokenizer(vocabulary).encode(text).ids


@cache
def texts(vocabulary: str, held_out: bool) -> dict[str, np.ndarray]:
    """Return the tokens of each kind of text."""
    parts = {
        "code": corpus.code(held_out),
        "prose": corpus.prose(held_out),
        "tasks": corpus.tasks(suite.questions(), "validate", 3_000) if held_out else task_text(),
    }
    found = {}
    for kind, text in parts.items():
        pieces = [text[i : i + 200_000] for i in range(0, len(text), 200_000)]
        found[kind] = np.concatenate([np.array(encode(p, vocabulary), np.int16) for p in pieces])
    return found


def rows(vocabulary: str, held_out: bool, count: int, rng: np.random.Generator) -> torch.Tensor:
    """Draw windows of text, each a token longer than the context."""
    streams = texts(vocabulary, held_out)
    kinds = rng.choice(list(corpus.MIXTURE), count, p=list(corpus.MIXTURE.values()))
    windows = []
    for kind in kinds:
        stream = streams[kind]
        start = rng.integers(len(stream) - CONTEXT - 1)
        windows.append(stream[start : start + CONTEXT + 1])
    return torch.from_numpy(np.stack(windows).astype(np.int64))


@cache
def validation(vocabulary: str) -> tuple[torch.Tensor, float]:
    """Return held-out windows and the bytes that one of their tokens stands for."""
    windows = rows(vocabulary, True, 128, np.random.default_rng(0))
    if vocabulary == "bytes":
        return windows, 1.0
    told = tokenizer(vocabulary)
    spoken = sum(len(told.decode(row[1:]).encode()) for row in windows.tolist())
    return windows, spoken / windows[:, 1:].numel()


@torch.no_grad()
def validated(model: Model, vocabulary: str) -> tuple[float, float]:
    """Return the held-out loss (nats a token) and bits per byte."""
    windows, width = validation(vocabulary)
    losses = [
        functional.cross_entropy(model(part[:, :-1]).flatten(0, 1), part[:, 1:].flatten())
        for part in windows.split(32)
    ]
    loss = float(torch.stack(losses).mean())
    return loss, loss / math.log(2) / width


def peak_rate(size: str) -> float:
    """Return the constant learning rate: it falls with the root of the width."""
    return 0.02 / math.sqrt(SIZES[size][0])


def rate(trunk: Trunk, step: int, last: int, decay_from: int) -> float:
    """Return the learning rate of a step."""
    peak = peak_rate(trunk.size)
    if trunk.trouble == "diverges" and step >= 400:
        # As a schedule would that takes the wrong sign.
        return peak * 1.03 ** (step - 400)
    if step < WARMUP:
        return peak * (step + 1) / WARMUP
    if trunk.schedule == "cosine":
        return peak * (0.1 + 0.45 * (1 + math.cos(math.pi * (step - WARMUP) / (last - WARMUP))))
    if trunk.schedule == "constant" or step < decay_from:
        return peak
    return peak * (last - step) / (last - decay_from)


class Trainer:
    """The state of one run: model, optimizer, source of text, and rows of the log so far."""

    def __init__(self, trunk: Trunk) -> None:
        torch.manual_seed(1000 + trunk.seed)
        self.trunk = trunk
        vocabulary = VOCABULARIES.get(trunk.vocabulary, 256)
        self.model = Model(trunk.size, vocabulary)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1
        )
        self.rng = np.random.default_rng(trunk.seed)
        self.step, self.seconds = 0, 0.0
        self.log: list[dict[str, float]] = []

    def state(self) -> dict[str, object]:
        return {
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
            "rng": self.rng.bit_generator.state, "step": self.step, "seconds": self.seconds,
            "log": list(self.log),
        }  # fmt: skip

    def restore(self, state: dict[str, object]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rng.bit_generator.state = state["rng"]
        self.step, self.seconds, self.log = state["step"], state["seconds"], list(state["log"])

    def train(self, until: int, last: int, decay_from: int) -> None:
        """Take steps up to ``until`` of a run that ends at ``last``."""
        trunk = self.trunk
        while self.step < until:
            started = time.perf_counter()
            now = rate(trunk, self.step, last, decay_from)
            for group in self.optimizer.param_groups:
                group["lr"] = now
            batch = rows(trunk.vocabulary, False, BATCH, self.rng)
            # At three places 2, 6 and 25 batches of noise stand in the data: a broken shard.
            broken = {300: 2, 500: 6, 700: 25} if trunk.trouble == "spikes" else {}
            if any(start <= self.step < start + long for start, long in broken.items()):
                batch = torch.from_numpy(self.rng.integers(128, 256, batch.shape))
            logits = self.model(batch[:, :-1])
            loss = functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
            self.optimizer.zero_grad()
            loss.backward()
            limit = math.inf if trunk.trouble == "diverges" else 1.0
            norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), limit))
            self.optimizer.step()
            self.step += 1
            self.seconds += time.perf_counter() - started
            self.log.append({
                "step": self.step, "loss": round(float(loss.detach()), 5), "lr": round(now, 7),
                "grad_norm": round(norm, 5), "tokens": self.step * BATCH * CONTEXT,
                "time": round(self.seconds, 2),
            })  # fmt: skip
            if self.step % max(1, last // EVALUATIONS) == 0 or self.step == last:
                held, bits = validated(self.model, trunk.vocabulary)
                self.log[-1] |= {"eval_loss": round(held, 5), "bits_per_byte": round(bits, 5)}
                told = f"\r{trunk.name}: step {self.step} of {last}, held-out loss {held:.3f} "
                print(told, end="", file=sys.stderr, flush=True)


def finish(trainer: Trainer, budget: int, output: Path) -> dict[str, object]:
    """Write a finished run: its outcome, its log and its weights."""
    trunk, run = trainer.trunk, trainer.trunk.run(budget)
    trainer.model.eval()
    held, bits = validated(trainer.model, trunk.vocabulary)
    outcome: dict[str, object] = {
        "run": run, "size": trunk.size, "seed": trunk.seed, "vocabulary": trunk.vocabulary,
        "schedule": trunk.schedule, "trouble": trunk.trouble,
        "params": trainer.model.parameters_outside_embedding(),
        "embedding_params": trainer.model.embed_tokens.weight.numel()
        + trainer.model.embed_positions.weight.numel(),
        "tokens": trainer.step * BATCH * CONTEXT, "steps": trainer.step,
        "lr": round(peak_rate(trunk.size), 6), "batch_tokens": BATCH * CONTEXT,
        "loss": round(held, 5), "bits_per_byte": round(bits, 5),
        "seconds": round(trainer.seconds, 1),
    }  # fmt: skip
    if trunk.size in CHECKPOINTED and trunk == Trunk(trunk.size):
        state = trainer.model.state_dict()
        weights = {name: value.to(torch.bfloat16) for name, value in state.items()}
        save_file(weights, output / f"{run}.safetensors", {"run": run})
    torch.save(trainer.model.state_dict(), output / f"{run}.weights")
    # A run counts as finished once this file is there: it must never be half of one.
    unfinished = output / f"{run}.partial"
    with gzip.open(unfinished, "wt") as file:
        json.dump({"outcome": outcome, "log": trainer.log}, file)
    unfinished.replace(output / f"{run}.json.gz")
    return outcome


def run_trunk(trunk: Trunk, work: Path) -> None:
    """Train a trunk and its endings, skipping what is finished."""
    missing = [b for b in trunk.budgets if not (work / f"{trunk.run(b)}.json.gz").exists()]
    if not missing:
        return
    state_file = work / f"{trunk.name}.state"
    trainer = Trainer(trunk)
    if state_file.exists():
        trainer.restore(torch.load(state_file, weights_only=False))
    for budget in missing:
        last = budget // (BATCH * CONTEXT)
        decay_from = round(last * (1 - DECAY)) if trunk.schedule == "wsd" else last
        if trainer.step > decay_from:
            trainer = Trainer(trunk)
        trainer.train(decay_from, last, decay_from)
        kept = trainer.state()
        kept = {**kept, "model": {k: v.clone() for k, v in kept["model"].items()}}
        torch.save(kept, work / f"{trunk.name}.partial")
        (work / f"{trunk.name}.partial").replace(state_file)
        trainer.train(last, last, decay_from)
        outcome = finish(trainer, budget, work)
        print(
            f"{time.strftime('%H:%M:%S')} {outcome['run']}: held-out loss {outcome['loss']}, "
            f"{outcome['bits_per_byte']} bits per byte, {outcome['seconds']} s",
            flush=True,
        )
        trainer = Trainer(trunk)
        trainer.restore(torch.load(state_file, weights_only=False))
    state_file.unlink()


def main() -> None:
    """Train what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="TRUNK", help="only these, such as 3k-s0")
    parser.add_argument("--work", type=Path, default=Path("ladder-work"), help="results so far")
    settings = parser.parse_args()
    settings.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    names = {trunk.name: trunk for trunk in plan()}
    chosen = settings.only or list(names)
    if unknown := set(chosen) - set(names):
        parser.error(f"no such trunk: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    started = time.time()
    print(f"text {corpus.fingerprint()}, {len(suite.items())} items", flush=True)
    for name in chosen:
        run_trunk(names[name], settings.work)
    print(f"{len(chosen)} trunks in {(time.time() - started) / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
