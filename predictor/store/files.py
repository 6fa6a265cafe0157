"""Files of a workspace, named by the hash of their content; they appear whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from predictor.errors import InputError

_CHUNK = 1 << 20
#: Seconds to wait for others that use the files, before purging gives up.
_PATIENCE = 10.0


class Files:
    """The files of a workspace.

    Parameters
    ----------
    folder : Path
        The workspace; ``files/`` in it holds what was uploaded, ``logs/`` the tables read from it,
        ``tmp/`` what is being received.

    Raises
    ------
    InputError
        From every use: the folder cannot be written, the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self) -> None:
        """Make the folders that are missing."""
        with self.in_words():
            for name in ("files", "logs", "tmp"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)

    def uploaded(self, digest: str) -> Path:
        """Return where uploaded bytes are."""
        return self.folder / "files" / digest[:2] / digest

    def table(self, digest: str) -> Path:
        """Return where a table is that was read from uploaded files."""
        return self.folder / "logs" / digest[:2] / f"{digest}.parquet"

    def all(self) -> Iterator[Path]:
        """Yield every file that is kept."""
        for name in ("files", "logs"):
            yield from (p for p in sorted((self.folder / name).rglob("*")) if p.is_file())

    def keep(self, staged: Mapping[Path, Path]) -> None:
        """Move complete files to their places: safe on disk before anybody is told of them."""
        folders = {place.parent for place in staged.values()}
        for folder in folders:
            folder.mkdir(exist_ok=True)
        for path, place in staged.items():
            _sync(path)
            os.replace(path, place)
        for folder in sorted(folders | {folder.parent for folder in folders}):
            _sync(folder)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Yield an empty folder on the same disk, gone afterwards; nothing is purged meanwhile."""
        with self.together(), self.scratch() as folder:
            yield folder

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield an empty folder on the same disk, for one who holds the lock already."""
        with self.in_words():
            folder = Path(tempfile.mkdtemp(dir=self.folder / "tmp"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def left_over(self) -> list[Path]:
        """Return what processes that were killed left in ``tmp/``; true only for one alone."""
        return sorted((self.folder / "tmp").iterdir())

    @contextmanager
    def together(self) -> Iterator[None]:
        """Add or read beside others, over all processes; nothing is purged meanwhile."""
        with self._lock(fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody adds or reads whole folders, and keep them out."""
        with self._lock(fcntl.LOCK_EX), self.in_words():
            yield

    @contextmanager
    def _lock(self, how: int) -> Iterator[None]:
        with self.in_words():
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _take(handle, how, self.folder)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """Say in one line what the disk refused."""
        try:
            yield
        except OSError as error:
            raise InputError(f"workspace {self.folder}: {_reason(error)}") from error


def _take(handle: int, how: int, folder: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise InputError(
                    f"workspace {folder}: in use for {_PATIENCE:g} s; try again later"
                ) from None
            time.sleep(0.02)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "the disk is full; free some space and try again, nothing was stored"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "the folder cannot be written; make it writable"
    reason = (error.strerror or "the disk refused").lower()
    where = f" ({error.filename})" if error.filename else ""
    return f"{reason}{where}"


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    digest = sha256()
    with path.open("rb") as stream:
        while block := stream.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def lay_out(named: Mapping[str, Path], root: Path) -> Path:
    """Lay files out below a folder under their own names: the same bytes, not copied.

    The names have been checked when they were received, see :mod:`predictor.store.uploading`.

    Raises
    ------
    InputError
        If a file is gone.
    """
    for name, path in named.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, place)
        except FileNotFoundError:
            raise InputError(f"{name}: the stored file is missing; upload it again") from None
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                raise
            shutil.copyfile(path, place)
    return root
