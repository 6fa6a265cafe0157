"""The published extrapolation benchmark: RMSLE, log-likelihood and coverage by domain.

    python benchmarks/extrapolation.py

The 51 published curves of four domains, and 16 curves of double descent, cut where the benchmark
cuts them (``PREDICTOR_SHARED_DATA``). Measure: root mean square of ``ln forecast - ln truth`` over
the hidden points of a curve, then the mean over curves. M1 to M4 and the broken power law are plain
least-squares fits of logarithms. ``auto`` is what users get; its weights and interval widths were
learned on curves that include these, so the row "auto, left out" shows the same with weights and
widths that were learned without the domain.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from calibrate_curves import all_curves, looks_of_auto
from curve_sets import SHARED, CutCurve, extrapolation
from learn_ensemble import Cases, cases

from predictor.curves.ensemble import Ensemble
from predictor.curves.forecasting import forecast_curves
from predictor.curves.prepared import prepare
from predictor.curves.reference import Reference, fit_reference
from predictor.fitting.laws import LAWS
from predictor.fitting.solver import solve

STARTS = {"m4": 8, "bnsl": 12}
PUBLISHED = """Published, all 72 vision curves: M4 .0415, BNSL .0406, NSL-PFN .0280; language and
nanogpt: BNSL .0223, NSL-PFN .0194; double descent: BNSL .0468, NSL-PFN .0335.
Mean log-likelihood, vision: BNSL 2.921, M4 3.024, NSL-PFN 3.330."""


def plain(law: str) -> Callable[[CutCurve], np.ndarray]:
    """Return a forecaster that fits one law to all shown points alike."""

    def forecast(curve: CutCurve) -> np.ndarray:
        found = solve(LAWS[law], curve.x, curve.y, n_starts=STARTS.get(law, 1), max_iterations=300)
        return LAWS[law].value(curve.hidden_x[None], found.params)[0]

    return forecast


def last_value(curve: CutCurve) -> np.ndarray:
    """Return the mean of the last three points."""
    return np.full(len(curve.hidden_x), curve.y[-3:].mean())


def score(family: str, how: str, curve: CutCurve, said: np.ndarray) -> dict:
    """Return a row of the table of one curve."""
    off = np.log(np.maximum(said, 1e-9)) - np.log(curve.hidden_y)
    return {"domain": family, "forecast": how, "RMSLE": np.sqrt(np.mean(off**2))}


def auto_rows(
    curves: Sequence[CutCurve], how: str, reference: Reference | None, ensemble: Ensemble | None
) -> list[dict]:
    """Forecast each curve alone, as a log of its own."""
    rows = []
    for curve in curves:
        prepared = prepare(curve.x, curve.y, curve.metric, curve.name)
        (found,) = forecast_curves(
            [prepared], [curve.hidden_x], reference=reference, ensemble=ensemble
        )
        inside = (found.lower <= curve.hidden_y) & (curve.hidden_y <= found.upper)
        density = found.predictive.log_density(curve.hidden_y) - np.log(curve.hidden_y)
        rows.append(
            score(curve.family, how, curve, found.value)
            | {"log-likelihood": density.mean(), "coverage of 90 %": 100 * inside.mean()}
        )
    return rows


def left_out(curves: Sequence[CutCurve], learned: Cases, auto: tuple) -> list[dict]:
    """Forecast the curves of one domain with weights and widths learned on all other families."""
    features, errors, families = auto
    others = families != curves[0].family
    reference = fit_reference(
        {"auto": {name: values[others] for name, values in features["auto"].items()}},
        {"auto": errors["auto"][others]},
        families[others],
    )
    ensemble = learned.only(learned.families != curves[0].family).fit()
    return auto_rows(curves, "auto, left out", reference, ensemble)


def main() -> None:
    if not SHARED.is_dir():
        print(f"no published curves at {SHARED}: set PREDICTOR_SHARED_DATA")
        return
    curves = list(extrapolation())
    learned, auto = cases(), looks_of_auto(all_curves())
    rows = [score(c.family, "last value", c, last_value(c)) for c in curves]
    for law in ("m1", "m2", "m3", "m4", "bnsl"):
        fit = plain(law)
        rows += [score(c.family, law, c, fit(c)) for c in curves]
    rows += auto_rows(curves, "auto", None, None)
    for family in dict.fromkeys(c.family for c in curves):
        rows += left_out([c for c in curves if c.family == family], learned, auto)
    table = pd.DataFrame(rows)
    mean = table.groupby(["forecast", "domain"], sort=False).mean()
    for measure, digits in (("RMSLE", 4), ("log-likelihood", 2), ("coverage of 90 %", 0)):
        wide = mean[measure].unstack("domain")[list(dict.fromkeys(c.family for c in curves))]
        print(f"\n{measure}, mean over curves\n{wide.dropna().round(digits).to_string()}")
    counts = pd.Series([c.family for c in curves]).value_counts(sort=False)
    print(f"\nCurves: {', '.join(f'{name} {n}' for name, n in counts.items())}\n{PUBLISHED}")


if __name__ == "__main__":
    main()
