"""A checkpoint's weights, one tensor at a time: Weibull law, condition, drift between two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.health.roles import layer_of, role_of
from predictor.health.safetensors import FLOATING, Tensor, read_checkpoint
from predictor.health.spectrum import tensor_spectrum
from predictor.health.weibull import band, fit_weibull, tensor_histogram

Which = Literal["auto", "all", "none"]
#: Condition numbers are told unasked up to this many multiplications, about a minute's work.
MOST_WORK = 1e11
_COLUMNS = (
    "checkpoint", "tensor", "role", "layer", "shape", "type", "k", "scale", "r_squared", "band",
    "condition", "stable_rank", "drift", "note",
)  # fmt: skip


@dataclass(frozen=True)
class CheckpointHealth:
    """What the weights of one or more checkpoints look like.

    Parameters
    ----------
    tensors : DataFrame
        One row a tensor and checkpoint: ``checkpoint, tensor, role, layer, shape, type``; Weibull
        ``k``, ``scale`` (lambda), ``r_squared`` of the fit and its ``band``; ``condition``
        (largest over smallest singular value) and ``stable_rank``; ``drift`` from the checkpoint
        before, relative in the Frobenius norm; ``note``, why something is missing.
    findings : tuple of Finding
        What to beware of.
    """

    tensors: pd.DataFrame
    findings: tuple[Finding, ...]

    def by_role(self) -> pd.DataFrame:
        """Return medians of each checkpoint and role: tensors, k, scale, r_squared, stable_rank."""
        known = self.tensors.dropna(subset=["k"])
        grouped = known.groupby(["checkpoint", "role"], sort=False)
        frame = grouped[["k", "scale", "r_squared", "stable_rank", "drift"]].median()
        frame.insert(0, "tensors", grouped.size())
        return frame.reset_index()

    def least_conditioned(self, count: int) -> list[str]:
        """Return the tensors of the last checkpoint with the least condition numbers.

        Fine-tuning these and freezing the rest forgets least (KappaTune).

        Parameters
        ----------
        count : int
            How many.

        Raises
        ------
        InputError
            If fewer have a condition number.

        References
        ----------
        The Condition Number as a Scale-Invariant Proxy, arXiv 2506.16289.
        """
        last = self.tensors["checkpoint"].iloc[-1]
        own = self.tensors[self.tensors["checkpoint"] == last].dropna(subset=["condition"])
        if count > len(own):
            raise InputError(
                f"{count} least-conditioned tensors: only {len(own)} have a condition number"
            )
        return own.sort_values("condition", kind="stable")["tensor"].head(count).tolist()

    def to_dict(self) -> list[dict[str, Any]]:
        """Return plain values, a row a tensor."""
        rows = self.tensors.astype(object).where(self.tensors.notna(), None).to_dict("records")
        finite = ("k", "scale", "r_squared", "condition", "stable_rank", "drift")
        for row in rows:
            row["shape"] = list(row["shape"])
            for name in finite:
                if row[name] is not None and not np.isfinite(row[name]):
                    row[name] = None
        return [{str(key): value for key, value in row.items()} for row in rows]


def checkpoint_health(
    paths: Sequence[Path | str] | Path | str,
    *,
    condition: Which = "auto",
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> CheckpointHealth:
    """Look at the weights of checkpoints in the safetensors format.

    Files are mapped, one tensor is looked at at a time, and nothing in them is executed.

    Parameters
    ----------
    paths : path or sequence of path
        Files or folders of shards, in the order in which they were saved.
    condition : {"auto", "all", "none"}
        Whether to tell condition numbers and stable ranks: their time grows with the numbers times
        the shorter side of each matrix. "auto": where all take about a minute or less.
    progress : callable
        Called with numbers done and numbers in all.

    Returns
    -------
    CheckpointHealth

    Raises
    ------
    InputError
        If a file is missing, cut off, or no safetensors.
    """
    checkpoints = _named([paths] if isinstance(paths, str | Path) else paths)
    everything = [tensor for _, tensors in checkpoints for tensor in tensors]
    work = sum(map(_work, everything))
    told = condition == "all" or (condition == "auto" and work <= MOST_WORK)
    total, done = sum(tensor.size for tensor in everything), 0
    rows = []
    before: dict[str, Tensor] = {}
    for name, tensors in checkpoints:
        for tensor in tensors:
            rows.append((name, *_row(tensor, before.get(tensor.name), told)))
            done += tensor.size
            progress(done, total)
        before = {tensor.name: tensor for tensor in tensors}
    frame = pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"layer": "Int64"})
    left_out = condition == "auto" and not told
    return CheckpointHealth(frame, (*_findings(frame), *(_left_out(work) if left_out else ())))


def _named(paths: Sequence[Path | str]) -> list[tuple[str, list[Tensor]]]:
    """Return checkpoints by the names of their files; by their paths where two are the same."""
    names = [_name(path) for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    checkpoints = [
        (name, read_checkpoint(Path(path))) for name, path in zip(names, paths, strict=True)
    ]
    for name, tensors in checkpoints:
        if not tensors:
            raise InputError(f"{name}: the file holds no tensors")
    return checkpoints


def _name(path: Path | str) -> str:
    path = Path(path)
    return path.stem if path.suffix == ".safetensors" else path.name or str(path)


def _work(tensor: Tensor) -> float:
    """Return how many multiplications the singular values of a tensor take, by order."""
    if tensor.kind not in FLOATING or len(tensor.shape) < 2:
        return 0.0
    return float(tensor.size) * min(tensor.sides)


def _row(tensor: Tensor, earlier: Tensor | None, told: bool) -> tuple[Any, ...]:
    head = (tensor.name, role_of(tensor.name), layer_of(tensor.name), tensor.shape, tensor.kind)
    law: tuple[Any, ...] = (None,) * 4
    condition = rank = drift = None
    note = _reason(tensor)
    if not note:
        counts, odd = tensor_histogram(tensor)
        drift = _drift(earlier, tensor) if earlier is not None else None
        note = f"{odd:,} of {tensor.size:,} numbers are not finite" if odd else ""
        fitted = None if odd or len(tensor.shape) < 2 else fit_weibull(counts)
        if fitted is not None:
            law = (fitted.k, fitted.scale, fitted.r_squared, band(fitted))
            if told:
                condition, rank, _, note = tensor_spectrum(tensor)
        elif not odd:
            note = "a vector" if len(tensor.shape) < 2 else "all zeros, or too few sizes"
    return (*head, *law, condition, rank, drift, note)


def _reason(tensor: Tensor) -> str:
    """Return why a tensor's numbers are not looked at; empty where they are."""
    if tensor.size == 0:
        return "empty"
    return "" if tensor.kind in FLOATING else "whole numbers"


