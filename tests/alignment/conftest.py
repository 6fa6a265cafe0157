"""Tables of scored responses whose ranking is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


def responses(losses, count=50, noise=0.2, seed=0):
    """Return a table with a loss a token for each strategy, examples of shared difficulty."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=count)
    rows = []
    for name, loss in losses.items():
        for i in range(count):
            tokens = int(rng.integers(20, 60))
            own = max(loss + 0.3 * shared[i] + noise * rng.normal(), 0.01)
            rows.append((name, i, tokens, -tokens * own))
    return pd.DataFrame(rows, columns=["strategy", "example", "tokens", "logprob_sum"])


@pytest.fixture(name="responses")
def responses_fixture():
    return responses
