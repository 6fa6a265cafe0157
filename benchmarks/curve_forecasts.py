"""How well curves are forecast, and whether intervals keep their promise.

    python benchmarks/curve_forecasts.py

On the bundled learning curves the upper half of the training-set sizes (log axis) is hidden and the
largest is forecast, per law and for ``auto``: median absolute percentage error and coverage of the
90 % interval. The data set that is forecast has no part in the weights and widths that it is
forecast with (leave one data set out). Published curves follow where they are found, with what is
shipped.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from calibrate_curves import looks
from curve_sets import CutCurve, bundled_learning_curves, bundled_runs, ladder, published
from learn_ensemble import Cases, cases

from predictor.curves.ensemble import Ensemble
from predictor.curves.forecasting import forecast_curves
from predictor.curves.outlook import AUTO, FEWEST_POINTS
from predictor.curves.prepared import prepare
from predictor.curves.reference import Reference, fit_reference

LAWS = ("auto", *AUTO)


def forecasts(
    curves: Sequence[CutCurve],
    law: str,
    reference: Reference | None,
    ensemble: Ensemble | None = None,
) -> pd.DataFrame:
    """Forecast the hidden ends of curves that lie in one log together."""
    prepared = [prepare(c.x, c.y, c.metric, c.name) for c in curves]
    places = [np.array([c.end_x]) for c in curves]
    outcomes = forecast_curves(prepared, places, law=law, reference=reference, ensemble=ensemble)
    rows = [
        (c.family, law, c.end_y, o.value[0], o.lower[0], o.upper[0], c.y[-1])
        for c, o, p in zip(curves, outcomes, prepared, strict=True)
        if len(p.x) >= FEWEST_POINTS
    ]
    return pd.DataFrame(rows, columns=["family", "law", "truth", "value", "lower", "upper", "last"])


def leave_one_data_set_out(metric: str, learned: Cases, laws: Iterable[str] = LAWS) -> pd.DataFrame:
    """Forecast each bundled data set with weights and widths learned without it."""
    every = [*bundled_learning_curves("error"), *bundled_learning_curves("log_loss")]
    features, errors, families = looks(every, [law for law in laws if law != "auto"])
    wanted = bundled_learning_curves(metric)
    parts = []
    for data_set in dict.fromkeys(c.family for c in wanted):
        others = families != data_set
        reference = fit_reference(
            {law: {n: v[others] for n, v in f.items()} for law, f in features.items()},
            {law: e[others] for law, e in errors.items()},
            families[others],
        )
        ensemble = learned.only(learned.families != data_set).fit()
        left_out = [c for c in wanted if c.family == data_set]
        parts += [forecasts(left_out, law, reference, ensemble) for law in laws]
    return pd.concat(parts)


def table(found: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return median absolute percentage error and coverage of the 90 % interval, by a column."""
    said = found["value"].notna()
    off = (found["value"] / found["truth"] - 1).abs().where(found["truth"] > 0)
    inside = (found["lower"] <= found["truth"]) & (found["truth"] <= found["upper"])
    width = (found["upper"] - found["lower"]) / found["truth"].where(found["truth"] > 0)
    frame = pd.DataFrame(
        {
            by: found[by],
            "curves": 1,
            "cannot say": ~said,
            "median APE %": 100 * off,
            "coverage %": (100 * inside).where(said),
            "median width %": 100 * width,
        }
    )
    how = {"curves": "sum", "cannot say": "sum", "coverage %": "mean"}
    how |= {"median APE %": "median", "median width %": "median"}
    return frame.groupby(by, sort=False).agg(how)


def with_last_value(found: pd.DataFrame) -> pd.DataFrame:
    """Add the naive forecast: the last value that was seen, without an interval."""
    auto = found[found["law"] == "auto"]
    naive = auto.assign(law="last value", value=auto["last"], lower=np.nan, upper=np.nan)
    return pd.concat([found, naive])


def show(title: str, frame: pd.DataFrame) -> None:
    """Print one table."""
    print(f"\n{title}\n{frame.round(2).to_string()}")


def main() -> None:
    learned = cases()
    for metric in ("error", "log_loss"):
        found = leave_one_data_set_out(metric, learned)
        show(f"Bundled learning curves, {metric}, by law", table(with_last_value(found), "law"))
        auto = found[found["law"] == "auto"]
        show(f"Bundled learning curves, {metric}, auto by data set", table(auto, "family"))
    sets = [*bundled_runs(), *published(), *ladder()]
    parts = []
    for family in dict.fromkeys(c.family for c in sets):
        one = [c for c in sets if c.family == family]
        parts += [forecasts(one, law, None) for law in ("auto", "power")]
    found = with_last_value(pd.concat(parts))
    for law in ("auto", "power", "last value"):
        show(f"Ends of runs and curves, {law}", table(found[found["law"] == law], "family"))
    auto = found[found["law"] == "auto"]
    show("All of these ends together, auto", table(auto, "law"))


if __name__ == "__main__":
    main()
