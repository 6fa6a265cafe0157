"""One assertion for tests: a forecast keeps below (or above) a value, with some probability."""

from __future__ import annotations

import os
from collections.abc import Sequence

from predictor.errors import InputError
from predictor.fitting.forecast import Forecasts
from predictor.gates.checks import Check
from predictor.gates.curves import curve_measures, curve_views
from predictor.gates.measures import Measure
from predictor.logs.reading import read_logs
from predictor.logs.tables import RunLog

PathLike = str | os.PathLike[str]


def assert_forecast(
    runs: RunLog | PathLike | Sequence[PathLike],
    *,
    metric: str | None = None,
    at: str | float | None = None,
    below: float | None = None,
    above: float | None = None,
    probability: float = 0.95,
    law: str = "auto",
    level: float = 0.9,
    seed: int = 0,
) -> Forecasts:
    """Raise AssertionError unless every run's forecast keeps below or above a value.

    Parameters
    ----------
    runs : RunLog, path or sequence of paths
        The logs.
    metric : str, optional
        Metric; the validation loss, or the only one, where not given.
    at : str or float, optional
        Where, as ``"step=20000"``; the planned end of each run, or its last point, where not given.
    below, above : float, optional
        What the metric is to stay below, or above; one of them.
    probability : float
        How probable that must be, in (0, 1).
    law, level, seed
        As in :func:`predictor.forecast_many`.

    Returns
    -------
    Forecasts
        One a run.

    Raises
    ------
    AssertionError
        If it is less probable for a run, or a run cannot be forecast.
    InputError
        If metric or place are not in the log, or no value is given.

    Examples
    --------
    >>> from predictor import load_dataset
    >>> log = load_dataset("mlp_runs")
    >>> round(assert_forecast(log, metric="val_loss", at="step=40000", below=1.4)[0].level, 2)
    0.9
    """
    if (below is None) == (above is None):
        raise InputError("say below or above, one of them")
    if not 0 < probability < 1:
        raise InputError(f"probability must lie between 0 and 1, such as 0.95, not {probability:g}")
    log = runs if isinstance(runs, RunLog) else read_logs(runs)
    if not isinstance(log, RunLog):
        raise InputError("no training curves in these logs")
    check = Check(
        name="assert_forecast", logs=["-"], metric=metric, at=at, law=law, level=level, seed=seed,
        value=below if below is not None else above,
    )  # fmt: skip
    measures = curve_measures(curve_views(log, check), check)
    broken = [text for m in measures if (text := _broken(m, below, above, probability))]
    if broken:
        raise AssertionError("\n".join(broken))
    return Forecasts([m.forecast for m in measures])


def _broken(
    measure: Measure, below: float | None, above: float | None, probability: float
) -> str | None:
    limit = below if below is not None else above
    assert limit is not None
    under = measure.probability_below(limit)
    words = Forecasts([measure.forecast]).summary()
    if under is None:
        return words
    holds = under if below is not None else 1 - under
    if holds >= probability:
        return None
    side = "below" if below is not None else "above"
    return f"{words}; {side} {limit:g} with probability {holds:.3f}, {probability:g} is asked for"
