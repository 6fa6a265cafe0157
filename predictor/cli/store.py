"""The command ``predictor store``: what a workspace holds, and whether it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from predictor.cli.options import common_options
from predictor.cli.output import csv_text, emit, json_text, print_findings
from predictor.findings import Finding, Severity

if TYPE_CHECKING:
    from predictor.store.workspace import Workspace

_FOLDER = "Folder of the workspace.  [default: $PREDICTOR_WORKSPACE, else ~/.predictor]"
_DATABASE = (
    "Database URL instead of the folder's SQLite file: postgresql+psycopg://...  "
    "[default: $PREDICTOR_DATABASE, else SQLite]"
)
_OWNER = "Whose uploads, where workspaces are kept by user.  [default: those that all share]"
_REPAIR = "Make damaged tables again from the uploads, and remove files that belong to nothing."
_OPTIONS = (
    click.option("--workspace", type=click.Path(file_okay=False, path_type=Path), help=_FOLDER),
    click.option("--database", metavar="URL", help=_DATABASE),
    click.option("--owner", default="", metavar="NAME", help=_OWNER),
)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    decorated = common_options(command)
    return reduce(lambda inner, option: option(inner), reversed(_OPTIONS), decorated)


class _Call:
    """A workspace, opened for one call, and how to print what came of it."""

    def __init__(
        self,
        workspace: Path | None,
        database: str | None,
        owner: str,
        form: str,
        output: Path | None,
        quiet: bool,
        seed: int,  # noqa: ARG002 (nothing is random here; every command takes the option)
    ) -> None:
        self._place = (workspace, database, owner)
        self._form, self._output, self._quiet = form, output, quiet

    def open(self) -> Workspace:
        from predictor.store.workspace import Workspace

        return Workspace.open(*self._place)

    def print(
        self,
        body: dict[str, Any],
        rows: Sequence[dict[str, Any]],
        text: str,
        findings: Iterable[Finding] = (),
    ) -> None:
        import pandas as pd

        from predictor.cli.store_page import store_text

        if self._form == "json":
            emit(json_text("store", body, findings), self._output)
        elif self._form == "csv":
            emit(csv_text(pd.DataFrame([_flat(row) for row in rows])), self._output)
        else:
            emit(store_text(text, [_flat(row) for row in rows]), self._output)
        print_findings(findings, self._quiet)


@click.group("store", short_help="What is kept? Take it elsewhere, check it.")
def command() -> None:
    """Look after a workspace: uploaded logs and the forecasts made from them."""


@command.command("add", short_help="Keep logs.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--title", default="", help="What to call it.  [default: name of the first path]")
@_options
def add(paths: tuple[Path, ...], title: str, **options: Any) -> None:
    """Keep the logs in PATHS, files and folders that belong together, as one upload."""
    call = _Call(**options)
    with call.open() as workspace:
        upload = workspace.add_paths(paths, title)
        runs = workspace.runs()
    rows = _run_rows(runs[runs["upload"] == upload.id])
    held = ", ".join(upload.kinds)
    text = f"upload {upload.id}, {upload.title}: {held}, in {len(upload.files)} files"
    call.print({"upload": _upload_row(upload), "runs": rows}, rows, text, upload.findings)


@command.command("list", short_help="What is kept?")
@_options
def list_(**options: Any) -> None:
    """List the uploads, newest first; in JSON the runs too."""
    call = _Call(**options)
    with call.open() as workspace:
        rows = [_upload_row(upload) for upload in workspace.uploads()]
        runs = _run_rows(workspace.runs())
        folder = workspace.folder
    text = f"{folder}: {len(rows)} uploads, {len(runs)} runs"
    call.print({"uploads": rows, "runs": runs}, rows, text)


@command.command("export", short_help="Write all to one file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_options
def export(file: Path, **options: Any) -> None:
    """Write all that is kept, and not deleted, to the zip FILE."""
    call = _Call(**options)
    with call.open() as workspace:
        counts = workspace.export(file)._asdict()
    call.print({"exported": counts}, [counts], f"{file}: written")


@command.command("import", short_help="Take in an exported file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_options
def import_(file: Path, **options: Any) -> None:
    """Take in FILE, which 'predictor store export' wrote; what is there stays as it is."""
    call = _Call(**options)
    with call.open() as workspace:
        counts = workspace.load(file)._asdict()
    call.print({"imported": counts}, [counts], f"{file}: taken in what was not there")


@command.command("verify", short_help="Is it whole?")
@click.option("--repair", is_flag=True, help=_REPAIR + "  [default: change nothing]")
@_options
def verify(repair: bool, **options: Any) -> int:
    """Check the database and the hash of every file; exit with 1 where anything is damaged."""
    call = _Call(**options)
    with call.open() as workspace:
        found = workspace.verify(repair)
        left = workspace.verify() if repair and found else found
    sound = not any(finding.severity is Severity.WARNING for finding in left)
    rows = [finding.to_dict() for finding in found]
    call.print({"sound": sound}, rows, "whole" if sound else "damaged", found)
    return 0 if sound else 1


@command.command("purge", short_help="Remove what was deleted.")
@_options
def purge(**options: Any) -> None:
    """Remove for good what was deleted, and files that belong to nothing."""
    call = _Call(**options)
    with call.open() as workspace:
        freed = workspace.purge()
    call.print({"freed_bytes": freed}, [{"freed_bytes": freed}], "deleted runs and uploads removed")


def _upload_row(upload: Any) -> dict[str, Any]:
    return {
        "id": upload.id,
        "title": upload.title,
        "created": upload.created.isoformat(timespec="seconds"),
        "kinds": list(upload.kinds),
        "files": len(upload.files),
        "bytes": sum(file.size for file in upload.files),
        "runs": len(upload.runs),
    }


def _run_rows(runs: Any) -> list[dict[str, Any]]:
    """Return runs as plain values; what is not known is None."""
    runs = runs.drop(columns=["created", "upload"]).sort_values("id")
    plain = runs.astype(object).where(runs.notna(), None).to_dict("records")
    return [{key: list(v) if isinstance(v, tuple) else v for key, v in r.items()} for r in plain]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {key: " ".join(v) if isinstance(v, list) else v for key, v in row.items()}
