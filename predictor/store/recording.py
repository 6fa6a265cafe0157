"""Forecasts as they were made, and gates: kept, the same one once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from predictor._version import __version__
from predictor.errors import InputError
from predictor.fitting.forecast import Forecast
from predictor.store import schema
from predictor.store.store import Store, now, storable

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection

_LARGEST_GATE = 1024**2
#: Keys asked for at once: databases bound the parameters of a query.
_MOST_KEYS = 10_000


@dataclass(frozen=True)
class Made:
    """How forecasts were made; see :meth:`predictor.Workspace.record`."""

    predictor: str
    runs: Mapping[str, int]
    digest: str
    seen_until: Mapping[str, float]
    seed: int


def record(store: Store, forecasts: Sequence[Forecast], made: Made) -> list[int]:
    """Keep forecasts; return their numbers."""
    if not forecasts:
        return []
    with store.writing() as connection:
        own = _with_digests(store, connection, list(made.runs.values()))
        origins = {name: own[int(number)] for name, number in made.runs.items()}
        rows = [_row(store, forecast, made, origins.get(forecast.run)) for forecast in forecasts]
        insert_new(connection, rows)
        known = known_keys(store, connection, [row["key"] for row in rows])
    return [known[row["key"]] for row in rows]


def known_keys(store: Store, connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    """Return the numbers of forecasts by their keys, as far as they are there."""
    table = schema.forecasts
    mine = select(table.c.key, table.c.id).where(table.c.owner == store.owner)
    parts = [keys[first : first + _MOST_KEYS] for first in range(0, len(keys), _MOST_KEYS)]
    rows = [row for part in parts for row in connection.execute(mine.where(table.c.key.in_(part)))]
    return {row.key: row.id for row in rows}


def insert_new(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert forecasts, those that are there left as they are."""
    if not rows:
        return
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(schema.forecasts).on_conflict_do_nothing(index_elements=["owner", "key"])
    connection.execute(new, list({row["key"]: row for row in rows}.values()))


def _with_digests(
    store: Store, connection: Connection, ids: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """Return runs by number, each with the digest of its upload: what names it everywhere."""
    rows = store.own_runs(connection, ids)
    table = schema.uploads
    query = select(table.c.id, table.c.digest).where(table.c.id.in_({r["upload"] for r in rows}))
    digests = {row.id: row.digest for row in connection.execute(query)}
    return {row["id"]: {**row, "digest": digests[row["upload"]]} for row in rows}


def _row(
    store: Store, forecast: Forecast, made: Made, run: Mapping[str, Any] | None
) -> dict[str, Any]:
    told = {key: value for key, value in forecast.to_dict().items() if key != "run"}
    logged = _logged_until(forecast, run)
    row = {
        **told,
        "metric": storable(forecast.metric),
        "run_name": storable(forecast.run),
        "predictor": made.predictor,
        "version": __version__,
        "digest": made.digest,
        "seen_until": made.seen_until.get(forecast.run, logged),
        "seed": made.seed,
    }
    source = [run["digest"], run["source"]] if run else None
    key = sha256(json.dumps([row, source], sort_keys=True).encode()).hexdigest()
    kept = {"owner": store.owner, "key": key, "created": now(), "logged_until": logged}
    return {**row, **kept, "run": run["id"] if run else None}


def _logged_until(forecast: Forecast, run: Mapping[str, Any] | None) -> float | None:
    """Return how far the run's log has got on the axis of the forecast."""
    if run is None or len(forecast.at) != 1:
        return None
    (axis,) = forecast.at
    return run["ends"].get(storable(forecast.metric), {}).get(axis)


def forecasts_frame(store: Store) -> pd.DataFrame:
    """Return one row a forecast, newest first."""
    import pandas as pd

    table = schema.forecasts
    hidden = ("owner", "key")
    columns = [column for column in table.c if column.name not in hidden]
    query = select(*columns).where(table.c.owner == store.owner).order_by(table.c.id.desc())
    with store.reading() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    frame["created"] = pd.to_datetime(frame["created"], unit="s", utc=True)
    frame["warnings"] = frame["warnings"].map(tuple)
    return frame.astype(dict.fromkeys(("value", "lower", "upper", "extrapolation"), float))


def remember_gate(store: Store, name: str, toml: str) -> None:
    """Keep the text of a gate under a name."""
    name = " ".join(storable(name).split())
    if not name or len(name) > 200 or len(toml) > _LARGEST_GATE:
        raise InputError("a gate has a name of 1 to 200 characters and at most 1 MiB of TOML")
    table = schema.gates
    with store.writing() as connection:
        mine = (table.c.owner == store.owner, table.c.name == name)
        connection.execute(table.delete().where(*mine))
        row = {"owner": store.owner, "name": name, "toml": storable(toml), "created": now()}
        connection.execute(table.insert().values(row))


def gates(store: Store) -> dict[str, str]:
    """Return the gates by name."""
    table = schema.gates
    query = select(table.c.name, table.c.toml).where(table.c.owner == store.owner)
    with store.reading() as connection:
        return dict(connection.execute(query.order_by(table.c.name)).all())
