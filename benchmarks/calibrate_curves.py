"""Fit the reference that curve forecasts take their interval widths from.

    python benchmarks/calibrate_curves.py            print what would be fitted
    python benchmarks/calibrate_curves.py --write    and write predictor/curves/reference.json

The shipped file was fitted on the bundled curves and on the published ones of :mod:`curve_sets`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from curve_sets import CutCurve, bundled_learning_curves, bundled_runs, published

import predictor.curves.reference as reference_module
from predictor.curves.batch import CurveBatch
from predictor.curves.outlook import FEWEST_POINTS, PRIOR, look_ahead
from predictor.curves.predictive import LEVELS
from predictor.curves.prepared import prepare
from predictor.curves.reference import FEATURES, Reference, fit_reference

OUT = Path(reference_module.__file__).with_name("reference.json")


def looks(curves: list[CutCurve]) -> tuple[dict, dict, np.ndarray]:
    """Forecast the hidden ends; return features and errors by law, and families."""
    prepared = [prepare(c.x, c.y, c.metric, c.name) for c in curves]
    rows = [k for k, p in enumerate(prepared) if len(p.x) >= FEWEST_POINTS]
    kept = [curves[k] for k in rows]
    batch = CurveBatch.from_curves([(prepared[k].x, prepared[k].z) for k in rows])
    at = np.array([[c.end_x] for c in kept])
    smallest = [prepared[k].z.min() / 1_000 for k in rows]  # no logarithm of 0
    truth = [
        prepared[k].kind.to_fall(np.array([c.end_y]))[0] for k, c in zip(rows, kept, strict=True)
    ]
    truth = np.log(np.maximum(truth, smallest))
    features, errors = {}, {}
    for law, laws in {"auto": tuple(PRIOR), **{law: (law,) for law in PRIOR}}.items():
        outlook = look_ahead(batch, at, laws)
        features[law] = {name: outlook.features[name][:, 0] for name in FEATURES}
        errors[law] = outlook.centre[:, 0] - truth
    return features, errors, np.array([c.family for c in kept])


def all_curves() -> list[CutCurve]:
    """Return bundled and published curves; each bundled data set is a family of its own."""
    return [
        *bundled_learning_curves("error"),
        *bundled_learning_curves("log_loss"),
        *bundled_runs(),
        *published(),
    ]


def as_document(reference: Reference, families: np.ndarray) -> dict:
    """Return the reference as it is stored, rounded."""
    names, counts = np.unique(families, return_counts=True)
    return {
        "about": "Widths of intervals of curve forecasts; made by benchmarks/calibrate_curves.py",
        "families": {str(n): int(c) for n, c in zip(names, counts, strict=True)},
        "curves": reference.curves,
        "coefficients": {k: round(v, 4) for k, v in reference.coefficients.items()},
        "distances": [round(d, 4) for d in reference.distances],
        "levels": list(LEVELS),
        "quantiles": {
            law: [[round(q, 4) for q in row] for row in rows]
            for law, rows in reference.quantiles.items()
        },
    }


def main() -> None:
    features, errors, families = looks(all_curves())
    reference = fit_reference(features, errors, families)
    document = json.dumps(as_document(reference, families), indent=2) + "\n"
    print(document)
    half = reference.half_width("auto", 0.9, features["auto"])
    for family in np.unique(families):
        chosen = families == family
        inside = np.mean(np.abs(errors["auto"][chosen]) <= half[chosen])
        print(f"{family:20s} {chosen.sum():4d} curves  coverage of 90 % {inside:.3f}")
    if "--write" in sys.argv:
        OUT.write_text(document, encoding="utf-8")


if __name__ == "__main__":
    main()
