"""Laws that know the learning-rate schedule: accuracy, honesty and speed on published runs.

    python benchmarks/schedule_laws.py
    python benchmarks/schedule_laws.py --picture docs/schedules.svg

On the loss curves that came with the multi-power law (a folder named by ``PREDICTOR_SHARED_DATA``)
the authors' split is repeated for every size found: fitted to three runs, six others forecast.
Then intervals, half-way forecasts against laws that know no schedule, and the authors' procedure,
written out in NumPy and timed in part, against ours.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import huber

sys.path.insert(0, str(Path(__file__).parent))

from curve_sets import SHARED

from predictor.bundle import dataset_path
from predictor.curves.forecasting import forecast_curves
from predictor.curves.prepared import prepare
from predictor.curves.question import only_runs
from predictor.curves.schedule import fitting
from predictor.curves.schedule.laws import KNOWN
from predictor.curves.schedule.model import ScheduleLaw
from predictor.curves.schedule.observed import ObservedRun, observed_runs
from predictor.curves.schedule.optimal import optimal_schedule
from predictor.curves.schedule.plan import Schedule
from predictor.logs.reading import read_logs
from predictor.report.charts import as_svg, schedules_chart

TRAIN = ("cosine_24000", "constant_24000", "wsdcon_9")
#: What the authors publish: R2, MAE, RMSE, mean and worst relative error, means of six curves.
PUBLISHED = {
    "25": (0.9988, 0.00376, 0.00465, 0.00110, 0.00409),
    "100": (0.9983, 0.00435, 0.00592, 0.00142, 0.00583),
    "400": (0.9978, 0.00484, 0.00730, 0.00168, 0.00995),
}
MEASURES = ("R2", "MAE", "RMSE", "mean rel.", "worst rel.")
#: The authors' code, run on the machine that these figures come from: CPU seconds for one size.
AUTHORS_SECONDS = 66.0
WARMUP, PEAK, END = 2160, 3e-4, 3e-5
#: So much of the authors' procedure is timed, of 135 starts and 200 steps.
STARTS, STEPS = 3, 2


def sizes() -> list[str]:
    """Return the sizes there are curves of, smallest first."""
    folders = (SHARED / "lr-schedule-curves").glob("csv_*")
    return sorted((path.name.removeprefix("csv_") for path in folders), key=int)


def curves(size: str) -> dict[str, ObservedRun]:
    """Return the runs of one size as any user's log is read; steps at 24,000 are dropped."""
    log = read_logs([SHARED / "lr-schedule-curves" / f"csv_{size}"])
    log = replace(log, points=log.points[log.points["step"] != 24_000])
    return {Path(run.run).stem: run for run in observed_runs(log, "loss", WARMUP)}


