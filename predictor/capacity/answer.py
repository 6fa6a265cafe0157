"""From what is asked on one line to an answer in plain values: models, bias, forecasts, front."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from predictor.architecture.config import read_config
from predictor.architecture.flops import count_flops
from predictor.capacity.comparison import Decomposition
from predictor.capacity.information_capacity import InformationCapacity
from predictor.capacity.sibling_metrics import METRICS
from predictor.errors import InputError
from predictor.fitting.forecast import Forecasts

_NUMBER = re.compile(r"(?:flops(?:_per_token)?=)?(\d+\.?\d*(?:e[+]?\d+)?)([kmgbt]?)", re.IGNORECASE)
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
#: Columns of the table of models that are for reading, not for programs.
_INNER = ("final",)


def flops_at(text: str, capacity: InformationCapacity) -> float:
    """Return the FLOPs a token that a place names: a number, or the path of a config.

    Raises
    ------
    InputError
        If it is neither.

    Examples
    --------
    >>> flops_at("flops=30G", InformationCapacity())
    30000000000.0
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is not None:
        return float(match[1]) * _UNITS[match[2].lower()]
    path = Path(text.removeprefix("config="))
    if not path.exists():
        raise InputError(
            f"--at {text}: neither FLOPs a token (1.4e11, 30G) nor the path of a config.json"
        )
    model = read_config(path)
    count = count_flops(model, tokens=capacity.max_tokens, convention=capacity.convention)
    return count.total


def forecast_sizes(
    capacity: InformationCapacity,
    places: Sequence[str],
    series: Sequence[str] = (),
    metric: str | None = None,
) -> Forecasts:
    """Forecast a metric at other sizes of the series asked for, on every data set.

    Parameters
    ----------
    capacity : InformationCapacity
        Fitted.
    places : sequence of str
        FLOPs a token, or paths of configs.
    series : sequence of str
        Names; all where it is empty.
    metric : str, optional
        One of the metrics; the bits a token where text sizes are logged, else the gain.
    """
    flops = [flops_at(place, capacity) for place in places]
    found, findings = [], []
    models = capacity.models_
    unknown = [name for name in series if name not in set(models["series"])]
    if unknown:
        known = ", ".join(models["series"].unique()[:8])
        raise InputError(f"--series {unknown[0]}: no such series; there are {known}")
    for dataset in capacity.bias_:
        rows = models[models["dataset"] == dataset]
        for name in rows["series"].unique():
            if series and name not in series:
                continue
            known_size = rows.loc[rows["series"] == name, "text_bits_per_token"].notna().any()
            wanted = metric or METRICS[0 if known_size else 3]
            one = capacity.forecast(name, flops, metric=wanted, dataset=dataset)  # type: ignore[arg-type]
            found += list(one)
            findings += list(one.findings)
    return Forecasts(found, findings)


def differences(capacity: InformationCapacity, against: str | None) -> list[Decomposition]:
    """Split the difference of every model to one model, on every data set it is in.

    Raises
    ------
    InputError
        If there is no such model, or a text size is not logged.
    """
    if against is None:
        return []
    models = capacity.models_[capacity.models_["final"]]
    found = models[models["model"] == against]
    if found.empty:
        known = ", ".join(models["model"].unique()[:8])
        raise InputError(f"--against {against}: no such model; there are {known}")
    return [
        capacity.decompose(str(name), against, dataset)
        for dataset in found["dataset"]
        for name in models.loc[models["dataset"] == dataset, "model"]
        if name != against
    ]


def capacity_body(
    capacity: InformationCapacity,
    cost: str,
    forecasts: Forecasts | None,
    decompositions: Sequence[Decomposition] = (),
) -> dict[str, Any]:
    """Return the answer as plain values, as the JSON document has it.

    ``bias`` is a number where there is one data set, else a number for each by name; ``biases``
    tells where each is from.
    """
    biases = {name: bias.value for name, bias in capacity.bias_.items()}
    body: dict[str, Any] = {
        "models": records(capacity.models_.drop(columns=list(_INNER))),
        "bias": next(iter(biases.values())) if len(biases) == 1 else biases,
        "biases": {name: bias.to_dict() for name, bias in capacity.bias_.items()},
        "fronts": {
            name: records(capacity.pareto(cost, name))  # type: ignore[arg-type]
            for name in capacity.bias_
        },
        "crossings": [
            {"dataset": name, **crossing._asdict()}
            for name in capacity.bias_
            for crossing in capacity.crossings(name)
        ],
    }
    if decompositions:
        body["decompositions"] = [parts._asdict() for parts in decompositions]
    if forecasts is not None:
        body["forecasts"] = forecasts.to_dict()
    return body


def models_table(capacity: InformationCapacity) -> pd.DataFrame:
    """Return the models as a table of plain cells."""
    frame = capacity.models_.drop(columns=list(_INNER))
    return frame.assign(tied_with=[" ".join(names) for names in frame["tied_with"]])


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain values; what is not known is None."""
    return [
        {str(name): _plain(value) for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if value is None or value is pd.NA or (isinstance(value, float) and isnan(value)):
        return None
    return value
