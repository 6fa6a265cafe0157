"""Train one small member of the ladder again and compare it with the shipped log.

    python datasets/ladder/again.py [--run RUN] [--work FOLDER]

On the Python whose sources the ladder was trained on, with the same PyTorch on the same kind of
processor, the logs are equal digit by digit. On another processor rounding differs and grows from
step to step: then the first hundred losses must agree to a thousandth and the end to seed noise.
With the sources of another Python only the end can be compared, within seed noise. Exit status 1
where it does not agree.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import corpus
import numpy as np
import pandas as pd
import torch
from train import plan, run_trunk

HERE = Path(__file__).parent
#: Fingerprint of the standard library of Python 3.11.7, which the ladder was trained on.
TRAINED_ON = "4e944e1ae803c221"
DEFAULT = "25k-s0-1M"
FIRST, CLOSE, SPREADS = 100, 1e-3, 4.0
VALUES = ["lr", "loss", "grad_norm", "eval_loss", "bits_per_byte"]


def trained(run: str, work: Path) -> pd.DataFrame:
    """Train a run in a folder; return its log."""
    trunks = {trunk.run(budget): trunk for trunk in plan() for budget in trunk.budgets}
    if run not in trunks:
        raise SystemExit(f"no such run: {run}; there are {', '.join(trunks)}")
    trunk = trunks[run]
    up_to = [trunk.run(budget) for budget in trunk.budgets].index(run) + 1
    run_trunk(replace(trunk, budgets=trunk.budgets[:up_to]), work)
    with gzip.open(work / f"{run}.json.gz", "rt") as file:
        return pd.DataFrame(json.load(file)["log"])


def seed_noise(runs: pd.DataFrame, run: str) -> float:
    """Return the spread over seeds of the final held-out loss of a run's size and budget."""
    own = runs.set_index("run").loc[run]
    keys = ["size", "tokens", "vocabulary", "schedule", "trouble"]
    alike = runs[(runs[keys] == own[keys]).all(axis=1)]
    if len(alike) < 3:
        raise SystemExit(f"{run}: only {len(alike)} seed, so seed noise is not known")
    return float(alike["loss"].std(ddof=1))


def compared(
    new: pd.DataFrame, old: pd.DataFrame, noise: float, *, same_text: bool
) -> tuple[bool, str]:
    """Return whether a log agrees with the shipped one, and how."""
    new = new.reset_index(drop=True).reindex(columns=["step", *VALUES])
    old = old.reset_index(drop=True)[["step", *VALUES]]
    if same_text and new.equals(old.astype(new.dtypes)):
        return True, "equal, digit by digit"
    ends = [float(log["eval_loss"].dropna().iloc[-1]) for log in (new, old)]
    apart = abs(ends[0] - ends[1])
    told = f"held-out loss {ends[0]:.5f}, shipped {ends[1]:.5f}, spread over seeds {noise:.5f}"
    within = apart <= SPREADS * noise
    if not same_text:
        return within, f"other text (another Python): {told}"
    first = np.abs(new["loss"] / old["loss"] - 1)[:FIRST].max()
    told += f"; the first {FIRST} losses differ by up to {first:.1e} of themselves"
    return bool(within and first <= CLOSE), f"same text, other rounding: {told}"


def main() -> int:
    """Train, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", default=DEFAULT, help=f"which one; {DEFAULT} if not given")
    parser.add_argument("--work", type=Path, help="where to train; a folder that is then deleted")
    settings = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    runs = pd.read_csv(HERE / "runs.csv")
    points = pd.read_parquet(HERE / "points.parquet")
    noise = seed_noise(runs, settings.run)
    started = time.time()
    with tempfile.TemporaryDirectory() as temporary:
        work = settings.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        new = trained(settings.run, work)
    old = points[points["run"] == settings.run]
    same_text = corpus.fingerprint() == TRAINED_ON
    agrees, how = compared(new, old, noise, same_text=same_text)
    print(f"{settings.run} in {time.time() - started:.0f} s, PyTorch {torch.__version__}: {how}")
    print("agrees with the shipped log" if agrees else "DOES NOT AGREE with the shipped log")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
