"""Run health: blow-ups found, false alarms, spikes of known size, weights with known laws.

    python benchmarks/run_health.py [--large] [--log PATH] [--checkpoint PATH]

1. Runs that blew up: where the alarm is, and by how many steps it comes before the loss exceeds
   twice the median of what came before.
2. Stable runs: spikes told, against the rate that was asked for.
3. Noise of known kinds without a spike: the same, at two rates.
4. Spikes of known place, size and width put into real stable runs: recall and precision.
5. Weights drawn from known distributions, published medians, and a checkpoint where one is given.
6. ``--large``: a checkpoint of 4 GB in a temporary folder: seconds, against the disk's, and memory.

Published logs are used where they are found (``PREDICTOR_SHARED_DATA``).
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from predictor import RunLog, checkpoint_health, find_spikes, load_dataset, read_logs, run_health
from predictor.errors import InputError
from predictor.health.signals import Signal, losses, norms, signal
from predictor.health.weibull import fit_weibull, histogram

SHARED = Path(os.environ.get("PREDICTOR_SHARED_DATA", Path(__file__).parents[2] / "shared/data"))
RATE = 1.0
SIZES, WIDTHS, EACH = (4, 6, 8, 10, 15, 20), (1, 3, 10, 30), 8
#: Of the bundled ladder these have trouble put in.
TROUBLE = ("spikes", "diverges")
DRAWS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "Laplace": lambda rng, n: rng.laplace(size=n),
    "Student t, 8 degrees": lambda rng, n: rng.standard_t(8, n),
    "Student t, 4 degrees": lambda rng, n: rng.standard_t(4, n),
    "exponential": lambda rng, n: rng.exponential(size=n),
}


#: Further logs of stable runs, from the command line.
MORE: list[Path] = []


def stable_logs() -> Iterator[tuple[str, RunLog]]:
    """Yield logs of runs that did not blow up."""
    for path in MORE:
        yield path.name, read_logs(path)
    for folder in ("lr-schedule-curves", "model-ladder"):
        if (SHARED / folder).is_dir():
            yield folder, read_logs(SHARED / folder)
        else:
            print(f"  {SHARED / folder} is not there")
    for name in ("learning_curves", "mlp_runs", "ladder"):
        try:
            log = load_dataset(name)
        except InputError as error:
            print(f"  {error}")
            continue
        names = [run for run in log.run_names if not any(word in run for word in TROUBLE)]
        yield name, RunLog(log.points[log.points["run"].isin(names)],
                           log.runs[log.runs["run"].isin(names)])  # fmt: skip


def histories() -> RunLog | None:
    """Return published histories of other people's runs, which nobody has called stable."""
    path = SHARED / "loss-histories" / "histories.csv.gz"
    if not path.is_file():
        return None
    names = {"model": "run", "tokens_seen": "tokens", "loss": "value"}
    return RunLog.from_points(pd.read_csv(path).rename(columns=names).assign(metric="loss"))


def curves(log: RunLog) -> Iterator[tuple[str, Signal, bool]]:
    """Yield each loss and gradient norm of each run, and whether it is a norm."""
    for run, own in log.points.groupby("run", sort=False):
        metrics = list(own["metric"].unique())
        for metric in (*losses(metrics), *norms(metrics)):
            curve = signal(log, str(run), metric)
            if curve is not None:
                yield str(run), curve, bool(norms([metric]))


def blow_ups() -> None:
    print("1. Runs that blew up")
    found = [("megatron_console", SHARED / "sample-logs" / "megatron_console")]
    for name, path in found:
        if path.is_dir():
            for one in run_health(read_logs(path)).runs:
                ends = "; ".join(event.message for event in one.events)
                print(f"  {name}: {one.verdict} ({one.points} points of the loss; {ends})")
    try:
        ladder = load_dataset("ladder")
    except InputError as error:
        print(f"  {error}")
        return
    names = [run for run in ladder.run_names if any(word in run for word in TROUBLE)]
    for name in names:
        own = RunLog(ladder.points[ladder.points["run"] == name],
                     ladder.runs[ladder.runs["run"] == name])  # fmt: skip
        (one,) = run_health(own).runs
        print(f"  {name}: {one.verdict}, alarm at {one.alarm}, doubled at {one.doubled}, "
              f"warned {one.warned} steps before")  # fmt: skip
        for spike in one.spikes:
            print(f"    {spike.signal} {spike.kind} {spike.start:g} to {spike.end:g}")