def _drift(earlier: Tensor, tensor: Tensor) -> float | None:
    """Return the change since the checkpoint before over its norm."""
    if earlier.shape != tensor.shape or earlier.kind not in FLOATING:
        return None
    moved = norm = 0.0
    for old, new in zip(earlier.chunks(), tensor.chunks(), strict=True):
        moved += float(np.square(new - old, dtype=np.float64).sum())
        norm += float(np.square(old, dtype=np.float64).sum())
    return float(np.sqrt(moved / norm)) if norm > 0 and np.isfinite(moved) else None


def _findings(frame: pd.DataFrame) -> list[Finding]:
    broken = frame[frame["note"].str.contains("not finite")]
    found = [
        Finding("PRED612", f"tensor '{row['tensor']}': {row['note']}", run=row["checkpoint"])
        for row in broken.head(5).to_dict("records")
    ]
    poor = int((frame["band"] == "no Weibull law").sum())
    if poor:
        found.append(
            Finding("PRED615", f"{poor} tensors do not follow a Weibull law (R2 under .9): their k "
                    "says nothing")
        )  # fmt: skip
    return found


def _left_out(work: float) -> list[Finding]:
    return [
        Finding("PRED614", f"condition numbers and stable ranks are left out: they would take some "
                f"{work / MOST_WORK:.2g} minutes; --condition all tells them")
    ]  # fmt: skip
