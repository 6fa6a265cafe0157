"""The ladder's benchmarks: items from trivial to beyond reach, several skills.

An item with one right answer is answered 32 times at temperature 0.7: the probability of the whole
right answer and the end of its line is exact (the product of the tokens' probabilities), and the
passes are drawn from it. An item of choice is asked 16 times, in other orders or with other wrong
answers; the answer with the highest log-likelihood per token is taken, which no draw changes.

Of the same skill ``kind`` items offer answers of other kinds (trivial), ``near`` items answers that
differ in one character, and ``write`` items want the answer itself. Choices about a skill ask what
``write`` items ask, so that none of it stands in the text that is trained on.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import corpus

PER_LEVEL = {"addition": 10, "multiplication": 8, "copying": 6, "reversal": 8, "brackets": 6}
CHOICES_PER_LEVEL, LINES, CONTINUATIONS = 12, 48, 36
KIND_PER_LEVEL, NEAR_PER_LEVEL, ENDS_PER_LEVEL = 3, 5, 8
TEMPERATURE, SAMPLES, VARIANTS = 0.7, 32, 16
_ALPHABETS = ("0123456789", "abcdefghijklmnopqrst", corpus.CLOSE)


@dataclass(frozen=True)
class Item:
    """One item: what is asked, and either the answer or variants with the right one first."""

    benchmark: str
    name: str
    prompt: str = ""
    answer: str = ""
    variants: tuple[tuple[str, tuple[str, ...]], ...] = ()


@cache
def _asked(skill: str, level: int) -> dict[str, str]:
    """Return the questions of a skill's level and their answers."""
    rng = random.Random(f"{skill} {level}")
    seen: dict[str, str] = {}
    while len(seen) < PER_LEVEL[skill]:
        asked, answer = corpus.SKILLS[skill][0](rng, level)
        seen[asked] = answer
    return seen


def _levels() -> Iterator[tuple[str, int]]:
    return ((skill, level) for skill in PER_LEVEL for level in corpus.SKILLS[skill][2])


def _written() -> Iterator[Item]:
    for skill, level in _levels():
        for i, (asked, answer) in enumerate(_asked(skill, level).items()):
            yield Item(skill, f"write-{level:02d}-{i:02d}", f"\n{asked}", f"{answer}\n")


def _other_kinds(skill: str, rng: random.Random) -> list[str]:
    """Return answers as other skills would have them."""
    same = {"addition", "multiplication"}, {"copying", "reversal"}, {"brackets"}
    (mine,) = (group for group in same if skill in group)
    others = [name for name in PER_LEVEL if name not in mine]
    drawn = []
    for name in rng.choices(others, k=3):
        level = rng.choice(corpus.SKILLS[name][2])
        drawn.append(rng.choice(list(_asked(name, level).values())))
    return drawn


def _neighbours(answer: str, rng: random.Random) -> list[str]:
    """Return three answers with another character in one place."""
    found: set[str] = set()
    while len(found) < 3:
        place = rng.randrange(len(answer))
        letters = next(kind for kind in _ALPHABETS if answer[place] in kind)
        found.add(answer[:place] + rng.choice(letters) + answer[place + 1 :])
        found.discard(answer)
    return sorted(found)


def _recognised() -> Iterator[Item]:
    for skill, level in _levels():
        for way, count in (("kind", KIND_PER_LEVEL), ("near", NEAR_PER_LEVEL)):
            for i, (asked, answer) in enumerate(list(_asked(skill, level).items())[:count]):
                rng = random.Random(f"{way} {asked}")
                variants = []
                for _ in range(VARIANTS):
                    wrong = _other_kinds(skill, rng) if way == "kind" else _neighbours(answer, rng)
                    variants.append((f"\n{asked}", tuple(f"{each}\n" for each in (answer, *wrong))))
                yield Item(skill, f"{way}-{level:02d}-{i:02d}", variants=tuple(variants))


def _largest() -> Iterator[Item]:
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
            yield Item("largest", f"choose-{level:02d}-{i:02d}", variants=tuple(variants))


