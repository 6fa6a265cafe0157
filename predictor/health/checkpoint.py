"""A checkpoint's weights, one tensor at a time: Weibull law, condition, drift between two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.health.roles import layer_of, role_of
from predictor.health.safetensors import FLOATING, Tensor, read_checkpoint
from predictor.health.spectrum import spectrum
from predictor.health.weibull import band, fit_weibull, tensor_histogram

#: Singular values are told of matrices up to this many rows or columns, whichever are fewer.
LARGEST_SIDE = 1_024
_MOST_NUMBERS = 1 << 25
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
                f"{count} least-conditioned tensors: only {len(own)} have a condition number; "
                "a larger --largest-side tells more"
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
    paths: Sequence[Path | str],
    *,
    largest_side: int = LARGEST_SIDE,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> CheckpointHealth:
    """Look at the weights of checkpoints in the safetensors format.

    Files are mapped, one tensor is looked at at a time, and nothing in them is executed.

    Parameters
    ----------
    paths : sequence of path
        Files or folders of shards, in the order in which they were saved.
    largest_side : int
        Condition numbers are computed of matrices with no more rows or no more columns than this:
        the time grows with its cube.
    progress : callable
        Called with bytes done and bytes in all.

    Returns
    -------
    CheckpointHealth

    Raises
    ------
    InputError
        If a file is missing, cut off, or no safetensors.
    """
    checkpoints = [(_name(path), read_checkpoint(Path(path))) for path in paths]
    names = [name for name, _ in checkpoints]
    if len(set(names)) < len(names):
        checkpoints = [(str(p), t) for p, (_, t) in zip(paths, checkpoints, strict=True)]
    total = sum(tensor.size for _, tensors in checkpoints for tensor in tensors)
    done = 0
    rows = []
    before: dict[str, Tensor] = {}
    for name, tensors in checkpoints:
        if not tensors:
            raise InputError(f"{name}: the file holds no tensors")
        for tensor in tensors:
            rows.append((name, *_row(tensor, before.get(tensor.name), largest_side)))
            done += tensor.size
            progress(done, total)
        before = {tensor.name: tensor for tensor in tensors}
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    frame["layer"] = frame["layer"].astype("Int64")
    return CheckpointHealth(frame, tuple(_findings(frame, largest_side)))


def _name(path: Path | str) -> str:
    path = Path(path)
    return path.stem if path.suffix == ".safetensors" else path.name or str(path)


def _row(tensor: Tensor, earlier: Tensor | None, largest_side: int) -> tuple[Any, ...]:
    head = (tensor.name, role_of(tensor.name), layer_of(tensor.name), tensor.shape, tensor.kind)
    nothing = (None,) * 4
    if tensor.size == 0:
        return (*head, *nothing, None, None, None, "empty")
    if tensor.kind not in FLOATING:
        return (*head, *nothing, None, None, None, "whole numbers")
    counts, odd = tensor_histogram(tensor)
    drift = _drift(earlier, tensor) if earlier is not None else None
    if odd:
        note = f"{odd:,} of {tensor.size:,} numbers are not finite"
        return (*head, *nothing, None, None, None, note)
    if len(tensor.shape) < 2:
        return (*head, *nothing, None, None, drift, "a vector")
    law = fit_weibull(counts)
    if law is None:
        return (*head, *nothing, None, None, drift, "all zeros, or too few sizes")
    fitted = (law.k, law.scale, law.r_squared, band(law.k, law.r_squared))
    short = min(tensor.shape[0], tensor.size // max(tensor.shape[0], 1))
    if short > largest_side or tensor.size > _MOST_NUMBERS:
        return (*head, *fitted, None, None, drift, "too large for a condition number")
    told = spectrum(tensor.matrix())
    return (*head, *fitted, told.condition, told.stable_rank, drift, told.note)


def _drift(earlier: Tensor, tensor: Tensor) -> float | None:
    """Return the change since the checkpoint before over its norm."""
    if earlier.shape != tensor.shape or earlier.kind not in FLOATING:
        return None
    moved = norm = 0.0
    for old, new in zip(earlier.chunks(), tensor.chunks(), strict=True):
        moved += float(np.square(new - old, dtype=np.float64).sum())
        norm += float(np.square(old, dtype=np.float64).sum())
    return float(np.sqrt(moved / norm)) if norm > 0 and np.isfinite(moved) else None


def _findings(frame: pd.DataFrame, largest_side: int) -> list[Finding]:
    broken = frame[frame["note"].str.contains("not finite")]
    found = [
        Finding("PRED612", f"tensor '{row['tensor']}': {row['note']}", run=row["checkpoint"])
        for row in broken.head(5).to_dict("records")
    ]
    large = int((frame["note"] == "too large for a condition number").sum())
    if large:
        found.append(
            Finding(
                "PRED614",
                f"{large} matrices with more than {largest_side:,} rows and columns have no "
                "condition number here; --largest-side tells of larger ones, in the cube of the "
                "time",
            )
        )
    poor = frame[(frame["band"] == "no Weibull law")]
    if len(poor):
        found.append(
            Finding(
                "PRED615",
                f"{len(poor)} tensors do not follow a Weibull law (R2 under .9): their k says "
                "nothing",
            )
        )
    return found
