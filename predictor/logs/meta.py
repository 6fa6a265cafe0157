"""Join what is known of runs, but not logged, to a log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from predictor.errors import InputError
from predictor.logs.source import MAX_DOCUMENT_BYTES, Source
from predictor.logs.tables import RunLog


def join_meta(log: RunLog, path: Path) -> RunLog:
    """Join a CSV or TSV table of runs to a log, by its column ``run``.

    Parameters
    ----------
    log : RunLog
        The log.
    path : Path
        The table; its values win over those that were logged.

    Returns
    -------
    RunLog

    Raises
    ------
    InputError
        If the table cannot be read, has no column ``run``, names a run twice, or knows none of the
        log's runs.
    """
    source = Source(path, str(path), path.stem)
    text = source.decode(source.document())
    separator = "\t" if "\t" in text[:MAX_DOCUMENT_BYTES].split("\n", 1)[0] else ","
    try:
        table = pd.read_csv(path, sep=separator, encoding="utf-8-sig", dtype={"run": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise source.error(f"is no table ({' '.join(str(error).split())})") from None
    table = table.rename(columns=lambda name: "run" if name.strip().lower() == "run" else name)
    if "run" not in table:
        raise source.error(f"has no column 'run'; it has {', '.join(map(str, table.columns[:8]))}")
    if table["run"].duplicated().any():
        twice = table.loc[table["run"].duplicated(), "run"].iloc[0]
        raise source.error(f"names run '{twice}' twice; one row a run is needed")
    if not set(table["run"]) & set(log.run_names):
        raise InputError(
            f"{path}: none of its runs is in the log, which has {log.run_names[0]} ..."
        )
    logged = log.runs.set_index("run")
    known = table.set_index("run").reindex(logged.index)
    return replace(log, runs=known.combine_first(logged)[_columns(logged, known)].reset_index())


def _columns(logged: pd.DataFrame, known: pd.DataFrame) -> list[str]:
    return [*logged.columns, *(name for name in known.columns if name not in logged)]
