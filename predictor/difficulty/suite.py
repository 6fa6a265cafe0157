"""Many benchmarks at once: forecasts, weighted averages, and a model now in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from predictor.difficulty.cod import Chain, Settings, chain, cluster
from predictor.difficulty.ladder import Ladder
from predictor.difficulty.methods import methods_of
from predictor.difficulty.outlook import Outlook, outlook
from predictor.errors import InputError
from predictor.findings import KINDS, Finding, Severity
from predictor.fitting.forecast import Forecast, Forecasts


@dataclass(frozen=True)
class Suite:
    """Forecasts of many benchmarks.

    Parameters
    ----------
    outlooks : tuple of Outlook
        One a benchmark.
    average : Forecasts
        The weighted average at every place; empty for a single benchmark.
    findings : tuple of Finding
        What was noticed on reading.
    """

    outlooks: tuple[Outlook, ...]
    average: Forecasts
    findings: tuple[Finding, ...] = ()

    @property
    def forecasts(self) -> Forecasts:
        """All forecasts, the average last, with everything that was noticed."""
        every = [forecast for one in self.outlooks for forecast in one.forecasts]
        noticed = [finding for one in self.outlooks for finding in one.forecasts.findings]
        findings = dict.fromkeys([*self.findings, *noticed, *self.average.findings])
        return Forecasts([*every, *self.average], findings)


def forecast_suite(
    ladders: Sequence[Ladder],
    at: Sequence[Mapping[str, float]],
    *,
    method: str = "auto",
    weights: Mapping[str, float] | None = None,
    level: float = 0.9,
    draws: int = 200,
    seed: int = 0,
    findings: Sequence[Finding] = (),
) -> Suite:
    """Forecast several benchmarks at several places, and their weighted average.

    Parameters
    ----------
    ladders : sequence of Ladder
        One a benchmark.
    at : sequence of mapping
        Places: ``{"flops": 1e24}``, ``{"params": 7e9, "tokens": 2e12}``, ...
    method : str
        "auto", a family of methods or one method.
    weights : mapping of str to float, optional
        Weight of each benchmark in the average; equal where not given.
    level : float
        Probability of the intervals.
    draws : int
        Bootstrap draws.
    seed : int
        Seed.
    findings : sequence of Finding
        Noticed before.

    Returns
    -------
    Suite

    Raises
    ------
    InputError
        If the method or a benchmark of ``weights`` is not known.

    Examples
    --------
    >>> size = np.geomspace(1e18, 1e21, 7)
    >>> both = [Ladder(n, tuple("abcdefg"), size, "flops", np.exp(-k * (size / 1e18) ** -0.2))
    ...         for n, k in (("easy", 1.0), ("hard", 3.0))]
    >>> suite = forecast_suite(both, [{"flops": 4e21}], draws=10)
    >>> [round(forecast.value, 2) for forecast in suite.forecasts]
    [0.83, 0.56, 0.7]
    """
    chosen = methods_of(method)
    outlooks = tuple(
        outlook(
            ladder,
            [ladder.place(**place) for place in at],
            chosen,
            level=level,
            draws=draws,
            seed=seed,
        )
        for ladder in ladders
    )
    shares = _shares([ladder.benchmark for ladder in ladders], weights)
    average = [_average(outlooks, shares, k) for k in range(len(at))] if len(outlooks) > 1 else []
    said = [forecast for forecast, _ in average]
    noticed = dict.fromkeys(finding for _, own in average for finding in own)
    return Suite(outlooks, Forecasts(said, noticed), tuple(findings))


def _shares(names: Sequence[str], weights: Mapping[str, float] | None) -> list[float]:
    if weights is None:
        return [1 / len(names)] * len(names) if names else []
    for name, weight in weights.items():
        if name not in names:
            raise InputError(f"weight of '{name}': no such benchmark; there are {', '.join(names)}")
        if not weight >= 0:
            raise InputError(f"weight of '{name}' is {weight:g}; weights are 0 or more")
    total = sum(weights.values())
    if total <= 0:
        raise InputError("the weights of the average add up to 0")
    return [weights.get(name, 0.0) / total for name in names]


def _average(
    outlooks: Sequence[Outlook], shares: Sequence[float], k: int
) -> tuple[Forecast, list[Finding]]:
    """Average values and ends of intervals: as if all benchmarks erred the same way."""
    parts = [(one.forecasts[k], share) for one, share in zip(outlooks, shares, strict=True)]
    counted = [(forecast, share) for forecast, share in parts if share > 0]
    codes = tuple(dict.fromkeys(code for f, _ in counted for code in f.warnings if _blocks(code)))
    first = counted[0][0]
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    findings = []
    if all(forecast.trusted for forecast, _ in counted):
        ends = np.array([[f.value, f.lower, f.upper] for f, _ in counted], dtype=float)
        value, lower, upper = map(float, np.array([share for _, share in counted]) @ ends)
    else:
        refused = ", ".join(f.metric for f, _ in counted if not f.trusted)
        message = f"average: its parts {refused} cannot be forecast; weigh them 0 to leave them out"
        findings.append(Finding("PRED408", message))
        codes = ("PRED408", *(code for code in codes if code != "PRED408"))
    ahead = max(f.extrapolation or 0.0 for f, _ in counted)
    points = min(f.points for f, _ in counted)
    law = first.law if all(f.law == first.law for f, _ in counted) else "auto"
    return Forecast(
        "ladder", "average", first.at, value, lower, upper, first.level, law, points, ahead, codes
    ), findings  # fmt: skip


def _blocks(code: str) -> bool:
    return KINDS[code].severity is Severity.BLOCKING


def clusters_of(ladder: Ladder, settings: Settings | None = None) -> Chain | None:
    """Return the clusters of a ladder's items, their laws and mapping; None without items."""
    settings = settings or Settings()
    if not ladder.has_items or ladder.rungs < 2:
        return None
    clustering = cluster(ladder, settings)
    return chain(ladder, clustering, settings) if clustering.count else None
