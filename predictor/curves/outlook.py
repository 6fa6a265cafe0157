"""Where curves go: laws in an ensemble, weighted by how they did on the curve's own past.

Every law is fitted with the recent points counting more (weight ``(x / x_last)^recency``), for
several recencies: early transients say little about the end. The forecast is the weighted mean of
these members on the scale of the residual. Weights come from :mod:`predictor.curves.ensemble`: a
learned prior that moves with the members' errors when later points of the same curve are hidden and
forecast. The move is small on purpose: on real curves sharper selection, by past errors or by fit,
forecast worse than the mean of many (``benchmarks/curve_forecasts.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.curves.batch import CurveBatch
from predictor.curves.ensemble import (
    Ensemble,
    curve_features,
    normalised,
    relative_miss,
    shipped_ensemble,
    within_reach,
)
from predictor.fitting.law import Array, Law
from predictor.fitting.laws import LAWS, POWER, free_floor
from predictor.fitting.solver import solve

#: Laws of the ensemble.
AUTO = (
    "power",
    "moderate-power",
    "inverse-sqrt",
    "mmf",
    "weibull",
    "logarithmic",
    "exponential",
)
RECENCIES = (1.0, 3.0, 5.0)
#: Shares of a curve's points that are kept when its own later points are forecast.
ORIGINS = (0.5, 0.6, 0.7, 0.8, 0.9)
FEWEST_POINTS = 4
DRAWS = 200
#: Iterations of a fit, of one to a part of the past, and of a draw, which starts at the optimum.
_ITERATIONS, _ITERATIONS_IN_THE_PAST, _ITERATIONS_OF_A_DRAW = 40, 12, 3
_BLOCKS = 24
#: Laws of so many shapes have several optima.
_MANY_SHAPES, _STARTS = 3, 4
#: Smallest positive forecast, and largest deviation that counts, on the log scale.
_TINY, _FAR = 1e-9, 1.5


@dataclass(frozen=True)
class Outlook:
    """Forecasts of a batch of curves, on the scale of the residual (log z or z).

    Parameters
    ----------
    centre : array, (curves, targets)
        Weighted mean of the members.
    members : array, (members, curves, targets)
        What each member says.
    names : tuple of (str, float)
        Law and recency of each member.
    weights : array, (members, curves, targets)
        Weights, summing to 1 for each curve and target.
    backtests : array, (origins, curves, targets)
        Error of the ensemble when later points were hidden; NaN where a curve is too short.
    features : dict of array, (curves, targets)
        What the width of the interval is made of, see :mod:`predictor.curves.reference`.
    """

    centre: Array
    members: Array
    names: tuple[tuple[str, float], ...]
    weights: Array
    backtests: Array
    features: dict[str, Array]


def look_ahead(
    batch: CurveBatch,
    at: Array,
    laws: Sequence[str] = AUTO,
    seed: int = 0,
    ensemble: Ensemble | None = None,
    thorough: bool = True,
) -> Outlook:
    """Forecast every curve at every target.

    Parameters
    ----------
    batch : CurveBatch
        Curves of at least :data:`FEWEST_POINTS` points.
    at : array, (curves, targets)
        Places to forecast.
    laws : sequence of str
        Laws of the ensemble.
    seed : int
        Seed of the bootstrap; its draws do not depend on which curves are in the batch.
    ensemble : Ensemble, optional
        How much each law is believed; the shipped ensemble where not given.
    thorough : bool
        Whether to follow every fit to its end. Without, it takes half of the time, and forecasts
        move by some ten thousandths, on bent curves more.

    Returns
    -------
    Outlook
    """
    unit = unit_of(batch)
    batch, shift = batch.in_units(unit), np.log(unit)
    names, members, errors, ratio = ask_members(batch, at, laws, thorough)
    ensemble = ensemble or shipped_ensemble()
    weights = normalised(ensemble.log_weights(names, curve_features(batch), relative_miss(errors)))
    members = within_reach(members)
    centre = (weights * members).sum(axis=0)
    errors = np.where(np.isfinite(errors), within_reach(errors), np.nan)
    backtests = (weights[:, None] * errors).sum(axis=0)
    features = _spread(batch, at, members, centre, weights)
    features |= _past(backtests, ratio, batch, at)
    features["few"] = features["distance"] / batch.counts[:, None]
    features |= _noise(batch, at, seed)
    return Outlook(centre + shift, members + shift, names, weights, backtests, features)


def unit_of(batch: CurveBatch) -> Array:
    """Return what a curve is measured in, (curves, 1): a loss in its own last value.

    So no number here depends on the loss's unit.
    """
    return batch.last_z[:, None] if batch.residual == "log" else np.ones((len(batch.x), 1))


def ask_members(
    batch: CurveBatch, at: Array, laws: Sequence[str] = AUTO, thorough: bool = True
) -> tuple[tuple[tuple[str, float], ...], Array, Array, Array]:
    """Return what every member of the ensemble says, and what it missed by in the past.

    Returns
    -------
    names : tuple of (str, float)
        Law and recency of each member.
    members : array, (members, curves, targets)
        Forecasts.
    errors : array, (members, origins, curves, targets)
        Errors when later points were hidden; NaN where a curve is too short.
    ratio : array, (origins, curves, targets)
        How far ahead the hidden points lay, on the log scale.
    """
    cuts = _origins(batch)
    place, truth, ratio = _backtest_targets(batch, cuts, at)
    said = [_fit_and_forecast(batch, cuts, LAWS[law], at, place, thorough) for law in laws]
    names = tuple((law, recency) for law in laws for recency in RECENCIES)
    members = np.concatenate([now for now, _ in said])
    return names, members, np.concatenate([past for _, past in said]) - truth, ratio


def weighted_median(values: Array, weights: Array) -> Array:
    """Return the weighted median over the first axis; weights broadcast against values.

    Examples
    --------
    >>> float(weighted_median(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 1.0])))
    2.0
    """
    weights = np.broadcast_to(weights, values.shape)
    order = np.argsort(values, axis=0, kind="stable")
    ranked = np.take_along_axis(values, order, axis=0)
    share = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    middle = (share >= share[-1] / 2).argmax(axis=0)
    return np.take_along_axis(ranked, middle[None], axis=0)[0]


def _origins(batch: CurveBatch) -> NDArray[np.intp]:
    """Return how many points each backtest of each curve keeps, (origins, curves); 0 for none."""
    cuts = np.round(np.outer(ORIGINS, batch.counts)).astype(np.intp)
    cuts = np.maximum(cuts, FEWEST_POINTS)
    cuts[cuts >= batch.counts] = 0
    for k in range(1, len(cuts)):
        cuts[k][(cuts[:k] == cuts[k]).any(axis=0)] = 0
    return cuts


def _backtest_targets(
    batch: CurveBatch, cuts: NDArray[np.intp], at: Array
) -> tuple[Array, Array, Array]:
    """Return place, truth and log ratio of each backtest, (origins, curves, targets).

    The hidden point is the one whose distance ahead is nearest to the distance that is asked for.
    """
    row = np.arange(len(batch.x))
    start = batch.x[row, np.maximum(cuts - 1, 0)]
    wanted = np.log(start)[:, :, None] + np.log(at / batch.last_x[:, None])
    hidden = (np.arange(batch.x.shape[1]) >= cuts[:, :, None]) & (batch.used > 0)
    distance = np.abs(np.log(batch.x)[None, :, None, :] - wanted[..., None])
    chosen = np.where(hidden[:, :, None, :], distance, np.inf).argmin(axis=-1)
    place = batch.x[row[:, None], chosen]
    with np.errstate(divide="ignore", invalid="ignore"):
        truth = batch.z[row[:, None], chosen]
        truth = np.log(truth) if batch.residual == "log" else truth
    valid = (cuts > 0)[:, :, None]
    ratio = np.where(valid, np.log(place / start[:, :, None]), np.nan)
    return place, np.where(valid, truth, np.nan), ratio


def _fit_and_forecast(
    batch: CurveBatch,
    cuts: NDArray[np.intp],
    law: Law,
    at: Array,
    place: Array,
    thorough: bool,
) -> tuple[Array, Array]:
    """Fit one law at all recencies to the whole curve and to its past.

    Returns forecasts (recencies, curves, targets) and past forecasts (recencies, origins, curves,
    targets), NaN where a curve is too short for that origin.
    """
    most = _ITERATIONS if thorough else _ITERATIONS_IN_THE_PAST
    now = _forecasts(batch, law, at, thorough, most)
    origin, row = np.nonzero(cuts)
    past = np.full((len(RECENCIES), *cuts.shape, at.shape[1]), np.nan)
    if len(row):
        part = batch.take(row).hidden_after(cuts[origin, row])
        targets = place[origin, row]
        past[:, origin, row] = _forecasts(part, law, targets, thorough, _ITERATIONS_IN_THE_PAST)
    return now, past


def _forecasts(batch: CurveBatch, law: Law, at: Array, thorough: bool, most: int) -> Array:
    """Fit one law at all recencies; return its values, (recencies, curves, targets)."""
    weights = [_recent(batch, recency) for recency in RECENCIES]
    copies = len(RECENCIES)
    if batch.residual == "linear":
        law = free_floor(law)
    found = solve(
        law,
        np.tile(batch.x, (copies, 1)),
        np.tile(batch.z, (copies, 1)),
        np.concatenate(weights),
        residual=batch.residual,
        n_starts=1 if len(law.shapes) < _MANY_SHAPES else _STARTS,
        thorough=thorough,
        max_iterations=most,
    )
    with np.errstate(all="ignore"):
        value = law.value(np.tile(at, (copies, 1)), found.params)
    return _on_residual_scale(value, batch.residual).reshape(copies, len(batch.x), -1)


def _recent(batch: CurveBatch, recency: float) -> Array:
    return batch.used * np.minimum(batch.x / batch.last_x[:, None], 1.0) ** recency


def _on_residual_scale(value: Array, residual: str) -> Array:
    if residual == "linear":
        return np.nan_to_num(value)
    return np.log(np.maximum(np.nan_to_num(value, nan=_TINY), _TINY))


def _spread(
    batch: CurveBatch, at: Array, members: Array, centre: Array, weights: Array
) -> dict[str, Array]:
    """Measure how far the members are apart, and how far the curve is still to fall."""
    deviation = np.minimum(np.abs(members - centre), _FAR)
    last = _on_residual_scale(batch.last_z, batch.residual)[:, None]
    return {
        "spread": np.sqrt((weights * deviation**2).sum(axis=0)),
        "median_spread": weighted_median(deviation, weights),
        "gain": np.minimum(np.abs(last - centre), _FAR) * _distance(batch, at),
    }


def _distance(batch: CurveBatch, at: Array) -> Array:
    """Return how far ahead each target lies, on the log scale; 0 within the data."""
    return np.maximum(np.log(at / batch.last_x[:, None]), 0.0)


def _past(backtests: Array, ratio: Array, batch: CurveBatch, at: Array) -> dict[str, Array]:
    """Carry what the ensemble missed by in the past to the distance that is asked for."""
    distance = _distance(batch, at)
    valid = np.isfinite(backtests)
    count = valid.sum(axis=0)
    rate = np.where(valid, np.minimum(backtests, _FAR) ** 2 / np.maximum(ratio, 1e-3), 0.0)
    past = np.sqrt(rate.sum(axis=0) / np.maximum(count, 1) * distance)
    return {"past": np.minimum(past, 2 * _FAR), "distance": distance, "untested": count == 0}


def _noise(batch: CurveBatch, at: Array, seed: int) -> dict[str, Array]:
    """Scatter about the power law, and how far it moves its forecast (bootstrap by blocks)."""
    weights = _recent(batch, 2.0)
    law = POWER if batch.residual == "log" else free_floor(POWER)
    full = solve(
        law, batch.x, batch.z, weights, residual=batch.residual, max_iterations=_ITERATIONS
    )
    value = _on_residual_scale(law.value(batch.x, full.params), batch.residual)
    scatter = value - _on_residual_scale(batch.z, batch.residual)
    noise = np.sqrt((weights * scatter**2).sum(axis=1) / weights.sum(axis=1))[:, None]
    distance = _distance(batch, at)
    moved = _bootstrap_spread(batch, law, weights, full.params, at, seed)
    return {"noise": noise * np.sqrt(1 + distance), "bootstrap": np.minimum(moved, 2.0)}


def _bootstrap_spread(
    batch: CurveBatch, law: Law, weights: Array, params: Array, at: Array, seed: int
) -> Array:
    drawn = _draws(batch, seed)
    repeated = [np.repeat(a, DRAWS, axis=0) for a in (batch.x, batch.z, at)]
    refits = solve(
        law,
        repeated[0],
        repeated[1],
        (weights[:, None] * drawn).reshape(-1, batch.x.shape[1]),
        residual=batch.residual,
        starts=np.repeat(params, DRAWS, axis=0)[:, None],
        near=True,
        max_iterations=_ITERATIONS_OF_A_DRAW,
    )
    with np.errstate(all="ignore"):
        said = _on_residual_scale(law.value(repeated[2], refits.params), batch.residual)
    return said.reshape(len(batch.x), DRAWS, -1).std(axis=1)


def _draws(batch: CurveBatch, seed: int) -> Array:
    """Return bootstrap weights (curves, draws, points) that depend on no other curve.

    Neighbouring points of a long curve are drawn together, in as many blocks as a short one has.
    """
    points = batch.x.shape[1]
    rows = np.random.default_rng(seed).exponential(size=(points, DRAWS))
    length = 1 + batch.counts // _BLOCKS
    return rows[np.arange(points) // length[:, None]].swapaxes(1, 2)
