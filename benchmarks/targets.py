"""When a target is reached: how far off the place is, and whether interval and probability hold.

    python benchmarks/targets.py

The second half of a curve is hidden (the upper half of the sizes, on the log axis, of the bundled
learning curves). First: 'when will the curve get to where it truly is one third, two thirds and
three thirds (on the log axis) into the hidden part?' The truth is where the curve, averaged in bins
as everywhere, first gets there; a target that the shown part has reached is left out. Second: 'will
it improve by 1, 2, 5, 10, 20, 40 % on the last value before the end of the curve?', targets that
know nothing of the hidden part; the forecast probabilities against how often it did.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from curve_sets import CutCurve, bundled_learning_curves, bundled_runs, published

from predictor.curves.forecasting import FARTHEST, CurveForecast, forecast_curves
from predictor.curves.outlook import FEWEST_POINTS
from predictor.curves.prepared import PreparedCurve, prepare
from predictor.curves.target import when_reached

LEVEL = 0.9
THIRDS = (1 / 3, 2 / 3, 1.0)
IMPROVEMENTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
PLACES = 200


def first_place(path: PreparedCurve, target: float) -> float:
    """Return where a whole curve first gets to a target; infinite where it never does."""
    z = path.z if path.kind.residual == "linear" else np.log(path.z)
    below = np.flatnonzero(z <= float(path.from_metric(np.array(target))) + 1e-12)
    return float(path.x[below[0]]) if len(below) else np.inf


def pairs(curves: Sequence[CutCurve]) -> Iterator[tuple[CutCurve, PreparedCurve, PreparedCurve]]:
    """Yield each curve with its shown part and its whole, both averaged in bins."""
    for curve in curves:
        shown = prepare(curve.x, curve.y, curve.metric, curve.name)
        if len(shown.x) >= FEWEST_POINTS and curve.end_x > curve.x[-1]:
            x = np.concatenate([curve.x, curve.hidden_x])
            y = np.concatenate([curve.y, curve.hidden_y])
            yield curve, shown, prepare(x, y, curve.metric)


def forecasts(
    parts: Sequence[PreparedCurve], starts: np.ndarray, ends: np.ndarray
) -> list[CurveForecast]:
    """Forecast curves of one log together, on a fine grid each."""
    grids = [np.geomspace(a, b, PLACES) for a, b in zip(starts, ends, strict=True)]
    return forecast_curves(parts, grids)


def needed(curves: Sequence[CutCurve], level: float) -> pd.DataFrame:
    """Ask when the values of the hidden part are reached."""
    every = list(pairs(curves))
    shown = [s for _, s, _ in every]
    starts = np.array([c.x[-1] for c, _, _ in every])
    outcomes = forecasts(shown, starts, FARTHEST * np.array([s.x[-1] for s in shown]) * (1 - 1e-9))
    rows = []
    for (curve, part, whole), outcome in zip(every, outcomes, strict=True):
        hidden = np.flatnonzero(whole.x > curve.x[-1])
        values = whole.to_metric(np.log(whole.z) if whole.kind.residual == "log" else whole.z)
        for third in THIRDS if len(hidden) else ():
            wanted = np.log(curve.x[-1]) + third * np.log(curve.end_x / curve.x[-1])
            k = hidden[np.abs(np.log(whole.x[hidden]) - wanted).argmin()]
            target = float(values[k])
            if first_place(part, target) < np.inf:
                rows.append((curve.family, np.nan, None, None, None))
                continue
            reach = when_reached(outcome, target, level)
            truth = first_place(whole, target)
            rows.append((curve.family, truth, reach.value, reach.lower, reach.upper))
    names = ["family", "truth", "value", "lower", "upper"]
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names[1:], float))


def reachable(curves: Sequence[CutCurve]) -> pd.DataFrame:
    """Ask whether improvements on the last value come before the end of the curve."""
    every = list(pairs(curves))
    starts = np.array([c.x[-1] for c, _, _ in every])
    ends = np.array([whole.x[-1] for _, _, whole in every])
    outcomes = forecasts([s for _, s, _ in every], starts, np.maximum(ends, starts * 1.001))
    rows = []
    for (curve, part, whole), outcome in zip(every, outcomes, strict=True):
        if part.kind.residual == "linear":
            continue
        for share in IMPROVEMENTS:
            target = float(part.to_metric(np.log(part.z[-1] * (1 - share))))
            reach = when_reached(outcome, target, LEVEL)
            if reach.logged or reach.reachable is None:
                continue
            rows.append((curve.family, reach.reachable, first_place(whole, target) < np.inf))
    return pd.DataFrame(rows, columns=["family", "probability", "reached"])


def table(found: pd.DataFrame) -> pd.DataFrame:
    """Return error of the place and coverage of its interval, by family."""
    asked = found[found["truth"].notna()].copy()
    asked["lower"] = asked["lower"].fillna(np.inf)
    asked["upper"] = asked["upper"].fillna(np.inf)
    asked["said"] = asked["value"].notna()
    # A place that is not reached counts as infinitely far off, so that silence earns nothing.
    asked["off"] = 100 * (asked["value"].fillna(np.inf) / asked["truth"] - 1).abs()
    asked["factor"] = np.exp(np.abs(np.log(asked["value"].fillna(np.inf) / asked["truth"])))
    asked["inside"] = 100.0 * (
        (asked["lower"] <= asked["truth"]) & (asked["truth"] <= asked["upper"])
    )
    asked["low"] = 100.0 * (asked["truth"] < asked["lower"])
    asked["high"] = 100.0 * (asked["truth"] > asked["upper"])
    asked["open"] = 100.0 * np.isinf(asked["upper"])
    named = asked.groupby("family", sort=False)
    frame = named.agg(
        targets=("truth", "size"),
        median_off=("off", "median"),
        median_factor=("factor", "median"),
        no_place=("said", lambda s: 100 * (1 - s.mean())),
        coverage=("inside", "mean"),
        earlier=("low", "mean"),
        later=("high", "mean"),
        open_end=("open", "mean"),
    )
    already = found["truth"].isna().groupby(found["family"]).sum()
    return frame.assign(already_reached=already)


def reliability(found: pd.DataFrame) -> pd.DataFrame:
    """Return how often targets were reached, by forecast probability."""
    edges = [0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0001]
    band = pd.cut(found["probability"], edges, right=False)
    grouped = found.groupby(band, observed=True)
    return grouped.agg(
        questions=("reached", "size"),
        said=("probability", "mean"),
        happened=("reached", "mean"),
    )


def brier(found: pd.DataFrame) -> pd.DataFrame:
    """Return the Brier score by family, beside that of always saying how often it happens."""
    happened = found["reached"].astype(float)
    scored = found.assign(score=(found["probability"] - happened) ** 2, happened=happened)
    frame = scored.groupby("family", sort=False).agg(
        questions=("score", "size"),
        said=("probability", "mean"),
        happened=("happened", "mean"),
        brier=("score", "mean"),
    )
    return frame.assign(brier_of_base_rate=frame["happened"] * (1 - frame["happened"]))


def sets() -> list[CutCurve]:
    """Return all curves; the bundled learning curves count as one family."""
    from dataclasses import replace

    curves = [
        replace(c, family=f"learning curves, {metric}")
        for metric in ("error", "log_loss")
        for c in bundled_learning_curves(metric)
    ]
    return [*curves, *bundled_runs(), *published()]


def main() -> None:
    curves = sets()
    place, half, chance = [], [], []
    for family in dict.fromkeys(c.family for c in curves):
        one = [c for c in curves if c.family == family]
        place.append(needed(one, LEVEL))
        half.append(needed(one, 0.5))
        chance.append(reachable(one))
    for level, parts in ((LEVEL, place), (0.5, half)):
        found = pd.concat(parts)
        both = pd.concat([found, found.assign(family="all")])
        print(f"\nWhen is it reached ({100 * level:g} % interval)")
        print(table(both).round(1).to_string())
    asked = pd.concat(chance)
    print("\nWill it be reached before the end")
    print(brier(pd.concat([asked, asked.assign(family="all")])).round(3).to_string())
    print("\nForecast probability and what happened, all families")
    print(reliability(asked).round(3).to_string())


if __name__ == "__main__":
    main()
