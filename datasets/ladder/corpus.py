"""Text that any Python carries, and lines of small tasks: what the ladder is trained and tested on.

Code is the standard library's own sources, prose its help topics (``pydoc_data.topics``). Every
twentieth source file and every tenth topic is held out. Task lines never hold a question of the
suite (``suite.py``).
"""

from __future__ import annotations

import hashlib
import random
import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics

#: Folders and files of the standard library that differ between builds, or test it.
LEFT_OUT = {
    "test", "tests", "idlelib", "site-packages", "dist-packages", "turtledemo", "ensurepip",
    "__pycache__", "pydoc_data", "lib2to3", "distutils", "encodings", "sitecustomize.py",
}  # fmt: skip
#: Share of rows drawn from each kind of text.
MIXTURE = {"code": 0.5, "prose": 0.2, "tasks": 0.3}
TASK_LINES = 200_000
OPEN, CLOSE = "([{<", ")]}>"


def _bucket(name: str, buckets: int) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % buckets


@cache
def code(held_out: bool) -> str:
    """Return the sources of the standard library, in order of their paths."""
    root = Path(sysconfig.get_path("stdlib"))
    texts = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if LEFT_OUT & set(name.parts) or name.name.startswith("_sysconfigdata"):
            continue
        if (_bucket(str(name), 20) == 0) == held_out:
            texts.append(path.read_text("utf-8", errors="replace"))
    return "\n".join(texts)


@cache
def prose(held_out: bool) -> str:
    """Return the help topics, in order of their names."""
    return "\n".join(
        text for name, text in sorted(topics.items()) if (_bucket(name, 10) == 0) == held_out
    )


def number(rng: random.Random, digits: int) -> int:
    """Return a number of so many digits."""
    return rng.randrange(10 ** (digits - 1) if digits > 1 else 0, 10**digits)


def add(rng: random.Random, digits: int) -> tuple[str, str]:
    """Return a sum of two numbers and its answer."""
    a, b = number(rng, digits), number(rng, digits)
    return f"{a}+{b}=", str(a + b)


def multiply(rng: random.Random, digits: int) -> tuple[str, str]:
    """Return a product of two numbers and its answer."""
    a, b = number(rng, digits), number(rng, digits)
    return f"{a}*{b}=", str(a * b)


def word(rng: random.Random, letters: int) -> str:
    """Return letters drawn at random."""
    return "".join(rng.choice("abcdefghijklmnopqrst") for _ in range(letters))


def copy(rng: random.Random, letters: int) -> tuple[str, str]:
    """Return a word to copy and the copy."""
    text = word(rng, letters)
    return f"copy {text}: ", text


def reverse(rng: random.Random, letters: int) -> tuple[str, str]:
    """Return a word to reverse and the reverse."""
    text = word(rng, letters)
    return f"reverse {text}: ", text[::-1]


def close(rng: random.Random, depth: int) -> tuple[str, str]:
    """Return open brackets and what closes them."""
    kinds = [rng.randrange(4) for _ in range(depth)]
    opened = "".join(OPEN[kind] for kind in kinds)
    return f"close {opened}: ", "".join(CLOSE[kind] for kind in reversed(kinds))


def largest(rng: random.Random, digits: int) -> tuple[str, str]:
    """Return four numbers and the largest."""
    numbers: set[int] = set()
    while len(numbers) < 4:
        numbers.add(number(rng, digits))
    order = sorted(numbers)
    rng.shuffle(order)
    return f"largest {' '.join(map(str, order))}: ", str(max(order))


#: Each skill: how a question is drawn, its share of lines, and the levels of difficulty.
SKILLS: dict[str, tuple[Callable[[random.Random, int], tuple[str, str]], float, tuple[int, ...]]]
SKILLS = {
    "addition": (add, 0.3, (1, 2, 3, 4)),
    "multiplication": (multiply, 0.1, (1, 2, 3)),
    "copying": (copy, 0.15, (2, 4, 6, 8, 12, 16)),
    "reversal": (reverse, 0.15, (2, 3, 4, 6, 8)),
    "brackets": (close, 0.15, (2, 3, 4, 6, 8, 10)),
    "largest": (largest, 0.15, (1, 2, 3)),
}


def question(rng: random.Random) -> tuple[str, str]:
    """Draw a question of any skill and its answer."""
    name = rng.choices(list(SKILLS), [share for _, share, _ in SKILLS.values()])[0]
    draw, _, levels = SKILLS[name]
    return draw(rng, rng.choice(levels))


def tasks(banned: frozenset[str], seed: str, lines: int = TASK_LINES) -> str:
    """Return lines of tasks; none asks a banned question."""
    rng = random.Random(seed)
    found: list[str] = []
    while len(found) < lines:
        asked, answer = question(rng)
        if asked not in banned:
            found.append(f"{asked}{answer}\n")
    return "".join(found)


def fingerprint() -> str:
    """Return the first characters of the SHA-256 of the code and prose, to tell Pythons apart."""
    whole = "".join(part(held) for part in (code, prose) for held in (False, True))
    return hashlib.sha256(whole.encode()).hexdigest()[:16]
