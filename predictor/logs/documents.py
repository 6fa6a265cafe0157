"""JSON documents, bounded and with errors that say where."""

from __future__ import annotations

import json
from typing import Any

from predictor.logs.source import Source


def read_json(source: Source) -> Any:
    """Parse a JSON document; bare NaN is allowed.

    Raises
    ------
    InputError
        If it is larger than the bound, not UTF-8, cut off, broken or nested too deeply.
    """
    text = source.decode(source.document())
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        what = "the JSON is cut off" if cut else f"the JSON is broken ({error.msg.lower()})"
        raise source.error(
            f"line {error.lineno}, column {error.colno}: {what}; write or copy the file again"
        ) from None
    except (RecursionError, ValueError):
        raise source.error("the JSON is nested too deeply or holds absurd numbers") from None
