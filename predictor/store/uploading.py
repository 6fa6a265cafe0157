"""What a user hands over, received into a folder: bounded, unpacked, hashed, names checked."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, NamedTuple

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.discovery import run_hint

_CHUNK = 1 << 20
_LONGEST_NAME = 200
_DEEPEST = 30
_SYMLINK = 0o120000
#: First bytes of files that hold code or objects: of no use here, and never kept.
_UNWANTED = {
    b"\x80\x02": "a pickle", b"\x80\x03": "a pickle", b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle", b"\x7fELF": "a program", b"MZ\x90\x00": "a program",
    b"\xcf\xfa\xed\xfe": "a program", b"#!/": "a script",
}  # fmt: skip


class Given(NamedTuple):
    """A file that a user hands over.

    Parameters
    ----------
    name : str
        Its name, with the folders it came in: ``"run1/metrics.csv"``.
    content : bytes, Path or binary file
        What is in it.
    """

    name: str
    content: bytes | Path | BinaryIO


@dataclass(frozen=True)
class Limits:
    """How much an upload may be; a zip file is measured while it is unpacked.

    Parameters
    ----------
    file_bytes : int
        Bytes of one file, zip files included.
    total_bytes : int
        Bytes of all files, unpacked.
    files : int
        Number of files, unpacked.
    ratio : float
        How many times larger than the zip file its content may be, beyond the first 64 MiB: logs
        shrink 3 to 30 times, a bomb a thousand times.
    """

    file_bytes: int = 200 * 1024**2
    total_bytes: int = 1024**3
    files: int = 10_000
    ratio: float = 100.0


class Received(NamedTuple):
    """A file that has been received."""

    name: str
    path: Path
    sha256: str
    size: int


_FREE_BYTES = 64 * 1024**2


class Receiver:
    """Receives files into a folder, within limits.

    Parameters
    ----------
    folder : Path
        Where the bytes go, under numbers: names of a user never become paths here.
    limits : Limits
        How much is received.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self.files: dict[str, Received] = {}
        self.findings: list[Finding] = []
        self._total = 0

    def receive(self, given: Sequence[Given]) -> list[Received]:
        """Receive files, zip files unpacked.

        Raises
        ------
        InputError
            If there is too much, a name leads outside, a name comes twice or a zip file is damaged.
        """
        for one in given:
            with _opened(one) as stream:
                if one.name.lower().endswith(".zip"):
                    self._unpack(one.name, stream)
                else:
                    self._take(checked_name(one.name), stream, self._limits.file_bytes)
        files = list(self.files.values())
        if not files:
            raise InputError("nothing was uploaded; give at least one log file")
        return self._wanted(files)

    def _take(self, name: str, stream: IO[bytes], most: float) -> None:
        if name in self.files:
            raise InputError(f"{name}: comes twice in one upload; give every file its own name")
        if len(self.files) >= self._limits.files:
            raise InputError(f"{name}: more than {self._limits.files:,} files; upload fewer")
        digest, size = sha256(), 0
        path = self._folder / f"{len(self.files)}"
        with path.open("xb") as kept:
            while block := stream.read(_CHUNK):
                size += len(block)
                self._total += len(block)
                self._check(name, size, most)
                digest.update(block)
                kept.write(block)
        self.files[name] = Received(name, path, digest.hexdigest(), size)

    def _check(self, name: str, size: int, most: float) -> None:
        if size > self._limits.file_bytes:
            raise InputError(f"{name}: larger than {_mib(self._limits.file_bytes)}; log less often")
        if self._total > self._limits.total_bytes:
            raise InputError(f"{name}: more than {_mib(self._limits.total_bytes)} in one upload")
        if size > most:
            raise InputError(f"{name}: grows without measure when unpacked; a zip bomb is refused")

    def _unpack(self, name: str, stream: BinaryIO) -> None:
        packed = self._folder / "packed"
        receiver = Receiver(self._folder / "zip", self._limits)
        receiver._folder.mkdir(exist_ok=True)
        receiver._take(name, stream, self._limits.file_bytes)
        receiver.files[name].path.replace(packed)
        try:
            with zipfile.ZipFile(packed) as archive:
                self._unpack_members(name, archive, packed.stat().st_size)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError) as e:
            raise InputError(
                f"{name}: the zip file is damaged ({_line(e)}); pack it again"
            ) from None
        packed.unlink()

    def _unpack_members(self, name: str, archive: zipfile.ZipFile, packed: int) -> None:
        members = [info for info in archive.infolist() if not info.is_dir()]
        if len(members) + len(self.files) > self._limits.files:
            raise InputError(f"{name}: more than {self._limits.files:,} files; pack fewer")
        declared = sum(info.file_size for info in members)
        if declared + self._total > self._limits.total_bytes:
            raise InputError(
                f"{name}: unpacks to {_mib(declared)}, more than {_mib(self._limits.total_bytes)}"
            )
        most = max(_FREE_BYTES, packed * self._limits.ratio)
        before = self._total
        for info in members:
            inner = f"{name}: {_line(info.filename)}"
            if info.flag_bits & 0x1:
                raise InputError(f"{inner} is encrypted; pack it without a password")
            if (info.external_attr >> 16) & 0o170000 == _SYMLINK:
                raise InputError(f"{inner} is a symbolic link; pack the file itself")
            with archive.open(info) as content:
                try:
                    self._take(checked_name(info.filename), content, most - (self._total - before))
                except InputError as error:
                    raise InputError(f"{name}: {error}") from None

    def _wanted(self, files: Sequence[Received]) -> list[Received]:
        """Leave out what holds code or objects; refuse where nothing else is there."""
        unwanted = {file.name: what for file in files if (what := _unwanted(file.path))}
        if len(unwanted) == len(files):
            name, what = next(iter(unwanted.items()))
            raise InputError(f"{name}: is {what}, which is never opened; upload the log itself")
        for name, what in unwanted.items():
            text = f"{name} is {what}: not opened and not kept"
            self.findings.append(Finding("PRED008", text, source=name))
        return [file for file in files if file.name not in unwanted]


