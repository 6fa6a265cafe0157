"""The rows of an exported workspace, and what they must be."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from predictor._version import __version__

#: What an exported workspace says of itself.
FORM: Literal["predictor/workspace/1"] = "predictor/workspace/1"
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Counts(NamedTuple):
    """How many were written, or came in that were not there before."""

    uploads: int
    runs: int
    forecasts: int
    gates: int


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Manifest(BaseModel):
    """What kind of file it is, and who wrote it."""

    form: Literal["predictor/workspace/1"] = FORM
    predictor: str = __version__


class FileRow(_Strict):
    """A file of an upload."""

    name: str
    sha256: Hash
    size: Annotated[int, Field(ge=0)]


class FindingRow(_Strict):
    """What was noticed on reading."""

    code: str
    message: str
    run: str | None = None
    source: str | None = None


class RunRow(_Strict):
    """A run; columns as in :data:`predictor.store.schema.runs`."""

    source: str
    name: str
    group: str
    tags: list[str]
    format: str
    points: int
    metrics: list[str]
    axes: list[str]
    ends: dict[str, dict[str, FiniteFloat]]
    counts: dict[str, FiniteFloat]
    facts: dict[str, str | bool | int | FiniteFloat]
    own_facts: dict[str, FiniteFloat]
    findings: list[FindingRow]
    created: FiniteFloat


class UploadRow(_Strict):
    """An upload with its files and runs."""

    digest: Hash
    title: str
    created: FiniteFloat
    kinds: list[str]
    tables: dict[Literal["runs", "items", "responses"], Hash]
    findings: list[FindingRow]
    files: list[FileRow]
    runs: list[RunRow]


class ForecastRow(_Strict):
    """A forecast; ``origin`` is the digest of the upload and the run's name in it."""

    key: Hash
    created: FiniteFloat
    predictor: str
    version: str
    origin: tuple[Hash, str] | None
    run_name: str
    metric: str
    at: dict[str, FiniteFloat]
    value: FiniteFloat | None
    lower: FiniteFloat | None
    upper: FiniteFloat | None
    level: FiniteFloat
    law: str
    points: int
    extrapolation: FiniteFloat | None
    warnings: list[str]
    digest: str
    seen_until: FiniteFloat | None
    logged_until: FiniteFloat | None
    seed: int


class Document(_Strict):
    """All rows of one owner."""

    uploads: list[UploadRow]
    forecasts: list[ForecastRow]
    gates: dict[str, str]

    def counts(self) -> Counts:
        """Return how many rows there are."""
        runs = sum(len(upload.runs) for upload in self.uploads)
        return Counts(len(self.uploads), runs, len(self.forecasts), len(self.gates))

    def members(self) -> dict[str, str]:
        """Return the files that belong to the rows: path in the zip file to hash."""
        files = {file.sha256 for upload in self.uploads for file in upload.files}
        tables = {one for upload in self.uploads for one in upload.tables.values()}
        return {
            **{f"files/{digest}": digest for digest in sorted(files)},
            **{f"logs/{digest}.parquet": digest for digest in sorted(tables)},
        }