def logged(size: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and losses as published: every point, none averaged."""
    table = pd.read_csv(SHARED / "lr-schedule-curves" / f"csv_{size}" / f"{name}.csv")
    table = table[table["step"] != 24_000]
    return table["step"].to_numpy(float), table["loss"].to_numpy()


def measures(truth: np.ndarray, said: np.ndarray) -> np.ndarray:
    off = np.abs(said - truth)
    lost = (off**2).sum() / ((truth - truth.mean()) ** 2).sum()
    relative = off / truth
    return np.array(
        [1 - lost, off.mean(), np.sqrt((off**2).mean()), relative.mean(), relative.max()]
    )


def on_test_curves(size: str, model: ScheduleLaw, runs: dict[str, ObservedRun]) -> pd.DataFrame:
    """Return the measures on each test curve, with coverage and width of the 90 % interval."""
    rows = {}
    for name in (n for n in runs if n not in TRAIN):
        step, loss = logged(size, name)
        said = model.predict(runs[name].schedule, step)
        ends = model.predict_interval(runs[name].schedule, step)
        inside = (ends[:, 0] <= loss) & (loss <= ends[:, 1])
        width = np.median((ends[:, 1] - ends[:, 0]) / loss)
        rows[name] = [*measures(loss, said), inside.mean(), width, len(loss)]
    return pd.DataFrame(rows, [*MEASURES, "coverage", "width", "points"]).T


def split() -> None:
    """Repeat the authors' split, and see what intervals are worth on it."""
    for law in ("multi-power", "annealing"):
        print(f"\nAuthors' split, {law} law (means of six test curves)")
        for size in sizes():
            runs = curves(size)
            model = ScheduleLaw(law=law).fit([runs[name] for name in TRAIN])
            table = on_test_curves(size, model, runs)
            found = table[list(MEASURES)].mean()
            bar = PUBLISHED.get(size)
            print(f"  {size}M  " + "  ".join(f"{m} {v:.5f}" for m, v in found.items()))
            if bar:
                said = zip(MEASURES, bar, strict=True)
                print("   authors " + "  ".join(f"{m} {v:.5f}" for m, v in said))
            share = 100 * np.average(table["coverage"], weights=table["points"])
            print(
                f"   90 % interval holds {share:.1f} % of {table['points'].sum():.0f} points, "
                f"by curve {', '.join(f'{100 * c:.0f}' for c in table['coverage'])} %; "
                f"median width {100 * table['width'].median():.2f} % of the loss"
            )


@contextmanager
def way(name: str) -> Iterator[None]:
    """Fit in another way than the shipped one."""
    loose = {k: (v, 1e3) for k, (v, _) in KNOWN.items()}
    even = property(lambda run: np.ones(len(run.step)))
    log_even = property(lambda run: np.gradient(np.log(run.area)))
    if name == "no prior":
        with (
            patch.object(fitting, "KNOWN", loose),
            patch.object(fitting, "KNOWN_DROP", (0.035, 10)),
        ):
            yield
    elif name == "beta expected at .5":
        with patch.object(fitting, "KNOWN", KNOWN | {"beta": (0.5, 0.25)}):
            yield
    elif name == "points even in steps":
        with patch.object(ObservedRun, "weight", even):
            yield
    elif name == "points even in log area":
        with patch.object(ObservedRun, "weight", log_even):
            yield
    else:
        yield


def ways() -> None:
    """Other ways to fit, on the authors' split."""
    print("\nOther ways to fit (means of six test curves)")
    names = (
        "as shipped", "no prior", "beta expected at .5", "points even in steps",
        "points even in log area", "first six points left out",
    )  # fmt: skip
    for size in sizes():
        runs = curves(size)
        for name in names:
            train = [runs[n] for n in TRAIN]
            if name.startswith("first"):
                train = [ObservedRun(r.run, r.schedule, r.step[6:], r.value[6:], 0) for r in train]
            with way(name):
                fit = fitting.fit_runs(train)
            tests = [
                measures(logged(size, n)[1], fit.value(runs[n].schedule, logged(size, n)[0]))
                for n in runs
                if n not in TRAIN
            ]
            found = "  ".join(
                f"{m} {v:.5f}" for m, v in zip(MEASURES, np.mean(tests, axis=0), strict=True)
            )
            print(f"  {size:>3}M {name:26s} {found}")


def half_way() -> None:
    """Hide the second half of every run whose rate falls, and forecast the end."""
    print("\nSecond half hidden, the end forecast")
    rows = []
    for family, run in falling_runs():
        seen = run.until(run.step[-1] / 2)
        end = float(np.median(run.value[-3:])) if family.startswith("mlp") else run.value[-1]
        place = run.step[-1:]
        model = ScheduleLaw().fit([seen])
        rows.append((family, "schedule law", end, *_said(model, run, place)))
        for law in ("auto", "power"):
            curve = prepare(seen.step, seen.value, "loss", run.run)
            found = forecast_curves([curve], [place], law=law)[0]
            rows.append((family, law, end, found.value[0], found.lower[0], found.upper[0]))
        rows.append((family, "last value", end, seen.value[-1], np.nan, np.nan))
    table = pd.DataFrame(rows, columns=["family", "law", "truth", "value", "lower", "upper"])
    table["median error %"] = 100 * (table["value"] / table["truth"] - 1).abs()
    table["worst error %"] = table["median error %"]
    inside = (table["lower"] <= table["truth"]) & (table["truth"] <= table["upper"])
    table["coverage %"] = 100.0 * inside.where(table["lower"].notna())
    table["median width %"] = 100 * (table["upper"] - table["lower"]) / table["truth"]
    table["runs"] = 1
    how = {"runs": "sum", "median error %": "median", "worst error %": "max"}
    how |= {"coverage %": "mean", "median width %": "median"}
    print(table.groupby(["family", "law"], sort=False).agg(how).round(2).to_string())


def _said(model: ScheduleLaw, run: ObservedRun, place: np.ndarray) -> tuple[float, float, float]:
    lower, upper = model.predict_interval(run.schedule, place)[0]
    return float(model.predict(run.schedule, place)[0]), float(lower), float(upper)


def falling_runs() -> Iterator[tuple[str, ObservedRun]]:
    """Yield every run whose learning rate falls: published, a model ladder, and the bundled one."""
    for size in sizes():
        for run in curves(size).values():
            if run.schedule.rate(run.step).min() < 0.98 * run.schedule.peak:
                yield f"schedules {size}M", run
    bundled = read_logs([dataset_path("mlp_runs")])
    for run in observed_runs(bundled, "val_loss"):
        if "cosine" in run.run:
            yield "mlp_runs (bundled)", run
    ladder = sorted((SHARED / "model-ladder").glob("*xC*.csv"))
    for path in ladder:
        log = read_logs([path])
        metric = next(m for m in log.metrics if "c4_en-validation" in m)
        yield from (("model ladder", run) for run in observed_runs(log, metric))


def speed() -> None:
    """Our fit against the authors' procedure, CPU seconds in one run."""
    print("\nCPU seconds for one size")
    for size in sizes():
        runs = [curves(size)[name] for name in TRAIN]
        ScheduleLaw(law="multi-power").fit(runs)
        fit = _cpu(lambda runs=runs: fitting.fit_runs(runs), 3)
        whole = _cpu(lambda runs=runs: ScheduleLaw(law="multi-power").fit(runs), 3)
        data = [_dense(size, name) for name in TRAIN]
        simple = _cpu(lambda data=data: simpler_law(data, STARTS), 1) * 135 / STARTS
        adam = _cpu(lambda data=data: adamw_steps(data, STEPS), 1) * 200 / STEPS
        peer = simple + adam
        print(
            f"  {size}M fit {fit:.2f}, with its backtests {whole:.2f}; authors' procedure in NumPy "
            f"{peer:.0f} (135 starts {simple:.0f}, of which {STARTS} timed; 200 AdamW steps "
            f"{adam:.0f}, of which {STEPS} timed): ratio {peer / fit:.0f} and {peer / whole:.0f};\n"
            f"      against their PyTorch code ({AUTHORS_SECONDS:.0f}) {AUTHORS_SECONDS / fit:.0f} "
            f"and {AUTHORS_SECONDS / whole:.0f}"
        )


def _cpu(work: object, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def _dense(size: str, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return steps, losses and the rate at every single step, as the authors' code has them."""
    step, loss = logged(size, name)
    rates = np.linspace(0, PEAK, WARMUP)
    if name.startswith("cosine"):
        share = np.arange(24_000 - WARMUP) / (24_000 - WARMUP)
        rates = np.r_[rates, END + (PEAK - END) * (1 + np.cos(np.pi * share)) / 2]
    elif name.startswith("constant"):
        rates = np.r_[rates, np.full(24_000 - WARMUP, PEAK)]
    else:
        rates = np.r_[rates, np.full(8_000 - WARMUP, PEAK), np.full(8_000, 9e-5)]
    return step.astype(int), loss, rates


def simpler_law(data: list, starts: int) -> float:
    """Fit ``L0 + A S1^-alpha - B (peak - lr)`` by L-BFGS with numeric gradients, from some starts.

    The authors try 5 x 3 x 3 x 3 = 135 starts; their tolerances.
    """
    lowest = min(loss.min() for _, loss, _ in data)

    def objective(p: np.ndarray) -> float:
        total = 0.0
        for step, loss, rates in data:
            said = p[0] + p[1] * np.cumsum(rates)[step] ** -p[2] - p[3] * (PEAK - rates[step])
            total += huber(1e-3, np.log(loss) - np.log(said)).sum()
        return total

    grid = [(lowest + d, 0.5, 0.5, b) for d in (-0.2, 0.0, 0.2) for b in (100.0, 550.0, 1000.0)]
    tight = {"maxiter": 100_000, "ftol": 1e-9, "gtol": 1e-6, "eps": 1e-8}
    every = len(grid) // starts
    ends = [
        minimize(objective, start, method="L-BFGS-B", bounds=[(0, np.inf)] * 4, options=tight).fun
        for start in grid[::every][:starts]
    ]
    return float(min(ends))


def adamw_steps(data: list, steps: int) -> np.ndarray:
    """Take steps of AdamW on all seven parameters, point by point over all steps before each."""
    p = np.array([2.9, 0.5, 400.0, 1.0, 0.5, 0.5, 0.5])  # L0, A, B, C, alpha, beta, gamma
    speed_of = np.array([5e-2] * 4 + [5e-3] * 3)
    first, second = np.zeros(7), np.zeros(7)
    for t in range(1, steps + 1):
        slope = sum(_slope(p, *curve) for curve in data)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        step = first / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        p = p * (1 - 0.01 * speed_of) - speed_of * step
    return p


def _slope(p: np.ndarray, step: np.ndarray, loss: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return the gradient of the objective on one curve."""
    floor, gain, drop, c, alpha, beta, gamma = p
    summed, gap = np.cumsum(rates), np.diff(rates)
    total = np.zeros(7)
    for s, truth in zip(step, loss, strict=True):
        rate, since = rates[1 : s + 1], summed[s] - summed[:s]
        reach = rate**-gamma * since
        left = (1 + c * reach) ** -beta
        steep = gap[:s] * beta * left / (1 + c * reach)
        fall = gap[:s] @ (1 - left)
        power = summed[s] ** -alpha
        value = floor + gain * power + drop * fall
        by = np.array(
            [
                1.0, power, fall, drop * (steep @ reach), -gain * np.log(summed[s]) * power,
                drop * (gap[:s] @ (left * np.log1p(c * reach))),
                -drop * c * (steep @ (reach * np.log(rate))),
            ]
        )  # fmt: skip
        total += np.clip(np.log(value / truth), -1e-3, 1e-3) / value * by
    return total


def picture(path: Path) -> None:
    """Draw the best schedule for the bundled runs beside others, each with its loss at the end."""
    log = only_runs(
        read_logs([dataset_path("mlp_runs")]),
        [f"width-128-{kind}" for kind in ("seed-0", "seed-1", "seed-2", "cosine-seed-0")],
    )
    model = ScheduleLaw(metric="val_loss").fit(log)
    steps, peak = 10_700, 2e-3
    plans = [
        optimal_schedule(model, steps),
        Schedule.wsd(peak, steps, decay=8500),
        Schedule.cosine(peak, steps),
        Schedule.linear(peak, steps),
        Schedule.constant(peak, steps),
    ]
    ends = [float(model.predict(plan, np.array([steps]))[0]) for plan in plans]
    path.write_text(as_svg(schedules_chart(plans, ends)), encoding="utf-8")


def main() -> None:
    if sys.argv[1:2] == ["--picture"]:
        return picture(Path(sys.argv[2]))
    if not sizes():
        print(f"no curves at {SHARED / 'lr-schedule-curves'}: set PREDICTOR_SHARED_DATA")
    split()
    ways()
    half_way()
    speed()
    return None


if __name__ == "__main__":
    main()
