"""The ladder's benchmarks: items from trivial to beyond reach, several skills.

Items with one right answer are answered 32 times at temperature 0.7: the probability of the whole
right answer and the end of its line is exact (the product of the tokens' probabilities), and the
passes are drawn from it. Items of choice are asked in 16 orders or with 16 sets of wrong answers;
the answer with the highest log-likelihood per token is taken, which no draw changes.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from functools import cache

import corpus

PER_LEVEL = {"addition": 10, "multiplication": 8, "copying": 6, "reversal": 8, "brackets": 6}
CHOICES_PER_LEVEL, LINES, CONTINUATIONS = 12, 48, 36
TEMPERATURE, SAMPLES, VARIANTS = 0.7, 32, 16


@dataclass(frozen=True)
class Item:
    """One item: what is asked, and either the answer or variants with the right one first."""

    benchmark: str
    name: str
    prompt: str = ""
    answer: str = ""
    variants: tuple[tuple[str, tuple[str, ...]], ...] = ()


def _answered() -> list[Item]:
    items = []
    for skill, count in PER_LEVEL.items():
        draw, _, levels = corpus.SKILLS[skill]
        for level in levels:
            rng = random.Random(f"{skill} {level}")
            seen: dict[str, str] = {}
            while len(seen) < count:
                asked, answer = draw(rng, level)
                seen[asked] = answer
            items += [
                Item(skill, f"{level:02d}-{i:02d}", f"\n{asked}", f"{answer}\n")
                for i, (asked, answer) in enumerate(seen.items())
            ]
    return items


def _choices() -> list[Item]:
    items = []
    draw, _, levels = corpus.SKILLS["largest"]
    for level in levels:
        rng = random.Random(f"largest {level}")
        for i in range(CHOICES_PER_LEVEL):
            asked, answer = draw(rng, level)
            numbers = asked.removeprefix("largest ").removesuffix(": ").split()
            variants = []
            for _ in range(VARIANTS):
                rng.shuffle(numbers)
                wrong = [each for each in numbers if each != answer]
                options = tuple(f"{each}\n" for each in (answer, *wrong))
                variants.append((f"\nlargest {' '.join(numbers)}: ", options))
            items.append(Item("largest", f"{level:02d}-{i:02d}", variants=tuple(variants)))
    return items


def _lines() -> list[Item]:
    """Lines of held-out files that stand in three or more trained-on places, cut three ways."""
    trained = Counter(corpus.code(False).splitlines())
    every = dict.fromkeys(
        line for line in corpus.code(True).splitlines() if 14 <= len(line.strip()) <= 60
    )
    common = sorted(line for line in every if trained[line] >= 3)
    rng = random.Random("lines")
    rng.shuffle(common)
    items = []
    for i, line in enumerate(common[:LINES]):
        inner = len(line) - len(line.lstrip())
        cut = inner + int((len(line) - inner) * (0.4, 0.6, 0.8)[i % 3])
        items.append(Item("stdlib lines", f"{i:02d}", f"\n{line[:cut]}", f"{line[cut:]}\n"))
    return items


def _continuations() -> list[Item]:
    lines = corpus.code(True).splitlines()
    rng = random.Random("continuations")
    places = [
        i for i in range(3, len(lines) - 1) if 24 <= len(lines[i].strip()) <= 70 and lines[i - 1]
    ]
    chosen = rng.sample(places, CONTINUATIONS)
    items = []
    for i, place in enumerate(chosen):
        before = "\n".join(lines[place - 3 : place])[-60:]
        half = len(lines[place]) // 2
        right = f"{lines[place][half:]}\n"
        variants = []
        for _ in range(VARIANTS):
            others = [lines[j] for j in rng.sample(places, 3)]
            options = tuple(f"{other[len(other) // 2 :]}\n" for other in others)
            variants.append((f"{before}\n{lines[place][:half]}", (right, *options)))
        items.append(Item("continuation", f"{i:02d}", variants=tuple(variants)))
    return items


@cache
def items() -> tuple[Item, ...]:
    """Return every item of every benchmark."""
    return (*_answered(), *_choices(), *_lines(), *_continuations())


@cache
def questions() -> frozenset[str]:
    """Return every question of the suite, as it would stand on a line of the tasks."""
    asked = {item.prompt.lstrip("\n") for item in items() if item.prompt}
    return frozenset(asked | {p.lstrip("\n") for item in items() for p, _ in item.variants})