def false_alarms() -> None:
    print(f"2. Stable runs at a rate of {RATE:g} in 10,000 points")
    print(f"  {'set':20s} {'signal':14s} {'points':>8s} {'told':>5s} {'allowed':>8s}")
    for name, log in stable_logs():
        for norm in (False, True):
            points = told = 0
            for _, curve, is_norm in curves(log):
                if is_norm == norm:
                    points += len(curve.value)
                    told += len(find_spikes(curve.at, curve.value, log_scale=norm,
                                            false_alarms=RATE))  # fmt: skip
            if points:
                kind = "gradient norm" if norm else "loss"
                print(f"  {name:20s} {kind:14s} {points:8,d} {told:5d} {points * RATE / 1e4:8.1f}")
    log = histories()
    if log is not None:
        every = [spike for _, curve, _ in curves(log) for spike in
                 find_spikes(curve.at, curve.value, false_alarms=RATE)]  # fmt: skip
        rises = np.array([spike.peak / spike.clean - 1 for spike in every])
        print(
            f"  loss-histories: {len(every)} told in {len(log.points):,} points of "
            f"{len(log.run_names)} published runs, which nobody calls stable; the loss rises by"
        )
        print(f"  {100 * rises.min():.1f} to {100 * rises.max():.0f} % there, in the median "
              f"{100 * np.median(rises):.0f} %")  # fmt: skip


def noise() -> None:
    print("3. Noise without a spike: 20 runs of 5,000 points; told, of so many allowed")
    rates = (1.0, 10.0)
    print(f"  {'noise':22s}" + "".join(f"{rate * 10:8.0f} allowed" for rate in rates))
    step = np.arange(5_000.0)
    for name, draw in DRAWS.items():
        counts = []
        for rate in rates:
            rng = np.random.default_rng(0)
            values = [3 + 0.02 * draw(rng, len(step)) for _ in range(20)]
            counts.append(sum(len(find_spikes(step, v, false_alarms=rate)) for v in values))
        print(f"  {name:22s}" + "".join(f"{count:16d}" for count in counts))


def put_in() -> None:
    print("4. Spikes put into stable runs; size in standard deviations of the noise around them,")
    print(f"   at least 2.5 % of the loss; widths {', '.join(map(str, WIDTHS))}")
    real = [curve for name, log in stable_logs() for _, curve, norm in curves(log)
            if not norm and len(curve.value) >= 150
            and (name != "model-ladder" or curve.metric == "train/CrossEntropyLoss")]  # fmt: skip
    print(f"   {len(real)} curves, {EACH} spikes each, one at a time")
    print(f"  {'size':>6s} {'recall':>8s} {'precision':>10s}")
    for size in SIZES:
        rng = np.random.default_rng(size)
        hits = told = 0
        for curve in real * EACH:
            value, first, last = _with_spike(curve.value, size, rng)
            spikes = find_spikes(np.arange(len(value)) * 1.0, value, false_alarms=RATE)
            right = [one for one in spikes if one.start <= last and one.end >= first]
            hits, told = hits + bool(right), told + len(spikes) - max(len(right) - 1, 0)
        print(f"  {size:6d} {hits / (EACH * len(real)):8.2f} {hits / max(told, 1):10.2f}")


def _with_spike(
    value: np.ndarray, size: float, rng: np.random.Generator
) -> tuple[np.ndarray, int, int]:
    width = int(rng.choice(WIDTHS))
    first = int(rng.integers(40, len(value) - width - 10))
    near = value[max(0, first - 64) : first + 64]
    smooth = np.convolve(np.pad(near, 10, "edge"), np.ones(21) / 21, "valid")
    noise = 1.4826 * float(np.median(np.abs(near - smooth)))
    changed = value.copy()
    changed[first : first + width] += max(size * noise, 0.025 * abs(value[first]))
    return changed, first, first + width - 1