def checked_name(name: str) -> str:
    r"""Return a relative name with plain slashes.

    Raises
    ------
    InputError
        If the name is empty, absolute, leads upwards or cannot be a file's.

    Examples
    --------
    >>> checked_name("runs\\a\\loss.csv")
    'runs/a/loss.csv'
    >>> checked_name("../../etc/passwd")
    Traceback (most recent call last):
    predictor.errors.InputError: '../../etc/passwd': leads out of the upload; ...
    """
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    shown = f"'{_line(name)}'"
    if plain.startswith("/") or plain[1:2] == ":" or ".." in parts:
        raise InputError(f"{shown}: leads out of the upload; give names below one folder")
    if not parts or any(len(part.encode("utf-8", "replace")) > _LONGEST_NAME for part in parts):
        raise InputError(f"{shown}: no name for a file; use 1 to {_LONGEST_NAME} characters")
    if len(parts) > _DEEPEST or not all(part.isprintable() for part in parts):
        raise InputError(f"{shown}: too deep, or holds control characters; rename the file")
    return str(PurePosixPath(*parts))


def given_files(paths: Iterable[Path]) -> list[Given]:
    """Return what files and folders hold, names beginning with that of the folder.

    Raises
    ------
    InputError
        If a path does not exist.
    """
    found = []
    for path in paths:
        if path.is_dir():
            inner = sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p, path))
            base = path.resolve().name
            found += [Given(f"{base}/{p.relative_to(path).as_posix()}", p) for p in inner]
        elif path.is_file():
            found.append(Given(_telling_name(path), path))
        else:
            raise InputError(f"{path}: there is no such file or folder; check the path")
    return found


def _telling_name(path: Path) -> str:
    """Return a file's name, with the folders that name its run where the file's own does not."""
    hint = run_hint(path, None)
    return path.name if path.name.startswith(hint) else f"{hint}/{path.name}"


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


@contextmanager
def _opened(given: Given) -> Iterator[BinaryIO]:
    if isinstance(given.content, bytes):
        yield io.BytesIO(given.content)
    elif isinstance(given.content, Path):
        try:
            stream = given.content.open("rb")
        except OSError as error:
            reason = (error.strerror or "unreadable").lower()
            raise InputError(f"{given.content}: cannot be opened ({reason})") from None
        with stream:
            yield stream
    else:
        yield given.content


def _unwanted(path: Path) -> str | None:
    with path.open("rb") as stream:
        head = stream.read(8)
    return next((what for magic, what in _UNWANTED.items() if head.startswith(magic)), None)


def _mib(size: float) -> str:
    return f"{size / 1024**2:,.0f} MiB"


def _line(what: object) -> str:
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(what))
    return text[:120]
