"""Forecast training runs from the logs you already have.

The public interface is loaded when it is first used, so that ``import predictor`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from predictor._version import __version__

if TYPE_CHECKING:
    from predictor.alignment.evaluation import evaluate_scores
    from predictor.alignment.experience import AlignmentExperience
    from predictor.alignment.response_alignment import ResponseAlignment
    from predictor.architecture.config import read_config
    from predictor.architecture.flops import count_flops
    from predictor.architecture.memory import count_memory
    from predictor.architecture.nearest import nearest_architecture
    from predictor.architecture.parameters import count_parameters
    from predictor.backtest.result import Backtest
    from predictor.backtest.rolling import backtest
    from predictor.bundle import dataset_names, dataset_path, load_dataset
    from predictor.capacity.information_capacity import InformationCapacity
    from predictor.curves.comparison import compare_runs
    from predictor.curves.crossing import find_crossing
    from predictor.curves.learning_curve import LearningCurve
    from predictor.curves.learning_trace import LearningTrace
    from predictor.curves.pareto import pareto_front
    from predictor.curves.planning import plan_target
    from predictor.curves.question import forecast_many
    from predictor.curves.schedule.model import ScheduleLaw
    from predictor.curves.schedule.optimal import optimal_schedule
    from predictor.curves.schedule.plan import Schedule
    from predictor.curves.trace_measures import (
        decision_making_reliability,
        mape,
        percentage_error,
        robustness_rate,
    )
    from predictor.difficulty.clustering_on_difficulty import ClusteringOnDifficulty
    from predictor.difficulty.keep import keep_items
    from predictor.difficulty.question import forecast_benchmarks
    from predictor.errors import CannotForecastError, InputError, PredictorError
    from predictor.findings import Finding
    from predictor.fitting.fit import Fit, fit_law
    from predictor.fitting.forecast import Forecast, Forecasts
    from predictor.fitting.law import Coefficient, Law, Shape
    from predictor.fitting.laws import LAWS
    from predictor.fitting.solver import solve
    from predictor.gates.assertion import assert_forecast
    from predictor.gates.checking import check_gates
    from predictor.health.checkpoint import checkpoint_health
    from predictor.health.run_health import run_health
    from predictor.health.spikes import find_spikes
    from predictor.logs.inspection import inspect_logs
    from predictor.logs.reading import read_logs
    from predictor.logs.tables import ItemLog, ResponseLog, RunLog
    from predictor.scaling.approaches import envelope, isoflop
    from predictor.scaling.comparing import compare_scaling_laws
    from predictor.scaling.next_runs import next_runs
    from predictor.scaling.planning import plan_budgets
    from predictor.scaling.scaling_law import ScalingLaw
    from predictor.scaling.table import RunsTable
    from predictor.store.workspace import Workspace

_HOME = {
    "AlignmentExperience": "alignment.experience",
    "ResponseAlignment": "alignment.response_alignment",
    "evaluate_scores": "alignment.evaluation",
    "ClusteringOnDifficulty": "difficulty.clustering_on_difficulty",
    "forecast_benchmarks": "difficulty.question",
    "keep_items": "difficulty.keep",
    "checkpoint_health": "health.checkpoint",
    "find_spikes": "health.spikes",
    "run_health": "health.run_health",
    "ScalingLaw": "scaling.scaling_law",
    "RunsTable": "scaling.table",
    "Workspace": "store.workspace",
    "compare_scaling_laws": "scaling.comparing",
    "envelope": "scaling.approaches",
    "isoflop": "scaling.approaches",
    "nearest_architecture": "architecture.nearest",
    "next_runs": "scaling.next_runs",
    "plan_budgets": "scaling.planning",
    "Backtest": "backtest.result",
    "assert_forecast": "gates.assertion",
    "backtest": "backtest.rolling",
    "check_gates": "gates.checking",
    "CannotForecastError": "errors",
    "Coefficient": "fitting.law",
    "Finding": "findings",
    "Fit": "fitting.fit",
    "Forecast": "fitting.forecast",
    "Forecasts": "fitting.forecast",
    "InformationCapacity": "capacity.information_capacity",
    "InputError": "errors",
    "ItemLog": "logs.tables",
    "LAWS": "fitting.laws",
    "Law": "fitting.law",
    "LearningCurve": "curves.learning_curve",
    "robustness_rate": "curves.trace_measures",
    "percentage_error": "curves.trace_measures",
    "mape": "curves.trace_measures",
    "decision_making_reliability": "curves.trace_measures",
    "LearningTrace": "curves.learning_trace",
    "PredictorError": "errors",
    "ResponseLog": "logs.tables",
    "RunLog": "logs.tables",
    "Schedule": "curves.schedule.plan",
    "ScheduleLaw": "curves.schedule.model",
    "Shape": "fitting.law",
    "compare_runs": "curves.comparison",
    "count_flops": "architecture.flops",
    "count_memory": "architecture.memory",
    "count_parameters": "architecture.parameters",
    "dataset_names": "bundle",
    "dataset_path": "bundle",
    "find_crossing": "curves.crossing",
    "fit_law": "fitting.fit",
    "forecast_many": "curves.question",
    "inspect_logs": "logs.inspection",
    "load_dataset": "bundle",
    "optimal_schedule": "curves.schedule.optimal",
    "pareto_front": "curves.pareto",
    "plan_target": "curves.planning",
    "read_config": "architecture.config",
    "read_logs": "logs.reading",
    "solve": "fitting.solver",
}

__all__ = [
    "LAWS",
    "AlignmentExperience",
    "Backtest",
    "CannotForecastError",
    "ClusteringOnDifficulty",
    "Coefficient",
    "Finding",
    "Fit",
    "Forecast",
    "Forecasts",
    "InformationCapacity",
    "InputError",
    "ItemLog",
    "Law",
    "LearningCurve",
    "LearningTrace",
    "PredictorError",
    "ResponseAlignment",
    "ResponseLog",
    "RunLog",
    "RunsTable",
    "ScalingLaw",
    "Schedule",
    "ScheduleLaw",
    "Shape",
    "Workspace",
    "__version__",
    "assert_forecast",
    "backtest",
    "check_gates",
    "checkpoint_health",
    "compare_runs",
    "compare_scaling_laws",
    "count_flops",
    "count_memory",
    "count_parameters",
    "dataset_names",
    "dataset_path",
    "decision_making_reliability",
    "envelope",
    "evaluate_scores",
    "find_crossing",
    "find_spikes",
    "fit_law",
    "forecast_benchmarks",
    "forecast_many",
    "inspect_logs",
    "isoflop",
    "keep_items",
    "load_dataset",
    "mape",
    "nearest_architecture",
    "next_runs",
    "optimal_schedule",
    "pareto_front",
    "percentage_error",
    "plan_budgets",
    "plan_target",
    "read_config",
    "read_logs",
    "robustness_rate",
    "run_health",
    "solve",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'predictor' has no attribute '{name}'")
    return getattr(import_module(f"predictor.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
