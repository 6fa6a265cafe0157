"""Fit the reference that curve forecasts take their interval widths from.

    python benchmarks/calibrate_curves.py            print what would be fitted
    python benchmarks/calibrate_curves.py --write    and write predictor/curves/reference.json

The shipped file was fitted on the bundled curves and on the published ones of :mod:`curve_sets`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from curve_sets import CutCurve, bundled_learning_curves, bundled_runs, published

import predictor.curves.reference as reference_module
from predictor.curves.batch import CurveBatch
from predictor.curves.outlook import AUTO, FEWEST_POINTS, look_ahead
from predictor.curves.predictive import LEVELS
from predictor.curves.prepared import prepare
from predictor.curves.reference import FEATURES, Reference, fit_reference, weighted_quantiles
from predictor.curves.trace import trace_curve
from predictor.fitting.laws import LAWS

OUT = Path(reference_module.__file__).with_name("reference.json")
#: Hidden points of each curve that are forecast.
TARGETS = 5


def posed(
    curves: Sequence[CutCurve], targets: int = TARGETS
) -> tuple[CurveBatch, np.ndarray, np.ndarray, np.ndarray]:
    """Return the curves as one batch, places and log truths (curves, targets), and families."""
    pairs = [(c, prepare(c.x, c.y, c.metric, c.name)) for c in curves]
    pairs = [(c, p) for c, p in pairs if len(p.x) >= FEWEST_POINTS]
    batch = CurveBatch.from_curves([(p.x, p.z) for _, p in pairs])
    asked = [c.targets(targets) for c, _ in pairs]
    truth = [
        np.log(np.maximum(p.kind.to_fall(y), p.z.min() / 1_000))  # no logarithm of 0
        for (_, p), (_, y) in zip(pairs, asked, strict=True)
    ]
    families = np.array([c.family for c, _ in pairs])
    return batch, np.array([x for x, _ in asked]), np.array(truth), families


def looks(
    curves: Sequence[CutCurve], laws: Sequence[str] = tuple(LAWS)
) -> tuple[dict, dict, np.ndarray]:
    """Forecast hidden points; return features and errors by law, and families, one row a case."""
    batch, at, truth, families = posed(curves)
    features, errors = {}, {}
    for law, members in {"auto": AUTO, **{law: (law,) for law in laws}}.items():
        outlook = look_ahead(batch, at, members)
        features[law] = {name: outlook.features[name].ravel() for name in FEATURES}
        errors[law] = (outlook.centre - truth).ravel()
    return features, errors, np.repeat(families, at.shape[1])


def looks_of_auto(curves: Sequence[CutCurve]) -> tuple[dict, dict, np.ndarray]:
    """Do the same for the ensemble alone."""
    return looks(curves, laws=())


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
        "cases": reference.cases,
        "coefficients": {k: round(v, 4) for k, v in reference.coefficients.items()},
        "trace_factor": round(reference.trace_factor, 3),
        "distances": [round(d, 4) for d in reference.distances],
        "levels": list(LEVELS),
        "quantiles": {
            law: [[round(q, 4) for q in row] for row in rows]
            for law, rows in reference.quantiles.items()
        },
    }


def trace_factor(curves: Sequence[CutCurve], reference: Reference) -> float:
    """Return what widths of learning traces must be multiplied by to cover 90 % of the cases."""
    batch, at, truth, families = posed(curves)
    outlook = look_ahead(batch, at, ("power",))
    half = reference.half_width("power", 0.9, outlook.features)
    said = np.array(
        [
            trace_curve(x[:n], z[:n], floor=0.0).value(places)
            for x, z, n, places in zip(batch.x, batch.z, batch.counts, at, strict=True)
        ]
    )
    least = batch.z.min(axis=1, keepdims=True) / 1e3
    centre = np.log(np.maximum(said, least))
    score = np.abs(centre - truth) / np.hypot(half, centre - outlook.centre)
    cases = np.repeat(families, at.shape[1])
    return weighted_quantiles(score.ravel(), cases)[LEVELS.index(0.9)]


def main() -> None:
    features, errors, families = looks(all_curves())
    reference = fit_reference(features, errors, families)
    reference = replace(reference, trace_factor=trace_factor(all_curves(), reference))
    document = json.dumps(as_document(reference, families), indent=2) + "\n"
    print(document)
    half = reference.half_width("auto", 0.9, features["auto"])
    for family in np.unique(families):
        chosen = families == family
        inside = np.mean(np.abs(errors["auto"][chosen]) <= half[chosen])
        print(f"{family:20s} {chosen.sum():4d} cases  coverage of 90 % {inside:.3f}")
    if "--write" in sys.argv:
        OUT.write_text(document, encoding="utf-8")


if __name__ == "__main__":
    main()
