"""Forecast prepared curves: look ahead, calibrate, say what to beware of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import NormalDist

import numpy as np

from predictor.curves.batch import CurveBatch
from predictor.curves.ensemble import Ensemble
from predictor.curves.outlook import AUTO, FEWEST_POINTS, Outlook, look_ahead
from predictor.curves.parts import Looked, look_in_parts
from predictor.curves.predictive import LEVELS, Predictive
from predictor.curves.prepared import PreparedCurve
from predictor.curves.rates import Doubt
from predictor.curves.reference import Reference, shipped_reference
from predictor.curves.regimes import roughness
from predictor.findings import Finding
from predictor.fitting.conformal import conformal_quantile, fewest_backtests
from predictor.fitting.forecast import Forecast
from predictor.fitting.law import Array
from predictor.fitting.laws import law_named

#: Beyond this many times the last place nothing is said.
FARTHEST = 100.0
_FAR = 10.0
#: An interval wider than this on the log scale, up and down (7.4 times), says nothing.
_VAGUE = 2.0
_DISAGREEMENT = 0.1
#: As many backtests of one's own weigh as much as the reference curves.
_REFERENCE_WORTH = 30.0
#: Level at which own backtests are compared with the reference; other levels widen alike.
_CALIBRATED = 0.9
_DISTANCE_STEP = 0.25
#: A backtest stands for the distance asked for when its log distance is at least this share of it.
_SAME_DISTANCE = 0.8
#: Of more curves than that, fits are not followed to their last digits.
_MANY = 1_000
#: So many backtests, spread over the curves, calibrate as well as more would.
_MOST_BACKTESTS = 400
_Look = Callable[[CurveBatch, Array], Iterator[Looked]]


@dataclass(frozen=True)
class CurveForecast:
    """Forecasts of one curve at several places, in the metric's units.

    Parameters
    ----------
    at : array, (targets,)
        Places.
    value, lower, upper : array, (targets,)
        Median and interval; NaN where the data cannot carry a forecast.
    codes : tuple of tuple of str
        Codes of findings at each place.
    findings : tuple of Finding
        The findings in words.
    shares : dict of float
        Weight of each law in the ensemble.
    predictive : Predictive
        The distribution at each place that value and interval come from.
    verdict : str, optional
        What to do, in words, where the law says so.
    """

    at: Array
    value: Array
    lower: Array
    upper: Array
    codes: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...]
    shares: dict[str, float]
    predictive: Predictive
    verdict: str | None = None

    @property
    def prepared(self) -> PreparedCurve:
        """The curve as it was fitted."""
        return self.predictive.curve


def forecast_curves(
    curves: Sequence[PreparedCurve],
    places: Sequence[Array],
    *,
    law: str = "auto",
    level: float = 0.9,
    seed: int = 0,
    runs: Sequence[str] | None = None,
    doubts: Sequence[Doubt | None] | None = None,
    reference: Reference | None = None,
    ensemble: Ensemble | None = None,
    progress: Callable[[int, int], None] | None = None,
    n_jobs: int | None = None,
) -> list[CurveForecast]:
    """Forecast prepared curves, each at its own places (as many for every curve).

    Curves are calibrated together: with enough of them, what the ensemble would have missed by on
    them when the same distance was hidden moves the width of the interval away from the
    reference's. ``n_jobs`` is joblib's, see :func:`predictor.curves.parts.look_in_parts`. Of more
    than a thousand curves fits are cut short: half the time for some ten thousandths of a forecast.
    ``doubts`` say of which curves more is in doubt than they show.
    """
    laws = AUTO if law == "auto" else (law_named(law).name,)
    reference = reference or shipped_reference()
    thorough = len(curves) <= _MANY
    one = partial(look_ahead, laws=laws, seed=seed, ensemble=ensemble, thorough=thorough)
    look = partial(look_in_parts, one, n_jobs=n_jobs)
    names = list(runs) if runs is not None else [f"curve {k}" for k in range(len(curves))]
    rates = list(doubts) if doubts is not None else [None] * len(curves)
    outcomes: list[CurveForecast | None] = [
        _too_short(c, p, n) if len(c.x) < FEWEST_POINTS or _empty(c) else None
        for c, p, n in zip(curves, places, names, strict=True)
    ]
    for residual in ("log", "linear"):
        rows = [
            k for k, c in enumerate(curves) if outcomes[k] is None and c.kind.residual == residual
        ]
        if not rows:
            continue
        batch = CurveBatch.from_curves([(curves[k].x, curves[k].z) for k in rows], residual)
        at = np.array([places[k] for k in rows], dtype=float)
        factor, own = _own_calibration(batch, at, look, law, reference)
        for part, outlook in look(batch, at):
            chosen = [rows[k] for k in part]
            if outlook is None:
                outcomes[chosen[0]] = _failed(curves[chosen[0]], at[part[0]], names[chosen[0]])
                continue
            widths = factor * reference.widths(law, outlook.features)
            normal = np.array([_normal(known) for known in LEVELS])[:, None, None]
            widths = np.maximum(widths, normal * outlook.features["bootstrap"])
            for row, k in enumerate(chosen):
                outcomes[k] = _outcome(
                    curves[k],
                    at[part[row]],
                    outlook,
                    row,
                    widths[:, row] * _widening_of(rates[k]),
                    own,
                    level,
                    names[k],
                    rates[k],
                )
            if progress is not None:
                progress(int(part[-1]) + 1, len(rows))
    return [outcome for outcome in outcomes if outcome is not None]


def as_forecasts(
    outcome: CurveForecast, run: str, metric: str, axis: str, law: str, level: float
) -> list[Forecast]:
    """Return a curve's forecasts as public objects."""
    last = outcome.prepared.x[-1] if len(outcome.prepared.x) else np.nan
    forecasts = []
    for k, place in enumerate(outcome.at):
        numbers = [float(a[k]) for a in (outcome.value, outcome.lower, outcome.upper)]
        known = all(np.isfinite(numbers))
        value, lower, upper = numbers if known else (None, None, None)
        ahead = float(place / last) if np.isfinite(last) else None
        forecasts.append(
            Forecast(
                run,
                metric,
                {axis: float(place)},
                value,
                lower,
                upper,
                level,
                law,
                outcome.prepared.points,
                ahead,
                outcome.codes[k],
            )
        )
    return forecasts


