"""Train small language models on Python's help topics; log how well they compress held-out ones.

    python datasets/text_compression/train.py

Three series of feed-forward language models (Bengio et al., 2003) of five sizes each, on byte pairs
(Sennrich et al., 2016) learned here: two see a context of 2 and of 8 tokens, the third one of 8
tokens of a smaller vocabulary. Only NumPy is needed; the text is `pydoc_data.topics` of the Python
that runs this. Nothing of the text is kept: for each held-out sample the log has its bytes, its
tokens, and the sum of their log-likelihoods in nats.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import hashlib
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from pydoc_data import topics

import numpy as np

HERE = Path(__file__).parent
WIDTH, BATCH, STEPS, PEAK = 16, 256, 3_000, 4e-3
HIDDEN = (4, 8, 16, 32, 64)
#: Context in tokens and number of merges of each series.
SERIES = {"context-2": (2, 768), "context-8": (8, 768), "few-pairs": (8, 192)}
SAMPLE_BYTES = 1_000
#: Share of the steps after which the largest model of each series is scored too.
CHECKPOINTS = (1 / 12, 1 / 6, 1 / 3)


def texts() -> tuple[list[str], dict[str, str]]:
    """Return the topics to train on and, by name, the samples held out (every fifth topic)."""
    names = sorted(topics.topics)
    held_out = {}
    for name in names[::5]:
        lines = topics.topics[name].splitlines(keepends=True)
        parts: list[str] = [""]
        for line in lines:
            if len((parts[-1] + line).encode()) > SAMPLE_BYTES:
                parts.append("")
            parts[-1] += line
        # The pieces that are too short to say much, or one endless line, are left out.
        sizes = {f"{name}/{i}": part for i, part in enumerate(parts)}
        held_out |= {k: p for k, p in sizes.items() if 300 <= len(p.encode()) <= SAMPLE_BYTES}
    trained = [topics.topics[name] for name in names if name not in names[::5]]
    return trained, held_out


def learn_merges(text: str, count: int) -> list[tuple[int, int]]:
    """Learn byte pairs within words, the most frequent first."""
    words = Counter(re.findall(r" ?[^\s]+|\s", text))
    spelt = {tuple(word.encode()): times for word, times in words.items()}
    merges = []
    for token in range(256, 256 + count):
        pairs: Counter[tuple[int, int]] = Counter()
        for word, times in spelt.items():
            for pair in pairwise(word):
                pairs[pair] += times
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        spelt = {merged(word, best, token): times for word, times in spelt.items()}
    return merges


def merged(word: tuple[int, ...], pair: tuple[int, int], token: int) -> tuple[int, ...]:
    """Return a word with every occurrence of the pair replaced by the token."""
    out: list[int] = []
    for one in word:
        if out and (out[-1], one) == pair:
            out[-1] = token
        else:
            out.append(one)
    return tuple(out)


class Tokenizer:
    """Byte pairs by a list of merges."""

    def __init__(self, merges: list[tuple[int, int]]) -> None:
        self.merges = merges
        self.vocab = 256 + len(merges)
        self.bytes_of = np.ones(self.vocab, dtype=int)
        for token, (first, second) in enumerate(merges, start=256):
            self.bytes_of[token] = self.bytes_of[first] + self.bytes_of[second]
        self.known: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str) -> np.ndarray:
        """Return the tokens of a text."""
        found: list[int] = []
        for word in re.findall(r" ?[^\s]+|\s", text):
            if word not in self.known:
                spelt = tuple(word.encode())
                for token, pair in enumerate(self.merges, start=256):
                    spelt = merged(spelt, pair, token) if len(spelt) > 1 else spelt
                self.known[word] = spelt
            found += self.known[word]
        return np.array(found)


def windows(tokens: np.ndarray, start: int, context: int) -> np.ndarray:
    """Return the context of every token; before the text stands ``start``."""
    padded = np.concatenate([np.full(context, start), tokens[:-1]])
    return np.lib.stride_tricks.sliding_window_view(padded, context)


class Model:
    """Embeddings of the context, one hidden layer, a softmax."""

    def __init__(self, vocab: int, context: int, hidden: int, rng: np.random.Generator) -> None:
        inputs = context * WIDTH
        self.context = context
        self.p = {
            "embedding": rng.normal(0, 0.3, (vocab + 1, WIDTH)),
            "into": rng.normal(0, inputs**-0.5, (inputs, hidden)),
            "bias": np.zeros(hidden),
            "out": rng.normal(0, 0.3 * hidden**-0.5, (hidden, vocab)),
            "prior": np.zeros(vocab),
        }
        self.p = {name: value.astype(np.float32) for name, value in self.p.items()}
        self.moments = {n: (np.zeros_like(v), np.zeros_like(v)) for n, v in self.p.items()}
        # Two FLOPs a weight in the two matrix products; the embedding is looked up.
        self.flops_per_token = 2 * (inputs * hidden + hidden * vocab)

    def log_probabilities(self, context: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return log p of every next token, the hidden layer and its input."""
        given = self.p["embedding"][context].reshape(len(context), -1)
        hidden = np.tanh(given @ self.p["into"] + self.p["bias"])
        scores = hidden @ self.p["out"] + self.p["prior"]
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return scores, hidden, given

    def step(self, context: np.ndarray, target: np.ndarray, rate: float, number: int) -> None:
        """Take one step of Adam on a batch."""
        scores, hidden, given = self.log_probabilities(context)
        error = np.exp(scores)
        error[np.arange(len(target)), target] -= 1
        error /= len(target)
        back = (error @ self.p["out"].T) * (1 - hidden**2)
        embedding = np.zeros_like(self.p["embedding"])
        np.add.at(embedding, context, (back @ self.p["into"].T).reshape(*context.shape, WIDTH))
        gradients = {
            "embedding": embedding, "into": given.T @ back, "bias": back.sum(axis=0),
            "out": hidden.T @ error, "prior": error.sum(axis=0),
        }  # fmt: skip
        for name, gradient in gradients.items():
            first, second = self.moments[name]
            first += 0.1 * (gradient - first)
            second += 0.01 * (gradient**2 - second)
            size = first / (1 - 0.9**number)
            self.p[name] -= rate * size / (np.sqrt(second / (1 - 0.99**number)) + 1e-8)