def _common_lines() -> list[str]:
    """Return lines of held-out files that stand in three or more trained-on places."""
    trained = Counter(corpus.code(False).splitlines())
    every = dict.fromkeys(
        line for line in corpus.code(True).splitlines() if 14 <= len(line.strip()) <= 60
    )
    common = sorted(line for line in every if trained[line] >= 3)
    random.Random("lines").shuffle(common)
    return common


def _lines() -> Iterator[Item]:
    """Lines cut behind 40, 60 or 80 % of their characters, and before the last one to three."""
    common = _common_lines()
    for i, line in enumerate(common[:LINES]):
        inner = len(line) - len(line.lstrip())
        share = (0.4, 0.6, 0.8)[i % 3]
        cut = inner + int((len(line) - inner) * share)
        name = f"from-{100 * share:.0f}-{i // 3:02d}"
        yield Item("stdlib lines", name, f"\n{line[:cut]}", f"{line[cut:]}\n")
    for i, line in enumerate(common[LINES : LINES + 3 * ENDS_PER_LEVEL]):
        last = 1 + i % 3
        name = f"last-{last}-{i // 3:02d}"
        yield Item("stdlib lines", name, f"\n{line[:-last]}", f"{line[-last:]}\n")


def _endings() -> Iterator[Item]:
    """Words of held-out prose, common in the prose trained on, but for their last letters."""
    common = Counter(re.findall(r"[a-z]{7,}", corpus.prose(False)))
    text = corpus.prose(True)
    found = {m.group(): m for m in re.finditer(r"(?<= )[a-z]{7,}(?= )", text)}
    words = sorted(word for word, m in found.items() if common[word] >= 5 and m.start() > 40)
    random.Random("endings").shuffle(words)
    for i, word in enumerate(words[: 5 * ENDS_PER_LEVEL]):
        hidden = (1, 2, 3, 4, 6)[i % 5]
        start, cut = found[word].start() - 40, found[word].end() - hidden
        yield Item("word endings", f"{hidden}-{i // 5:02d}", text[start:cut], f"{word[-hidden:]} ")


def _names() -> Iterator[Item]:
    """Names of held-out code that stood before in the last 90 characters, cut after two letters."""
    text = corpus.code(True)
    places = []
    for m in re.finditer(r"\b[a-z_]{4,14}\b(?=\W)", text):
        name, before = m.group(), text[max(0, m.start() - 90) : m.start()]
        if len(before) == 90 and "_" not in name[:3] and re.search(rf"\b{name}\b", before):
            places.append(m)
    random.Random("names").shuffle(places)
    for hidden in (2, 4, 6):
        long = [m for m in places if len(m.group()) == hidden + 2][:ENDS_PER_LEVEL]
        for i, m in enumerate(long):
            cut = m.start() + 2
            prompt, answer = text[cut - 92 : cut], text[cut : m.end() + 1]
            yield Item("names again", f"{hidden}-{i:02d}", prompt, answer)


def _continuations() -> Iterator[Item]:
    lines = corpus.code(True).splitlines()
    rng = random.Random("continuations")
    places = [
        i for i in range(3, len(lines) - 1) if 24 <= len(lines[i].strip()) <= 70 and lines[i - 1]
    ]
    for i, place in enumerate(rng.sample(places, CONTINUATIONS)):
        before = "\n".join(lines[place - 3 : place])[-60:]
        half = len(lines[place]) // 2
        right = f"{lines[place][half:]}\n"
        variants = []
        for _ in range(VARIANTS):
            others = [lines[j] for j in rng.sample(places, 3)]
            options = tuple(f"{other[len(other) // 2 :]}\n" for other in others)
            variants.append((f"{before}\n{lines[place][:half]}", (right, *options)))
        yield Item("continuation", f"{i:02d}", variants=tuple(variants))


@cache
def items() -> tuple[Item, ...]:
    """Return every item of every benchmark."""
    makers = (_written, _recognised, _largest, _lines, _endings, _names, _continuations)
    return tuple(item for make in makers for item in make())


@cache
def questions() -> frozenset[str]:
    """Return every question of the suite, as it would stand on a line of the tasks."""
    asked = {item.prompt.lstrip("\n") for item in items() if item.prompt}
    return frozenset(asked | {p.lstrip("\n") for item in items() for p, _ in item.variants})
