"""Read safetensors files: a header of names and places, and raw numbers. Nothing is executed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.errors import InputError

_MOST_HEADER = 100_000_000
_MOST_SHARDS = 10_000
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "i1", "U8": "u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "BOOL": "u1",
}  # fmt: skip
FLOATING = frozenset({"F64", "F32", "F16", "BF16"})


@dataclass(frozen=True)
class Tensor:
    """One tensor of a checkpoint, on disk.

    Parameters
    ----------
    name : str
        As the checkpoint calls it.
    kind : str
        Type of its numbers, such as "BF16".
    shape : tuple of int
        Sizes.
    path : Path
        The file it is in.
    start : int
        Byte of the file where it begins.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    path: Path
    start: int

    @property
    def size(self) -> int:
        """Number of its numbers."""
        return int(np.prod(self.shape, dtype=np.int64)) if self.shape else 1

    def raw(self, first: int = 0, count: int | None = None) -> NDArray[Any]:
        """Return its numbers, or ``count`` from ``first`` on, mapped from the file and not read."""
        kind = np.dtype(_TYPES[self.kind])
        count = self.size - first if count is None else min(count, self.size - first)
        if count <= 0:
            return np.empty(0, dtype=kind)
        place = self.start + first * kind.itemsize
        return np.memmap(self.path, dtype=kind, mode="r", offset=place, shape=(count,))

    def pieces(self, count: int = 1 << 22) -> Iterator[NDArray[Any]]:
        """Yield its numbers piece by piece; no more than one is mapped at a time."""
        for first in range(0, self.size, count):
            yield np.asarray(self.raw(first, count))

    def chunks(self, count: int = 1 << 22) -> Iterator[NDArray[np.float32]]:
        """Yield its numbers in pieces as 32-bit floats (64 bits are rounded)."""
        for piece in self.pieces(count):
            yield floats(piece, self.kind)

    @property
    def sides(self) -> tuple[int, int]:
        """Rows and columns of it as a matrix, more dimensions flattened to (out, -1)."""
        rows = self.shape[0] if self.shape else 1
        return rows, self.size // rows if rows else 0

    def matrix(self, along: slice = slice(None), *, columns: bool = False) -> NDArray[np.float32]:
        """Return it as a matrix, or a slice of its rows or columns."""
        whole = self.raw().reshape(self.sides)
        part = whole[:, along] if columns else whole[along]
        return floats(np.ascontiguousarray(part), self.kind)


def floats(raw: NDArray[Any], kind: str) -> NDArray[np.float32]:
    """Return numbers as 32-bit floats; bfloat16 is the upper half of one.

    Examples
    --------
    >>> floats(np.array([0x3F80, 0xC000], dtype="<u2"), "BF16").tolist()
    [1.0, -2.0]
    """
    if kind == "BF16":
        return (raw.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):
        return raw.astype(np.float32, copy=False)


def read_checkpoint(path: Path) -> list[Tensor]:
    """Return the tensors of a safetensors file, or of all in a folder of shards.

    Parameters
    ----------
    path : Path
        File, or folder with ``*.safetensors``.

    Raises
    ------
    InputError
        If there is none, or a header does not fit its file.
    """
    if path.is_dir():
        files = sorted(path.glob("*.safetensors"))
        if not files:
            raise InputError(f"{path}: no *.safetensors in this folder; pickled checkpoints "
                             "(.bin, .pt, .ckpt) are not opened")  # fmt: skip
        if len(files) > _MOST_SHARDS:
            raise InputError(f"{path}: more than {_MOST_SHARDS:,} shards")
    elif path.is_file():
        files = [path]
    else:
        raise InputError(f"{path}: no such file")
    found: dict[str, Tensor] = {}
    for file in files:
        for tensor in _tensors(file):
            if tensor.name in found:
                raise InputError(
                    f"{file}: tensor '{tensor.name}' is in {found[tensor.name].path} too"
                )
            found[tensor.name] = tensor
    return list(found.values())


def _tensors(path: Path) -> list[Tensor]:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        length = int.from_bytes(head, "little")
        if len(head) < 8 or length < 2 or length > min(size - 8, _MOST_HEADER):
            raise InputError(f"{path}: no safetensors file (its header's length does not fit)")
        text = file.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{path}: no safetensors file (its header is no JSON)") from None
    if not isinstance(header, dict):
        raise InputError(f"{path}: no safetensors file (its header is no JSON object)")
    begin = 8 + length
    return [
        _tensor(path, str(name), entry, begin, size - begin)
        for name, entry in header.items()
        if name != "__metadata__"
    ]


def _tensor(path: Path, name: str, entry: Any, begin: int, room: int) -> Tensor:
    shown = name[:80]
    try:
        kind, shape = str(entry["dtype"]), tuple(int(n) for n in entry["shape"])
        first, last = (int(n) for n in entry["data_offsets"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: tensor '{shown}' has no dtype, shape and data_offsets") from None
    if kind not in _TYPES:
        raise InputError(f"{path}: tensor '{shown}' is of type {kind[:20]}; known are "
                         f"{', '.join(_TYPES)}")  # fmt: skip
    count = 1
    for n in shape:
        count *= n
    needed = count * np.dtype(_TYPES[kind]).itemsize
    if min(shape, default=1) < 0 or not 0 <= first <= last <= room or last - first != needed:
        raise InputError(f"{path}: tensor '{shown}' does not fit the file; it is cut off or broken")
    return Tensor(name, kind, shape, path, begin + first)