def score(model: Model, tokens: np.ndarray) -> float:
    """Return the sum of log p (nats) over the tokens after the first."""
    scores, _, _ = model.log_probabilities(windows(tokens, len(model.p["prior"]), model.context))
    return float(scores[np.arange(1, len(tokens)), tokens[1:]].sum(dtype=float))


def train(series: str, tokenizer: Tokenizer, hidden: int, data: tuple, steps: int) -> list[dict]:
    """Train one model; return the rows of its checkpoints."""
    length, _ = SERIES[series]
    rng = np.random.default_rng([hidden, tokenizer.vocab, length])
    trained, held_out = data
    encoded = [tokenizer.encode(text) for text in trained]
    context = np.concatenate([windows(tokens, tokenizer.vocab, length) for tokens in encoded])
    target = np.concatenate(encoded)
    samples = {name: tokenizer.encode(text) for name, text in held_out.items()}
    model = Model(tokenizer.vocab, length, hidden, rng)
    shares = (*(CHECKPOINTS if hidden == max(HIDDEN) else ()), 1)
    stops = [round(steps * share) for share in shares]
    rows = []
    for number in range(1, steps + 1):
        chosen = rng.integers(len(target), size=BATCH)
        rate = PEAK * min(1, number / 100) * (0.05 + 0.95 * (1 - number / steps))
        model.step(context[chosen], target[chosen], rate, number)
        if number in stops:
            rows += logged(series, model, hidden, number, samples, tokenizer)
    return rows


def logged(
    series: str, model: Model, hidden: int, step: int, samples: dict, tokenizer: Tokenizer
) -> list[dict]:
    """Return one row a held-out sample."""
    return [
        {
            "model": f"{series}-h{hidden}",
            "series": series,
            "dataset": "topics",
            "checkpoint": step,
            "sample": name,
            "bytes": int(tokenizer.bytes_of[tokens[1:]].sum()),
            "tokens": len(tokens) - 1,
            "logprob_sum": round(score(model, tokens), 2),
            "flops_per_token": model.flops_per_token,
        }
        for name, tokens in samples.items()
    ]


def main() -> None:
    """Train all models and write ``samples.jsonl`` beside this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--quick", action="store_true", help="the smallest of each, a tenth as long"
    )
    parser.add_argument("--output", type=Path, default=HERE / "samples.jsonl")
    arguments = parser.parse_args()
    data = texts()
    whole = "".join(topics.topics[name] for name in sorted(topics.topics))
    print("text sha256", hashlib.sha256(whole.encode()).hexdigest(), "samples", len(data[1]))
    rows = []
    for series, (_, merges) in SERIES.items():
        tokenizer = Tokenizer(learn_merges("".join(data[0]), merges))
        for hidden in HIDDEN[:1] if arguments.quick else HIDDEN:
            rows += train(
                series, tokenizer, hidden, data, STEPS // 10 if arguments.quick else STEPS
            )
            bits = sum(row["logprob_sum"] for row in rows[-len(data[1]) :]) / -np.log(2)
            size = sum(row["bytes"] for row in rows[-len(data[1]) :])
            print(series, hidden, f"{bits / size:.3f} bits per byte", flush=True)
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    arguments.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