def weights(checkpoints: list[Path]) -> None:
    print("5. Weights: k and lambda of a million drawn ones (standard error of k .0016)")
    rng = np.random.default_rng(0)
    drawn = {
        "normal, sigma 1": (rng.normal(size=10**6), 1.205434, 0.887487),
        "Laplace, scale 1": (rng.laplace(size=10**6), 1.0, 1.0),
        "uniform": (rng.uniform(-1, 1, 10**6), 1.3751, None),
        "Student t, 5 degrees": (rng.standard_t(5, 10**6), 1.1483, None),
    }
    for name, (sample, k, scale) in drawn.items():
        law = fit_weibull(histogram(sample.astype("f4")))
        assert law is not None
        expected = f"{k:.4f}" + ("" if scale is None else f", {scale:.4f}")
        print(f"  {name:22s} k {law.k:.4f}, lambda {law.scale:.4f} (expected {expected})")
    published()
    for path in checkpoints:
        health = checkpoint_health(path)
        print(health.by_role().round(4).to_string(index=False))
        print("  least conditioned:", ", ".join(health.least_conditioned(3)))


def published() -> None:
    """Print medians and correlations of published fits."""
    path = SHARED / "weight-spectra" / "DATABASE_v9_1.csv"
    if not path.is_file():
        print(f"  {path} is not there")
        return
    table = pd.read_csv(path)
    parts = [name.removeprefix("k_median_") for name in table if name.startswith("k_median_")]
    print("  published fits, medians over models: k; and correlation of lambda with")
    print("  sqrt(rate / decay): of all models, of those of one family and decay (Pythia)")
    root = np.sqrt(table["eta_peak"] / table["lambda_wd"])
    pythia = table["family"] == "Pythia"
    for part in parts:
        k, scale = table[f"k_median_{part}"], table[f"lambda_median_{part}"]
        own = root[pythia].corr(scale[pythia]) if scale[pythia].notna().any() else np.nan
        ends = f"{k.min():.4f} to {k.max():.4f}"
        print(f"  {part:8s} k {k.median():.4f} ({ends}), {k.count()} models; "
              f"r {root.corr(scale):.2f}, {own:.2f}")  # fmt: skip
    middle = table[[f"lambda_median_{part}" for part in parts]].median(axis=1)
    print(f"  {'median':8s} r {root.corr(middle):.2f}, {root[pythia].corr(middle[pythia]):.2f}")


#: Not ru_maxrss: a child inherits the peak of the process that started it.
_CHILD = """
import json, sys, time
from predictor import checkpoint_health
began = time.perf_counter()
found = checkpoint_health(sys.argv[1])
took = time.perf_counter() - began
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
print(json.dumps([took, peak / 2**20, len(found.tensors)]))
"""


def large(gigabytes: float = 4.0) -> None:
    print(f"6. A checkpoint of {gigabytes:g} GB, 32-bit, read from the disk")
    side = 2_048
    count = round(gigabytes * 1e9 / (4 * side**2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.safetensors"
        _write_large(path, side, count)
        plain = _seconds_to_read(path)
        _forget(path)
        done = subprocess.run([sys.executable, "-c", _CHILD, str(path)], check=True,
                              capture_output=True, text=True)  # fmt: skip
    seconds, peak, tensors = json.loads(done.stdout)
    print(f"  {tensors} tensors: {seconds:.1f} s, {seconds / plain:.1f} times a plain read "
          f"({plain:.1f} s); peak memory {peak:.2f} GiB")  # fmt: skip


def _write_large(path: Path, side: int, count: int) -> None:
    size = 4 * side**2
    header = {
        f"layers.{i}.mlp.up_proj.weight": {
            "dtype": "F32", "shape": [side, side], "data_offsets": [i * size, (i + 1) * size],
        }
        for i in range(count)
    }  # fmt: skip
    text = json.dumps(header).encode()
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _ in range(count):
            file.write(rng.standard_normal((side, side), dtype="f4").tobytes())
        os.fsync(file.fileno())


def _forget(path: Path) -> None:
    """Have the system drop what it holds of a file, so that the disk is read."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _seconds_to_read(path: Path) -> float:
    _forget(path)
    began = perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 24):
            pass
    return perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--log", type=Path, action="append", default=[], help="of stable runs")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[])
    asked = parser.parse_args()
    MORE.extend(asked.log)
    blow_ups()
    false_alarms()
    noise()
    put_in()
    weights(asked.checkpoint)
    if asked.large:
        large()


if __name__ == "__main__":
    main()