def _widening_of(doubt: Doubt | None) -> float:
    return 1.0 if doubt is None else doubt.widen


def _normal(level: float) -> float:
    """Return how many standard deviations span the level on each side."""
    return NormalDist().inv_cdf((1 + level) / 2)


def _empty(curve: PreparedCurve) -> bool:
    """Whether a bounded metric sits exactly on its bound: nothing is left to forecast from."""
    return curve.kind.residual == "log" and curve.constant and bool(curve.z[0] <= 1e-6)


def _too_short(curve: PreparedCurve, places: Array, run: str) -> CurveForecast:
    if len(curve.x) < FEWEST_POINTS:
        have = f"{len(curve.x)} point{'s' if len(curve.x) != 1 else ''}"
        code, message = "PRED101", f"{have} at different places; {FEWEST_POINTS} are needed"
    else:
        code, message = "PRED104", "every value is exactly the best possible one"
    return _silent(curve, places, Finding(code, message, run))


def _failed(curve: PreparedCurve, places: Array, run: str) -> CurveForecast:
    message = "the fit of this curve broke off; other curves are not touched by it"
    return _silent(curve, places, Finding("PRED113", message, run))


def _silent(curve: PreparedCurve, places: Array, reason: Finding) -> CurveForecast:
    nothing = np.full(len(places), np.nan)
    findings = (*curve.findings, reason)
    codes = tuple(f.code for f in findings)
    return CurveForecast(
        places,
        nothing,
        nothing,
        nothing,
        (codes,) * len(places),
        findings,
        {},
        Predictive(curve, nothing, np.tile(nothing, (len(LEVELS), 1))),
    )


def _own_calibration(
    batch: CurveBatch,
    at: Array,
    look: _Look,
    law: str,
    reference: Reference,
) -> tuple[Array, int]:
    """Return what to widen the reference's intervals by, (targets,), and the fewest backtests.

    A backtest hides the last part of a curve, as far back as the target lies ahead. With few of
    them the reference keeps most of its say. They can only widen: how the first half of a run
    went says nothing of a learning rate that falls in the second.
    """
    ahead = np.median(np.log(at / batch.last_x[:, None]), axis=0)
    # Rounded up, so that near distances share their backtests.
    distances = np.ceil(np.maximum(ahead, 0.0) / _DISTANCE_STEP) * _DISTANCE_STEP
    found = {d: _widening(batch, d, look, law, reference) for d in np.unique(distances)}
    return np.array([found[d][0] for d in distances]), min(count for _, count in found.values())


