"""From paths and tables to the sections of a report: what they hold decides what is in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from predictor.errors import CannotForecastError, InputError
from predictor.health.signals import losses, norms
from predictor.logs.tables import AXES
from predictor.report import sections
from predictor.report.document import Section

if TYPE_CHECKING:
    from predictor.logs.reading import Kind
    from predictor.logs.tables import ItemLog, Log, ResponseLog, RunLog

Place: TypeAlias = Mapping[str | None, float]
_Step: TypeAlias = tuple[str, Callable[[], Section]]
_MODEL_AXES = frozenset({"params", "tokens", "flops"})


@dataclass(frozen=True)
class Request:
    """What a report is to be about.

    Parameters
    ----------
    paths : sequence of Path
        Logs of runs, results per item, scored responses; files and folders.
    scaling, capacity, gate : Path, optional
        A table of runs for a scaling law, a table of compressions, a gate file.
    metric : str, optional
        Metric of the learning curves; the validation loss, or the only one, where not given.
    places : sequence of mapping
        Where to forecast, axis to number: each kind of answer takes those that it can be asked at;
        learning curves the planned end where there is none for them.
    meta : Path, optional
        Table that says more of runs or models.
    trust : bool
        Whether to backtest the learning curves.
    level : float
        Level of the intervals.
    seed : int
        Seed of everything random.
    """

    paths: Sequence[Path] = ()
    scaling: Path | None = None
    capacity: Path | None = None
    gate: Path | None = None
    metric: str | None = None
    places: Sequence[Place] = ()
    meta: Path | None = None
    trust: bool = False
    level: float = 0.9
    seed: int = 0


def gather(
    request: Request, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> list[Section]:
    """Return a section for every kind of answer that the request can have.

    A kind that cannot be answered from these data is there too, with the reason.

    Parameters
    ----------
    request : Request
        What it is to be about.
    progress : callable
        Called with the number of parts done and of all.

    Raises
    ------
    InputError
        If there is nothing to report on, an input is wrong, or no answer can be asked at a place.

    Examples
    --------
    >>> from predictor.bundle import dataset_path
    >>> table = dataset_path("response_strategies")
    >>> [section.title for section in gather(Request([table]))]
    ['Response strategies']
    """
    if not 0 < request.level < 1:
        raise InputError(f"level {request.level:g}: must lie between 0 and 1, such as 0.9")
    logs = _read(request)
    _check_places(request, logs)
    steps = [*_tables(request), *_steps(request, logs)]
    if not steps:
        raise InputError("nothing to report on: name logs, or a table by --scaling or --capacity")
    found = []
    for k, (title, step) in enumerate(steps):
        progress(k, len(steps))
        try:
            found.append(step())
        except CannotForecastError as error:
            found.append(Section(title, str(error), answered=False))
    progress(len(steps), len(steps))
    return found


def _read(request: Request) -> dict[Kind, Log]:
    if not request.paths:
        return {}
    from predictor.logs.meta import join_meta
    from predictor.logs.reading import read_kinds
    from predictor.logs.tables import RunLog

    logs = read_kinds(list(request.paths))
    runs = logs.get("runs")
    if request.meta is not None and isinstance(runs, RunLog):
        logs["runs"] = join_meta(runs, request.meta)
    return logs


def _tables(request: Request) -> list[_Step]:
    steps: list[_Step] = []
    if request.gate is not None:
        steps.append(("Gate", partial(_gate, request.gate, request)))
    if request.scaling is not None:
        steps.append(("Scaling law", partial(_scaling, request.scaling, request)))
    if request.capacity is not None:
        steps.append(("Information capacity", partial(_capacity, request.capacity, request)))
    return steps


def _steps(request: Request, logs: Mapping[Kind, Log]) -> list[_Step]:
    from predictor.logs.tables import ItemLog, ResponseLog, RunLog

    steps: list[_Step] = []
    for log in logs.values():
        if isinstance(log, RunLog):
            steps.append(("Learning curves", partial(_curves, log, request)))
            if losses(log.metrics) or norms(log.metrics):
                steps.append(("Health of the runs", partial(_health, log, request)))
            if request.trust:
                steps.append(("Trust", partial(_trust, log, request)))
        elif isinstance(log, ItemLog):
            steps.append(("Benchmarks", partial(_benchmarks, log, request)))
        elif isinstance(log, ResponseLog):
            steps.append(("Response strategies", partial(_responses, log, request)))
    return steps


def _check_places(request: Request, logs: Mapping[Kind, Log]) -> None:
    """Refuse a place at which nothing here can be asked."""
    for place in request.places:
        taken = (
            ("items" in logs and _of_models(place))
            or (request.scaling is not None and _of_models(place) and _splittable(place))
            or ("runs" in logs and _of_curves(place))
        )
        if not taken:
            told = ", ".join(f"{axis or 'place'}={value:g}" for axis, value in place.items())
            raise InputError(f"--at {told}: nothing in this report can be forecast there")


def _of_models(place: Place) -> bool:
    return set(place) <= _MODEL_AXES


def _splittable(place: Mapping[Any, float]) -> bool:
    return len(place) > 1 or "flops" in place


def _of_curves(place: Place) -> bool:
    return len(place) == 1 and "params" not in place


def _model_places(request: Request) -> list[dict[str, float]]:
    return [{str(a): v for a, v in p.items()} for p in request.places if _of_models(p)]


def _curve_places(request: Request, log: RunLog, metric: str) -> list[Place]:
    """Return the places for curves; those of models only where it is logged on that axis."""
    points = log.points[log.points["metric"] == metric]
    logged = {None, *(axis for axis in AXES if points[axis].notna().any())}
    own = [place for place in request.places if _of_curves(place)]
    return [p for p in own if next(iter(p)) in logged or not _of_models(p)]


def _curves(log: RunLog, request: Request) -> Section:
    from predictor.curves.question import ask, choose_metric, pose

    metric = choose_metric(log, request.metric)
    places = _curve_places(request, log, metric)
    try:
        question = pose(log, metric=metric, places=places, level=request.level)
    except InputError as error:
        if places:
            raise
        return sections.logged_section(log, metric, str(error))
    answer = ask(log, question, seed=request.seed, bands=True, n_jobs=-1)
    return sections.curves_section(answer)


def _health(log: RunLog, request: Request) -> Section:
    from predictor.health.run_health import run_health

    return sections.health_section(log, run_health(log, seed=request.seed))


def _trust(log: RunLog, request: Request) -> Section:
    from predictor.backtest.rolling import backtest

    laws = ("auto", "last value")
    found = backtest(
        log, request.metric, laws=laws, level=request.level, seed=request.seed, n_jobs=-1
    )
    return sections.trust_section(found)


def _benchmarks(log: ItemLog, request: Request) -> Section:
    from predictor.difficulty.question import ladders_of
    from predictor.difficulty.suite import clusters_of, forecast_suite

    places = _model_places(request)
    if not places:
        return sections.items_section(log)
    ladders, noticed = ladders_of(log, meta=request.meta)
    suite = forecast_suite(
        ladders, places, level=request.level, seed=request.seed, findings=[*log.findings, *noticed]
    )
    return sections.downstream_section(suite, {one.benchmark: clusters_of(one) for one in ladders})


def _responses(log: ResponseLog, request: Request) -> Section:
    from predictor.alignment.response_alignment import ResponseAlignment

    ranked = ResponseAlignment(level=request.level, random_state=request.seed)
    return sections.alignment_section(ranked.fit(log))


def _gate(path: Path, request: Request) -> Section:
    from predictor.gates.checking import check_gates

    return sections.gate_section(check_gates(path, seed=request.seed or None))


def _scaling(path: Path, request: Request) -> Section:
    """Ask a table of runs; a place that is FLOPs alone is a budget to split."""
    from predictor.scaling.question import ask_table
    from predictor.scaling.scaling_law import ScalingLaw
    from predictor.scaling.table import read_runs

    law = ScalingLaw("auto", level=request.level, random_state=request.seed)
    places = [place for place in _model_places(request) if _splittable(place)]
    budgets = [place["flops"] for place in places if len(place) == 1]
    at = [place for place in places if len(place) > 1]
    return sections.scaling_section(ask_table(law, read_runs(path), at=at, budgets=budgets))


def _capacity(path: Path, request: Request) -> Section:
    from predictor.capacity.information_capacity import InformationCapacity

    found = InformationCapacity(level=request.level, random_state=request.seed)
    return sections.capacity_section(found.fit(path))
