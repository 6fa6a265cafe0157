"""Carry out the checks of a gate."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from glob import glob
from pathlib import Path

from predictor.errors import InputError, PredictorError
from predictor.gates.baseline import Baseline, CheckBaseline, condensed, read_baseline
from predictor.gates.cache import Cache
from predictor.gates.checks import Check, Gate
from predictor.gates.comparing import Curves, differences
from predictor.gates.config import find_gate, parse_gate, read_gate
from predictor.gates.curves import Views, curve_measures, curve_views
from predictor.gates.judging import in_error, judge_difference, judge_threshold
from predictor.gates.measures import curve_log, matching, measure
from predictor.gates.verdict import GateResult, Verdict

GateLike = str | os.PathLike[str] | dict[str, object] | None


def check_gates(
    gate: GateLike = None,
    *,
    root: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> GateResult:
    """Carry out the checks of a gate.

    Parameters
    ----------
    gate : path or dict, optional
        A TOML file with ``[tool.predictor.gate]``, or its content as plain values;
        ``predictor.toml`` or ``pyproject.toml`` here where not given.
    root : path, optional
        Folder that logs and baseline are relative to: that of the file, or the current one.
    cache : path, optional
        Folder of verdicts by the content of logs and checks; none where not given.
    seed : int, optional
        Seed of every check; each one's own where not given.
    progress : callable, optional
        Called with the number of checks done and of all.

    Returns
    -------
    GateResult

    Raises
    ------
    InputError
        If the gate itself cannot be read. What is wrong with one check is that check's verdict.

    Examples
    --------
    >>> from predictor import dataset_path
    >>> check = {"name": "end", "logs": [str(dataset_path("mlp_runs"))], "metric": "val_loss"}
    >>> check |= {"runs": ["width-16-seed-0"], "at": "step=40000", "upper": 1.2}
    >>> round(check_gates({"checks": [check]}).verdicts[0].probability, 1)
    0.9
    """
    read, folder = _read(gate, root)
    stored = _stored(read, folder)
    kept = Cache(Path(cache)) if cache is not None else None
    verdicts: list[Verdict] = []
    for done, given in enumerate(read.checks):
        check = given if seed is None else given.model_copy(update={"seed": seed})
        verdicts += _verdicts(check, folder, folder / read.baseline_file, stored, kept)
        if progress is not None:
            progress(done + 1, len(read.checks))
    return GateResult(tuple(verdicts))


def update_baseline(
    gate: GateLike = None, *, root: str | os.PathLike[str] | None = None
) -> tuple[Path, Baseline]:
    """Return what the gate's checks would be compared with if the logs of now were the baseline.

    Returns
    -------
    path : Path
        Where the gate file says that the baseline lies; nothing is written.
    baseline : Baseline
        To be written by :func:`predictor.gates.baseline.write_baseline`.

    Raises
    ------
    InputError
        If no check compares with a baseline, or one's logs cannot be read.
    """
    read, folder = _read(gate, root)
    wanted = [check for check in read.checks if check.baseline]
    if not wanted:
        raise InputError("no check has 'baseline = true': there is nothing to store")
    entries = {}
    for check in wanted:
        views = curve_views(curve_log(_files(check, folder)), _curve_check(check))
        entries[check.name] = condensed(views.metric, views.axis, views.curves)
    return folder / read.baseline_file, Baseline(checks=entries)


def _read(gate: GateLike, root: str | os.PathLike[str] | None) -> tuple[Gate, Path]:
    here = Path(root) if root is not None else Path()
    if isinstance(gate, dict):
        return parse_gate(gate, "gate"), here
    path = find_gate(here) if gate is None else Path(gate)
    return read_gate(path), here if root is not None else path.parent


def _stored(gate: Gate, folder: Path) -> Baseline | InputError | None:
    if not any(check.baseline for check in gate.checks):
        return None
    try:
        return read_baseline(folder / gate.baseline_file)
    except InputError as error:
        return error


def _verdicts(
    check: Check,
    folder: Path,
    baseline_file: Path,
    stored: Baseline | InputError | None,
    cache: Cache | None,
) -> list[Verdict]:
    try:
        base = None
        if check.baseline:
            if isinstance(stored, InputError):
                raise stored
            assert stored is not None
            base = stored.of(check.name, baseline_file)
        files = _files(check, folder)
        if cache is None:
            return _carried_out(check, files, base)
        return cache.recall(check, files, base, lambda: _carried_out(check, files, base))
    except PredictorError as error:
        return [in_error(check, str(error))]


def _carried_out(check: Check, files: Sequence[Path], base: CheckBaseline | None) -> list[Verdict]:
    if not check.compares:
        return [judge_threshold(check, one) for one in measure(check, files)]
    views = curve_views(curve_log(files), _curve_check(check))
    if base is not None:
        if (base.metric, base.axis) != (views.metric, views.axis):
            raise InputError(
                f"the baseline holds {base.metric} on {base.axis}, the check asks for "
                f"{views.metric} on {views.axis}: store it anew"
            )
        others, name = base.curves(), "the baseline"
    else:
        views, others, name = _rivals(views, check)
    found = differences(views, others, check)
    measures = curve_measures(views, check)
    return [
        judge_difference(check, one.forecast, difference, name)
        for one, difference in zip(measures, found, strict=True)
    ]


def _rivals(views: Views, check: Check) -> tuple[Views, Curves, str]:
    assert check.against is not None
    theirs = matching(list(views.curves), [check.against])
    ours = {run: xy for run, xy in views.curves.items() if run not in theirs}
    if not ours:
        raise InputError(f"every run matches against = '{check.against}': none is left to judge")
    others = {run: views.curves[run] for run in theirs}
    at = {run: views.at[run] for run in ours}
    return replace(views, curves=ours, at=at), others, check.against


def _curve_check(check: Check) -> Check:
    if check.predictor != "curve":
        raise InputError(f"predictor '{check.predictor}' cannot be compared, only a curve can")
    return check


def _files(check: Check, folder: Path) -> list[Path]:
    """Return the files and folders that a check's globs mean.

    Raises
    ------
    InputError
        If one means nothing: a check that looks at nothing must not pass.
    """
    found: list[Path] = []
    for pattern in check.logs:
        named = folder / pattern
        if named.exists():
            found.append(named)
            continue
        matches = sorted(glob(pattern, root_dir=folder, recursive=True))
        if not matches:
            raise InputError(f"logs = '{pattern}': nothing matches in {folder.resolve()}")
        found += [folder / match for match in matches]
    return list(dict.fromkeys(found))
