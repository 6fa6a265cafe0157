"""The workspace: uploaded logs and the forecasts made from them, kept in a folder or a database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from predictor.findings import Finding
from predictor.fitting.forecast import Forecast
from predictor.logs.tables import ItemLog, ResponseLog, RunLog
from predictor.store import (
    adding,
    deleting,
    exporting,
    importing,
    recording,
    run_table,
    trust,
    uploads,
    verifying,
)
from predictor.store.database import Database, url_of
from predictor.store.document import Counts
from predictor.store.files import Files, lay_out
from predictor.store.migrating import bring_up_to_date
from predictor.store.store import Store
from predictor.store.trust import TrustReport
from predictor.store.uploading import Given, Limits, given_files
from predictor.store.uploads import Upload

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Counts", "Given", "Limits", "TrustReport", "Upload", "Workspace"]

#: Environment variables that name folder and database where none is given.
FOLDER, DATABASE = "PREDICTOR_WORKSPACE", "PREDICTOR_DATABASE"


class Workspace:
    r"""Logs that were uploaded and forecasts that were made, of one owner.

    Open it by :meth:`open`. Several processes and threads may use one workspace at once.

    Parameters
    ----------
    store : Store
        Files, database and owner.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, Workspace.open(folder) as workspace:
    ...     upload = workspace.add([("a.csv", b"step,loss\n1,3.0\n2,2.5\n4,2.2\n")])
    ...     workspace.runs()[["name", "points", "metrics"]]
      name  points  metrics
    0    a       3  (loss,)
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(
        cls,
        folder: Path | str | None = None,
        database: str | None = None,
        owner: str = "",
        limits: Limits = Limits(),  # noqa: B008 (frozen)
    ) -> Workspace:
        """Open a workspace; what is missing is made, what is older is brought up to date.

        Parameters
        ----------
        folder : path, optional
            Where its files are. By default ``$PREDICTOR_WORKSPACE``, else ``~/.predictor``.
        database : str, optional
            URL of a PostgreSQL database that takes the place of the folder's own ``predictor.db``:
            ``"postgresql+psycopg://user@host/name"``. By default ``$PREDICTOR_DATABASE``.
        owner : str
            Whose rows are seen and changed; those of "" are for all who share the workspace.
        limits : Limits
            How much an upload may be.

        Raises
        ------
        InputError
            If the folder cannot be made or written, the database is away, damaged or of a newer
            version of Predictor.
        """
        place = Path(folder or os.environ.get(FOLDER) or Path.home() / ".predictor").expanduser()
        files = Files(place.absolute())
        files.create()
        url = url_of(files.folder, database or os.environ.get(DATABASE) or None)
        store = Store(files, Database(url), owner, limits)
        try:
            bring_up_to_date(store.database)
        except BaseException:
            store.database.close()
            raise
        return cls(store)

    def of(self, owner: str) -> Workspace:
        """Return the same workspace as another owner has it, over the same connections."""
        return Workspace(Store(self._store.files, self._store.database, owner, self._store.limits))

    def close(self) -> None:
        """Close the connections to the database."""
        self._store.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._store.files.folder

    @property
    def owner(self) -> str:
        """Whose rows are seen."""
        return self._store.owner

    def add(self, files: Sequence[Given | tuple[str, Any]], title: str = "") -> Upload:
        """Keep files that belong together; the same files are kept once.

        Parameters
        ----------
        files : sequence of Given
            Files with the names they came under, or plain pairs of name and content; zip files are
            unpacked.
        title : str
            What to call the upload; by default the name of its first file or folder.

        Returns
        -------
        Upload
            Kept on disk and in the database once it is returned.

        Raises
        ------
        InputError
            If nothing in it can be read, or it is too much: one line that names the file. Nothing
            of it is kept then.
        """
        return self.upload(adding.add(self._store, files, title))

    def add_paths(self, paths: Iterable[Path], title: str = "") -> Upload:
        """Keep files and folders that are on this machine; see :meth:`add`."""
        return self.add(given_files(paths), title)

    def add_bundled(self, name: str) -> Upload:
        """Keep a bundled data set or table; see :func:`predictor.dataset_path`."""
        from predictor.bundle import dataset_path

        return self.add_paths([dataset_path(name)], name)

    def upload(self, number: int) -> Upload:
        """Return one upload.

        Raises
        ------
        InputError
            If it is not there, or deleted.
        """
        return uploads.one_upload(self._store, number)

    def uploads(self, deleted: bool = False) -> list[Upload]:
        """Return the uploads, newest first; the deleted ones instead where asked."""
        return uploads.all_uploads(self._store, deleted)

    def runs(self, deleted: bool = False) -> pd.DataFrame:
        """Return one row a run, newest first.

        Returns
        -------
        DataFrame
            ``id, name, group, tags, upload, format, points, metrics, axes, params, tokens, flops,
            warnings, created``; tags, metrics and axes are tuples of str.
        """
        return run_table.runs_frame(self._store, deleted)

    def log(self, runs: Sequence[int] | None = None) -> RunLog:
        """Return the points of runs, by default of all, under the names they have now.

        ``.runs`` has their ``group``, ``tags`` (joined by spaces) and ``run_id`` beside what the
        log tells. Two runs of one name are told apart by their numbers: ``a #3`` and ``a #7``.

        Raises
        ------
        InputError
            If a run is not there, or its file is damaged.
        """
        return run_table.run_log(self._store, runs)

    def item_log(self, upload: int) -> ItemLog:
        """Return the results per item of an upload."""
        return run_table.item_log(self._store, upload)

    def response_log(self, upload: int) -> ResponseLog:
        """Return the scored responses of an upload."""
        return run_table.response_log(self._store, upload)

    @contextmanager
    def folder_of(self, upload: int) -> Iterator[Path]:
        """Yield a folder with the uploaded files under their own names, gone afterwards.

        They are the stored bytes themselves: read them, never write them.
        """
        files = {file.name: file.sha256 for file in self.upload(upload).files}
        with self._store.files.staging() as folder:
            named = {name: self._store.files.uploaded(digest) for name, digest in files.items()}
            with self._store.files.in_words():
                lay_out(named, folder / "files")
            yield folder / "files"

    def rename(self, run: int, name: str) -> None:
        """Give a run another name; its log keeps the old one."""
        run_table.rename(self._store, run, name)

    def set_group(self, runs: Sequence[int], group: str) -> None:
        """Put runs into a group, such as a method; an empty name takes them out of theirs."""
        run_table.set_group(self._store, runs, group)

    def set_tags(self, runs: Sequence[int], tags: Sequence[str]) -> None:
        """Give runs these tags in place of those that they have."""
        run_table.set_tags(self._store, runs, tags)

    def set_facts(self, run: int, **facts: float | None) -> None:
        """Tell of a run the params, tokens or flops that its log does not; None takes them back."""
        run_table.set_facts(self._store, run, **facts)

    def delete(self, runs: Sequence[int]) -> int:
        """Delete runs, and an upload that has nothing else left; return what :meth:`undo` takes."""
        return deleting.delete_runs(self._store, runs)

    def delete_upload(self, upload: int) -> int:
        """Delete an upload with its runs; return what :meth:`undo` takes."""
        return deleting.delete_upload(self._store, upload)

    def undo(self, token: int) -> None:
        """Bring back what was deleted together.

        Raises
        ------
        InputError
            If it was purged, or is back already.
        """
        deleting.undo(self._store, token)

    def purge(self) -> int:
        """Remove for good what was deleted, and files nobody refers to; return the bytes freed."""
        return deleting.purge(self._store)

    def record(
        self,
        forecasts: Iterable[Forecast],
        *,
        predictor: str,
        runs: Mapping[str, int] | None = None,
        digest: str = "",
        seen_until: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> list[int]:
        """Keep forecasts, so that they can be scored when their place has come.

        Parameters
        ----------
        forecasts : iterable of Forecast
            As made.
        predictor : str
            What made them, such as "curves".
        runs : mapping of str to int, optional
            Number of each run in this workspace, by its name in the forecasts.
        digest : str
            Of what they rest on, see :meth:`digest`.
        seen_until : mapping of str to float, optional
            For each run, how far of its log the forecast knew, on the axis of ``at``. By default
            all that is logged.
        seed : int
            Seed of what was random.

        Returns
        -------
        list of int
            Numbers of the forecasts; one that is there already, made of the same, is kept once.
        """
        seen = {run: float(place) for run, place in (seen_until or {}).items()}
        made = recording.Made(predictor, dict(runs or {}), digest, seen, int(seed))
        return recording.record(self._store, list(forecasts), made)

    def forecasts(self) -> pd.DataFrame:
        """Return one row a forecast, newest first."""
        return recording.forecasts_frame(self._store)

    def trust(self) -> TrustReport:
        """Score the forecasts whose place a log has reached since."""
        return trust.score_forecasts(self._store)

    def remember_gate(self, name: str, toml: str) -> None:
        """Keep the text of a gate under a name; it takes the place of one that is there."""
        recording.remember_gate(self._store, name, toml)

    def gates(self) -> dict[str, str]:
        """Return the gates by name, as TOML."""
        return recording.gates(self._store)

    def verify(self, repair: bool = False) -> list[Finding]:
        """Check the hash of every file, and the database.

        Parameters
        ----------
        repair : bool
            Make tables again from the uploaded files, and remove files that belong to nothing.

        Returns
        -------
        list of Finding
            Empty where all is well.
        """
        return verifying.verify(self._store, repair)

    def export(self, path: Path) -> Counts:
        """Write all that is not deleted to one zip file, whole or not at all.

        Returns
        -------
        Counts
            Uploads, runs, forecasts and gates written.
        """
        return exporting.export(self._store, Path(path))

    def load(self, path: Path) -> Counts:
        """Take in a file that :meth:`export` wrote; what is there already stays as it is.

        Returns
        -------
        Counts
            Uploads, runs, forecasts and gates that were not there before.

        Raises
        ------
        InputError
            If the file is damaged or not what it says; nothing of it is taken in then.
        """
        return importing.load(self._store, Path(path))

    def digest(self, runs: Sequence[int] | None = None) -> str:
        """Return a hash of all that a forecast of these runs rests on: a key for caches."""
        return run_table.digest(self._store, runs)
