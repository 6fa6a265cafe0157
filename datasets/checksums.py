"""Write ``SHA256SUMS``: the checksum of every data file, which the loader compares.

    python datasets/checksums.py

Run it when a data set was made again; ``sha256sum --check SHA256SUMS`` reads the same list.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

HERE = Path(__file__).parent
#: Scripts, cards and their figures are no data.
NO_DATA = {".py", ".md", ".svg", ".pyc"}


def data_files() -> list[Path]:
    """Return every data file, in order of its path."""
    files = (path for folder in HERE.iterdir() if folder.is_dir() for path in folder.rglob("*"))
    return sorted(path for path in files if path.is_file() and path.suffix not in NO_DATA)


def main() -> None:
    """Write the list."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(HERE).as_posix()}\n"
        for path in data_files()
    ]
    (HERE / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines)} files")


if __name__ == "__main__":
    main()
