"""One file of a log: found, measured, opened. Sizes are bounded before anything is parsed."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Literal

from predictor.errors import InputError

HEAD_BYTES = 64 * 1024
#: A whole document (JSON, YAML) is parsed in memory: larger ones are refused.
MAX_DOCUMENT_BYTES = 256 * 1024**2
#: A line longer than this is no log line.
MAX_LINE_BYTES = 16 * 1024**2
#: More columns than this is no log table.
MAX_COLUMNS = 20_000
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Source:
    """A readable file of a log, gzip undone.

    Parameters
    ----------
    path : Path
        Where the file is.
    name : str
        How the user knows it: the path as given, or relative to the folder given.
    run_hint : str
        Name for the run where the file's content gives none (from the file's or folder's name).
    """

    path: Path
    name: str
    run_hint: str

    @cached_property
    def compressed(self) -> bool:
        """Whether the file is gzip by content."""
        with self._open_raw() as raw:
            return raw.read(2) == GZIP_MAGIC

    @cached_property
    def head(self) -> bytes:
        """First 64 KiB, decompressed: what sniffing sees."""
        with self.open() as stream:
            return self.guarded(stream.read, HEAD_BYTES)

    @cached_property
    def text_head(self) -> str:
        """The head as text; bytes that are not UTF-8 are replaced."""
        return self.head.decode("utf-8-sig", errors="replace")

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open for binary reading, decompressed; an unreadable file is an :class:`InputError`."""
        with self._open_raw() as raw:
            if self.compressed:
                with gzip.GzipFile(fileobj=raw) as unzipped:
                    yield unzipped  # type: ignore[misc]
            else:
                yield raw

    def document(self) -> bytes:
        """Whole content, bounded by :data:`MAX_DOCUMENT_BYTES`.

        Raises
        ------
        InputError
            If the document is larger, or a gzip stream is broken or cut off.
        """
        with self.open() as stream:
            content = self.guarded(stream.read, MAX_DOCUMENT_BYTES + 1)
        if len(content) > MAX_DOCUMENT_BYTES:
            raise self.error(
                f"larger than {MAX_DOCUMENT_BYTES // 1024**2} MiB, too large for one document; "
                "log one row a line (JSONL or CSV) instead"
            )
        return content

    def lines(self, errors: Literal["strict", "replace"] = "strict") -> Iterator[tuple[int, str]]:
        """Yield (line number from 1, text) with every line bounded by :data:`MAX_LINE_BYTES`.

        With ``errors="replace"``, bytes that are not UTF-8 are replaced instead of refused.

        Raises
        ------
        InputError
            If a line is too long, is not UTF-8, or a gzip stream is broken or cut off.
        """
        with self.open() as stream:
            number = 0
            while line := self.guarded(stream.readline, MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise self.error(
                        f"line {number} is longer than {MAX_LINE_BYTES // 1024**2} MiB: "
                        "this is no log; check the line ends"
                    )
                if errors == "replace":
                    yield number, line.decode("utf-8", errors="replace")
                else:
                    yield number, self.decode(line, number)

    def decode(self, content: bytes, line: int = 1) -> str:
        """Decode UTF-8 (a byte order mark is dropped), or say where it is not."""
        try:
            return content.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            at = line + content[: error.start].count(b"\n")
            raise self.error(
                f"line {at} is not UTF-8 text (byte 0x{content[error.start]:02x}); save it as UTF-8"
            ) from None

    def error(self, message: str) -> InputError:
        """Return an :class:`InputError` that names this file."""
        return InputError(f"{self.name}: {message}")

    def _open_raw(self) -> IO[bytes]:
        try:
            return io.BufferedReader(io.FileIO(self.path))
        except OSError as error:
            reason = (error.strerror or "unreadable").lower()
            raise self.error(
                f"cannot be opened ({reason}); check the path and its rights"
            ) from None

    def guarded(self, read: Callable[[int], bytes], size: int) -> bytes:
        """Call ``read(size)``; damage met while reading is an :class:`InputError`."""
        try:
            return read(size)
        except EOFError:
            raise self.error(
                "gzip data ends too early: the file was cut off; copy it again"
            ) from None
        except (gzip.BadGzipFile, zlib.error):
            raise self.error("gzip data is damaged; copy the file again") from None
        except OSError as error:
            reason = (error.strerror or "unreadable").lower()
            raise self.error(f"cannot be read ({reason})") from None
