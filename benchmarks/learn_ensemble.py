"""Learn how much each law of the curve ensemble is believed.

    python benchmarks/learn_ensemble.py            print what each family is missed by
    python benchmarks/learn_ensemble.py --write    and write predictor/curves/ensemble.json

Mean absolute error on the log scale, by family: with the hand-set prior, with the fitted weights,
and with weights that were fitted without that family (all bundled data sets count as one).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from calibrate_curves import all_curves, posed
from curve_sets import bundled_learning_curves

import predictor.curves.ensemble as ensemble_module
from predictor.curves.ensemble import (
    Ensemble,
    curve_features,
    fit_ensemble,
    normalised,
    relative_miss,
    within_reach,
)
from predictor.curves.outlook import AUTO, RECENCIES, ask_members, unit_of

OUT = Path(ensemble_module.__file__).with_name("ensemble.json")
BELIEF = {
    "power": 0.7,
    "moderate-power": 1.0,
    "inverse-sqrt": 1.0,
    "mmf": 0.4,
    "weibull": 0.1,
    "logarithmic": 0.05,
    "exponential": 0.05,
}
RECENT = {1.0: 1.0, 3.0: 1.0, 5.0: 0.3}
EVIDENCE = 0.5
_TARGETS = 3


def prior() -> Ensemble:
    """Return what was believed before any curve was seen; it knows no feature."""
    laws = {law: np.array([np.log(BELIEF[law]), 0.0, 0.0]) for law in AUTO}
    recencies = {recency: np.array([np.log(RECENT[recency]), 0.0, 0.0]) for recency in RECENCIES}
    return Ensemble(laws, recencies, np.array([np.log(EVIDENCE), 0.0, 0.0]))


@dataclass(frozen=True)
class Cases:
    """What the members say of each hidden point, and what came."""

    names: tuple[tuple[str, float], ...]
    said: np.ndarray
    miss: np.ndarray
    features: np.ndarray
    truth: np.ndarray
    families: np.ndarray

    def only(self, chosen: np.ndarray) -> Cases:
        """Return some of the cases."""
        return Cases(
            self.names,
            self.said[:, chosen],
            self.miss[:, chosen],
            self.features[chosen],
            self.truth[chosen],
            self.families[chosen],
        )

    def fit(self) -> Ensemble:
        """Fit the weights to these cases."""
        return fit_ensemble(
            prior(), self.names, self.said, self.miss, self.features, self.truth, self.families
        )

    def errors(self, ensemble: Ensemble) -> np.ndarray:
        """Return what these weights miss by."""
        logs = ensemble.log_weights(self.names, self.features, self.miss[:, :, None])
        return (normalised(logs[:, :, 0]) * within_reach(self.said)).sum(axis=0) - self.truth


def cases() -> Cases:
    """Ask every member about the reference curves."""
    batch, at, truth, families = posed(all_curves(), _TARGETS)
    unit = unit_of(batch)
    names, members, errors, _ = ask_members(batch.in_units(unit), at)
    flat = (len(names), -1)
    return Cases(
        names,
        members.reshape(flat),
        relative_miss(errors).reshape(flat),
        np.repeat(curve_features(batch), at.shape[1], axis=0),
        (truth - np.log(unit)).ravel(),
        np.repeat(families, at.shape[1]),
    )


def show(found: Cases, fitted: Ensemble) -> None:
    """Print errors by family."""
    data_sets = [curve.family for curve in bundled_learning_curves()]
    groups = np.where(np.isin(found.families, data_sets), "bundled", found.families)
    before, after = np.abs(found.errors(prior())), np.abs(found.errors(fitted))
    print(f"{'family':16s} {'cases':>6s} {'prior':>8s} {'fitted':>8s} {'left out':>9s}")
    for group in np.unique(groups):
        own = groups == group
        without = found.only(~own).fit()
        left_out = np.abs(found.only(own).errors(without)).mean()
        print(
            f"{group:16s} {own.sum():6d} {before[own].mean():8.4f} {after[own].mean():8.4f} "
            f"{left_out:9.4f}"
        )


def as_document(fitted: Ensemble) -> dict:
    """Return the ensemble as it is stored, rounded."""
    return {
        "about": "Weights of the curve ensemble; made by benchmarks/learn_ensemble.py",
        "features": list(ensemble_module.FEATURES),
        "laws": {law: row.round(3).tolist() for law, row in fitted.laws.items()},
        "recencies": {str(r): row.round(3).tolist() for r, row in fitted.recencies.items()},
        "evidence": fitted.evidence.round(3).tolist(),
    }


def main() -> None:
    found = cases()
    fitted = found.fit()
    show(found, fitted)
    document = json.dumps(as_document(fitted), indent=2) + "\n"
    print(document)
    if "--write" in sys.argv:
        OUT.write_text(document, encoding="utf-8")


if __name__ == "__main__":
    main()
