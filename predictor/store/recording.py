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
        own = {row["id"]: row for row in store.own_runs(connection, list(made.runs.values()))}
        origins = {name: own[int(number)] for name, number in made.runs.items()}
        rows = [_row(store, forecast, made, origins.get(forecast.run)) for forecast in forecasts]
        _insert_new(connection, rows)
        table = schema.forecasts
        mine = (table.c.owner == store.owner, table.c.key.in_([row["key"] for row in rows]))
        known = dict(connection.execute(select(table.c.key, table.c.id).where(*mine)).all())
    return [known[row["key"]] for row in rows]


def _insert_new(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(schema.forecasts).on_conflict_do_nothing(index_elements=["owner", "key"])
    connection.execute(new, list({row["key"]: row for row in rows}.values()))


def _row(
    store: Store, forecast: Forecast, made: Made, run: Mapping[str, Any] | None
) -> dict[str, Any]:
    told = {key: value for key, value in forecast.to_dict().items() if key != "run"}
    seen = {k: v for k, v in made.seen_until.items() if k == forecast.run or k not in made.runs}
    row = {
        **told,
        "metric": storable(forecast.metric),
        "run_name": storable(forecast.run),
        "predictor": made.predictor,
        "version": __version__,
        "digest": made.digest,
        "seen_until": seen,
        "seed": made.seed,
    }
    source = [run["upload"], run["source"]] if run else None
    key = sha256(json.dumps([row, source], sort_keys=True).encode()).hexdigest()
    number = run["id"] if run else None
    return {
        **row,
        "logged_until": {},
        "run": number,
        "owner": store.owner,
        "key": key,
        "created": now(),
    }


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