def _widening(
    batch: CurveBatch,
    distance: float,
    look: _Look,
    law: str,
    reference: Reference,
) -> tuple[float, int]:
    """Return the widening for one log distance, and from how many backtests."""
    if distance == 0:
        return 1.0, 0
    back = np.log(batch.last_x[:, None] / batch.x)
    keep = ((back >= _SAME_DISTANCE * distance) & (batch.used > 0)).sum(axis=1)
    rows = np.flatnonzero((keep >= FEWEST_POINTS) & (keep < batch.counts))
    if len(rows) < fewest_backtests(_CALIBRATED):
        return 1.0, len(rows)
    if len(rows) > _MOST_BACKTESTS:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_BACKTESTS).round().astype(np.intp)]
    past = batch.take(rows).hidden_after(keep[rows])
    truth = batch.last_z[rows, None]
    truth = np.log(truth) if batch.residual == "log" else truth
    scores = []
    for part, outlook in look(past, batch.last_x[rows, None]):
        if outlook is not None:
            half = reference.half_width(law, _CALIBRATED, outlook.features)
            scores.append((np.abs(outlook.centre - truth[part]) / half)[:, 0])
    widest = conformal_quantile(np.concatenate(scores), _CALIBRATED) if scores else None
    share = len(rows) / (len(rows) + _REFERENCE_WORTH)
    return max(widest or 1.0, 1.0) ** share, len(rows)


def _outcome(
    curve: PreparedCurve,
    at: Array,
    outlook: Outlook,
    row: int,
    widths: Array,
    own: int,
    level: float,
    run: str,
    doubt: Doubt | None,
) -> CurveForecast:
    predictive = Predictive(curve, outlook.centre[row], widths)
    half = predictive.half_width(level)
    codes, findings = _beware(curve, at, outlook, row, half, own, level, run, doubt)
    lost = curve.regime.diverged and curve.kind.residual == "log"
    silent = np.array([lost or bool({"PRED113", "PRED114"} & set(c)) for c in codes])
    predictive = replace(predictive, centre=np.where(silent, np.nan, predictive.centre))
    shares: dict[str, float] = {}
    for (law, _), weight in zip(outlook.names, outlook.weights[:, row, -1], strict=True):
        shares[law] = shares.get(law, 0.0) + float(weight)
    lower, upper = predictive.interval(level)
    return CurveForecast(at, predictive.median(), lower, upper, codes, findings, shares, predictive)


def _beware(
    curve: PreparedCurve,
    at: Array,
    outlook: Outlook,
    row: int,
    half: Array,
    own: int,
    level: float,
    run: str,
    doubt: Doubt | None,
) -> tuple[tuple[tuple[str, ...], ...], tuple[Finding, ...]]:
    """Return the codes of each place, and all findings of the curve in words."""
    ahead = at / curve.x[-1]
    feature = {name: values[row] for name, values in outlook.features.items()}
    seen = _seen(curve, own, level, run, doubt)
    per_place = [
        ("PRED110", ahead <= 1, "the place asked for lies within the data"),
        ("PRED102", ahead > _FAR, f"the place lies more than {_FAR:g} times beyond the data"),
        (
            "PRED107",
            feature["median_spread"] > _DISAGREEMENT,
            "equally good laws end far apart: the data do not tell which holds",
        ),
        (
            "PRED114",
            (ahead > FARTHEST) | (half > _VAGUE),
            "these points cannot carry a forecast that far: the interval would say nothing",
        ),
        ("PRED113", ~np.isfinite(outlook.centre[row] + half), "no finite forecast came out"),
    ]
    findings = [*curve.findings, *seen]
    findings += [Finding(code, text, run) for code, where, text in per_place if where.any()]
    always = tuple(f.code for f in (*curve.findings, *seen))
    codes = tuple(
        (*always, *(code for code, where, _ in per_place if where[k])) for k in range(len(at))
    )
    return codes, tuple(findings)


def _seen(
    curve: PreparedCurve,
    own: int,
    level: float,
    run: str,
    doubt: Doubt | None,
) -> list[Finding]:
    """Return what holds of the whole curve."""
    found = []
    values = np.log(curve.z) if curve.kind.residual == "log" else curve.z
    if curve.constant:
        found.append(Finding("PRED104", "the curve never changes", run))
    elif curve.regime.diverged and curve.kind.residual == "log":
        found.append(Finding("PRED109", "the run has diverged: no law of learning holds", run))
    elif curve.regime.rises:
        found.append(Finding("PRED109", "the metric has been getting worse again of late", run))
    elif curve.regime.plateau:
        found.append(Finding("PRED151", "it has fallen no more than its noise of late", run))
    elif _no_trend(values):
        found.append(Finding("PRED112", "the curve moves no more than its noise", run))
    if doubt is not None:
        found.append(doubt.finding)
    if own < fewest_backtests(level):
        message = (
            f"backtests at this distance: {own}; {fewest_backtests(level)} are needed to calibrate "
            "on this log, so the interval is as wide as reference curves ask for"
        )
        found.append(Finding("PRED106", message, run))
    return found


def _no_trend(values: Array) -> bool:
    """Whether the first and the last third of a curve differ by no more than noise."""
    third = max(1, len(values) // 3)
    fall = abs(float(values[:third].mean() - values[-third:].mean()))
    return fall < 3 * roughness(values) * np.sqrt(2 / third)
