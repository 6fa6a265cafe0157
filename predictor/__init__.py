"""Forecast training runs from the logs you already have.

The public interface is loaded when it is first used, so that ``import predictor`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from predictor._version import __version__

if TYPE_CHECKING:
    from predictor.bundle import dataset_names, dataset_path, load_dataset
    from predictor.curves.learning_curve import LearningCurve
    from predictor.curves.question import forecast_many
    from predictor.curves.schedule.model import ScheduleLaw
    from predictor.curves.schedule.optimal import optimal_schedule
    from predictor.curves.schedule.plan import Schedule
    from predictor.errors import CannotForecastError, InputError, PredictorError
    from predictor.findings import Finding
    from predictor.fitting.fit import Fit, fit_law
    from predictor.fitting.forecast import Forecast, Forecasts
    from predictor.fitting.law import Coefficient, Law, Shape
    from predictor.fitting.laws import LAWS
    from predictor.fitting.solver import solve
    from predictor.logs.inspection import inspect_logs
    from predictor.logs.reading import read_logs
    from predictor.logs.tables import ItemLog, ResponseLog, RunLog

_HOME = {
    "CannotForecastError": "errors",
    "Coefficient": "fitting.law",
    "Finding": "findings",
    "Fit": "fitting.fit",
    "Forecast": "fitting.forecast",
    "Forecasts": "fitting.forecast",
    "InputError": "errors",
    "ItemLog": "logs.tables",
    "LAWS": "fitting.laws",
    "Law": "fitting.law",
    "LearningCurve": "curves.learning_curve",
    "PredictorError": "errors",
    "ResponseLog": "logs.tables",
    "RunLog": "logs.tables",
    "Schedule": "curves.schedule.plan",
    "ScheduleLaw": "curves.schedule.model",
    "Shape": "fitting.law",
    "dataset_names": "bundle",
    "dataset_path": "bundle",
    "fit_law": "fitting.fit",
    "forecast_many": "curves.question",
    "inspect_logs": "logs.inspection",
    "load_dataset": "bundle",
    "optimal_schedule": "curves.schedule.optimal",
    "read_logs": "logs.reading",
    "solve": "fitting.solver",
}

__all__ = [
    "LAWS",
    "CannotForecastError",
    "Coefficient",
    "Finding",
    "Fit",
    "Forecast",
    "Forecasts",
    "InputError",
    "ItemLog",
    "Law",
    "LearningCurve",
    "PredictorError",
    "ResponseLog",
    "RunLog",
    "Schedule",
    "ScheduleLaw",
    "Shape",
    "__version__",
    "dataset_names",
    "dataset_path",
    "fit_law",
    "forecast_many",
    "inspect_logs",
    "load_dataset",
    "optimal_schedule",
    "read_logs",
    "solve",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'predictor' has no attribute '{name}'")
    return getattr(import_module(f"predictor.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
