"""Speed-ups at equal quality: their intervals hold what they promise."""

import numpy as np
import pytest

from predictor.curves.contenders import Contender
from predictor.curves.prepared import prepare
from predictor.curves.speeding import speed_of


def contender(name, exponent, rng, noise, repeats=1, points=60):
    x = np.geomspace(10, 5000, points)
    y = 2 + 3 * x**-exponent + noise * rng.normal(size=(repeats, points))
    return Contender(name, (name,) * repeats, x, y, prepare(x, y.mean(axis=0), "loss", name))


def true_ratio(quality):
    left = (quality - 2) / 3
    return left ** (-1 / 0.30) / left ** (-1 / 0.33)


@pytest.mark.parametrize("repeats", [1, 5])
def test_the_interval_holds_the_true_ratio(repeats):
    inside = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        slow, fast = (contender(n, b, rng, 0.01, repeats) for n, b in (("s", 0.3), ("f", 0.33)))
        found = speed_of(fast, slow, "step", seed=seed)
        inside.append(found.lower <= true_ratio(found.quality) <= found.upper)
        assert found.least <= found.ratio <= found.most
    assert np.mean(inside) >= 0.8


def test_the_slower_is_as_much_slower():
    rng = np.random.default_rng(0)
    slow, fast = contender("s", 0.3, rng, 0.01), contender("f", 0.33, rng, 0.01)
    one, other = speed_of(fast, slow, "step"), speed_of(slow, fast, "step")
    assert other.ratio == pytest.approx(1 / one.ratio, rel=0.05)
    assert (other.lower or 0.0) < 1 / one.ratio < (other.upper or np.inf)


def test_few_points_of_one_run_tell_no_interval():
    rng = np.random.default_rng(0)
    slow, fast = (contender(n, b, rng, 0.0, points=6) for n, b in (("s", 0.3), ("f", 0.33)))
    found = speed_of(fast, slow, "step")
    assert found.ratio > 1
    assert found.lower is None
    assert found.upper is None


def test_none_where_one_never_gets_there():
    rng = np.random.default_rng(0)
    slow, fast = contender("s", 0.3, rng, 0.0), contender("f", 0.33, rng, 0.0)
    high = Contender("h", ("h",), slow.x, slow.y + 5, slow.curve)
    assert speed_of(fast, high, "step") is None
