"""Responses of several strategies, scored by the model to be trained."""

from __future__ import annotations

from collections.abc import Sequence

from predictor.logs import columns as names
from predictor.logs.frames import read_table
from predictor.logs.layout import layout_of
from predictor.logs.registry import Reader
from predictor.logs.responses import SPELLINGS, response_frame
from predictor.logs.source import Source
from predictor.logs.tables import Log, ResponseLog


def sniff(source: Source) -> bool:
    """Return whether the columns name a strategy and an example."""
    layout = layout_of(source)
    if layout is None:
        return False
    columns = list(layout.columns)
    strategy = names.first_named(columns, SPELLINGS["strategy"][:2])
    return bool(strategy and names.first_named(columns, SPELLINGS["example"]))


def read(source: Source) -> Sequence[Log]:
    """Read scored responses into a ResponseLog."""
    table = read_table(source)
    responses = response_frame(table.frame, source.name)
    return [ResponseLog(responses.reset_index(drop=True), tuple(table.findings))]


READER = Reader(
    name="responses",
    description="Scored responses: strategy, example and tokens, log-likelihood or similarity",
    sniff=sniff,
    read=read,
)
